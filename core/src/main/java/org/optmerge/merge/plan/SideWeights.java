package org.optmerge.merge.plan;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.SideFile;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.recipe.Position;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;

/**
 * Decides about the files of input folders that hold weights and are not read: what would be lost
 * is refused, what is only the same once more is named.
 */
final class SideWeights {
  private static final int MOST = 4;

  private final Recipe recipe;
  private final InputModel donor;
  private final PlanFindings findings;
  private final CoverageLedger ledger;
  private final Set<Path> done = new LinkedHashSet<>();

  SideWeights(Recipe recipe, InputModel donor, PlanFindings findings, CoverageLedger ledger) {
    this.recipe = recipe;
    this.donor = donor;
    this.findings = findings;
    this.ledger = ledger;
  }

  /**
   * Books the files beside the weights of a model and its adapters.
   *
   * @param at where the recipe names the model
   */
  void check(InputModel model, Position at) {
    Checkpoint checkpoint = model.checkpoint();
    if (done.add(checkpoint.folder())) {
      boolean isDonor = checkpoint == donor.checkpoint();
      Map<String, List<SideFile>> fates = new TreeMap<>();
      for (SideFile file : checkpoint.sideFiles()) {
        String fate = isDonor ? donorFate(file) : fate(checkpoint, file, model, at);
        if (!fate.isEmpty()) {
          fates.computeIfAbsent(fate, key -> new ArrayList<>()).add(file);
        }
      }
      book(model.name(), checkpoint.folder(), fates);
    }
    for (LoraAdapter adapter : model.adapters()) {
      if (done.add(adapter.folder())) {
        Map<String, List<SideFile>> fates = new TreeMap<>();
        adapter
            .sideFiles()
            .forEach(
                file ->
                    fates
                        .computeIfAbsent(
                            "not read: " + file.kind().words(), key -> new ArrayList<>())
                        .add(file));
        book(model.name(), adapter.folder(), fates);
        tensorsBeside(model.name(), adapter);
      }
    }
  }

  private static String donorFate(SideFile file) {
    return switch (file.kind()) {
      case TENSORS, UNREADABLE, SEPARATE, MODEL -> "carried over as it is, not merged";
      case COPY, STATE, EARLIER -> "not read: " + file.kind().words();
    };
  }

  private String fate(Checkpoint checkpoint, SideFile file, InputModel model, Position at) {
    if (file.kind() != SideFile.Kind.TENSORS && file.kind() != SideFile.Kind.UNREADABLE) {
      return "not read: " + file.kind().words();
    }
    Path own = checkpoint.folder().resolve(file.file());
    Path other = donor.checkpoint().folder().resolve(file.file());
    if (isSame(own, other)) {
      return "";
    }
    if (recipe.extra() == Recipe.Extra.UNION && !Files.exists(other) && isSmall(own)) {
      return "carried over as it is, not merged";
    }
    findings.problem(
        at,
        "model '%s': %s holds weights that no index or name makes part of the model, and '%s' does not have the same; add its tensors to the model's own files, or move it out of the folder if it is no part of the model"
            .formatted(model.name(), file.file(), donor.name()));
    return "";
  }

  private static boolean isSmall(Path file) {
    try {
      return Files.size(file) <= FileUnion.LARGEST;
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean isSame(Path own, Path other) {
    try {
      return Files.isRegularFile(other) && Files.mismatch(own, other) < 0;
    } catch (IOException e) {
      return false;
    }
  }

  private void book(String model, Path folder, Map<String, List<SideFile>> fates) {
    fates.forEach(
        (fate, files) -> {
          files.forEach(
              file -> ledger.file(model, fate, file.file(), size(folder.resolve(file.file()))));
          findings.notice("'%s': %s %s".formatted(model, names(files), plural(fate, files.size())));
        });
  }

  private static String plural(String fate, int count) {
    return (count == 1 ? "is " : "are ") + fate;
  }

  private static String names(List<SideFile> files) {
    return files.stream()
            .limit(MOST)
            .map(file -> file.file().toString())
            .collect(Collectors.joining(", "))
        + (files.size() > MOST ? " and %d more files".formatted(files.size() - MOST) : "");
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      return 0;
    }
  }

  private void tensorsBeside(String model, LoraAdapter adapter) {
    List<Path> files = adapter.tensors().weightFiles();
    for (Path file : files.subList(1, files.size())) {
      List<TensorInfo> inside =
          adapter.tensors().tensors().stream().filter(it -> it.file().equals(file)).toList();
      findings.notice(
          "'%s': %s of %s beside the adapter %s part of it"
              .formatted(
                  model,
                  inside.size() == 1 ? "the tensor" : "the %d tensors".formatted(inside.size()),
                  adapter.folder().relativize(file),
                  inside.size() == 1 ? "is" : "are"));
    }
  }
}
