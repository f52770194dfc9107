package org.optmerge.linalg;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Tensors in the type in which a file has them, bfloat16 among them, mapped from the file.
 *
 * <p>What is given are handles: arguments of {@link TorchScript#call}, with a shape, and nothing
 * else. DJL ends the process if it is asked for the type or the values of a bfloat16 array.
 */
public final class StoredTensors {
  /** A type of stored values. */
  public enum Type {
    /** Eight bits of mantissa. */
    BFLOAT16(15, 2),
    /** IEEE 754 half precision. */
    FLOAT16(5, 2),
    /** IEEE 754 single precision. */
    FLOAT32(6, 4);

    private final long code;
    private final int bytes;

    Type(long code, int bytes) {
      this.code = code;
      this.bytes = bytes;
    }

    /** The engine's number for it, as TorchScript's source has it. */
    public long code() {
      return code;
    }
  }

  /**
   * The place of a tensor in a file.
   *
   * @param offset of its first byte
   * @param shape of the tensor
   */
  public record Place(long offset, Shape shape) {}

  private static final String SOURCE =
      """
      def map(self: __torch__.Stored, path: str, size: int, dtype: int, first: List[int],
          extents: List[int], ranks: List[int]) -> List[Tensor]:
        whole = torch.from_file(path, False, size, dtype=dtype)
        tensors = annotate(List[Tensor], [])
        at = 0
        for i in range(torch.len(first)):
          count = 1
          shape = annotate(List[int], [])
          for j in range(ranks[i]):
            count = torch.mul(count, extents[torch.add(at, j)])
            _0 = torch.append(shape, extents[torch.add(at, j)])
          at = torch.add(at, ranks[i])
          part = torch.reshape(torch.narrow(whole, 0, first[i], count), shape)
          _1 = torch.append(tensors, part)
        return tensors
      def widened(self: __torch__.Stored, x: Tensor) -> Tensor:
        return torch.to(x, 6, False, True)
      def bfloat16(self: __torch__.Stored, x: Tensor) -> Tensor:
        return torch.to(x, 15, False, True)
      def eight_bits(self: __torch__.Stored, x: Tensor) -> List[Tensor]:
        rows, columns = torch.size(x, 0), torch.size(x, 1)
        most = torch.add(torch.floordiv(1048576, columns), 1)
        all = torch.new_empty(x, [rows, columns], dtype=1)
        scales = torch.new_empty(x, [rows], dtype=15)
        for i in range(torch.floordiv(torch.add(rows, torch.sub(most, 1)), most)):
          first = torch.mul(i, most)
          wide = torch.to(torch.slice(x, 0, first, torch.add(first, most)), 6)
          n = torch.size(wide, 0)
          largest = torch.amax(torch.abs(wide), [1], True)
          scale = torch.to(torch.clamp_min(torch.div(largest, 127), 1.0e-30), 15)
          whole = torch.clamp(torch.round(torch.div(wide, torch.to(scale, 6))), -127, 127)
          _0 = torch.copy_(torch.narrow(all, 0, first, n), whole)
          _1 = torch.copy_(torch.narrow(scales, 0, first, n), torch.reshape(scale, [-1]))
        return [all, scales]
      def on_gpu(self: __torch__.Stored, x: Tensor) -> Tensor:
        return torch.to(x, torch.device("cuda:0"), ops.prim.dtype(x))
      def scaled(self: __torch__.Stored, x: Tensor, scales: Tensor) -> Tensor:
        return torch.mul(torch.to(x, 6), torch.unsqueeze(torch.to(scales, 6), 1))
      """;

  /** The loaded module. */
  private static final class Loaded {
    static final TorchScript SCRIPT = TorchScript.compile("Stored", SOURCE);

    private Loaded() {}
  }

  private StoredTensors() {}

  /** True if a tensor of a type can begin at a byte of a file that is mapped. */
  public static boolean isAligned(Type type, long offset) {
    return offset % type.bytes == 0;
  }

  /**
   * Maps tensors of one type. The file stays mapped until the last handle is closed; it must not
   * become shorter or be written to meanwhile. Pages are read as they are used, and the machine may
   * drop them again.
   *
   * @param manager where the handles live
   * @param places each {@linkplain #isAligned aligned}
   * @return a handle for each place
   * @throws LinearAlgebraException if the file cannot be mapped, or is too short
   */
  public static List<NDArray> map(NDManager manager, Path file, Type type, List<Place> places) {
    long[] first = new long[places.size()];
    long[] ranks = new long[places.size()];
    List<Long> extents = new ArrayList<>();
    long end = 0;
    for (int i = 0; i < first.length; i++) {
      Place place = places.get(i);
      if (!isAligned(type, place.offset)) {
        throw new IllegalArgumentException("%s at byte %d".formatted(type, place.offset));
      }
      first[i] = place.offset / type.bytes;
      ranks[i] = place.shape.dimension();
      for (long extent : place.shape.getShape()) {
        extents.add(extent);
      }
      end = Math.max(end, first[i] + place.shape.size());
    }
    IValue[] arguments = {
      IValue.from(file.toAbsolutePath().toString()),
      IValue.from(end),
      IValue.from(type.code),
      IValue.listFrom(first),
      IValue.listFrom(extents.stream().mapToLong(Long::longValue).toArray()),
      IValue.listFrom(ranks)
    };
    try (IValue tensors = IValueUtils.runMethod(Loaded.SCRIPT.block(), "map", arguments)) {
      return List.of(tensors.toTensorArray((PtNDManager) manager));
    } catch (EngineException e) {
      throw new LinearAlgebraException(
          "%s: cannot be mapped: %s"
              .formatted(file, TorchScript.lastLine(e, line -> line.contains("map"))),
          e);
    } finally {
      for (IValue argument : arguments) {
        argument.close();
      }
    }
  }

  /** A float32 copy of a tensor, in the given manager. */
  public static NDArray widened(NDManager manager, NDArray stored) {
    return call(manager, "widened", stored);
  }

  /** A handle to a copy of an array, rounded to bfloat16: to the nearest, ties to even. */
  public static NDArray bfloat16(NDManager manager, NDArray array) {
    return call(manager, "bfloat16", array);
  }

  /** A handle to a copy in the memory of the first GPU. */
  public static NDArray onGpu(NDManager manager, NDArray stored) {
    return call(manager, "on_gpu", stored);
  }

  /**
   * Handles to a matrix of whole numbers of eight bits and the scales of its rows, bfloat16: the
   * largest number of a row is 127.
   */
  public static List<NDArray> eightBits(NDManager manager, NDArray matrix) {
    return List.copyOf(Loaded.SCRIPT.call(manager, "eight_bits", matrix));
  }

  /** The float32 matrix that whole numbers of eight bits and scales stand for. */
  public static NDArray widened(NDManager manager, NDArray eightBits, NDArray scales) {
    return call(manager, "scaled", eightBits, scales);
  }

  private static NDArray call(NDManager manager, String method, Object... arguments) {
    return Loaded.SCRIPT.call(manager, method, arguments).singletonOrThrow();
  }
}
