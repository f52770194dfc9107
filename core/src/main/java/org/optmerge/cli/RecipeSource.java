package org.optmerge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.ExternalFiles;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.plan.Planner;
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

  /** The recipe's file and what options change of it, for provenance. */
  String text() throws IOException {
    return "%s\nseed %s".formatted(Files.readString(recipe), seed);
  }

  /**
   * The plan; to be closed.
   *
   * @param allowNonFinite NaN and infinity may pass, whatever the recipe says
   */
  MergePlan plan(boolean allowNonFinite) {
    Recipe parsed = RecipeParser.parse(recipe);
    Recipe seeded = seed == null ? parsed : parsed.withSeed(seed);
    Recipe allowing = allowNonFinite ? seeded.withAllowNonFinite(true) : seeded;
    List<Path> folders = List.of(seeded.folder(), Path.of(""));
    ExternalFiles external = allowExternalShards ? ExternalFiles.ALLOW : ExternalFiles.REFUSE;
    long shardBytes = shardSize == null ? Planner.SHARD_BYTES : shardSize.bytes();
    return Planner.plan(allowing, folders, external, shardBytes);
  }
}
