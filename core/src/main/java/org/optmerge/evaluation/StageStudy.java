package org.optmerge.evaluation;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.stage.ModalityRecipe;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.benchmark.mini.stage.StageQuestionType;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergedWeights;
import org.optmerge.model.OmniModel;
import org.optmerge.model.OnlineComposition;

/**
 * Judges merges of modalities: one language model, an adapter for each of picture, sound and film,
 * tested on questions that need several of them and that no model was trained on.
 *
 * <p>λ is chosen on validation questions of one modality each, asked with all modalities present,
 * by the rule of {@link MergeSearch}: what is tested is never seen before the test.
 */
public final class StageStudy implements AutoCloseable {
  /** Questions of a type in the test. */
  public static final int TEST = 100;

  /** Questions of a type by which λ is chosen. */
  public static final int VALIDATION = 20;

  /** The row of the language model that is told everything in words. */
  public static final String WORDS = "Facts in words";

  /** The row of the language model with every connector and no adapter. */
  public static final String UNMERGED = "No adapter";

  private static final Set<StageModality> EVERYTHING = EnumSet.allOf(StageModality.class);

  private final Path models;
  private final OmniModel model;
  private final StageEvaluator validation;
  private final StageEvaluator test;
  private final Consumer<String> listener;

  /**
   * Opens the shipped models or others like them.
   *
   * @param models a folder with {@code omni-base} and an adapter for each modality
   * @param listener is told what is in work
   */
  public StageStudy(Path models, int validation, int test, Consumer<String> listener) {
    this.models = models;
    this.listener = listener;
    this.validation =
        new StageEvaluator(
            MiniSplit.VALIDATION,
            StageQuestionType.ALL.stream()
                .filter(type -> !type.isCrossModal() && type.isWithinReach())
                .toList(),
            validation);
    this.test = new StageEvaluator(MiniSplit.TEST, StageQuestionType.ALL, test);
    this.model = OmniModel.open(models.resolve(ModalityRecipe.BASE));
  }

  /** All rows of the study, in the order of tables. */
  public List<StageRow> rows() {
    List<StageRow> rows = new ArrayList<>();
    rows.add(words());
    for (StageModality modality : StageModality.ALL) {
      rows.add(single(modality, EnumSet.of(modality)));
    }
    rows.add(unmerged());
    for (StageModality modality : StageModality.ALL) {
      rows.add(single(modality, EVERYTHING));
    }
    for (MiniMerge merge : methods()) {
      rows.add(merged(merge, EVERYTHING));
    }
    for (MiniMerge merge : ablation()) {
      if (rows.stream().noneMatch(row -> row.label().equals(merge.label()))) {
        rows.add(merged(merge, EVERYTHING));
      }
    }
    for (OnlineComposition.Mode mode : OnlineComposition.Mode.values()) {
      rows.add(online(mode));
    }
    for (String method : List.of("task-arithmetic", "tsv", "optmerge-lora")) {
      for (Set<StageModality> pair : pairs()) {
        rows.add(merged(method(method), pair));
      }
    }
    return rows;
  }

  /** The methods of the paper's table for adapters, and those whose steps fit small models. */
  public static List<MiniMerge> methods() {
    List<MiniMerge> methods = new ArrayList<>(MiniMerge.ofPaper(true));
    methods.addAll(MiniMerge.scaleAware());
    return methods;
  }

  /** From WUDI to OptMerge, one change at a time. */
  public static List<MiniMerge> ablation() {
    return List.of(
        MiniMerge.published("WUDI Merging", "wudi"),
        new MiniMerge("+ SGD", "optmerge-lora", "init: sum, rank_share: 1.0, projector: full"),
        new MiniMerge("+ Initialization", "optmerge-lora", "rank_share: 1.0, projector: full"),
        MiniMerge.published("OptMerge", "optmerge-lora"));
  }

  private static MiniMerge method(String name) {
    return methods().stream()
        .filter(merge -> merge.method().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no method " + name));
  }

  private static List<Set<StageModality>> pairs() {
    return List.of(
        EnumSet.of(StageModality.VISION, StageModality.AUDIO),
        EnumSet.of(StageModality.AUDIO, StageModality.VIDEO),
        EnumSet.of(StageModality.VISION, StageModality.VIDEO));
  }

  /** The language model alone, told everything in words: what can be hoped for. */
  public StageRow words() {
    return test(WORDS, null, EVERYTHING, StageEvaluator.Form.WORDS);
  }

  /** The language model with every connector and no adapter. */
  public StageRow unmerged() {
    return test(UNMERGED, null, EVERYTHING, StageEvaluator.Form.FEATURES);
  }

  /** One modality's model. */
  public StageRow single(StageModality modality, Set<StageModality> given) {
    Map<String, float[]> original = weights();
    try {
      model.apply(models.resolve(ModalityRecipe.adapter(modality)));
      return test(title(modality), null, given, StageEvaluator.Form.FEATURES);
    } finally {
      original.forEach(model::load);
    }
  }

  /** A merge of some modalities, asked with these, with the best λ. */
  public StageRow merged(MiniMerge merge, Set<StageModality> modalities) {
    Path base = models.resolve(ModalityRecipe.BASE).toAbsolutePath().normalize();
    List<String> experts =
        modalities.stream()
            .map(
                modality ->
                    "%s+%s"
                        .formatted(
                            base,
                            models
                                .resolve(ModalityRecipe.adapter(modality))
                                .toAbsolutePath()
                                .normalize()))
            .toList();
    Map<String, float[]> original = weights();
    try (MergePlan plan = merge.plan(base, experts, 0)) {
      MergedWeights merged = MergedWeights.of(plan);
      SortedMap<Double, Double> curve = new TreeMap<>();
      for (double scaling : MergeSearch.PAPER_GRID) {
        curve.put(scaling, validate(merge.label(), merged, scaling, modalities));
      }
      for (double scaling : MergeSearch.BEYOND) {
        if (best(curve) == curve.lastKey()) {
          curve.put(scaling, validate(merge.label(), merged, scaling, modalities));
        }
      }
      double best = best(curve);
      load(merged, best);
      return test(merge.label(), best, modalities, StageEvaluator.Form.FEATURES);
    } finally {
      original.forEach(model::load);
    }
  }

  private static double best(SortedMap<Double, Double> curve) {
    double best = curve.firstKey();
    for (Map.Entry<Double, Double> tried : curve.entrySet()) {
      if (tried.getValue() > Objects.requireNonNull(curve.get(best))) {
        best = tried.getKey();
      }
    }
    return best;
  }

  private double validate(
      String label, MergedWeights merged, double scaling, Set<StageModality> modalities) {
    listener.accept("%s, λ = %s".formatted(label, scaling));
    load(merged, scaling);
    List<StageQuestionType> types =
        validation.types().stream()
            .filter(type -> modalities.containsAll(type.modalities()))
            .toList();
    return mean(
        validation.evaluate(model, types, modalities, StageEvaluator.Form.FEATURES).values());
  }

  private static double mean(Collection<double[]> scores) {
    return scores.stream()
        .mapToDouble(one -> Arrays.stream(one).average().orElse(0))
        .average()
        .orElse(0);
  }

  /** All adapters side by side, in place of a merge. */
  public StageRow online(OnlineComposition.Mode mode) {
    SortedMap<String, Path> adapters = new TreeMap<>();
    for (StageModality modality : StageModality.ALL) {
      adapters.put(modality.key(), models.resolve(ModalityRecipe.adapter(modality)));
    }
    String label = mode == OnlineComposition.Mode.NAIVE ? "NaiveMC" : "DAMC";
    double share = 1.0 / adapters.size();
    try (OnlineComposition composition = model.compose(adapters, mode, share)) {
      return test(label, share, EVERYTHING, StageEvaluator.Form.FEATURES);
    }
  }

  private StageRow test(
      String label, @Nullable Double scaling, Set<StageModality> given, StageEvaluator.Form form) {
    listener.accept("%s, test".formatted(label));
    long begin = System.nanoTime();
    Map<StageQuestionType, double[]> scores =
        test.evaluate(model, StageQuestionType.ALL, given, form);
    double milliseconds = (System.nanoTime() - begin) / 1e6 / test.size();
    return StageRow.of(label, scaling, given, scores, milliseconds);
  }

  /** What a merge may change. */
  private Map<String, float[]> weights() {
    Map<String, float[]> weights = new LinkedHashMap<>();
    model
        .parameters()
        .forEach(
            (name, values) -> {
              if (name.startsWith("language_model.") && name.endsWith("_proj.weight")) {
                weights.put(name, values.toFloatArray());
              }
            });
    return weights;
  }

  private void load(MergedWeights merged, double scaling) {
    merged.names().forEach(name -> model.load(name, merged.weights(name, scaling)));
  }

  /** What a modality's model is called in tables. */
  public static String title(StageModality modality) {
    String key = modality.key();
    return Character.toUpperCase(key.charAt(0)) + key.substring(1);
  }

  @Override
  public void close() {
    model.close();
  }
}
