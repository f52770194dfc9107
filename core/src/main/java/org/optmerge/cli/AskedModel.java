package org.optmerge.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.optmerge.OptMerge;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.ModelReference;
import org.optmerge.evaluation.MergeSearch;
import org.optmerge.evaluation.Provenance;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergedWeights;
import org.optmerge.model.Architecture;
import org.optmerge.model.ModelException;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.Precision;

/**
 * A model as a command names it: a folder, {@code BASE+ADAPTER}, or a recipe, whose merge is made
 * in memory.
 *
 * @param reference as it was written
 */
record AskedModel(String reference) {
  /** True if it is a recipe. */
  boolean isRecipe() {
    String lower = reference.toLowerCase(Locale.ROOT);
    try {
      return (lower.endsWith(".yaml") || lower.endsWith(".yml"))
          && Files.isRegularFile(Path.of(reference));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** The family, such as {@code internvl2_5}; reads the configuration alone. */
  String family() {
    if (!isRecipe()) {
      return Architecture.of(checkpoint()).key();
    }
    try (OptMerge merge = OptMerge.open(Path.of(reference))) {
      return Architecture.of(merge.plan().donor().folder()).key();
    }
  }

  private Path checkpoint() {
    try {
      Path checkpoint = ModelReference.of(reference).checkpoint();
      if (checkpoint != null) {
        return checkpoint;
      }
    } catch (IllegalArgumentException e) {
      throw new ModelException(String.valueOf(e.getMessage()), e);
    }
    throw new ModelException(
        "model '%s' is an adapter; name the model that it is for too, as BASE+ADAPTER"
            .formatted(reference));
  }

  /** The name for files and tables: the last parts of its paths. */
  String name() {
    String name =
        List.of(reference.split("\\+")).stream()
            .map(part -> String.valueOf(Path.of(part).toAbsolutePath().normalize().getFileName()))
            .collect(Collectors.joining("+"));
    return isRecipe() ? name.replaceFirst("\\.[^.]*$", "") : name;
  }

  /** The model; the caller closes it. */
  MultimodalModel open(Precision precision, Console console) {
    if (!isRecipe()) {
      return MultimodalModel.open(reference, precision);
    }
    try (OptMerge merge = OptMerge.open(Path.of(reference))) {
      merge.plan().warnings().forEach(console::warning);
      MultimodalModel model = MultimodalModel.open(merge.plan().donor().folder(), precision);
      try {
        MergeSearch.requireWholeIn(merge.plan(), model);
        MergedWeights weights = merge.weights();
        weights.names().forEach(name -> model.load(name, weights.weights(name)));
        return model;
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }
  }

  /** A digest of its weights and vocabulary, and of its recipe. */
  String origin() {
    if (!isRecipe()) {
      return Provenance.ofModel(reference);
    }
    try (OptMerge merge = OptMerge.open(Path.of(reference))) {
      return origin(Files.readString(Path.of(reference)), merge.plan());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A digest of a merge: of its recipe and all that it reads. */
  static String origin(String recipe, MergePlan plan) {
    return Sha256.of(
        recipe
            + plan.inputs().stream()
                .map(Checkpoint::folder)
                .distinct()
                .sorted()
                .map(folder -> Provenance.ofModel(folder.toString()))
                .collect(Collectors.joining("\n")));
  }
}
