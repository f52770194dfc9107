package org.optmerge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.ExternalFiles;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.plan.Stages;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeParser;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A recipe, and what may be said of it on the command line. */
final class RecipeSource {
  @Parameters(
      index = "0",
      paramLabel = "RECIPE",
      description = "A YAML file, in mergekit's grammar; see README.md.")
  private Path recipe;

  @Option(
      names = {"--seed", "--random-seed"},
      paramLabel = "S",
      description = "The seed of methods that draw random numbers (default: the recipe's, or 0).")
  private @Nullable Long seed;

  @Option(
      names = "--out-shard-size",
      paramLabel = "SIZE",
      converter = ByteSize.ShardSize.class,
      description =
          "Largest weight file where the base's own division cannot be kept, such as 5GB.")
  private @Nullable ByteSize shardSize;

  @Option(
      names = "--allow-external-shards",
      description = "Read weight files that an index or a link puts outside a model's folder.")
  private boolean allowExternalShards;

  @Option(
      names = "--strict-index",
      description =
          "Refuse models whose weight files and index do not say the same, instead of a note.")
  private boolean strictIndex;

  @Option(
      names = "--unsafe-truncate-embeddings",
      description =
          "Cut vocabularies of different sizes to the shortest, as mergekit's option does.")
  private boolean truncate;

  /** The recipe's file and what options change of it, for provenance. */
  String text() throws IOException {
    return "%s\nseed %s, truncated %s".formatted(Files.readString(recipe), seed, truncate);
  }

  /**
   * The plan of a recipe of one document; to be closed.
   *
   * @param allowNonFinite NaN and infinity may pass, whatever the recipe says
   */
  MergePlan plan(boolean allowNonFinite) {
    return plan(with(RecipeParser.parse(recipe), allowNonFinite), null);
  }

  /**
   * The recipe's documents, each after those whose results it reads.
   *
   * @param allowNonFinite NaN and infinity may pass, whatever the recipe says
   */
  List<Recipe> stages(boolean allowNonFinite) {
    return Stages.inOrder(
        RecipeParser.parseStages(recipe).stream().map(it -> with(it, allowNonFinite)).toList());
  }

  private Recipe with(Recipe parsed, boolean allowNonFinite) {
    Recipe seeded = seed == null ? parsed : parsed.withSeed(seed);
    Recipe allowing = allowNonFinite ? seeded.withAllowNonFinite(true) : seeded;
    return truncate ? allowing.withTruncatedVocabularies() : allowing;
  }

  /**
   * The plan of one document; to be closed.
   *
   * @param results the folder in which stages have left their results; null if there are none
   */
  MergePlan plan(Recipe document, @Nullable Path results) {
    List<Path> folders = new ArrayList<>(List.of(document.folder(), Path.of("")));
    if (results != null) {
      folders.add(0, results);
    }
    ExternalFiles external = allowExternalShards ? ExternalFiles.ALLOW : ExternalFiles.REFUSE;
    long shardBytes = shardSize == null ? Planner.SHARD_BYTES : shardSize.bytes();
    return Planner.plan(document, folders, external, strictIndex, shardBytes);
  }
}
