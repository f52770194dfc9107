package org.optmerge.train;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import org.optmerge.base.FileErrors;
import org.optmerge.base.Json;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.base.Progress;

/**
 * One training from its first step to its last, which can be killed at any moment and goes on from
 * its last saved state to the same weights, bit for bit.
 *
 * <p>The folder holds {@code state.safetensors} (parameters, moments, step) and {@code log.jsonl},
 * one object a step. At the end the state stays, so that running again is no work.
 *
 * @param name what is trained, for people
 * @param parameters what is trained: live arrays by name, which share a manager
 * @param objective the loss
 * @param schedule the learning rate, and how many steps there are
 * @param optimiser constants of AdamW
 * @param saveEvery steps between two saved states
 * @param folder where state and log are; created if it is not there
 */
public record TrainingRun(
    String name,
    SortedMap<String, NDArray> parameters,
    Objective objective,
    LearningRateSchedule schedule,
    AdamW.Settings optimiser,
    int saveEvery,
    Path folder) {
  private static final String STATE = "state.safetensors";
  private static final String LOG = "log.jsonl";

  /** Rates are taken over so many steps: long enough to be steady, short enough to be of now. */
  private static final int RATE_WINDOW = 50;

  /**
   * @throws IllegalArgumentException if there is nothing to train or states are saved never
   */
  public TrainingRun {
    if (parameters.isEmpty()) {
      throw new IllegalArgumentException("%s: no parameter is trained".formatted(name));
    }
    if (saveEvery < 1) {
      throw new IllegalArgumentException(
          "a state is saved every so many steps, at least one, not " + saveEvery);
    }
    parameters = new TreeMap<>(parameters);
  }

  /**
   * Trains, from where an earlier call with the same settings came to.
   *
   * @param afterStep takes the number of each step that is done, counted from 1, in this thread and
   *     before the state is saved: what it keeps of a step is not lost if it is killed there
   * @param progress counts steps
   * @return the mean loss of the last tenth of all steps
   * @throws TrainingException if loss or gradient is not finite, the folder is of other settings,
   *     or it cannot be written
   */
  public double run(IntConsumer afterStep, Progress progress) {
    int threads = EngineThreads.count();
    // Sums over several threads depend on how many there are: on one, weights come out the same on
    // every machine of a kind. Two trainings side by side use two processors as well as one would.
    EngineThreads.set(1);
    try {
      return runNow(afterStep, progress);
    } finally {
      EngineThreads.set(threads);
    }
  }

  private double runNow(IntConsumer afterStep, Progress progress) {
    try (AdamW adam = new AdamW(parameters, optimiser)) {
      Files.createDirectories(folder);
      Path state = folder.resolve(STATE);
      int done = Files.exists(state) ? TrainingState.load(state, identity(), parameters, adam) : 0;
      Path log = folder.resolve(LOG);
      cut(log, done);
      try (BufferedWriter lines =
          Files.newBufferedWriter(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
        progress.started("training " + name, schedule.steps(), "steps");
        progress.resumed(done, 0);
        steps(done, adam, lines, afterStep, progress);
        progress.finished();
      }
      return lastLoss(log);
    } catch (IOException e) {
      throw new TrainingException(
          "%s: %s: cannot be read or written: %s".formatted(name, folder, FileErrors.reason(e)), e);
    }
  }

  private void steps(
      int done, AdamW adam, BufferedWriter lines, IntConsumer afterStep, Progress progress)
      throws IOException {
    NDManager base = Objects.requireNonNull(parameters.get(parameters.firstKey())).getManager();
    long[] times = new long[RATE_WINDOW + 1];
    times[done % times.length] = System.nanoTime();
    for (int step = done; step < schedule.steps(); step++) {
      double rate = schedule.rate(step);
      double loss;
      double norm;
      try (NDManager arrays = base.newSubManager()) {
        loss = backward(arrays, step);
        if (!Double.isFinite(loss)) {
          throw new TrainingException("the loss is %s".formatted(loss));
        }
        norm = adam.step(rate);
      } catch (TrainingException e) {
        throw new TrainingException("%s, step %d: %s".formatted(name, step + 1, e.getMessage()), e);
      }
      times[(step + 1) % times.length] = System.nanoTime();
      int window = Math.min(RATE_WINDOW, step + 1 - done);
      double seconds =
          (times[(step + 1) % times.length] - times[(step + 1 - window) % times.length]) / 1e9;
      lines.write(line(step + 1, loss, rate, norm, window / seconds));
      afterStep.accept(step + 1);
      progress.detail(String.format(Locale.ROOT, "loss %.4f", loss));
      progress.advanced(1);
      if ((step + 1) % saveEvery == 0 || step + 1 == schedule.steps()) {
        // The log is never behind the state, so that what is cut on resuming is the log.
        lines.flush();
        TrainingState.save(folder.resolve(STATE), step + 1, identity(), parameters, adam);
      }
    }
  }

  private double backward(NDManager arrays, int step) {
    try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
      NDArray loss = objective.loss(arrays, step);
      collector.backward(loss);
      return loss.getFloat();
    }
  }

  /** The lines of steps after the saved state are written again. */
  private static void cut(Path log, int steps) throws IOException {
    if (!Files.exists(log)) {
      return;
    }
    List<String> lines = Files.readAllLines(log);
    if (lines.size() > steps) {
      Files.write(log, lines.subList(0, steps), StandardCharsets.UTF_8);
    }
  }

  private double lastLoss(Path log) throws IOException {
    List<String> lines = Files.readAllLines(log);
    int count = Math.max(1, schedule.steps() / 10);
    double sum = 0;
    for (String line : lines.subList(Math.max(0, lines.size() - count), lines.size())) {
      JsonNode loss = loss(line);
      if (!loss.isNumber()) {
        throw new TrainingException(
            "%s: %s: is damaged, though the state beside it is whole; delete its folder to begin anew"
                .formatted(name, log));
      }
      sum += loss.asDouble();
    }
    return sum / count;
  }

  private static JsonNode loss(String line) {
    try {
      return Json.plain().readTree(line).path("loss");
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  private static String line(
      int step, double loss, double learningRate, double gradientNorm, double stepsPerSecond) {
    return Json.line(
            Json.object()
                .put("step", step)
                .put("loss", loss)
                .put("learning_rate", learningRate)
                .put("gradient_norm", gradientNorm)
                .put("steps_per_second", Math.round(1000 * stepsPerSecond) / 1000.0))
        + "\n";
  }

  private String identity() {
    // The wording is part of the format of saved states.
    return "%s Schedule[peak=%s, warmUp=%d, steps=%d, finalShare=%s] %s"
        .formatted(
            name,
            schedule.peak(),
            schedule.warmUp(),
            schedule.steps(),
            schedule.finalShare(),
            optimiser);
  }
}
