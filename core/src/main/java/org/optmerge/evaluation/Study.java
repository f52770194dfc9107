package org.optmerge.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniPrompt;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.merge.MergePlan;
import org.optmerge.model.InternVL;

/**
 * Judges models and merges on the miniature, and keeps each row in a file as soon as it is known:
 * tables share rows, and a study that was interrupted goes on.
 *
 * <p>λ is chosen on the validation split, by the rule of {@link MergeSearch}. A row that is kept is
 * used again only if it follows from the same models, settings and questions; otherwise it is made
 * anew.
 */
public final class MiniStudy {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final Sizes sizes;
  private final Consumer<Report> listener;
  private final Map<String, MiniRow> rows;
  private final Map<String, MiniRow> recorded;
  private final Set<String> taken = new LinkedHashSet<>();
  private final Map<Path, String> digests = new HashMap<>();
  private final Supplier<MiniEvaluator> validation;
  private final Supplier<MiniEvaluator> test;
  private final boolean over;

  /**
   * How many questions of each task there are.
   *
   * @param validation by which λ is chosen
   * @param test by which a model is judged
   */
  public record Sizes(int validation, int test) {
    /** All of both splits. */
    public static final Sizes ALL = new Sizes(MiniSplit.VALIDATION.size(), MiniSplit.TEST.size());

    /**
     * @throws IllegalArgumentException if one is not positive
     */
    public Sizes {
      if (validation < 1 || test < 1) {
        throw new IllegalArgumentException(
            "a study needs at least one question of each task, has %d for validation and %d for the test"
                .formatted(validation, test));
      }
    }
  }

  /** A row that is wanted. */
  public sealed interface Wanted {
    /** Whose models they are. */
    MiniFamily family();

    /** As tables have it; within a family there is one row of a label. */
    String label();
  }

  /** A model that no merge made; one of the family's experts may be an adapter. */
  public record Single(MiniFamily family, String label, Path model) implements Wanted {
    private boolean isAdapter() {
      return family.adapters() && family.experts().containsValue(model);
    }
  }

  /**
   * A merge with the best λ.
   *
   * @param experts as a recipe names them
   */
  public record Merged(MiniFamily family, MiniMerge merge, List<String> experts) implements Wanted {
    /** Of the family's own experts. */
    public Merged(MiniFamily family, MiniMerge merge) {
      this(family, merge, family.recipeModels());
    }

    /** Copies the list. */
    public Merged {
      experts = List.copyOf(experts);
    }

    @Override
    public String label() {
      return merge.label();
    }
  }

  /**
   * Where the work is.
   *
   * @param wanted the row in work
   * @param scaling λ that is tried, or that was chosen and is tested; NaN for a model
   * @param row number of the row among those to be made, from 1
   * @param rows how many are to be made; those that are known do not count
   * @param answered questions so far
   * @param questions in all, as far as is known
   * @param secondsLeft at the speed so far; NaN as long as there is none
   */
  public record Report(
      Wanted wanted,
      double scaling,
      int row,
      int rows,
      long answered,
      long questions,
      double secondsLeft) {}

  /**
   * @param file where the rows are kept; read if it is there
   * @param listener is told often where the work is
   * @throws BenchmarkException if the file holds something else
   */
  public MiniStudy(Path file, Sizes sizes, Consumer<Report> listener) {
    this(file, Map.of(), sizes, listener);
  }

  /**
   * The same, with rows that somebody else made and that need not be made again if they follow from
   * the same models, settings and questions.
   *
   * @param recorded as {@link #read} gives them
   */
  public MiniStudy(
      Path file, Map<String, MiniRow> recorded, Sizes sizes, Consumer<Report> listener) {
    this(file, recorded, sizes, listener, false);
  }

  private MiniStudy(
      Path file,
      Map<String, MiniRow> recorded,
      Sizes sizes,
      Consumer<Report> listener,
      boolean over) {
    this.over = over;
    this.file = file;
    this.recorded = Map.copyOf(recorded);
    this.sizes = sizes;
    this.listener = listener;
    this.rows = read(file);
    this.validation =
        once(() -> evaluator(MiniSplit.VALIDATION, MiniTask.CAPABILITIES, sizes.validation));
    this.test = once(() -> evaluator(MiniSplit.TEST, List.of(MiniTask.values()), sizes.test));
  }

  /**
   * A study that is over: its rows are what its file has. It looks at no model, makes nothing anew
   * and writes nothing.
   *
   * @param file of rows of the whole benchmark
   * @throws BenchmarkException if the file is not there or holds something else
   */
  public static MiniStudy recorded(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new BenchmarkException("%s: there is no such file of recorded rows".formatted(file));
    }
    return new MiniStudy(file, Map.of(), Sizes.ALL, report -> {}, true);
  }

  private static MiniEvaluator evaluator(MiniSplit split, List<MiniTask> tasks, int size) {
    return new MiniEvaluator(split, tasks, size, MiniPrompt.Form.QUESTION);
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

  /** How many questions decide. */
  public Sizes sizes() {
    return sizes;
  }

  /** A row, made if it is not known. */
  public MiniRow row(Wanted wanted) {
    return rows(List.of(wanted)).get(0);
  }

  /**
   * A row that is kept.
   *
   * @throws BenchmarkException if it is not
   */
  public MiniRow row(MiniFamily family, String label) {
    return kept(family.name() + "/" + label);
  }

  private MiniRow kept(String key) {
    MiniRow row = rows.get(key);
    if (row == null) {
      throw new BenchmarkException(
          "%s: has no row '%s'; optmerge reproduce makes rows".formatted(file, key));
    }
    return row;
  }

  /**
   * Rows in the order in which they are asked for; those that are not known are made.
   *
   * @throws BenchmarkException if one is not known and the study is {@linkplain #recorded over}
   */
  public List<MiniRow> rows(List<? extends Wanted> wanted) {
    if (over) {
      return wanted.stream().map(one -> kept(key(one))).toList();
    }
    Set<Wanted> missing = new LinkedHashSet<>();
    for (Wanted one : wanted) {
      if (known(one) == null) {
        missing.add(one);
      }
    }
    Work work = new Work(List.copyOf(missing));
    for (Wanted one : missing) {
      MiniRow row = work.make(one).madeFrom(digest(one));
      rows.put(key(one), row);
      write();
    }
    List<MiniRow> answers = new ArrayList<>();
    for (Wanted one : wanted) {
      MiniRow row = known(one);
      if (row == null) {
        throw new IllegalArgumentException(
            "two different rows are called '%s'".formatted(key(one)));
      }
      answers.add(row);
    }
    return answers;
  }

  /** How many different rows that were given were of use. */
  public int taken() {
    return taken.size();
  }

  private @Nullable MiniRow known(Wanted wanted) {
    String key = key(wanted);
    MiniRow row = rows.get(key);
    if (row != null && digest(wanted).equals(row.inputs())) {
      return row;
    }
    row = recorded.get(key);
    if (row != null && digest(wanted).equals(row.inputs())) {
      taken.add(key);
      return row;
    }
    return null;
  }

  private static String key(Wanted wanted) {
    return wanted.family().name() + "/" + wanted.label();
  }

  /** Rows in the making, counted. */
  private final class Work {
    private final List<Wanted> missing;
    private final long begin = System.nanoTime();
    private long answered;
    private long questions;

    Work(List<Wanted> missing) {
      this.missing = missing;
      for (Wanted one : missing) {
        questions += (long) sizes.test * MiniTask.values().length;
        if (one instanceof Merged) {
          questions += (long) MergeSearch.PAPER_GRID.size() * perScaling();
        }
      }
    }

    private int perScaling() {
      return sizes.validation * MiniTask.CAPABILITIES.size();
    }

    MiniRow make(Wanted wanted) {
      report(wanted, Double.NaN, 0);
      if (wanted instanceof Single single) {
        return make(single);
      } else if (wanted instanceof Merged merged) {
        return make(merged);
      }
      throw new IllegalStateException("the interface is sealed");
    }

    private MiniRow make(Single single) {
      Path model = single.isAdapter() ? single.family.base() : single.model;
      try (InternVL opened = InternVL.open(model)) {
        if (single.isAdapter()) {
          opened.apply(single.model);
        }
        return MiniRow.of(
            single.label,
            test.get().evaluate(single.label, opened, more -> report(single, Double.NaN, more)));
      }
    }

    private MiniRow make(Merged merged) {
      MiniFamily family = merged.family;
      try (MergePlan plan = merged.merge.plan(family.base(), merged.experts, 0);
          InternVL model = InternVL.open(family.base())) {
        MergeSearch search = new MergeSearch(model, validation.get(), test.get());
        return MiniRow.of(
            search.search(
                merged.label(),
                plan,
                MergeSearch.PAPER_GRID,
                MergeSearch.BEYOND,
                new MergeSearch.Listener() {
                  @Override
                  public void answered(double scaling, int more) {
                    report(merged, scaling, more);
                  }

                  @Override
                  public void tried(MergeSearch.Tried tried) {
                    if (MergeSearch.BEYOND.contains(tried.scaling())) {
                      questions += perScaling();
                    }
                  }
                }));
      }
    }

    private void report(Wanted wanted, double scaling, int more) {
      answered += more;
      double seconds = (System.nanoTime() - begin) / 1e9;
      long left = Math.max(0, questions - answered);
      listener.accept(
          new Report(
              wanted,
              scaling,
              missing.indexOf(wanted) + 1,
              missing.size(),
              answered,
              Math.max(questions, answered),
              answered == 0 ? Double.NaN : seconds / answered * left));
    }
  }

  /** Of everything that a row follows from. */
  private String digest(Wanted wanted) {
    StringBuilder all = new StringBuilder();
    all.append("miniature %d, %d test questions\n".formatted(MiniGenerator.SEED, sizes.test));
    if (wanted instanceof Single single) {
      all.append(weights(single.model));
      if (single.isAdapter()) {
        all.append(weights(single.family.base()));
      }
    } else if (wanted instanceof Merged merged) {
      all.append(
          "%s, %s, λ of %s and %s by %d questions\n"
              .formatted(
                  merged.merge.method(),
                  merged.merge.parameters(),
                  MergeSearch.PAPER_GRID,
                  MergeSearch.BEYOND,
                  sizes.validation));
      all.append(weights(merged.family.base()));
      for (String expert : merged.experts) {
        int plus = expert.indexOf('+');
        boolean whole = plus < 0 || Files.exists(Path.of(expert));
        all.append(weights(Path.of(whole ? expert : expert.substring(plus + 1))));
      }
    }
    return sha256(all.toString().getBytes(StandardCharsets.UTF_8)).substring(0, 16);
  }

  private String weights(Path model) {
    return digests.computeIfAbsent(model, MiniStudy::digestOfWeights);
  }

  private static String digestOfWeights(Path model) {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> children = Files.list(model)) {
      List<Path> weights =
          children.filter(path -> path.toString().endsWith(".safetensors")).sorted().toList();
      for (Path file : weights) {
        all.append(sha256(Files.readAllBytes(file))).append('\n');
      }
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(model), e);
    }
    return all.toString();
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /**
   * Rows that a study kept, by family and label ({@code full/Base}); none if the file is not there.
   *
   * @throws BenchmarkException if the file holds something else
   */
  public static Map<String, MiniRow> read(Path file) {
    if (!Files.exists(file)) {
      return new LinkedHashMap<>();
    }
    try {
      return JSON.readValue(file.toFile(), new TypeReference<LinkedHashMap<String, MiniRow>>() {});
    } catch (JsonProcessingException e) {
      throw new BenchmarkException(
          "%s: expected rows of an earlier study, line %d is none; delete the file to begin anew"
              .formatted(file, e.getLocation() == null ? 1 : e.getLocation().getLineNr()),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(file), e);
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
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
      Files.writeString(unfinished, "{\n" + String.join(",\n", lines) + "\n}\n");
      Files.move(
          unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(file), e);
    }
  }
}
