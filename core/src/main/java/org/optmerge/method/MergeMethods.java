package org.optmerge.method;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.optmerge.base.Suggestion;
import org.optmerge.method.interference.Aswudi;
import org.optmerge.method.interference.Iwudi;
import org.optmerge.method.interference.OptMerge;
import org.optmerge.method.interference.Swudi;
import org.optmerge.method.interference.Wudi;

/**
 * Every merge method that has a name. Adding one: a record with its {@link Paper}, a line here, a
 * test.
 */
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
      String name, MergeMethod method, Origin origin, Base base, double scaling, String summary) {
    /**
     * Where it was published: what its constant is annotated with, else its record.
     *
     * @throws IllegalStateException if neither is
     */
    public Paper paper() {
      Class<?> type = method.getClass();
      return Arrays.stream(type.getDeclaredFields())
          .filter(field -> field.isAnnotationPresent(Paper.class) && holds(field, method))
          .<AnnotatedElement>map(field -> field)
          .findFirst()
          .or(() -> Optional.of(type).filter(record -> record.isAnnotationPresent(Paper.class)))
          .map(element -> element.getAnnotation(Paper.class))
          .orElseThrow(
              () ->
                  new IllegalStateException(
                      "%s: annotate %s with @Paper".formatted(name, type.getName())));
    }

    /** The very constant, since equal settings may stand for methods of different origin. */
    private static boolean holds(Field constant, MergeMethod method) {
      try {
        return constant.get(null) == method;
      } catch (IllegalAccessException e) {
        throw new IllegalStateException("@Paper belongs on public constants: " + constant, e);
      }
    }
  }

  /** All methods: those of the paper in its order, those of its peers, then mergekit's. */
  public static final List<Named> ALL =
      List.of(
          official("weight-average", new WeightAverage(), 1.0, "mean of the experts"),
          official("task-arithmetic", new TaskArithmetic(), 0.3, "sum of the task vectors"),
          official("ties-tensor", Ties.PER_TENSOR, 0.3, "TIES, each tensor trimmed by itself"),
          official("ties-global", Ties.GLOBAL, 0.3, "TIES, trimmed over the whole model"),
          official(
              "dare-task-arithmetic",
              DropAndRescale.DEFAULT.then(new TaskArithmetic()),
              0.3,
              "DARE (drops 20 %, multiplies the rest by 1.25), then the sum of the task vectors"),
          official(
              "dare-ties",
              DropAndRescale.DEFAULT.then(Ties.PER_TENSOR),
              0.3,
              "DARE (drops 20 %, multiplies the rest by 1.25), then TIES per tensor"),
          official(
              "tsv-as-published",
              WeightAverage.TSV_AS_PUBLISHED,
              0.3,
              "what the published TSV script computes, the mean: its SVD branch is never reached"),
          official(
              "tsv",
              new Tsv(),
              0.3,
              "leading singular vectors of each task vector, made orthonormal together"),
          official(
              "iso-c",
              new IsoC(Elsewhere.MEAN),
              0.3,
              "sum of the task vectors, all singular values replaced by their mean"),
          official(
              "wudi",
              Wudi.PUBLISHED,
              0.3,
              "least interference with each task's inputs, by Adam from the sum"),
          official(
              "optmerge-lora",
              OptMerge.LORA,
              1.0,
              "OptMerge for LoRA experts: SGD from the mean, low-rank targets and inputs"),
          official(
              "optmerge-full",
              OptMerge.FULL_FINE_TUNING,
              0.1,
              "OptMerge for full fine-tuning: Adam from the sum, targets low-rank but for the mean"),
          official(
              "optmerge-modal",
              OptMerge.MODALITIES,
              1.0,
              "OptMerge for modalities: SGD from the mean to convergence, inputs at full rank"),
          official(
              "optmerge-paper",
              OptMerge.PAPER,
              0.1,
              "OptMerge as equation 3 has it: targets and inputs from the centred decomposition"),
          official(
              "optmerge-full-rel",
              OptMerge.FULL_FINE_TUNING_RELATIVE,
              0.1,
              "optmerge-full with Adam's step in units of the task vectors' size"),
          official(
              "optmerge-flow-10",
              OptMerge.FLOW_10,
              1.0,
              "optmerge-lora with gradient flow for a time of 10, in place of 0.58"),
          official(
              "optmerge-flow-100",
              OptMerge.FLOW_100,
              1.0,
              "optmerge-lora with gradient flow for a time of 100"),
          official(
              "swudi",
              Swudi.PUBLISHED,
              0.1,
              "wudi in closed form: gradient flow in a share of the directions"),
          official(
              "aswudi",
              Aswudi.PUBLISHED,
              0.1,
              "wudi's minimum in as many directions as a rule says"),
          official(
              "iwudi-exponential", Iwudi.EXPONENTIAL, 0.3, "wudi with the filter of gradient flow"),
          official(
              "iwudi-tikhonov", Iwudi.TIKHONOV, 0.3, "wudi with the filter of ridge regression"),
          official("iwudi-landweber", Iwudi.LANDWEBER, 0.3, "wudi with Landweber's filter"),
          peer(
              "iso-cts",
              IsoCts.PUBLISHED,
              1.0,
              "common and task-specific directions, one singular value for all"),
          peer(
              "knots-ties",
              Knots.around(Ties.PER_TENSOR),
              1.0,
              "KnOTS: TIES in the common left singular basis of the task vectors"),
          peer(
              "core-space-tsv",
              new CoreSpace(new Tsv()),
              1.0,
              "Core Space: TSV among the small matrices that low-rank task vectors are"),
          peer(
              "core-space-ties",
              new CoreSpace(Ties.PER_TENSOR),
              1.0,
              "Core Space: TIES among the small matrices that low-rank task vectors are"),
          peer(
              "doge-ta",
              DogeTa.PUBLISHED,
              1.0,
              "task arithmetic after a common correction in directions the tasks do not share"),
          peer(
              "svc-ta",
              new SingularValueCalibration(new TaskArithmetic(), 0.4, 1.0),
              1.0,
              "task arithmetic, singular values shrunk by how much they over-count the tasks"),
          peer("magmax", new MagMax(), 0.5, "of each entry the value of largest magnitude"),
          peer(
              "model-stock",
              new ModelStock(ModelStock.Average.ANGLES, false),
              1.0,
              "the mean, drawn to the base by the mean angle between task vectors"),
          peer(
              "emr",
              ElectMaskRescale.UNIFIED,
              1.0,
              "EMR: the largest entries of the elected sign; for one task, if one is given"),
          peer(
              "consensus-ta",
              new ConsensusTaskArithmetic(TallMask.LAMBDA, 2),
              0.3,
              "sum of the task vectors where it matters to several tasks"),
          peer(
              "tall-mask",
              new TallMask(TallMask.LAMBDA, 1),
              1.0,
              "sum of the task vectors where it matters to one task"),
          mergekit("linear", new Linear(PerModel.required(), true), Base.INPUT, "weighted mean"),
          mergekit(
              "slerp",
              Slerp.of(Slerp.REQUIRED),
              Base.FIRST_INPUT,
              "spherical interpolation between the base and another model"),
          mergekit(
              "nuslerp",
              NuSlerp.DEFAULT,
              Base.OPTIONAL_ORIGIN,
              "spherical interpolation between two models or two task vectors"),
          mergekit(
              "multislerp",
              MultiSlerp.DEFAULT,
              Base.OPTIONAL_ORIGIN,
              "spherical mean of models or of task vectors, in one step"),
          mergekit(
              "karcher",
              Karcher.DEFAULT,
              Base.INPUT,
              "Riemannian centre of mass of the models' directions"),
          mergekit(
              "passthrough", new Passthrough(PerModel.each(1)), Base.INPUT, "one model, scaled"),
          mergekit(
              "model_stock",
              new ModelStock(ModelStock.Average.COSINES, false),
              Base.ORIGIN,
              "the mean, drawn to the base by the mean cosine between task vectors"),
          mergekit(
              "arcee_fusion",
              new ArceeFusion(),
              Base.FIRST_INPUT,
              "the base, with the entries of another model that differ most"),
          mergekit(
              "nearswap",
              new NearSwap(Slerp.REQUIRED),
              Base.ORIGIN,
              "the base, with the entries of another model that differ little"),
          mergekit(
              "sce",
              Sce.DEFAULT,
              Base.ORIGIN,
              "entries of high variance, models weighted by energy, the minority sign erased"),
          mergekit(
              "ram",
              new Ram(Ram.EPSILON),
              Base.ORIGIN,
              "entries that one model changed added, those that several changed averaged"),
          mergekit(
              "ramplus_tl", RamPlus.DEFAULT, Base.ORIGIN, "ram, with unique changes amplified"),
          mergekit(
              "task_arithmetic",
              GeneralizedTaskArithmetic.TASK_ARITHMETIC,
              Base.ORIGIN,
              "weighted sum of the task vectors"),
          mergekit(
              "ties",
              GeneralizedTaskArithmetic.TIES,
              Base.ORIGIN,
              "largest entries per tensor, weighted, merged where they agree in sign"),
          mergekit(
              "dare_linear",
              GeneralizedTaskArithmetic.DARE_LINEAR,
              Base.ORIGIN,
              "random entries that keep the L1 norm, weighted and added"),
          mergekit(
              "dare_ties",
              GeneralizedTaskArithmetic.DARE_TIES,
              Base.ORIGIN,
              "random entries that keep the L1 norm, weighted, added where they agree in sign"),
          mergekit(
              "breadcrumbs",
              GeneralizedTaskArithmetic.BREADCRUMBS,
              Base.ORIGIN,
              "large entries but for outliers, weighted and added"),
          mergekit(
              "breadcrumbs_ties",
              GeneralizedTaskArithmetic.BREADCRUMBS_TIES,
              Base.ORIGIN,
              "large entries but for outliers, weighted, added where they agree in sign"),
          mergekit(
              "della",
              GeneralizedTaskArithmetic.DELLA,
              Base.ORIGIN,
              "random entries, large ones likelier, weighted, merged where they agree in sign"),
          mergekit(
              "della_linear",
              GeneralizedTaskArithmetic.DELLA_LINEAR,
              Base.ORIGIN,
              "random entries, large ones likelier, weighted and added"));

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

  private static Named peer(String name, MergeMethod method, double scaling, String summary) {
    return new Named(name, method, Origin.FUSION_BENCH, Base.ORIGIN, scaling, summary);
  }

  private static Named mergekit(String name, MergeMethod method, Base base, String summary) {
    return new Named(name, method, Origin.MERGEKIT, base, 1.0, summary);
  }
}
