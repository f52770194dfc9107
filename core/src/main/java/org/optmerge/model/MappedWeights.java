package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.linalg.LinearAlgebraException;
import org.optmerge.linalg.StoredTensors;

/**
 * Weights of a checkpoint where they are: mapped from their files, in the type in which they are
 * stored. Float32 models are filled through the same mapping, and let go of it.
 */
final class MappedWeights {
  /** Tensors of fewer values are copied whatever the precision: norms, biases. */
  private static final long SMALL = 1 << 16;

  /**
   * A file as it was when it was mapped.
   *
   * @param key what tells it from a file that took its name; null where the system has no such
   */
  private record Version(@Nullable Object key, long size, FileTime modified) {
    static Version of(Path file) throws IOException {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      return new Version(now.fileKey(), now.size(), now.lastModifiedTime());
    }
  }

  /** Tensors that are mapped together. */
  private record Group(Path file, StoredTensors.Type type) {}

  private final Precision precision;
  private final Map<Path, Version> files = new HashMap<>();

  MappedWeights(Precision precision) {
    this.precision = precision;
  }

  /**
   * Opens tensors of a checkpoint.
   *
   * @param manager where they live
   * @param tensors by the model's names
   * @param shapes of them in the model
   * @return arrays or handles; tensors that can only be read are left out
   * @throws ModelException if one cannot be used in this precision, or a file is changed meanwhile
   */
  SortedMap<String, NDArray> open(
      NDManager manager,
      Checkpoint checkpoint,
      SortedMap<String, TensorInfo> tensors,
      SortedMap<String, Shape> shapes) {
    remember(checkpoint);
    Map<Group, List<String>> groups = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          StoredTensors.Type type = type(tensor.dtype());
          if (type != null && StoredTensors.isAligned(type, tensor.offset())) {
            groups
                .computeIfAbsent(new Group(tensor.file(), type), group -> new ArrayList<>())
                .add(name);
          } else {
            requireReadable(tensor);
          }
        });
    SortedMap<String, NDArray> opened = new TreeMap<>();
    groups.forEach(
        (group, names) -> {
          List<StoredTensors.Place> places = new ArrayList<>();
          for (String name : names) {
            TensorInfo tensor = tensors.get(name);
            Shape shape = shapes.get(name);
            if (tensor != null && shape != null) {
              places.add(new StoredTensors.Place(tensor.offset(), shape));
            }
          }
          opened.putAll(open(manager, group, names, places));
        });
    require(false);
    return opened;
  }

  private SortedMap<String, NDArray> open(
      NDManager manager, Group group, List<String> names, List<StoredTensors.Place> places) {
    SortedMap<String, NDArray> opened = new TreeMap<>();
    try (NDManager scope = manager.newSubManager()) {
      List<NDArray> handles = StoredTensors.map(scope, group.file, group.type, places);
      if (manager.getDevice().isGpu()) {
        // Its memory is another, so nothing stays mapped.
        handles = handles.stream().map(handle -> StoredTensors.onGpu(scope, handle)).toList();
      }
      for (int i = 0; i < handles.size(); i++) {
        NDArray handle = handles.get(i);
        boolean small = places.get(i).shape().size() < SMALL;
        if (precision == Precision.FLOAT32 || precision == Precision.FLOAT32_MAPPED && small) {
          opened.put(names.get(i), StoredTensors.widened(manager, handle));
        } else if (isBfloat16() && group.type != StoredTensors.Type.BFLOAT16) {
          opened.put(names.get(i), StoredTensors.bfloat16(manager, handle));
        } else {
          handle.attach(manager);
          opened.put(names.get(i), handle);
        }
        if (opened.get(names.get(i)) != handle) {
          handle.close();
        }
      }
    } catch (LinearAlgebraException e) {
      throw new ModelException(String.valueOf(e.getMessage()), e);
    }
    return opened;
  }

  private boolean isBfloat16() {
    return precision == Precision.BFLOAT16 || precision == Precision.INT8;
  }

  private static StoredTensors.@Nullable Type type(DType dtype) {
    return switch (dtype) {
      case BF16 -> StoredTensors.Type.BFLOAT16;
      case F16 -> StoredTensors.Type.FLOAT16;
      case F32 -> StoredTensors.Type.FLOAT32;
      default -> null;
    };
  }

  /** A tensor that cannot be mapped is read, which asks for memory of its own. */
  private void requireReadable(TensorInfo tensor) {
    if (precision != Precision.FLOAT32) {
      throw new ModelException(
          "%s: tensor '%s' (%s, from byte %d on) cannot be mapped, as precision %s does; use float32, or write the model anew with 'optmerge merge'"
              .formatted(
                  tensor.file(), tensor.name(), tensor.dtype(), tensor.offset(), precision.key()));
    }
  }

  private void remember(Checkpoint checkpoint) {
    for (Path file : checkpoint.weightFiles()) {
      try {
        files.put(file, Version.of(file));
      } catch (IOException e) {
        throw new ModelException("%s: cannot be read: %s".formatted(file, e), e);
      }
    }
  }

  /**
   * Checks that no file was written to. One that another took the place of is still there, under no
   * name.
   *
   * @throws ModelException if one was; the message names it
   */
  void requireUnchanged() {
    require(true);
  }

  private void require(boolean othersMayTakeTheirPlace) {
    files.forEach(
        (file, before) -> {
          Version now;
          try {
            now = Version.of(file);
          } catch (NoSuchFileException e) {
            return;
          } catch (IOException e) {
            throw new ModelException("%s: cannot be read: %s".formatted(file, e), e);
          }
          boolean another = now.key != null && !now.key.equals(before.key);
          if (!now.equals(before) && !(another && othersMayTakeTheirPlace)) {
            throw new ModelException(
                "%s: was changed while a model has its weights in it; open the model again"
                    .formatted(file));
          }
        });
  }
}
