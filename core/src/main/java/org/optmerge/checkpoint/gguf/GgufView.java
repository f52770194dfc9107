package org.optmerge.checkpoint.gguf;

import java.util.List;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;

/**
 * A tensor of Hugging Face's layout, made of tensors of a GGUF file.
 *
 * @param info as it is handed out
 * @param parts the tensors it is made of
 * @param order where its elements are in them
 */
record GgufView(TensorInfo info, List<GgufTensor> parts, Order order) {
  GgufView {
    parts = List.copyOf(parts);
  }

  /**
   * Elements that follow each other both in the view and in a part.
   *
   * @param part index of the part
   * @param from first element in the part
   * @param length how many
   */
  record Run(int part, long from, long length) {}

  /** The order of a view's elements. */
  interface Order {
    /** The run that begins with an element of the view; it may be longer than the part. */
    Run at(long element);
  }

  /** A tensor as it is, by another name. */
  static GgufView same(String name, GgufTensor tensor) {
    return new GgufView(
        info(name, List.of(tensor), tensor.shape()),
        List.of(tensor),
        element -> new Run(0, element, tensor.size() - element));
  }

  /**
   * Rows of a projection whose rotary pairs llama.cpp's llama architecture keeps side by side and
   * Hugging Face half a head apart.
   *
   * @param headRows rows of a head
   */
  static GgufView unpaired(String name, GgufTensor tensor, long headRows) {
    long width = tensor.size() / tensor.rows();
    long half = headRows / 2;
    return new GgufView(
        info(name, List.of(tensor), tensor.shape()),
        List.of(tensor),
        element -> {
          long row = element / width;
          long inHead = row % headRows;
          long from = row - inHead + inHead % half * 2 + inHead / half;
          long column = element % width;
          return new Run(0, from * width + column, width - column);
        });
  }

  /** Tensors one below the other, as one. */
  static GgufView stacked(String name, List<GgufTensor> parts, List<Long> shape) {
    return new GgufView(
        info(name, parts, shape),
        parts,
        element -> {
          long from = element;
          int part = 0;
          while (from >= parts.get(part).size()) {
            from -= parts.get(part).size();
            part++;
          }
          return new Run(part, from, parts.get(part).size() - from);
        });
  }

  /**
   * Pieces of tensors of one shape in turn, as the frames of a three-dimensional convolution.
   *
   * @param piece elements of a piece
   */
  static GgufView interleaved(String name, List<GgufTensor> parts, long piece, List<Long> shape) {
    return new GgufView(
        info(name, parts, shape),
        parts,
        element -> {
          long index = element / piece;
          long inPiece = element % piece;
          int part = (int) (index % parts.size());
          return new Run(part, index / parts.size() * piece + inPiece, piece - inPiece);
        });
  }

  /** The parts' own type where they share one; float32, which holds the others, where not. */
  private static TensorInfo info(String name, List<GgufTensor> parts, List<Long> shape) {
    GgufTensor first = parts.get(0);
    DType own = first.type().dtype();
    boolean shared = parts.stream().allMatch(part -> part.type().dtype() == own);
    return new TensorInfo(name, shared ? own : DType.F32, shape, first.file(), first.offset());
  }

  /** True if the bytes in the file are those of the view, element by element. */
  boolean stored() {
    return parts.stream()
        .noneMatch(part -> part.type().packed() || part.type().dtype() != info.dtype());
  }
}
