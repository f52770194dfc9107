package org.optmerge.benchmark.mini;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.Question;

/**
 * The first question of each image of one or several tasks, drawn as they are asked for.
 *
 * <p>A question's group is {@link MiniTask#label}, its id such as {@code chart-17}. Its fields:
 *
 * <ul>
 *   <li>{@code heldOut}: {@code true} or {@code false}, see {@link ImageQuestion#heldOut}
 *   <li>{@code statement}: the key of the same question as a statement
 *   <li>{@code tolerance}: by how much a number that is read off a chart may differ
 * </ul>
 *
 * @param name such as {@code mini} or {@code mini:chart}
 * @param seed of the images, see {@link MiniGenerator#SEED}
 * @param split which images
 * @param tasks in order; examples of the first come first
 * @param perTask how many of each
 */
@API(status = API.Status.EXPERIMENTAL)
public record CapabilityBenchmark(
    String name, long seed, MiniSplit split, List<MiniTask> tasks, int perTask)
    implements Benchmark {
  /** The beginning of the names of the miniature. */
  public static final String NAME = "mini";

  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if there are no tasks or no examples
   */
  public CapabilityBenchmark {
    tasks = List.copyOf(tasks);
    if (tasks.isEmpty() || perTask < 1) {
      throw new IllegalArgumentException(
          "a benchmark needs a task and an example, not %s and %d".formatted(tasks, perTask));
    }
  }

  /**
   * The benchmark of a name: {@code mini} is the five capabilities, {@code mini:KEY} one task.
   *
   * @throws IllegalArgumentException if there is no such benchmark; the message lists the tasks
   */
  public static CapabilityBenchmark of(String name, MiniSplit split) {
    List<MiniTask> tasks =
        name.equals(NAME)
            ? MiniTask.CAPABILITIES
            : List.of(MiniTask.of(name.startsWith(NAME + ":") ? name.substring(5) : name));
    return new CapabilityBenchmark(name, MiniGenerator.SEED, split, tasks, split.size());
  }

  /** The test split of {@link #of(String, MiniSplit)}. */
  public static CapabilityBenchmark of(String name) {
    return of(name, MiniSplit.TEST);
  }

  /** The same with another number of examples for each task. */
  public CapabilityBenchmark withPerTask(int number) {
    return new CapabilityBenchmark(name, seed, split, tasks, number);
  }

  /** All six tasks, those of the mean first. */
  public static CapabilityBenchmark whole(MiniSplit split, int perTask) {
    return new CapabilityBenchmark(
        NAME, MiniGenerator.SEED, split, List.of(MiniTask.values()), perTask);
  }

  @Override
  public int answerTokens() {
    return CapabilityModel.ANSWER;
  }

  /** Drawn questions follow from their numbers. */
  @Override
  public String digest() {
    return Sha256.of(
        "miniature %d, %s, %d of %s"
            .formatted(seed, split.key(), perTask, tasks.stream().map(MiniTask::key).toList()));
  }

  @Override
  public long size() {
    return (long) tasks.size() * perTask;
  }

  @Override
  public Stream<Question> questions() {
    MiniGenerator generator = new MiniGenerator(seed);
    return tasks.stream()
        .flatMap(
            task ->
                IntStream.range(0, perTask)
                    .mapToObj(i -> example(task, i, generator.generate(split, task, i))));
  }

  private static Question example(MiniTask task, int index, MiniImage image) {
    ImageQuestion question = image.first();
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("heldOut", String.valueOf(question.heldOut()));
    fields.put("statement", question.statement());
    if (task == MiniTask.CHART) {
      fields.put(CapabilityMetric.TOLERANCE, "0.05");
    }
    return new Question(
        "%s-%d".formatted(task.key(), index),
        task.label(),
        question.type(),
        List.of(image.image()),
        question.question(),
        List.of(question.answer()),
        fields);
  }
}
