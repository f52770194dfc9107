package org.optmerge.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.CounterRandom;

/** A linear regression, whose examples are drawn by the number of the step. */
class TrainingRunTest {
  private static final AdamW.Settings OPTIMISER = new AdamW.Settings(0.9, 0.98, 1e-8, 0.01, 1);
  private static final LearningRateSchedule SCHEDULE = new LearningRateSchedule(0.1, 5, 60, 0.05);

  @TempDir Path folder;

  private static NDArray loss(NDManager arrays, int step, NDArray weight) {
    CounterRandom random = CounterRandom.of(7, "step " + step);
    float[] x = new float[8 * 3];
    float[] y = new float[8];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.gaussian(i);
      y[i / 3] += x[i] * (i % 3 + 1);
    }
    NDArray inputs = arrays.create(x, new Shape(8, 3));
    return inputs.matMul(weight).sub(arrays.create(y, new Shape(8, 1))).square().mean();
  }

  /** Trains, and stops as if killed once so many steps are done. */
  private static float[] train(
      Path folder, LearningRateSchedule schedule, int killAfter, List<Double> losses) {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray weight = manager.zeros(new Shape(3, 1));
      TrainingRun run =
          new TrainingRun(
              "regression",
              new TreeMap<>(Map.of("weight", weight)),
              (arrays, step) -> loss(arrays, step, weight),
              schedule,
              OPTIMISER,
              10,
              folder);
      try {
        run.run(
            report -> {
              losses.add(report.loss());
              if (report.step() == killAfter) {
                throw new IllegalStateException("killed");
              }
            });
      } catch (IllegalStateException e) {
        assertThat(e).hasMessage("killed");
      }
      return weight.toFloatArray();
    }
  }

  @Test
  void it_finds_the_weights_and_logs_every_step() throws IOException {
    List<Double> losses = new ArrayList<>();
    float[] weights = train(folder, new LearningRateSchedule(0.1, 5, 300, 0.05), -1, losses);
    assertThat(losses).hasSize(300);
    assertThat(losses.get(299)).isLessThan(1e-2 * losses.get(0));
    assertThat(Math.round(weights[0])).isEqualTo(1);
    assertThat(Math.round(weights[1])).isEqualTo(2);
    assertThat(Math.round(weights[2])).isEqualTo(3);
    assertThat(Files.readAllLines(folder.resolve("log.jsonl")))
        .hasSize(300)
        .first()
        .asString()
        .startsWith("{\"step\":1,\"loss\":" + losses.get(0) + ",\"learning_rate\":0.02");
  }

  @Test
  void killed_and_resumed_it_ends_with_the_same_bits() throws IOException {
    List<Double> whole = new ArrayList<>();
    float[] expected = train(folder.resolve("whole"), SCHEDULE, -1, whole);

    Path broken = folder.resolve("broken");
    train(broken, SCHEDULE, 27, new ArrayList<>());
    List<Double> rest = new ArrayList<>();
    assertThat(train(broken, SCHEDULE, -1, rest)).containsExactly(expected);
    assertThat(rest).isEqualTo(whole.subList(20, 60));
    assertThat(Files.readAllLines(broken.resolve("log.jsonl"))).hasSize(60);
    assertThat(broken).isDirectoryNotContaining("glob:**.unfinished");
  }

  @Test
  void a_finished_run_is_not_done_again() {
    float[] expected = train(folder, SCHEDULE, -1, new ArrayList<>());
    List<Double> again = new ArrayList<>();
    assertThat(train(folder, SCHEDULE, -1, again)).containsExactly(expected);
    assertThat(again).isEmpty();
  }

  @Test
  void a_folder_of_other_settings_is_refused_and_stays() {
    float[] expected = train(folder, SCHEDULE, -1, new ArrayList<>());
    assertThatThrownBy(
            () -> train(folder, new LearningRateSchedule(0.2, 5, 60, 0.05), -1, new ArrayList<>()))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("is of a training with other settings")
        .hasMessageContaining("delete its folder to begin anew");
    assertThat(train(folder, SCHEDULE, -1, new ArrayList<>())).containsExactly(expected);
  }

  @Test
  void a_loss_that_is_not_finite_names_run_and_step() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray weight = manager.ones(new Shape(1));
      TrainingRun run =
          new TrainingRun(
              "broken",
              new TreeMap<>(Map.of("weight", weight)),
              (arrays, step) -> arrays.create(step == 2 ? Float.NaN : 1f).mul(weight).sum(),
              SCHEDULE,
              OPTIMISER,
              10,
              folder);
      assertThatThrownBy(() -> run.run(TrainingListener.NONE))
          .isInstanceOf(TrainingException.class)
          .hasMessage("broken, step 3: the loss is NaN");
    }
  }

  @Test
  void arrays_of_a_step_are_gone_after_it() {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray weight = manager.zeros(new Shape(3, 1));
      List<Integer> counts = new ArrayList<>();
      new TrainingRun(
              "counted",
              new TreeMap<>(Map.of("weight", weight)),
              (arrays, step) -> loss(arrays, step, weight),
              SCHEDULE,
              OPTIMISER,
              100,
              folder)
          .run(report -> counts.add(manager.getManagedArrays().size()));
      assertThat(counts.subList(1, counts.size())).containsOnly(counts.get(0));
    }
  }
}
