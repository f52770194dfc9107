package org.optmerge.evaluation;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.merge.MergePlan;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.OnlineComposition;

/**
 * Judges models and merges by an examination, and keeps each row in a file as soon as it is known:
 * tables share rows, and a study that was interrupted goes on.
 *
 * <p>λ is chosen on the validation questions, by the rule of {@link MergeSearch}. A row that is
 * kept is used again only if it follows from the same models, settings and questions; otherwise it
 * is made anew.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Study {
  /** The key of a family's base. */
  public static final String BASE = "base";

  /** The key of the model that was trained on everything. */
  public static final String MIXTURE = "mixture";

  private final Path file;
  private final @Nullable Examination examination;
  private final Consumer<Report> listener;
  private final Map<String, AnswerSheet> rows;
  private final Map<String, AnswerSheet> recorded;
  private final Set<String> taken = new LinkedHashSet<>();
  private final Map<String, String> digests = new HashMap<>();
  private @Nullable Evaluator validation;
  private @Nullable Evaluator test;

  /** A row that is wanted. */
  public sealed interface Wanted {
    /** The family of the models. */
    ModelFamily family();

    /** The name of the row among those of its family that are asked in the same way. */
    String name();

    /** As tables have it. */
    String label();

    /** The presentation of the questions. */
    default Presentation presentation() {
      return Presentation.DEFAULT;
    }

    /** The key of the row in a file. */
    default String key() {
      String asked = presentation().toString();
      return "%s/%s%s".formatted(family().name(), name(), asked.isEmpty() ? "" : "?" + asked);
    }
  }

  /** A model that no merge made; one of the family's experts may be an adapter. */
  public record Single(
      ModelFamily family, String name, String label, Path model, Presentation presentation)
      implements Wanted {
    /** A model that is asked questions as they are. */
    public Single(ModelFamily family, String name, String label, Path model) {
      this(family, name, label, model, Presentation.DEFAULT);
    }
  }

  /**
   * A merge with the best λ.
   *
   * @param experts as a recipe names them
   */
  public record Merged(
      ModelFamily family, StudyMerge merge, List<String> experts, Presentation presentation)
      implements Wanted {
    /** Of the family's own experts. */
    public Merged(ModelFamily family, StudyMerge merge) {
      this(family, merge, family.recipeModels());
    }

    /** Of other experts. */
    public Merged(ModelFamily family, StudyMerge merge, List<String> experts) {
      this(family, merge, experts, Presentation.DEFAULT);
    }

    /** Copies the list. */
    public Merged {
      experts = List.copyOf(experts);
    }

    @Override
    public String name() {
      return merge.key();
    }

    @Override
    public String label() {
      return merge.label();
    }
  }

  /** All adapters of a family side by side, in place of a merge. */
  public record Composed(ModelFamily family, String label, OnlineComposition.Mode mode)
      implements Wanted {
    @Override
    public String name() {
      return "composed-" + mode.name().toLowerCase(Locale.ROOT);
    }

    private double share() {
      return 1.0 / family.experts().size();
    }
  }

  /**
   * Progress of a study.
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
   * @param recorded rows that somebody else made and that need not be made again if they follow
   *     from the same models, settings and questions
   * @param examination of the models and merges; null: rows are read only
   * @param listener is told often where the work is
   * @throws BenchmarkException if the file holds something else
   */
  public Study(
      Path file,
      Map<String, AnswerSheet> recorded,
      @Nullable Examination examination,
      Consumer<Report> listener) {
    this.file = file;
    this.recorded = Map.copyOf(recorded);
    this.examination = examination;
    this.listener = listener;
    this.rows = AnswerSheet.read(file);
  }

  /**
   * A read-only study of recorded rows: it looks at no model, makes nothing anew and writes
   * nothing.
   *
   * @throws BenchmarkException if the file is not there or holds something else
   */
  public static Study recorded(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new BenchmarkException("%s: there is no such file of recorded rows".formatted(file));
    }
    return new Study(file, Map.of(), null, report -> {});
  }

  /** A row, made if it is not known. */
  public AnswerSheet row(Wanted wanted) {
    return rows(List.of(wanted)).get(0);
  }

  /**
   * A row that is kept.
   *
   * @param name such as {@code base}, {@code expert-vqa}, {@code task-arithmetic}, {@code optmerge}
   * @throws BenchmarkException if it is not
   */
  public AnswerSheet row(ModelFamily family, String name) {
    return kept(family.name() + "/" + name);
  }

  /**
   * A row that is kept, by what tables and the paper call it.
   *
   * @param label such as {@code Task Arithmetic}
   * @throws BenchmarkException if there is none
   */
  public AnswerSheet labelled(ModelFamily family, String label) {
    return rows.entrySet().stream()
        .filter(row -> row.getKey().startsWith(family.name() + "/"))
        .map(Map.Entry::getValue)
        .filter(row -> row.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new BenchmarkException(
                    "%s: has no row '%s' of '%s'; optmerge reproduce makes rows"
                        .formatted(file, label, family.name())));
  }

  private AnswerSheet kept(String key) {
    AnswerSheet row = rows.get(key);
    if (row == null) {
      throw new BenchmarkException(
          "%s: has no row '%s'; optmerge reproduce makes rows".formatted(file, key));
    }
    return row;
  }

  /**
   * Rows in the order in which they are asked for; those that are not known are made.
   *
   * @throws BenchmarkException if one is not known and the study is {@linkplain #recorded
   *     read-only}
   */
  public List<AnswerSheet> rows(List<? extends Wanted> wanted) {
    Examination by = examination;
    if (by == null) {
      return wanted.stream().map(one -> kept(one.key())).toList();
    }
    Map<Wanted, Provenance> provenance = new HashMap<>();
    wanted.forEach(one -> provenance.computeIfAbsent(one, any -> provenance(any, by)));
    Set<Wanted> missing = new LinkedHashSet<>();
    for (Wanted one : wanted) {
      if (known(one, provenance.get(one)) == null) {
        missing.add(one);
      }
    }
    if (!missing.isEmpty()) {
      Work work = new Work(List.copyOf(missing), by);
      for (Wanted one : missing) {
        rows.put(one.key(), work.make(one).madeFrom(provenance.get(one)));
        AnswerSheet.write(rows, file);
      }
    }
    List<AnswerSheet> answers = new ArrayList<>();
    for (Wanted one : wanted) {
      AnswerSheet row = known(one, provenance.get(one));
      if (row == null) {
        throw new IllegalArgumentException(
            "two different rows are called '%s'".formatted(one.key()));
      }
      answers.add(row);
    }
    return answers;
  }

  /** {@link #rows} by their keys. */
  public Map<String, AnswerSheet> byKey(List<? extends Wanted> wanted) {
    List<AnswerSheet> found = rows(wanted);
    Map<String, AnswerSheet> byKey = new LinkedHashMap<>();
    for (int i = 0; i < found.size(); i++) {
      byKey.put(wanted.get(i).key(), found.get(i));
    }
    return byKey;
  }

  /** The number of recorded rows that were used. */
  public int taken() {
    return taken.size();
  }

  private @Nullable AnswerSheet known(Wanted wanted, @Nullable Provenance provenance) {
    AnswerSheet row = rows.get(wanted.key());
    if (row != null && Objects.equals(provenance, row.made())) {
      return row;
    }
    row = recorded.get(wanted.key());
    if (row != null && Objects.equals(provenance, row.made())) {
      taken.add(wanted.key());
      return row;
    }
    return null;
  }

  /** Rows in the making, counted. */
  private final class Work {
    private final List<Wanted> missing;
    private final Examination by;
    private final Evaluator choosing;
    private final Evaluator judging;
    private final long begin = System.nanoTime();
    private long answered;
    private long questions;

    Work(List<Wanted> missing, Examination by) {
      this.missing = missing;
      this.by = by;
      if (validation == null || test == null) {
        validation = new Evaluator(by.validation(), by.metric());
        test = new Evaluator(by.test(), by.metric());
      }
      this.choosing = validation;
      this.judging = test;
      for (Wanted one : missing) {
        questions += judging.size();
        if (one instanceof Merged) {
          questions += MergeSearch.PAPER_GRID.size() * choosing.size();
        }
      }
    }

    AnswerSheet make(Wanted wanted) {
      report(wanted, Double.NaN, 0);
      if (wanted instanceof Single single) {
        return make(single);
      } else if (wanted instanceof Merged merged) {
        return make(merged);
      } else if (wanted instanceof Composed composed) {
        return make(composed);
      }
      throw new IllegalStateException("the interface is sealed");
    }

    private AnswerSheet make(Single single) {
      try (MultimodalModel model = MultimodalModel.open(single.family.reference(single.model))) {
        return test(single, model, more -> report(single, Double.NaN, more));
      }
    }

    private AnswerSheet make(Merged merged) {
      ModelFamily family = merged.family;
      try (MergePlan plan = merged.merge.plan(family.base(), merged.experts, 0);
          MultimodalModel model = MultimodalModel.open(family.base())) {
        MergeSearch.Outcome outcome =
            new MergeSearch(
                    model,
                    choosing.put(merged.presentation).answerable(),
                    by.choice(),
                    judging.put(merged.presentation))
                .search(
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
                          questions += tried.validation().items().size();
                        }
                      }
                    });
        return AnswerSheet.of(Objects.requireNonNull(outcome.test(), "no test"), by.grouping())
            .searched(outcome.best().scaling(), outcome.curve())
            .measured(time(outcome.milliseconds()));
      }
    }

    private AnswerSheet make(Composed composed) {
      SortedMap<String, Path> adapters = new TreeMap<>(composed.family.experts());
      try (MultimodalModel model = MultimodalModel.open(composed.family.base());
          OnlineComposition composition =
              model.compose(adapters, composed.mode, composed.share())) {
        return test(composed, model, more -> report(composed, composed.share(), more))
            .searched(composed.share(), Map.of());
      }
    }

    private AnswerSheet test(Wanted wanted, MultimodalModel model, IntConsumer progress) {
      long start = System.nanoTime();
      ModelEvaluation result =
          judging.put(wanted.presentation()).evaluate(wanted.label(), model, progress);
      double milliseconds = (System.nanoTime() - start) / 1e6 / result.items().size();
      return AnswerSheet.of(result, by.grouping()).measured(time(milliseconds));
    }

    /** Times are told of modalities only, where methods differ in them. */
    private @Nullable Double time(double milliseconds) {
      return by.grouping() == Grouping.MODALITIES ? Math.round(milliseconds * 100) / 100.0 : null;
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

  private Provenance provenance(Wanted wanted, Examination by) {
    StringBuilder models = new StringBuilder();
    StringBuilder settings = new StringBuilder("[%s]".formatted(wanted.presentation()));
    if (wanted instanceof Single single) {
      models.append(weights(single.family.reference(single.model)));
    } else if (wanted instanceof Merged merged) {
      settings.append(
          ", %s, %s, λ of %s and %s by %s of %s, %s"
              .formatted(
                  merged.merge.method(),
                  merged.merge.parameters(),
                  MergeSearch.PAPER_GRID,
                  MergeSearch.BEYOND,
                  by.choice().key(),
                  by.validation().digest(),
                  by.metric()));
      models.append(weights(merged.family.base().toString()));
      merged.experts.forEach(expert -> models.append(weights(expert)));
    } else if (wanted instanceof Composed composed) {
      settings.append(", %s, %s".formatted(composed.mode, composed.share()));
      models.append(weights(composed.family.base().toString()));
      composed
          .family
          .experts()
          .values()
          .forEach(expert -> models.append(weights(expert.toString())));
    }
    return new Provenance(
        Sha256.of(models.toString()),
        Sha256.of(settings.toString()),
        Sha256.of("%s by %s, %s".formatted(by.test().digest(), by.metric(), by.grouping().key())));
  }

  private String weights(String reference) {
    return digests.computeIfAbsent(reference, Provenance::ofModel);
  }
}
