package org.optmerge.evaluation;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.MiniPrompt;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.merge.MergePlan;
import org.optmerge.model.InternVL;

/**
 * Judges models and merges on the miniature, and keeps each row in a file as soon as it is known:
 * tables share rows, and a study that was interrupted goes on.
 *
 * <p>λ is chosen on the validation split, by the rule of {@link MergeSearch}.
 */
public final class MiniStudy {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final Consumer<String> progress;
  private final Map<String, MiniRow> rows;
  private final Supplier<MiniEvaluator> validation;
  private final Supplier<MiniEvaluator> test;

  /**
   * @param file where the rows are kept; read if it is there
   * @param testSize questions of each task that a model is judged by
   * @param progress is told what is being done
   */
  public MiniStudy(Path file, int testSize, Consumer<String> progress) {
    this.file = file;
    this.progress = progress;
    this.rows = read(file);
    this.validation =
        once(
            () ->
                new MiniEvaluator(
                    MiniSplit.VALIDATION,
                    MiniTask.CAPABILITIES,
                    MiniSplit.VALIDATION.size(),
                    MiniPrompt.Form.QUESTION));
    this.test =
        once(
            () ->
                new MiniEvaluator(
                    MiniSplit.TEST,
                    List.of(MiniTask.values()),
                    testSize,
                    MiniPrompt.Form.QUESTION));
  }

  private static <T> Supplier<T> once(Supplier<T> supplier) {
    return new Supplier<>() {
      private @Nullable T value;

      @Override
      public T get() {
        if (value == null) {
          value = supplier.get();
        }
        return value;
      }
    };
  }

  /** The rows that are known, by family and label. */
  public Map<String, MiniRow> rows() {
    return rows;
  }

  /** The row of a model that no merge made. */
  public MiniRow single(MiniFamily family, String label, Path model) {
    return row(
        family,
        label,
        () -> {
          boolean adapter = family.adapters() && family.experts().containsValue(model);
          try (InternVL opened = InternVL.open(adapter ? family.base() : model)) {
            if (adapter) {
              opened.apply(model);
            }
            return MiniRow.of(label, test.get().evaluate(label, opened, answered -> {}));
          }
        });
  }

  /** The row of a merge of a family's experts, with the best λ. */
  public MiniRow merge(MiniFamily family, MiniMerge merge) {
    return merge(family, merge, family.recipeModels());
  }

  /** The row of a merge of any experts of the family's base, with the best λ. */
  public MiniRow merge(MiniFamily family, MiniMerge merge, List<String> experts) {
    return row(
        family,
        merge.label(),
        () -> {
          try (MergePlan plan = merge.plan(family.base(), experts, 0);
              InternVL model = InternVL.open(family.base())) {
            MergeSearch search = new MergeSearch(model, validation.get(), test.get());
            return MiniRow.of(
                search.search(
                    merge.label(),
                    plan,
                    MergeSearch.PAPER_GRID,
                    MergeSearch.BEYOND,
                    tried ->
                        progress.accept(
                            "%s, %s: λ = %s, %.1f %% on validation"
                                .formatted(
                                    family.title(),
                                    merge.label(),
                                    tried.scaling(),
                                    100 * tried.validation().mean()))));
          }
        });
  }

  private MiniRow row(MiniFamily family, String label, Supplier<MiniRow> compute) {
    String key = family.name() + "/" + label;
    MiniRow known = rows.get(key);
    if (known != null) {
      return known;
    }
    progress.accept("%s, %s".formatted(family.title(), label));
    MiniRow row = compute.get();
    rows.put(key, row);
    write();
    return row;
  }

  private static Map<String, MiniRow> read(Path file) {
    if (!Files.exists(file)) {
      return new LinkedHashMap<>();
    }
    try {
      return JSON.readValue(file.toFile(), new TypeReference<LinkedHashMap<String, MiniRow>>() {});
    } catch (IOException e) {
      throw new UncheckedIOException("%s: holds no results".formatted(file), e);
    }
  }

  /** One row a line, so that a changed row is a changed line in version control. */
  private void write() {
    try {
      List<String> lines = new ArrayList<>();
      for (Map.Entry<String, MiniRow> row : rows.entrySet()) {
        lines.add(
            "%s: %s"
                .formatted(
                    JSON.writeValueAsString(row.getKey()),
                    JSON.writeValueAsString(row.getValue())));
      }
      Files.createDirectories(file.toAbsolutePath().getParent());
      Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
      Files.writeString(unfinished, "{\n" + String.join(",\n", lines) + "\n}\n");
      Files.move(
          unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(file), e);
    }
  }
}
