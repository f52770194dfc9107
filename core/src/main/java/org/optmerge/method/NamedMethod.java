package org.optmerge.method;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * A merge method with a name, and everything that recipes, the command line, METHODS.md and the
 * tests of common laws know about it.
 *
 * @param name as in recipes
 * @param origin whose algorithm and defaults it is
 * @param method an instance with the published defaults
 * @param base what a {@code base_model} is to it
 * @param scaling λ if a recipe gives none
 * @param paper where it was published
 * @param summary what it does, in one line
 * @param formula the merged task vector Δ, or the merged weight θ, in one line
 * @param cost what it takes
 * @param use when to prefer it, in one line
 * @param exceptions the laws that it does not obey, each with the reason
 * @param pinnedBy the recorded cases or the test that fix its results, besides the laws
 */
@API(status = API.Status.EXPERIMENTAL)
public record NamedMethod(
    String name,
    Origin origin,
    MergeMethod method,
    Base base,
    double scaling,
    Paper paper,
    String summary,
    String formula,
    Cost cost,
    String use,
    Map<Law, String> exceptions,
    String pinnedBy) {
  /**
   * The source of the algorithm and the defaults that a name stands for; methods are listed in this
   * order.
   */
  public enum Origin {
    /** The code that the authors of OptMerge published, MLLMerging, and what it builds on. */
    OFFICIAL("the paper's code"),
    /** The method of that name in fusion_bench, or in its authors' code. */
    FUSION_BENCH("fusion_bench"),
    /** mergekit. */
    MERGEKIT("mergekit"),
    /** None of these: a method of one's own. */
    OWN("its own provider");

    private final String label;

    Origin(String label) {
      this.label = label;
    }

    /** In words. */
    public String label() {
      return label;
    }
  }

  /** The role of a {@code base_model} in a method. */
  public enum Base {
    /** θ_0, from which task vectors are taken; required. */
    ORIGIN("required: task vectors are taken from it"),
    /**
     * θ_0 if given: the method then works on task vectors, see {@link MergeMethod#over}; else on
     * weights.
     */
    OPTIONAL_ORIGIN("optional: with it, task vectors are merged instead of weights"),
    /** The first of the inputs; required. */
    FIRST_INPUT("required: the first of the inputs"),
    /** One more input if given, with no role of its own. */
    INPUT("optional: one more input");

    private final String label;

    Base(String label) {
      this.label = label;
    }

    /** In words. */
    public String label() {
      return label;
    }
  }

  /** The work of a merge, beside reading the inputs and writing the output. */
  public enum Cost {
    /** Every entry is computed where it stands. */
    PASS("one pass"),
    /** Sums, norms, counts or thresholds of each tensor come first. */
    PASSES("a few passes over each tensor"),
    /** Thresholds over all tensors come first. */
    MODEL("a few passes over the whole model"),
    /** Each expert's matrix is decomposed, O(mn · min(m, n)). */
    DECOMPOSITION("decompositions of each matrix"),
    /** The closed form of a descent. */
    CLOSED_FORM("a few products and at most one eigendecomposition of each matrix"),
    /** A descent step by step. */
    DESCENT("hundreds of products of each matrix");

    private final String label;

    Cost(String label) {
      this.label = label;
    }

    /** In words. */
    public String label() {
      return label;
    }
  }

  public NamedMethod {
    EnumMap<Law, String> sorted = new EnumMap<>(Law.class);
    sorted.putAll(exceptions);
    exceptions = Collections.unmodifiableMap(sorted);
  }

  /** A description to be filled in; λ is 1 and the base the origin of task vectors by default. */
  public static Builder of(Origin origin, String name, MergeMethod method) {
    return new Builder(origin, name, method);
  }

  /**
   * The name with its origin before it, such as {@code mergekit:ties}, which is never ambiguous.
   */
  public String fullName() {
    return origin.name().toLowerCase(Locale.ROOT) + ":" + name;
  }

  /** The parameters that a recipe can set. */
  public List<MethodParameters.Parameter> parameters() {
    return MethodParameters.of(method);
  }

  /**
   * The method with other values of its parameters, see {@link MethodParameters#bind}.
   *
   * @throws ParameterException if a name is unknown or a value not allowed
   */
  public MergeMethod with(Map<String, ?> values) {
    return MethodParameters.bind(name, method, values);
  }

  @Override
  public String toString() {
    return fullName();
  }

  /** Collects the description of a method. */
  public static final class Builder {
    private final Origin origin;
    private final String name;
    private final MergeMethod method;
    private final Map<Law, String> exceptions = new EnumMap<>(Law.class);
    private Base base = Base.ORIGIN;
    private double scaling = 1;
    private Paper paper = Paper.NONE;
    private String summary = "";
    private String formula = "";
    private Cost cost = Cost.PASS;
    private String use = "";
    private String pinnedBy = "";

    private Builder(Origin origin, String name, MergeMethod method) {
      this.origin = origin;
      this.name = name;
      this.method = method;
    }

    public Builder base(Base value) {
      base = value;
      return this;
    }

    public Builder scaling(double value) {
      scaling = value;
      return this;
    }

    public Builder paper(Paper value) {
      paper = value;
      return this;
    }

    public Builder summary(String value) {
      summary = value;
      return this;
    }

    public Builder formula(String value) {
      formula = value;
      return this;
    }

    public Builder cost(Cost value) {
      cost = value;
      return this;
    }

    public Builder use(String value) {
      use = value;
      return this;
    }

    /** Names a law that the method does not obey, and why. */
    public Builder except(Law law, String reason) {
      exceptions.put(law, reason);
      return this;
    }

    public Builder pinnedBy(String value) {
      pinnedBy = value;
      return this;
    }

    /**
     * The description.
     *
     * @throws IllegalArgumentException if it says neither what the method does nor its formula
     */
    public NamedMethod build() {
      if (summary.isBlank() || formula.isBlank()) {
        throw new IllegalArgumentException(
            "merge method '%s': give a summary and a formula, one line each".formatted(name));
      }
      return new NamedMethod(
          name,
          origin,
          method,
          base,
          scaling,
          paper,
          summary,
          formula,
          cost,
          use,
          exceptions,
          pinnedBy);
    }
  }

  /** Builds several, in their order. */
  public static List<NamedMethod> list(Builder... builders) {
    return Arrays.stream(builders).map(Builder::build).toList();
  }
}
