package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Trees;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsWriter;
import org.optmerge.checkpoint.TensorInfo;

/** Writes folders that are there complete, or not at all. */
final class ModelFolder {
  private ModelFolder() {}

  /**
   * Makes a folder: filled under a hidden name beside its place, synced, then renamed.
   *
   * @throws ModelException if it is there and not empty, or cannot be written
   */
  static void write(Path target, AtomicFiles.Content content) {
    Path folder = target.toAbsolutePath().normalize();
    Path staging = folder.resolveSibling("." + folder.getFileName() + ".saving");
    try {
      requireFree(folder);
      Trees.delete(staging);
      Files.createDirectories(staging);
      try {
        content.writeTo(staging);
        Trees.force(staging);
        Files.deleteIfExists(folder);
        AtomicFiles.move(staging, folder);
      } finally {
        Trees.delete(staging);
      }
    } catch (IOException e) {
      throw new ModelException("%s: cannot be written: %s".formatted(folder, e.getMessage()), e);
    }
  }

  private static void requireFree(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    if (!Files.isDirectory(folder)) {
      throw new ModelException("%s: is there already and no folder".formatted(folder));
    }
    try (Stream<Path> files = Files.list(folder)) {
      if (files.findAny().isPresent()) {
        throw new ModelException(
            "%s: the folder is there already and not empty; choose another".formatted(folder));
      }
    }
  }

  /** Tensors in the order of their names, rounded to a type. */
  static void writeTensors(Path file, SortedMap<String, NDArray> arrays, DType dtype) {
    List<SafetensorsLayout.Entry> entries =
        arrays.entrySet().stream()
            .map(
                entry ->
                    new SafetensorsLayout.Entry(
                        entry.getKey(), dtype, Parameters.extents(entry.getValue().getShape())))
            .toList();
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, SafetensorsLayout.of(entries))) {
      for (TensorInfo tensor : writer.tensors()) {
        NDArray array = arrays.get(tensor.name());
        if (array != null) {
          writer.write(tensor, 0, stored(array, dtype));
        }
      }
      writer.force();
    }
  }

  private static ByteBuffer stored(NDArray array, DType dtype) {
    float[] values = array.toFloatArray();
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, dtype.bytes()));
    FloatCodec.narrow(dtype, values, 0, values.length, bytes);
    return bytes;
  }
}
