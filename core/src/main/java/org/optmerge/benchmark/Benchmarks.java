package org.optmerge.benchmark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.manifest.BenchmarkEntry;
import org.optmerge.manifest.BenchmarkEntry.ImageTable;
import org.optmerge.manifest.BenchmarkEntry.Loader;
import org.optmerge.manifest.DataFolder;
import org.optmerge.manifest.Manifest;
import org.optmerge.manifest.Manifests;

/**
 * Every benchmark by the name that its kit gives it: the miniature, and what manifests describe.
 */
public final class Benchmarks {
  /** Files as the hub's library writes them, such as {@code val-00001-of-00004.parquet}. */
  private static final Pattern PART =
      Pattern.compile("(.*)-(\\d{1,9})-of-(\\d{1,9})(\\.[^/\\\\]*)");

  private Benchmarks() {}

  /** The names that {@link #open} knows: those of the miniature, then those of the manifests. */
  public static List<String> names() {
    List<String> names = new ArrayList<>();
    names.add(CapabilityBenchmark.NAME);
    for (MiniTask task : MiniTask.values()) {
      names.add(CapabilityBenchmark.NAME + ":" + task.key());
    }
    names.addAll(Manifests.shipped().benchmarkNames());
    return names;
  }

  /**
   * Opens a benchmark; its files are read when its examples are.
   *
   * @param name such as {@code mini:chart}, {@code ChartQA_TEST} or {@code refcoco_bbox_rec_val}
   * @param dataFolder where fetched files are, see {@link DataFolder}
   * @throws BenchmarkException if there is no such benchmark, or its files are not there; the
   *     message names the command that fetches them
   */
  public static Benchmark open(String name, Path dataFolder) {
    if (name.equals(CapabilityBenchmark.NAME) || name.startsWith(CapabilityBenchmark.NAME + ":")) {
      try {
        return CapabilityBenchmark.of(name);
      } catch (IllegalArgumentException e) {
        throw new BenchmarkException(String.valueOf(e.getMessage()), e);
      }
    }
    DataFolder data = new DataFolder(dataFolder);
    return open(name, Manifests.of(data), data);
  }

  /** As {@link #open(String, Path)}, of other manifests than those that come with the library. */
  public static Benchmark open(String name, Manifests manifests, DataFolder data) {
    BenchmarkEntry entry = manifests.findBenchmark(name).orElse(null);
    Manifest manifest = manifests.find(name).orElse(null);
    if (manifest == null) {
      throw new BenchmarkException(
          "no benchmark '%s'%s ('optmerge manifests' lists them)"
              .formatted(name, manifests.suggestion(name)));
    }
    if (entry == null) {
      if (manifest.benchmarks().size() != 1) {
        throw new BenchmarkException(
            "'%s' is no benchmark; %s"
                .formatted(
                    name,
                    manifest.benchmarks().isEmpty()
                        ? "it is " + manifest.kind()
                        : "it has several: "
                            + String.join(
                                ", ",
                                manifest.benchmarks().stream()
                                    .map(BenchmarkEntry::name)
                                    .toList())));
      }
      entry = manifest.benchmarks().get(0);
    }
    return open(entry, manifest, data);
  }

  private static Benchmark open(BenchmarkEntry entry, Manifest manifest, DataFolder data) {
    Loader loader = entry.loader();
    Map<String, String> columns = loader.columns();
    List<Path> files = find(entry, manifest, data, loader.files());
    Path media =
        loader.media() == null ? data.of(manifest) : data.of(manifest).resolve(loader.media());
    return switch (loader.format()) {
      case VLMEVALKIT_TSV -> new TsvBenchmark(entry.name(), files.get(0), columns);
      case PARQUET ->
          new ParquetBenchmark(
              entry.name(),
              files,
              columns,
              loader.explode(),
              table(entry, manifest, data, loader.images()));
      case JSON_LINES, JSON_ARRAY -> new JsonBenchmark(entry.name(), files, columns, media);
      case CONVERSATIONS ->
          new ConversationBenchmark(
              entry.name(), files.get(0), answers(entry, manifest, data), media);
    };
  }

  private static @Nullable Path answers(BenchmarkEntry entry, Manifest manifest, DataFolder data) {
    String answers = entry.loader().columns().get("answers");
    return answers == null ? null : find(entry, manifest, data, List.of(answers)).get(0);
  }

  private static ParquetBenchmark.@Nullable Table table(
      BenchmarkEntry entry, Manifest manifest, DataFolder data, @Nullable ImageTable images) {
    return images == null
        ? null
        : new ParquetBenchmark.Table(
            find(entry, manifest, data, images.files()),
            images.key(),
            images.image(),
            images.reference());
  }

  private static List<Path> find(
      BenchmarkEntry entry, Manifest manifest, DataFolder data, List<String> patterns) {
    List<Path> files = data.find(manifest, patterns);
    if (files.isEmpty()) {
      throw new BenchmarkException(
          "benchmark %s is not there: no %s in '%s'; to get it: optmerge fetch '%s'%s"
              .formatted(
                  entry.name(),
                  String.join(", ", patterns),
                  data.of(manifest),
                  entry.name(),
                  data.equals(DataFolder.ofEnvironment(System.getenv()))
                      ? ""
                      : " --out '%s'".formatted(data.root())));
    }
    requireAllParts(entry, files);
    return files;
  }

  /** Files that say in their names how many they are must all be there. */
  private static void requireAllParts(BenchmarkEntry entry, List<Path> files) {
    Map<String, Set<Integer>> parts = new TreeMap<>();
    for (Path file : files) {
      Matcher part = PART.matcher(file.toString());
      if (part.matches()) {
        parts
            .computeIfAbsent(
                "%s-*-of-%s%s".formatted(part.group(1), part.group(3), part.group(4)),
                any -> new TreeSet<>())
            .add(Integer.valueOf(part.group(2)));
      }
    }
    parts.forEach(
        (pattern, numbers) -> {
          int all = Integer.parseInt(PART.matcher(pattern.replace("*", "0")).replaceFirst("$3"));
          if (numbers.size() < all) {
            throw new BenchmarkException(
                "benchmark %s is cut short: of '%s' %d of %d files are there; to get the others: optmerge fetch '%s'"
                    .formatted(entry.name(), pattern, numbers.size(), all, entry.name()));
          }
        });
  }
}
