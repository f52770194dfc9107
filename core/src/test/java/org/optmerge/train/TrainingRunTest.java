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
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.CounterRandom;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;

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

  /** Trains, and stops as if killed once so many steps are done; notes which steps it does. */
  private static float[] train(
      Path folder, LearningRateSchedule schedule, int killAfter, List<Integer> steps) {
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
            step -> {
              steps.add(step);
              if (step == killAfter) {
                throw new IllegalStateException("killed");
              }
            },
            Progress.NONE);
      } catch (IllegalStateException e) {
        assertThat(e).hasMessage("killed");
      }
      return weight.toFloatArray();
    }
  }

  private static List<Double> losses(Path folder) throws IOException {
    List<Double> losses = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve("log.jsonl"))) {
      losses.add(Json.plain().readTree(line).get("loss").asDouble());
    }
    return losses;
  }

  @Test
  void it_finds_the_weights_and_logs_every_step() throws IOException {
    List<Integer> steps = new ArrayList<>();
    float[] weights = train(folder, new LearningRateSchedule(0.1, 5, 300, 0.05), -1, steps);
    List<Double> losses = losses(folder);
    assertThat(steps).isEqualTo(IntStream.rangeClosed(1, 300).boxed().toList());
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
    float[] expected = train(folder.resolve("whole"), SCHEDULE, -1, new ArrayList<>());

    Path broken = folder.resolve("broken");
    train(broken, SCHEDULE, 27, new ArrayList<>());
    List<Integer> rest = new ArrayList<>();
    assertThat(train(broken, SCHEDULE, -1, rest)).containsExactly(expected);
    assertThat(rest).isEqualTo(IntStream.rangeClosed(21, 60).boxed().toList());
    assertThat(losses(broken)).hasSize(60).isEqualTo(losses(folder.resolve("whole")));
    assertThat(broken).isDirectoryNotContaining("glob:**.unfinished");
  }

  @Test
  void a_finished_run_is_not_done_again() {
    float[] expected = train(folder, SCHEDULE, -1, new ArrayList<>());
    List<Integer> again = new ArrayList<>();
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
      assertThatThrownBy(() -> run.run(step -> {}, Progress.NONE))
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
          .run(step -> counts.add(manager.getManagedArrays().size()), Progress.NONE);
      assertThat(counts.subList(1, counts.size())).containsOnly(counts.get(0));
    }
  }
}
