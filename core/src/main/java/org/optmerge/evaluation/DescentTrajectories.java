package org.optmerge.evaluation;

import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apiguardian.api.API;
import org.optmerge.base.Json;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.linalg.NativeLibraries;
import org.optmerge.merge.MergePlan;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.interference.Descent;
import org.optmerge.method.interference.Init;
import org.optmerge.method.interference.OptMergeMethod;
import org.optmerge.method.interference.Trajectory;
import org.optmerge.method.interference.Wudi;

/**
 * Losses and norms of WUDI and OptMerge step by step on a family's experts, over all matrices:
 * figures 3 and 4 of the paper.
 *
 * @param methods points by method: the sum of the losses of all matrices, and the norm of the whole
 *     merged task vector
 */
@API(status = API.Status.EXPERIMENTAL)
public record DescentTrajectories(Map<String, List<Trajectory.Point>> methods) {
  private static final int EVERY = 10;

  /** Copies the map. */
  public DescentTrajectories {
    methods = Collections.unmodifiableMap(new LinkedHashMap<>(methods));
  }

  /**
   * The methods compared: WUDI as published, its optimiser and its start exchanged, and OptMerge.
   */
  public static Map<String, MergeMethod> compared() {
    Map<String, MergeMethod> methods = new LinkedHashMap<>();
    methods.put("WUDI, Adam from the sum", Wudi.PUBLISHED);
    methods.put("WUDI, SGD from the sum", new Wudi(Init.SUM, Descent.sgd(1e-4, 0.9, 300)));
    methods.put("WUDI, SGD from the mean", new Wudi(Init.MEAN, Descent.sgd(1e-4, 0.9, 300)));
    methods.put("OptMerge, SGD from the mean", OptMergeMethod.LORA);
    return methods;
  }

  /**
   * Makes all steps of {@link #compared}: minutes.
   *
   * @param progress is told the method and how many matrices it has done
   */
  public static DescentTrajectories of(ModelFamily family, BiConsumer<String, Integer> progress) {
    Map<String, List<Trajectory.Point>> all = new LinkedHashMap<>();
    try (MergePlan plan = StudyMerge.published("trajectories", "weight-average").plan(family, 0)) {
      compared().forEach((name, method) -> all.put(name, summed(name, plan, method, progress)));
    }
    return new DescentTrajectories(all);
  }

  private static List<Trajectory.Point> summed(
      String name, MergePlan plan, MergeMethod method, BiConsumer<String, Integer> progress) {
    List<Trajectory.Point> sum = new ArrayList<>();
    int done = 0;
    for (String parameter : plan.mergedParameters()) {
      try (NDManager manager = NativeLibraries.newManager()) {
        List<Trajectory.Point> points =
            Trajectory.of(method, plan.taskVectors(parameter, manager), EVERY).points();
        for (int i = 0; i < points.size(); i++) {
          Trajectory.Point point = points.get(i);
          if (sum.size() <= i) {
            sum.add(point);
          } else {
            Trajectory.Point so = sum.get(i);
            sum.set(
                i,
                new Trajectory.Point(
                    point.step(), so.loss() + point.loss(), Math.hypot(so.norm(), point.norm())));
          }
        }
      }
      progress.accept(name, ++done);
    }
    return sum;
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @return by the family's name
   * @throws BenchmarkException if the file holds something else
   */
  public static Map<String, DescentTrajectories> read(Path file) {
    try {
      Map<String, DescentTrajectories> families = new LinkedHashMap<>();
      Json.plain()
          .readValue(
              file.toFile(),
              new TypeReference<LinkedHashMap<String, Map<String, List<Trajectory.Point>>>>() {})
          .forEach((family, methods) -> families.put(family, new DescentTrajectories(methods)));
      return families;
    } catch (JsonProcessingException e) {
      throw new BenchmarkException(
          "%s: expected trajectories by family and method".formatted(file), e);
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(file), e);
    }
  }

  /**
   * Writes trajectories, a method a line.
   *
   * @param families by the family's name
   */
  public static void write(Map<String, DescentTrajectories> families, Path file) {
    List<String> blocks = new ArrayList<>();
    families.forEach(
        (family, trajectories) -> {
          List<String> lines = new ArrayList<>();
          trajectories.methods.forEach(
              (method, points) ->
                  lines.add("%s: %s".formatted(Json.line(method), Json.line(points))));
          blocks.add("%s: {\n%s\n}".formatted(Json.line(family), String.join(",\n", lines)));
        });
    try {
      Files.writeString(file, "{\n" + String.join(",\n", blocks) + "\n}\n");
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be written".formatted(file), e);
    }
  }
}
