package org.optmerge.method;

import java.util.List;
import java.util.Optional;

/** Every merge method that has a name. Adding one: a record, a line here, a test. */
public final class MergeMethods {
  /** Whose algorithm and defaults a name stands for. */
  public enum Origin {
    /** The code that the authors of OptMerge published, MLLMerging, and what it builds on. */
    OFFICIAL,
    /** The method of that name in fusion_bench, or in its authors' code. */
    FUSION_BENCH,
    /** mergekit. */
    MERGEKIT
  }

  /** What a {@code base_model} is to a method. */
  public enum Base {
    /** θ_0, from which task vectors are taken; required. */
    ORIGIN,
    /**
     * θ_0 if given: the method then works on task vectors, see {@link MergeMethod#over}; else on
     * weights.
     */
    OPTIONAL_ORIGIN,
    /** The first of the inputs; required. */
    FIRST_INPUT,
    /** One more input if given, with no role of its own. */
    INPUT
  }

  /**
   * A method with its published defaults.
   *
   * @param name as in recipes
   * @param method an instance with the published defaults
   * @param origin whose algorithm it is
   * @param base what the base is to it
   * @param scaling λ if a recipe gives none
   * @param summary what it does, in one line
   */
  public record Named(
      String name, MergeMethod method, Origin origin, Base base, double scaling, String summary) {}

  /** All methods: those of the paper in its order, those of its peers, then mergekit's. */
  public static final List<Named> ALL =
      List.of(
          official("weight-average", new WeightAverage(), 1.0, "mean of the experts"),
          official("task-arithmetic", new TaskArithmetic(), 0.3, "sum of the task vectors"),
          official("ties-tensor", Ties.PER_TENSOR, 0.3, "TIES, each tensor trimmed by itself"),
          official("ties-global", Ties.GLOBAL, 0.3, "TIES, trimmed over the whole model"),
          mergekit(
              "linear",
              new Linear(PerModel.required(), true),
              Base.INPUT,
              "weighted mean of the weights"));

  private MergeMethods() {}

  /** The names, in the order of {@link #ALL}. */
  public static List<String> names() {
    return ALL.stream().map(Named::name).toList();
  }

  /**
   * A method by its name. {@code -} and {@code _} may be exchanged where only one method has the
   * name that way.
   *
   * @throws IllegalArgumentException if there is none; the message suggests one
   */
  public static Named named(String name) {
    return exactly(name)
        .or(() -> ALL.stream().filter(named -> sameWords(named.name(), name)).findFirst())
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no merge method '%s'%s; known: %s"
                        .formatted(name, Suggestion.forWord(name, names()), names())));
  }

  /**
   * The other algorithm of the same words, such as mergekit's {@code dare_ties} for the official
   * {@code dare-ties}; empty if there is none.
   */
  public static Optional<Named> twin(String name) {
    String canonical = named(name).name();
    return ALL.stream()
        .filter(other -> !other.name().equals(canonical) && sameWords(other.name(), canonical))
        .findFirst();
  }

  private static Optional<Named> exactly(String name) {
    return ALL.stream().filter(named -> named.name().equals(name)).findFirst();
  }

  private static boolean sameWords(String a, String b) {
    return a.replace('-', '_').equals(b.replace('-', '_'));
  }

  private static Named official(String name, MergeMethod method, double scaling, String summary) {
    return new Named(name, method, Origin.OFFICIAL, Base.ORIGIN, scaling, summary);
  }

  private static Named mergekit(String name, MergeMethod method, Base base, String summary) {
    return new Named(name, method, Origin.MERGEKIT, base, 1.0, summary);
  }
}
