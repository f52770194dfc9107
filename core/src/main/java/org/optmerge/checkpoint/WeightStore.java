package org.optmerge.checkpoint;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Weights in files of another format, seen as a checkpoint in Hugging Face layout: its names,
 * shapes and order of rows, whatever the files have. Reading is safe from several threads.
 */
public interface WeightStore extends AutoCloseable {
  /** The files, in their order. */
  List<Path> weightFiles();

  /**
   * The tensors, as they are read: packed numbers have the type that they are unpacked to. {@link
   * TensorInfo#offset()} is where a tensor's data begins in its file, to be read by {@link
   * #readBytes} alone.
   */
  List<TensorInfo> tensors();

  /**
   * Reads bytes of a tensor as {@link #tensors} describes it, until {@code target} has none
   * remaining.
   *
   * @param offset first byte within the tensor; a multiple of its type's width, as is the length
   */
  void readBytes(TensorInfo tensor, long offset, ByteBuffer target);

  /** Files of the Hugging Face layout whose content the weight files hold, such as config.json. */
  Map<String, byte[]> derivedFiles();

  /** What a reader ought to know of how these weights are read, one sentence each. */
  List<String> notes();

  @Override
  void close();
}
