package org.optmerge.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.optmerge.analysis.TaskVectorSpectra;
import org.optmerge.analysis.TaskVectorStatistics;
import org.optmerge.analysis.TaskVectorStatistics.Expert;
import org.optmerge.analysis.TaskVectorStatistics.Omission;
import org.optmerge.analysis.TaskVectorStatistics.Parameter;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge diff}. */
@Command(
    name = "diff",
    description =
        "Show what experts learned: norms of their task vectors, how far they agree, where they"
            + " conflict.")
final class DiffCommand extends Subcommand {
  @Parameters(index = "0", paramLabel = "BASE", description = "The checkpoint that was fine-tuned.")
  private Path base;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "EXPERT",
      description = "Fine-tuned checkpoints, or LoRA adapters for the base.")
  private List<Path> experts;

  @Mixin private TensorSelection selection;

  @Option(
      names = "--top",
      paramLabel = "N",
      defaultValue = "10",
      description = "List the N tensors that changed most (default: ${DEFAULT-VALUE}).")
  private int top;

  @Option(names = "--layers", description = "List the norm of every layer.")
  private boolean layers;

  @Option(
      names = "--plots",
      paramLabel = "DIR",
      description =
          "Draw the distribution of magnitudes, the norm per layer and the cosines, as PNG and SVG"
              + " files in this folder.")
  private @Nullable Path plots;

  @Option(
      names = "--spectra",
      description =
          "Decompose every matrix: effective ranks, and how far the experts' row spaces overlap."
              + " Takes far longer.")
  private boolean spectra;

  @Option(
      names = "--merged",
      paramLabel = "DIR",
      description =
          "With --spectra: a merge of the experts, whose interference with them (equation 1) is"
              + " shown beside that of their mean and their sum.")
  private @Nullable Path merged;

  @Mixin private ThreadsOption threads;

  @Override
  public Integer call() throws IOException {
    Console console = main.console();
    if (merged != null && !spectra) {
      throw wrong("--merged is for --spectra; give both");
    }
    if (plots != null) {
      Files.createDirectories(plots); // one that cannot be written is known before the work
    }
    List<String> names = names(experts);
    Map<String, Path> folders = new LinkedHashMap<>();
    for (int t = 0; t < names.size(); t++) {
      folders.put(names.get(t), experts.get(t));
    }
    TaskVectorStatistics statistics;
    @Nullable TaskVectorSpectra decomposed = null;
    try (ProgressLine progress = console.progress()) {
      progress.phase("comparing");
      statistics =
          TaskVectorStatistics.of(base, folders, selection::selects, threads.count(), progress);
      if (spectra) {
        progress.phase("decomposing");
        decomposed = TaskVectorSpectra.of(base, folders, merged, selection::selects, progress);
      }
    }
    List<Path> drawn = plots == null ? List.of() : DiffPlots.draw(statistics, plots);
    Optional<TaskVectorSpectra> found = Optional.ofNullable(decomposed);
    console.result(
        () -> text(console, statistics, found, drawn), () -> json(statistics, found, drawn));
    omissions(console, "compared", statistics.omissions());
    found.ifPresent(some -> omissions(console, "decomposed", some.omissions()));
    nonFinite(console, statistics);
    return 0;
  }

  /** The folders' own names where these differ, else their paths, else numbered. */
  static List<String> names(List<Path> folders) {
    List<String> names =
        folders.stream()
            .map(folder -> String.valueOf(folder.toAbsolutePath().normalize().getFileName()))
            .toList();
    if (names.stream().distinct().count() == names.size()) {
      return names;
    }
    List<String> paths = folders.stream().map(Path::toString).toList();
    return paths.stream().distinct().count() == paths.size()
        ? paths
        : IntStream.range(0, paths.size()).mapToObj(t -> paths.get(t) + " #" + (t + 1)).toList();
  }

  private List<String> text(
      Console console,
      TaskVectorStatistics statistics,
      Optional<TaskVectorSpectra> decomposed,
      List<Path> drawn) {
    List<String> lines = new ArrayList<>(console.lines(experts(statistics)));
    if (statistics.experts().size() > 1) {
      lines.add("");
      lines.addAll(
          console.lines(
              SpectraPrinter.square("cosine", statistics.experts(), statistics.total()::cosine)));
      lines.add("");
      lines.add(
          "sign conflict: %s of the entries that two or more experts changed"
              .formatted(Percent.withSign(statistics.total().signConflict())));
    }
    if (layers) {
      lines.add("");
      lines.addAll(console.lines(layers(statistics)));
    }
    if (top > 0) {
      lines.add("");
      lines.addAll(console.lines(parameters(statistics)));
    }
    decomposed.ifPresent(found -> lines.addAll(new SpectraPrinter(found).text(console, top)));
    if (!drawn.isEmpty()) {
      lines.add("");
      drawn.forEach(file -> lines.add("drawn: " + file));
    }
    return lines;
  }

  private static TextTable experts(TaskVectorStatistics statistics) {
    TextTable table =
        new TextTable()
            .left("expert")
            .right("norm")
            .right("of base")
            .right("unchanged")
            .right("tensors changed")
            .right("largest")
            .left("at");
    for (int t = 0; t < statistics.experts().size(); t++) {
      Expert expert = statistics.total().experts().get(t);
      table.row(
          statistics.experts().get(t),
          Quantities.number(expert.norm()),
          Percent.withSign(statistics.total().relativeNorm(t)),
          Percent.withSign(expert.shareOfZeros()),
          "%d of %d".formatted(statistics.changedParameters(t), statistics.parameters().size()),
          Quantities.number(expert.largest()),
          expert.largestAt().map(Object::toString).orElse("-"));
    }
    return table;
  }

  private static TextTable layers(TaskVectorStatistics statistics) {
    TextTable table = new TextTable().left("norm by layer");
    statistics.experts().forEach(table::right);
    statistics
        .normsByLayer()
        .forEach(
            (layer, norms) -> {
              List<String> row = new ArrayList<>(List.of(layer));
              norms.forEach(norm -> row.add(Quantities.number(norm)));
              table.row(row);
            });
    return table;
  }

  /** The parameters with the largest relative norm of any expert. */
  private TextTable parameters(TaskVectorStatistics statistics) {
    TextTable table = new TextTable().left("norm, of the base's");
    statistics.experts().forEach(table::right);
    boolean several = statistics.experts().size() > 1;
    if (several) {
      table.right("sign conflict");
    }
    statistics.parameters().stream()
        .sorted(Comparator.comparingDouble(DiffCommand::largestRelativeNorm).reversed())
        .limit(top)
        .forEach(
            parameter -> {
              List<String> row = new ArrayList<>(List.of(parameter.name()));
              for (int t = 0; t < statistics.experts().size(); t++) {
                row.add(Percent.withSign(parameter.relativeNorm(t)));
              }
              if (several) {
                row.add(Percent.withSign(parameter.signConflict()));
              }
              table.row(row);
            });
    return table;
  }

  private static double largestRelativeNorm(Parameter parameter) {
    double largest = 0;
    for (int t = 0; t < parameter.experts().size(); t++) {
      double norm = parameter.relativeNorm(t);
      largest = Double.isNaN(norm) ? largest : Math.max(largest, norm);
    }
    return largest;
  }

  /** One note for each model and reason. */
  private static void omissions(Console console, String done, List<Omission> omissions) {
    record Kind(String model, String reason) {}
    Map<Kind, List<String>> kinds = new LinkedHashMap<>();
    for (Omission omission : omissions) {
      kinds
          .computeIfAbsent(new Kind(omission.model(), omission.reason()), kind -> new ArrayList<>())
          .add(omission.tensor());
    }
    kinds.forEach(
        (kind, tensors) ->
            console.notice(
                "%s: %s not %s, %s: %s%s"
                    .formatted(
                        kind.model(),
                        Quantities.of(tensors.size(), "tensor"),
                        done,
                        kind.reason(),
                        String.join(", ", tensors.subList(0, Math.min(3, tensors.size()))),
                        tensors.size() > 3 ? ", ..." : "")));
  }

  private static void nonFinite(Console console, TaskVectorStatistics statistics) {
    for (int t = 0; t < statistics.experts().size(); t++) {
      Expert expert = statistics.total().experts().get(t);
      if (expert.nonFinite() > 0) {
        console.warning(
            "%s: %s NaN or infinite in it or in the base, the first at %s; they are left out above"
                .formatted(
                    statistics.experts().get(t),
                    expert.nonFinite() == 1 ? "1 entry is" : expert.nonFinite() + " entries are",
                    expert.firstNonFinite().map(Object::toString).orElse("an unknown place")));
      }
    }
  }

  private static ObjectNode json(
      TaskVectorStatistics statistics, Optional<TaskVectorSpectra> decomposed, List<Path> drawn) {
    ObjectNode node = Json.object();
    statistics.experts().forEach(node.putArray("experts")::add);
    node.set("total", json(statistics.experts(), statistics.total()));
    for (int t = 0; t < statistics.experts().size(); t++) {
      ((ObjectNode) node.path("total").path("experts").path(t))
          .put("changed_tensors", statistics.changedParameters(t));
    }
    ArrayNode parameters = node.putArray("tensors");
    statistics
        .parameters()
        .forEach(parameter -> parameters.add(json(statistics.experts(), parameter)));
    Json.put(node, "norms_by_layer", statistics.normsByLayer());
    Json.put(node, "not_compared", statistics.omissions());
    decomposed.ifPresent(found -> node.set("spectra", new SpectraPrinter(found).json()));
    if (!drawn.isEmpty()) {
      Json.put(node, "plots", drawn);
    }
    return node;
  }

  private static ObjectNode json(List<String> names, Parameter parameter) {
    ObjectNode node = Json.object();
    node.put("name", parameter.name());
    parameter.shape().forEach(node.putArray("shape")::add);
    Json.put(node, "base_norm", parameter.baseNorm());
    ArrayNode experts = node.putArray("experts");
    ArrayNode cosines = node.putArray("cosines");
    for (int t = 0; t < names.size(); t++) {
      Expert expert = parameter.experts().get(t);
      ObjectNode element = experts.addObject();
      element.put("name", names.get(t));
      element.put("entries", expert.entries());
      Json.put(element, "norm", expert.norm());
      Json.put(element, "relative_norm", parameter.relativeNorm(t));
      Json.put(element, "largest", expert.largest());
      Json.put(element, "largest_at", expert.largestAt().map(Place::of));
      element.put("zeros", expert.zeros());
      element.put("non_finite", expert.nonFinite());
      Json.put(element, "first_non_finite", expert.firstNonFinite().map(Place::of));
      int expertNumber = t;
      cosines.add(
          Json.<JsonNode>tree(
              IntStream.range(0, names.size())
                  .mapToDouble(other -> parameter.cosine(expertNumber, other))
                  .boxed()
                  .toList()));
    }
    node.put("contested", parameter.contested());
    node.put("conflicts", parameter.conflicts());
    Json.put(node, "sign_conflict", parameter.signConflict());
    return node;
  }

  private record Place(String tensor, List<Long> position) {
    static Place of(TaskVectorStatistics.Entry entry) {
      return new Place(entry.parameter(), entry.position());
    }
  }
}
