package org.optmerge.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.optmerge.benchmark.Prompts;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.TrainingRecipe;
import org.optmerge.benchmark.mini.stage.ModalityBenchmark;
import org.optmerge.evaluation.Metrics;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.published.PublishedBenchmark;
import org.optmerge.manifest.Manifests;
import org.optmerge.merge.recipe.ParameterPreset;
import org.optmerge.method.MergeMethods;
import org.optmerge.model.Precision;

/** The values of options and parameters, for help and completion. */
abstract class Names implements Iterable<String> {
  private final Iterable<String> all;

  private Names(Iterable<String> all) {
    this.all = all;
  }

  /** All of them. */
  List<String> list() {
    List<String> list = new ArrayList<>();
    all.forEach(list::add);
    return list;
  }

  @Override
  public Iterator<String> iterator() {
    return all.iterator();
  }

  private static <T> List<String> of(T[] values, Function<T, String> name) {
    return Arrays.stream(values).map(name).toList();
  }

  /** Merge methods. */
  static final class Methods extends Names {
    Methods() {
      super(MergeMethods.names());
    }
  }

  /** Parameter presets. */
  static final class Presets extends Names {
    Presets() {
      super(ParameterPreset.labels());
    }
  }

  /** Manifests and their benchmarks. */
  static final class Shipped extends Names {
    Shipped() {
      super(Manifests.shipped().names());
    }
  }

  /** Published data sets that are scored. */
  static final class DataSets extends Names {
    DataSets() {
      super(Protocol.names());
    }
  }

  /** The miniature's capabilities and modalities as a whole, and the capabilities one by one. */
  static final class Miniatures extends Names {
    Miniatures() {
      super(
          Stream.concat(
                  Stream.of(CapabilityBenchmark.NAME, ModalityBenchmark.NAME),
                  Arrays.stream(MiniTask.values())
                      .map(task -> CapabilityBenchmark.NAME + ":" + task.key()))
              .toList());
    }
  }

  /** Everything that a model can be asked: the miniature's, and published data sets. */
  static final class Askable extends Names {
    Askable() {
      super(
          Stream.of(
                  new Miniatures().list().stream(),
                  Stream.of(PublishedBenchmark.PAPER),
                  Prompts.all().stream().flatMap(prompt -> prompt.benchmarks().stream()))
              .flatMap(names -> names)
              .distinct()
              .toList());
    }
  }

  /** The miniature's splits. */
  static final class Splits extends Names {
    Splits() {
      super(of(MiniSplit.values(), MiniSplit::key));
    }
  }

  /** The splits that no model is trained on. */
  static final class JudgingSplits extends Names {
    JudgingSplits() {
      super(List.of(MiniSplit.TEST.key(), MiniSplit.VALIDATION.key()));
    }
  }

  /** Precisions of a model that answers. */
  static final class Precisions extends Names {
    Precisions() {
      super(Precision.keys());
    }
  }

  /** Metrics. */
  static final class MetricNames extends Names {
    MetricNames() {
      super(Metrics.names());
    }
  }

  /** Tables and figures of the paper. */
  static final class Reproductions extends Names {
    Reproductions() {
      super(
          Stream.concat(ReproduceCommand.NAMES.stream(), Stream.of(ReproduceCommand.ALL)).toList());
    }
  }

  /** Families of models that can be trained. */
  static final class TrainingTargets extends Names {
    TrainingTargets() {
      super(TrainCommand.RECIPES.keySet());
    }
  }

  /** The models of the shipped training recipes. */
  static final class TrainedModels extends Names {
    TrainedModels() {
      super(
          TrainCommand.RECIPES.values().stream()
              .flatMap(type -> TrainingRecipe.shipped(type).models().stream())
              .map(TrainingRecipe.Model::name)
              .toList());
    }
  }
}
