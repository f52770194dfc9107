package org.optmerge.linalg;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import java.util.Objects;

/**
 * The functions of linear algebra that DJL's arrays lack, as a {@link TorchScript} module. The
 * engine starts at the first call, never at class loading elsewhere.
 */
final class TorchModule {
  private TorchModule() {}

  /*
   * Signs. An eigenvector or a pair of singular vectors is defined up to a sign, and a column of Q
   * with the row of R likewise. Here the entry of largest magnitude of each (left singular, eigen-)
   * vector is positive, the first such entry if there are several; the diagonal of R is not negative.
   */
  private static final String SOURCE =
      """
      def orientation(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
        largest = torch.unsqueeze(torch.argmax(torch.abs(x), 0), 0)
        sign = torch.sign(torch.gather(x, 0, largest))
        return torch.add(sign, torch.eq(sign, 0))
      def svd(self: __torch__.LinearAlgebra, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        u, s, vt, = torch.linalg_svd(x, False)
        sign = (self).orientation(u, )
        return (torch.mul(u, sign), s, torch.mul(vt, torch.t(sign)))
      def eigh(self: __torch__.LinearAlgebra, x: Tensor) -> Tuple[Tensor, Tensor]:
        values, vectors, = torch.linalg_eigh(x)
        return (values, torch.mul(vectors, (self).orientation(vectors, )))
      def qr(self: __torch__.LinearAlgebra, x: Tensor) -> Tuple[Tensor, Tensor]:
        q, r, = torch.linalg_qr(x)
        sign = torch.sign(torch.diagonal(r))
        sign0 = torch.add(sign, torch.eq(sign, 0))
        return (torch.mul(q, sign0), torch.mul(r, torch.unsqueeze(sign0, 1)))
      def solve(self: __torch__.LinearAlgebra, a: Tensor, b: Tensor) -> Tensor:
        return torch.linalg_solve(a, b)
      def mirrored(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
        return torch.add(torch.tril(x), torch.t(torch.tril(x, -1)))
      def norm(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
        return torch.linalg_vector_norm(x, 2, None, False, dtype=7)
      def stretch(self: __torch__.LinearAlgebra, x: Tensor, v: Tensor, c: Tensor) -> Tensor:
        for i in range(torch.size(c, 0)):
          v = torch.div(v, torch.linalg_vector_norm(v))
          v = torch.matmul(torch.t(x), torch.matmul(x, v))
        return torch.linalg_vector_norm(v, 2, None, False, dtype=7)
      def refined(self: __torch__.LinearAlgebra, g: Tensor, v: Tensor, rest: Tensor,
          values: Tensor) -> Tuple[Tensor, Tensor]:
        a = torch.to(v, 7)
        b = torch.t(torch.to(rest, 7))
        w = torch.matmul(torch.to(g, 7), a)
        quotients = torch.div(torch.sum(torch.mul(a, w), [0]), torch.sum(torch.mul(a, a), [0]))
        leak = torch.sub(torch.matmul(b, w), torch.mul(torch.matmul(b, a), quotients))
        turn = torch.div(leak, torch.sub(quotients, torch.unsqueeze(values, 1)))
        moved = torch.add(a, torch.matmul(torch.t(b), turn))
        gram = torch.matmul(torch.t(moved), moved)
        orthonormal = torch.sub(torch.mul(moved, 1.5), torch.matmul(moved, gram), alpha=0.5)
        return (orthonormal, torch.linalg_vector_norm(turn, 2, None, False, dtype=7))
      def chebyshev(self: __torch__.LinearAlgebra, x: Tensor, k: Tensor, c: Tensor) -> Tensor:
        degree = torch.sub(torch.size(c, 0), 1)
        before = torch.zeros_like(x)
        now = torch.mul(x, torch.select(c, 0, degree))
        for i in range(torch.sub(degree, 1)):
          next = torch.addmm(before, now, k, beta=-1, alpha=2)
          coefficient = torch.select(c, 0, torch.sub(torch.sub(degree, 1), i))
          before, now = now, torch.addcmul_(next, x, coefficient)
        last = torch.addmm(before, now, k, beta=-1, alpha=1)
        return torch.addcmul_(last, x, torch.select(c, 0, 0))
      def adam(self: __torch__.LinearAlgebra, x: Tensor, g: Tensor, m: Tensor, v: Tensor,
          beta1: float, beta2: float, epsilon: float, step: float, root: float) -> Tensor:
        m0 = torch.lerp_(m, g, 1.0 - beta1)
        v0 = torch.addcmul_(torch.mul_(v, beta2), g, g, value=1.0 - beta2)
        denominator = torch.add_(torch.div_(torch.sqrt(v), root), epsilon)
        return torch.addcdiv_(x, m, denominator, value=-step)
      """;

  /** The loaded module; the JVM initialises this class, and so starts the engine, at first use. */
  private static final class Loaded {
    static final TorchScript SCRIPT = TorchScript.compile("LinearAlgebra", SOURCE);

    private Loaded() {}
  }

  /** Starts the engine, if it has not started yet. */
  static void load() {
    Objects.requireNonNull(Loaded.SCRIPT);
  }

  /**
   * Calls a function that returns one array or several, which then live in {@code manager}.
   *
   * <p>What a TorchScript method returns may not be changed in place (it was made in inference
   * mode), so the results are copies.
   */
  static NDArray[] call(NDManager manager, String function, Object... arguments) {
    NDArray[] results = run(manager, function, arguments);
    for (int i = 0; i < results.length; i++) {
      try (NDArray immutable = results[i]) {
        results[i] = immutable.duplicate();
      }
    }
    return results;
  }

  /** Calls a function that changes its first argument in place. */
  static void update(NDArray target, String function, Object... more) {
    Object[] arguments = new Object[more.length + 1];
    arguments[0] = target;
    System.arraycopy(more, 0, arguments, 1, more.length);
    for (NDArray alias : run(target.getManager(), function, arguments)) {
      // A second handle on the argument itself.
      alias.close();
    }
  }

  private static NDArray[] run(NDManager manager, String function, Object... arguments) {
    IValue[] values = new IValue[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      values[i] =
          arguments[i] instanceof NDArray array
              ? IValue.from((PtNDArray) array)
              : IValue.from((double) arguments[i]);
    }
    try (IValue result = IValueUtils.runMethod(Loaded.SCRIPT.block(), function, values)) {
      if (result.isTensor()) {
        return new NDArray[] {result.toTensor((PtNDManager) manager)};
      }
      IValue[] parts = result.toIValueTuple();
      NDArray[] arrays = new NDArray[parts.length];
      for (int i = 0; i < parts.length; i++) {
        try (IValue part = parts[i]) {
          arrays[i] = part.toTensor((PtNDManager) manager);
        }
      }
      return arrays;
    } catch (EngineException e) {
      throw new LinearAlgebraException(
          "%s failed: %s"
              .formatted(
                  function,
                  TorchScript.lastLine(
                      e, line -> line.contains("linalg") || line.contains("Error"))),
          e);
    } finally {
      for (IValue value : values) {
        value.close();
      }
    }
  }
}
