package org.optmerge.linalg;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Predicate;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Functions of libtorch, written in TorchScript, as a module without parameters.
 *
 * <p>The archive is written here, in memory: a ZIP of stored entries that holds a pickled object
 * without state and the source of its methods. The source is in the form in which {@code
 * torch.jit.save} prints it: operators as {@code torch.NAME(…)}, integers for element types.
 *
 * <p>A module is a native resource: it lives until it is closed.
 */
public final class TorchScript implements AutoCloseable {
  private final String name;

  /** Held for as long as the module is in use: a model that is collected takes its block along. */
  private final Model model;

  private TorchScript(String name, Model model) {
    this.name = name;
    this.model = model;
  }

  /**
   * Compiles methods.
   *
   * @param name the class of the module, as {@code self: __torch__.NAME} in the source names it
   * @param methods source of the methods, not indented; {@code forward} is added if it is not there
   * @throws LinearAlgebraException if the source does not compile; the cause marks the line
   */
  public static TorchScript compile(String name, String methods) {
    NativeLibraries.require(NativeLibraries.ENGINE);
    setUnlessSet("OPT_OUT_TRACKING", "true");
    setUnlessSet("ai.djl.offline", "true");
    Model model = Model.newInstance(name, "PyTorch");
    try {
      model.load(new ByteArrayInputStream(archive(name, methods)));
    } catch (IOException | MalformedModelException | EngineException e) {
      model.close();
      throw new LinearAlgebraException(
          "the TorchScript module %s does not compile: %s".formatted(name, e.getMessage()), e);
    }
    return new TorchScript(name, model);
  }

  /** The loaded block, for calls with other arguments than arrays. */
  PtSymbolBlock block() {
    return (PtSymbolBlock) model.getBlock();
  }

  /**
   * Calls a method with arrays. Gradients flow through it while a gradient collector is open.
   *
   * @param results where the results live
   * @param method which one
   * @param arguments each an {@link NDArray}, or a {@code List<NDArray>} that the method takes as a
   *     {@code List[Tensor]}; a list must not be empty. The arrays' names are changed. Arrays that
   *     several threads pass at the same time must have the same place from the end in each call.
   * @return the tensor or tensors it returns
   * @throws LinearAlgebraException if the method fails; the cause has libtorch's stack trace
   */
  public NDList call(NDManager results, String method, Object... arguments) {
    NDList inputs = new NDList();
    // The results are attached to the manager of the first input, which names the method.
    try (NDArray selector = results.create(0)) {
      selector.setName("module_method:" + method);
      inputs.add(selector);
      for (int i = 0; i < arguments.length; i++) {
        if (arguments[i] instanceof NDArray array) {
          array.setName("argument");
          inputs.add(array);
        } else {
          for (Object element : (List<?>) arguments[i]) {
            NDArray array = (NDArray) element;
            // Counted from the end: a model's parameters, which several threads may pass at the
            // same
            // time to different methods, are the last list of each and so keep their name.
            array.setName("list%d[]".formatted(arguments.length - i));
            inputs.add(array);
          }
        }
      }
      // Run as written: what its optimiser gains does not pay for what it costs with gradients.
      JniUtils.setGraphExecutorOptimize(false);
      return IValueUtils.forward(block(), inputs, true);
    } catch (EngineException e) {
      throw new LinearAlgebraException(
          "%s.%s failed: %s"
              .formatted(
                  name,
                  method,
                  lastLine(e, line -> line.contains("Error") || line.startsWith("error"))),
          e);
    }
  }

  /** Frees the module. */
  @Override
  public void close() {
    model.close();
  }

  /**
   * What happened, as libtorch says it: its messages end with a C++ stack trace, and the last line
   * before that which tells is the one.
   */
  static String lastLine(EngineException e, Predicate<String> tells) {
    String message = String.valueOf(e.getMessage());
    return message
        .lines()
        .map(String::strip)
        .filter(tells)
        .reduce((first, last) -> last)
        .orElse(message.lines().findFirst().orElse(message));
  }

  private static void setUnlessSet(String property, String value) {
    if (System.getenv(property) == null && System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /** The archive, as {@code torch.jit.save} would write it. */
  static byte[] archive(String name, String methods) {
    StringBuilder source = new StringBuilder();
    source.append("class %s(Module):%n".formatted(name).replace("\r", ""));
    source.append("  __parameters__ = []\n  __buffers__ = []\n  training : bool\n");
    if (!methods.contains("def forward(")) {
      source.append("  def forward(self: __torch__.%s, x: Tensor) -> Tensor:\n".formatted(name));
      source.append("    return x\n");
    }
    source.append(methods.indent(2));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "data.pkl", pickledObject(name));
      store(zip, "code/__torch__.py", source.toString().getBytes(StandardCharsets.UTF_8));
      // An empty tuple.
      store(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      store(zip, "version", "3\n".getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Pickle, protocol 2: {@code __torch__.NAME()} with the state {training: False}. */
  private static byte[] pickledObject(String name) throws IOException {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.write(new byte[] {(byte) 0x80, 2});
    pickle.write("c__torch__\n%s\n".formatted(name).getBytes(StandardCharsets.UTF_8));
    pickle.write(new byte[] {')', (byte) 0x81, '}', '('});
    byte[] key = "training".getBytes(StandardCharsets.UTF_8);
    pickle.write(new byte[] {'X', (byte) key.length, 0, 0, 0});
    pickle.write(key);
    // False, set as an item, the object built, end.
    pickle.write(new byte[] {(byte) 0x89, 'u', 'b', '.'});
    return pickle.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry("module/" + name);
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
