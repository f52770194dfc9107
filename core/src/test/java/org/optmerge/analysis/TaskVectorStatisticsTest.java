package org.optmerge.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.analysis.TaskVectorStatistics.Entry;
import org.optmerge.analysis.TaskVectorStatistics.Expert;
import org.optmerge.analysis.TaskVectorStatistics.Omission;
import org.optmerge.analysis.TaskVectorStatistics.Parameter;
import org.optmerge.base.InterruptedWorkException;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.merge.TinyCheckpoint;

class TaskVectorStatisticsTest {
  @TempDir private Path folder;

  private TaskVectorStatistics compare(TinyCheckpoint base, Map<String, TinyCheckpoint> experts)
      throws IOException {
    return compare(base, experts, 1, Progress.NONE);
  }

  /** Writes the models and compares them, experts by the order of their names. */
  private TaskVectorStatistics compare(
      TinyCheckpoint base, Map<String, TinyCheckpoint> experts, int threads, Progress progress)
      throws IOException {
    Map<String, Checkpoint> opened = new TreeMap<>();
    try (Checkpoint theta0 = Checkpoint.open(base.writeTo(folder.resolve("base"), "{}"))) {
      for (String name : experts.keySet()) {
        Path expert = experts.get(name).writeTo(folder.resolve(name), "{}");
        opened.put(name, Checkpoint.open(expert));
      }
      return TaskVectorStatistics.of(theta0, opened, name -> true, threads, progress);
    } finally {
      opened.values().forEach(Checkpoint::close);
    }
  }

  private static TinyCheckpoint model() {
    return new TinyCheckpoint();
  }

  @Test
  void two_experts_as_worked_out_by_hand() throws IOException {
    // base   3  4  0 | 0      norm 5
    // a      4  4 -2 | 2      τ_a  1 0 -2 | 2     norm 3
    // b      3  8  1 | 1      τ_b  0 4  1 | 1     norm sqrt 18
    TaskVectorStatistics statistics =
        compare(
            model().f32("w.weight", List.of(2, 2), 3, 4, 0, 0),
            Map.of(
                "a", model().f32("w.weight", List.of(2, 2), 4, 4, -2, 2),
                "b", model().f32("w.weight", List.of(2, 2), 3, 8, 1, 1)));

    Parameter weight = statistics.parameters().get(0);
    Expert a = weight.experts().get(0);
    Expert b = weight.experts().get(1);
    assertThat(weight.name()).isEqualTo("w.weight");
    assertThat(weight.baseNorm()).isEqualTo(5);
    assertThat(a.norm()).isEqualTo(3);
    assertThat(weight.relativeNorm(0)).isEqualTo(0.6);
    assertThat(b.squaredNorm()).isEqualTo(18);
    assertThat(a.largest()).isEqualTo(2);
    assertThat(a.largestAt()).map(Entry::toString).contains("w.weight[1, 0]"); // the first of two
    assertThat(b.largest()).isEqualTo(4);
    assertThat(b.largestAt()).map(Entry::toString).contains("w.weight[0, 1]");
    assertThat(a.zeros()).isEqualTo(1);
    assertThat(a.shareOfZeros()).isEqualTo(0.25);
    // τ_a · τ_b = -2 + 2 = 0; both changed the last two entries, one of them in two directions
    assertThat(weight.cosine(0, 1)).isZero();
    assertThat(weight.cosine(1, 1)).isCloseTo(1, within(1e-15));
    assertThat(weight.contested()).isEqualTo(2);
    assertThat(weight.conflicts()).isEqualTo(1);
    assertThat(weight.signConflict()).isEqualTo(0.5);
  }

  @Test
  void the_whole_model_is_one_long_vector() throws IOException {
    // τ_a = (1, 0 | 2), τ_b = (2, 0 | -1): norms sqrt 5 both, product 2 - 2 = 0
    TaskVectorStatistics statistics =
        compare(
            model().f32("layers.0.x", List.of(2), 1, 0).bf16("layers.1.x", List.of(1), 2),
            Map.of(
                "a", model().f32("layers.0.x", List.of(2), 2, 0).bf16("layers.1.x", List.of(1), 4),
                "b",
                    model().f32("layers.0.x", List.of(2), 3, 0).bf16("layers.1.x", List.of(1), 1)));

    Parameter total = statistics.total();
    assertThat(total.size()).isEqualTo(3);
    assertThat(total.baseSquaredNorm()).isEqualTo(5);
    assertThat(total.experts().get(0).squaredNorm()).isEqualTo(5);
    assertThat(total.experts().get(1).squaredNorm()).isEqualTo(5);
    assertThat(total.cosine(0, 1)).isZero();
    assertThat(total.experts().get(0).largestAt()).map(Entry::toString).contains("layers.1.x[0]");
    assertThat(statistics.changedParameters(0)).isEqualTo(2);
    assertThat(statistics.normsByLayer())
        .isEqualTo(Map.of("layers.0", List.of(1.0, 2.0), "layers.1", List.of(2.0, 1.0)));
    assertThat(statistics.magnitudes().get(0).count()).isEqualTo(2);
    assertThat(statistics.magnitudes().get(0).count(508)).isEqualTo(1); // |1| in [1, 1.25)
  }

  @Test
  void an_unchanged_expert_has_no_direction() throws IOException {
    TaskVectorStatistics statistics =
        compare(
            model().f32("x", List.of(2), 1, 2), Map.of("same", model().f32("x", List.of(2), 1, 2)));

    Expert same = statistics.total().experts().get(0);
    assertThat(same.changed()).isFalse();
    assertThat(same.norm()).isZero();
    assertThat(same.largestAt()).isEmpty();
    assertThat(same.shareOfZeros()).isEqualTo(1);
    assertThat(statistics.total().cosine(0, 0)).isNaN();
    assertThat(statistics.total().signConflict()).isNaN();
    assertThat(statistics.changedParameters(0)).isZero();
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void entries_that_are_not_finite_are_counted_and_left_out(float value) throws IOException {
    TaskVectorStatistics statistics =
        compare(
            model().f32("x", List.of(2, 2), 0, 2, 0, value),
            Map.of("a", model().f32("x", List.of(2, 2), 0, 5, value, 0)));

    Expert a = statistics.total().experts().get(0);
    assertThat(a.nonFinite()).isEqualTo(2);
    assertThat(a.firstNonFinite()).map(Entry::toString).contains("x[1, 0]");
    assertThat(a.squaredNorm()).isEqualTo(9); // of 5 - 2 alone
    assertThat(a.zeros()).isEqualTo(1);
    assertThat(a.shareOfZeros()).isEqualTo(0.5);
    assertThat(statistics.total().baseSquaredNorm()).isEqualTo(4);
  }

  @Test
  void says_what_was_not_compared() throws IOException {
    TaskVectorStatistics statistics =
        compare(
            model()
                .f32("both", List.of(1), 1)
                .f32("shape", List.of(2), 1, 1)
                .f32("base only", List.of(1), 1)
                .tensor("ids", "I32", List.of(1), new byte[4]),
            Map.of(
                "a",
                model()
                    .f32("both", List.of(1), 2)
                    .f32("shape", List.of(1, 2), 1, 1)
                    .f32("expert only", List.of(1), 1)));

    assertThat(statistics.omissions())
        .containsExactly(
            new Omission("a", "shape", "has shape [1, 2], base has [2]"),
            new Omission("a", "base only", "missing"),
            new Omission("base", "ids", "holds I32"),
            new Omission("a", "expert only", "not in base"));
    assertThat(statistics.total().experts().get(0).entries()).isEqualTo(1);
    assertThat(statistics.total().experts().get(0).norm()).isEqualTo(1);
  }

  @Test
  void results_do_not_depend_on_the_number_of_threads() throws IOException {
    // three segments and a rest, values of very different size, so that the order of sums counts
    int size = (int) (2 * TaskVectorStatistics.SEGMENT + 12_345);
    SplittableRandom random = new SplittableRandom(7);
    float[] base = new float[size];
    float[] a = new float[size];
    float[] b = new float[size];
    for (int i = 0; i < size; i++) {
      base[i] = (float) random.nextDouble();
      a[i] = (float) (base[i] + Math.exp(20 * random.nextDouble() - 15));
      b[i] = (float) (base[i] - Math.exp(20 * random.nextDouble() - 15));
    }
    Map<String, TinyCheckpoint> experts =
        Map.of("a", model().f32("x", List.of(size), a), "b", model().f32("x", List.of(size), b));
    TinyCheckpoint baseModel = model().f32("x", List.of(size), base);

    TaskVectorStatistics one = compare(baseModel, experts, 1, Progress.NONE);
    TaskVectorStatistics three = compare(baseModel, experts, 3, Progress.NONE);

    assertThat(three.parameters()).isEqualTo(one.parameters());
    assertThat(three.total().cosine(0, 1)).isNegative();
    assertThat(counts(three)).isEqualTo(counts(one));
  }

  @Test
  void reports_every_byte_read() throws IOException {
    AtomicLong announced = new AtomicLong();
    AtomicLong advanced = new AtomicLong();
    AtomicLong tensors = new AtomicLong();
    Progress progress =
        new Progress() {
          @Override
          public void started(String what, long amount, String unit) {
            announced.set(amount);
          }

          @Override
          public void parts(int total, String noun) {
            tensors.set(total);
          }

          @Override
          public void advanced(long bytes) {
            advanced.addAndGet(bytes);
          }

          @Override
          public void finishedPart(String name) {
            tensors.decrementAndGet();
          }
        };

    compare(
        model().f32("x", List.of(3), 1, 2, 3).f32("empty", List.of(0)),
        Map.of("a", model().f32("x", List.of(3), 1, 2, 3).f32("empty", List.of(0))),
        2,
        progress);

    assertThat(advanced).hasValue(24).hasValue(announced.get());
    assertThat(tensors).hasValue(0);
  }

  @Test
  void compares_selected_tensors_only() throws IOException {
    TinyCheckpoint base = model().f32("x", List.of(1), 1).f32("y", List.of(1), 1);
    TinyCheckpoint expert = model().f32("x", List.of(1), 2).f32("y", List.of(1), 3);
    try (Checkpoint theta0 = Checkpoint.open(base.writeTo(folder.resolve("base"), "{}"));
        Checkpoint theta1 = Checkpoint.open(expert.writeTo(folder.resolve("a"), "{}"))) {
      TaskVectorStatistics statistics =
          TaskVectorStatistics.of(theta0, Map.of("a", theta1), "y"::equals, 1, Progress.NONE);

      assertThat(statistics.parameters()).extracting(Parameter::name).containsExactly("y");
      assertThat(statistics.omissions()).isEmpty();
    }
  }

  @Test
  void stops_when_interrupted() {
    TinyCheckpoint base = model().f32("x", List.of(1), 1);
    TinyCheckpoint expert = model().f32("x", List.of(1), 2);
    Progress interrupting =
        new Progress() {
          @Override
          public void started(String what, long amount, String unit) {
            Thread.currentThread().interrupt();
          }
        };
    try {
      assertThatThrownBy(() -> compare(base, Map.of("a", expert), 1, interrupting))
          .isInstanceOf(InterruptedWorkException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue(); // and it is still known that it was
    }
  }

  private static List<Long> counts(TaskVectorStatistics statistics) {
    return IntStream.range(0, MagnitudeHistogram.BINS)
        .mapToObj(statistics.magnitudes().get(0)::count)
        .toList();
  }
}
