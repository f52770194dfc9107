package org.optmerge.method.interference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.linalg.Adam;
import org.optmerge.linalg.LinearAlgebra;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.method.Matrices;
import org.optmerge.method.MergeMethod;
import org.optmerge.taskvector.TaskVectors;

/**
 * The descent of {@code optmerge-*} and {@code wudi} made step by step in float64, with what
 * happens on the way: for figures, and as the oracle of the closed form.
 *
 * @param points loss and norm at the start and as often as asked for
 * @param merged where it ends, in the manager of the task vectors
 */
@API(status = API.Status.EXPERIMENTAL)
public record Trajectory(List<Point> points, NDArray merged) {
  /**
   * The state after some steps.
   *
   * @param step number of updates made
   * @param loss the method's own interference loss, Σ wᵢ‖(τ − Aᵢ)Bᵢᵀ‖_F²
   * @param norm ‖τ‖_F
   */
  public record Point(int step, double loss, double norm) {}

  public Trajectory {
    points = List.copyOf(points);
  }

  /**
   * Goes down a method's loss.
   *
   * @param method an {@link OptMergeMethod} or {@link Wudi} whose optimiser makes steps
   * @param every a point is taken at the start and after every so many steps
   * @throws IllegalArgumentException if the method has no steps, or the parameter is no matrix
   */
  public static Trajectory of(MergeMethod method, TaskVectors tau, int every) {
    if (!(method instanceof DescentMethod descending)
        || descending.descent().optimiser() == Descent.Optimiser.FLOW) {
      throw new IllegalArgumentException(
          "trajectory: needs a method that makes steps, optmerge or wudi with sgd or adam; got "
              + method);
    }
    if (!descending.merges(tau)) {
      throw new IllegalArgumentException(
          "trajectory: parameter '%s' of shape %s is not merged by descent"
              .formatted(tau.parameter(), tau.shape()));
    }
    if (every < 1) {
      throw new IllegalArgumentException("trajectory: every must be at least 1, is " + every);
    }
    try (Matrices matrices = new Matrices(tau)) {
      return run(descending, matrices, every, tau.manager());
    } catch (LinearAlgebraException e) {
      throw e.at(tau.parameter());
    }
  }

  private static Trajectory run(DescentMethod method, Matrices tau, int every, NDManager target) {
    Descent descent = method.descent();
    ProjectionLoss.Factored loss = (ProjectionLoss.Factored) method.loss(tau, true);
    // The value needs the factors, to be exact near zero; steps take whatever is cheaper.
    boolean factored =
        ProjectionLoss.Builder.prefersFactors(loss.b().getShape().get(0), tau.columns());
    ProjectionLoss slope = factored ? loss : method.loss(tau, false);
    NDArray merged = tau.sum(method.init().ofSum(tau.count()));
    NDArray buffer = merged.zerosLike();
    Adam adam = new Adam(merged);
    double learningRate = method.learningRate(tau);
    List<Point> points = new ArrayList<>();
    points.add(point(0, loss, merged));
    for (int step = 1; step <= descent.steps(); step++) {
      try (NDArray gradient = slope.halfGradient(merged)) {
        gradient.muli(2);
        if (descent.optimiser() == Descent.Optimiser.ADAM) {
          adam.step(gradient, learningRate);
        } else {
          buffer.muli(descent.momentum()).addi(gradient);
          try (NDArray move = buffer.mul(descent.learningRate())) {
            merged.subi(move);
          }
        }
      }
      if (step % every == 0) {
        points.add(point(step, loss, merged));
      }
    }
    merged.attach(target);
    return new Trajectory(points, merged);
  }

  private static Point point(int step, ProjectionLoss.Factored loss, NDArray merged) {
    return new Point(step, loss.value(merged), Math.sqrt(LinearAlgebra.squaredNorm(merged)));
  }
}
