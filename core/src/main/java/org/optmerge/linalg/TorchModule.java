package org.optmerge.linalg;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The functions of libtorch that DJL's arrays lack, reached through a TorchScript archive.
 *
 * <p>The archive has no parameters and is written here, in memory: a ZIP of stored entries that
 * holds a pickled object without state and the source of its methods. The engine starts at the
 * first call, never at class loading elsewhere.
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
      class LinearAlgebra(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def forward(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
          return x
        def orientation(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
          largest = torch.unsqueeze(torch.argmax(torch.abs(x), 0), 0)
          sign = torch.sign(torch.gather(x, 0, largest))
          return torch.add(sign, torch.eq(sign, 0))
        def svd(self: __torch__.LinearAlgebra, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
          u, s, vt, = torch.linalg_svd(x, False)
          sign = (self).orientation(u, )
          return (torch.mul(u, sign), s, torch.mul(vt, torch.t(sign)))
        def svdvals(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
          return torch.linalg_svdvals(x)
        def eigh(self: __torch__.LinearAlgebra, x: Tensor) -> Tuple[Tensor, Tensor]:
          values, vectors, = torch.linalg_eigh(x)
          return (values, torch.mul(vectors, (self).orientation(vectors, )))
        def eigvalsh(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
          return torch.linalg_eigvalsh(x)
        def qr(self: __torch__.LinearAlgebra, x: Tensor) -> Tuple[Tensor, Tensor]:
          q, r, = torch.linalg_qr(x)
          sign = torch.sign(torch.diagonal(r))
          sign0 = torch.add(sign, torch.eq(sign, 0))
          return (torch.mul(q, sign0), torch.mul(r, torch.unsqueeze(sign0, 1)))
        def cholesky(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
          return torch.linalg_cholesky(x)
        def solve(self: __torch__.LinearAlgebra, a: Tensor, b: Tensor) -> Tensor:
          return torch.linalg_solve(a, b)
        def mirrored(self: __torch__.LinearAlgebra, x: Tensor) -> Tensor:
          return torch.add(torch.tril(x), torch.t(torch.tril(x, -1)))
        def adam(self: __torch__.LinearAlgebra, x: Tensor, g: Tensor, m: Tensor, v: Tensor,
            beta1: float, beta2: float, epsilon: float, step: float, root: float) -> Tensor:
          m0 = torch.lerp_(m, g, 1.0 - beta1)
          v0 = torch.addcmul_(torch.mul_(v, beta2), g, g, value=1.0 - beta2)
          denominator = torch.add_(torch.div_(torch.sqrt(v), root), epsilon)
          return torch.addcdiv_(x, m, denominator, value=-step)
      """;

  /** The loaded module; the JVM initialises this class, and so starts the engine, at first use. */
  private static final class Loaded {
    /** Held for as long as the JVM lives: a model that is collected takes its block with it. */
    private static final Model MODEL = load();

    static final PtSymbolBlock MODULE = (PtSymbolBlock) MODEL.getBlock();

    private Loaded() {}

    private static Model load() {
      setUnlessSet("OPT_OUT_TRACKING", "true");
      setUnlessSet("ai.djl.offline", "true");
      Model model = Model.newInstance("linear-algebra", "PyTorch");
      try {
        model.load(new ByteArrayInputStream(archive()));
      } catch (IOException | MalformedModelException e) {
        throw new LinearAlgebraException("the linear algebra module does not load", e);
      }
      return model;
    }

    private static void setUnlessSet(String property, String value) {
      if (System.getenv(property) == null && System.getProperty(property) == null) {
        System.setProperty(property, value);
      }
    }
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
    try (IValue result = IValueUtils.runMethod(Loaded.MODULE, function, values)) {
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
          "%s failed: %s".formatted(function, firstLine(String.valueOf(e.getMessage()))), e);
    } finally {
      for (IValue value : values) {
        value.close();
      }
    }
  }

  /** libtorch's messages end with a C++ stack trace; the line before it says what happened. */
  private static String firstLine(String message) {
    return message
        .lines()
        .map(String::strip)
        .filter(line -> line.contains("linalg") || line.contains("Error"))
        .reduce((first, last) -> last)
        .orElse(message.lines().findFirst().orElse(message));
  }

  /** The archive, as {@code torch.jit.save} would write it. */
  static byte[] archive() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "data.pkl", pickledObject());
      store(zip, "code/__torch__.py", SOURCE.getBytes(StandardCharsets.UTF_8));
      // An empty tuple.
      store(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      store(zip, "version", "3\n".getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Pickle, protocol 2: {@code __torch__.LinearAlgebra()} with the state {training: False}. */
  private static byte[] pickledObject() throws IOException {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.write(new byte[] {(byte) 0x80, 2});
    pickle.write("c__torch__\nLinearAlgebra\n".getBytes(StandardCharsets.UTF_8));
    pickle.write(new byte[] {')', (byte) 0x81, '}', '('});
    byte[] key = "training".getBytes(StandardCharsets.UTF_8);
    pickle.write(new byte[] {'X', (byte) key.length, 0, 0, 0});
    pickle.write(key);
    // False, set as an item, the object built, end.
    pickle.write(new byte[] {(byte) 0x89, 'u', 'b', '.'});
    return pickle.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry("linear_algebra/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setTime(0);
    CRC32 crc = new CRC32();
    crc.update(content);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
