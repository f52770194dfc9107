package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.benchmark.mini.CapabilityRecipe;
import org.optmerge.benchmark.mini.MiniatureTraining;
import org.optmerge.benchmark.mini.TrainingRecipe;
import org.optmerge.benchmark.mini.stage.ModalityRecipe;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge train}. */
@Command(
    name = "train",
    description = {
      "Train the models of the miniature benchmark from scratch: those of capabilities ('mini') or of"
          + " modalities ('omni').",
      "What is trained already is not trained again; what was interrupted goes on from its last"
          + " saved state, to the same weights."
    })
final class TrainCommand extends Subcommand {
  /** The recipes of what can be trained, by name. */
  static final SortedMap<String, Class<? extends TrainingRecipe>> RECIPES =
      new TreeMap<>(Map.of("mini", CapabilityRecipe.class, "omni", ModalityRecipe.class));

  @Parameters(
      paramLabel = "mini|omni",
      completionCandidates = Names.TrainingTargets.class,
      description =
          "What to train: the miniature's experts, or its models of picture, sound and film.")
  private String target;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "NAME",
      completionCandidates = Names.TrainedModels.class,
      description = "Only these models, and those that they continue (default: all).")
  private @Nullable List<String> only;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of initial weights and batches (default: ${DEFAULT-VALUE}, the shipped one).")
  private long seed = 1;

  @Option(
      names = "--recipe",
      paramLabel = "FILE",
      description = "Another recipe than that of the shipped models, in the same form.")
  private @Nullable Path recipe;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "Where models, logs and states are (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("mini-training");

  @Option(names = "--list", description = "Name the models, and train nothing.")
  private boolean list;

  @Override
  public Integer call() {
    @Nullable Class<? extends TrainingRecipe> type = RECIPES.get(target);
    if (type == null) {
      throw wrong(
          "there is no recipe for '%s'; 'mini' and 'omni' can be trained".formatted(target));
    }
    Console console = main.console();
    try (StatusLine status =
            console
                .status()
                .onInterrupt("the state that was saved last is kept; the same command goes on");
        ProgressLine progress = console.progress()) {
      MiniatureTraining training =
          new MiniatureTraining(
              recipe == null ? TrainingRecipe.shipped(type) : TrainingRecipe.read(type, recipe),
              seed,
              out,
              progress);
      List<String> names = only == null ? training.names() : only;
      for (String name : names) {
        if (!training.names().contains(name)) {
          throw wrong(
              "the recipe has no model '%s'; it has %s"
                  .formatted(name, String.join(", ", training.names())));
        }
      }
      if (list) {
        console.result(() -> names, () -> json(names, training));
        return 0;
      }
      for (String name : names) {
        boolean there = Files.exists(training.folder(name));
        Path folder = training.train(name);
        String said = "%s: %s".formatted(folder, there ? "was trained before" : "trained");
        progress.close();
        status.say(
            said,
            () -> {
              ObjectNode event = Console.event("trained");
              event.put("name", name);
              event.put("folder", folder.toString());
              return event;
            });
      }
      console.outcome(
          () -> List.of("%s in %s".formatted(Quantities.of(names.size(), "model"), out)),
          () -> json(names, training));
    }
    return 0;
  }

  private static ObjectNode json(List<String> names, MiniatureTraining training) {
    ObjectNode node = Json.object();
    ObjectNode models = node.putObject("models");
    names.forEach(name -> models.put(name, training.folder(name).toString()));
    return node;
  }
}
