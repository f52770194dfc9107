package org.optmerge.evaluation.published;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.evaluation.StudyMerge;

/**
 * A table of the paper that can be made anew from published files. The models are facts of the
 * paper, in {@code real-tables.json}; they are found by their manifests.
 *
 * @param table such as {@code table2}
 * @param base the manifest of the model that experts are fine-tuned from
 * @param baseRow its row in the paper; null if it has none
 * @param experts manifests by their rows
 * @param reference the manifest of another model of the table; null if there is none
 * @param referenceRow its row
 * @param adapters true if the experts were trained with LoRA, which decides OptMerge's form
 * @param include patterns of the names of tensors that are merged
 * @param merges which methods: {@code paper}, {@code ablation} or {@code optmerge}
 * @param benchmarks the columns, as {@link PublishedBenchmark#names} knows them
 */
public record RealTable(
    String table,
    String base,
    @Nullable String baseRow,
    Map<String, String> experts,
    @Nullable String reference,
    @Nullable String referenceRow,
    boolean adapters,
    List<String> include,
    String merges,
    List<String> benchmarks) {
  /** Copies the collections. */
  public RealTable {
    experts = Collections.unmodifiableMap(new LinkedHashMap<>(experts));
    include = List.copyOf(include);
    benchmarks = List.copyOf(benchmarks);
  }

  /** All that there are. */
  public static List<RealTable> all() {
    try (InputStream in =
        Objects.requireNonNull(RealTable.class.getResourceAsStream("real-tables.json"))) {
      return Json.snakeCase().readValue(in, new TypeReference<List<RealTable>>() {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The one of a name. */
  public static Optional<RealTable> find(String table) {
    return all().stream().filter(one -> one.table.equals(table)).findFirst();
  }

  /** Models that no merge makes, manifests by their rows, in the paper's order. */
  Map<String, String> singles() {
    Map<String, String> singles = new LinkedHashMap<>();
    if (baseRow != null) {
      singles.put(baseRow, base);
    }
    singles.putAll(experts);
    return singles;
  }

  /** The merges, in the paper's order. */
  List<StudyMerge> methods() {
    List<StudyMerge> all = StudyMerge.ofPaper(adapters);
    return switch (merges) {
      case "ablation" -> StudyMerge.ablation();
      case "optmerge" -> all.stream().filter(StudyMerge::isOptMerge).toList();
      default -> all;
    };
  }
}
