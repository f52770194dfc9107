package org.optmerge.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Sha256;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsWriter;
import org.optmerge.checkpoint.TensorInfo;

/** The file a training resumes from: parameters, both moments of each, and the step. */
final class TrainingState {
  private static final String STEP = "step";
  private static final String RUN = "run";
  private static final String DIGEST = "sha256";

  private TrainingState() {}

  /**
   * Replaces the file, which is the old one or the new one at any moment.
   *
   * @param run what must be the same for a run to go on from here
   */
  static void save(
      Path file, int step, String run, SortedMap<String, NDArray> parameters, AdamW optimiser) {
    SortedMap<String, NDArray> arrays = arrays(parameters, optimiser);
    List<SafetensorsLayout.Entry> entries = new ArrayList<>();
    arrays.forEach(
        (name, array) ->
            entries.add(
                new SafetensorsLayout.Entry(
                    name, DType.F32, Arrays.stream(array.getShape().getShape()).boxed().toList())));
    SafetensorsLayout layout =
        SafetensorsLayout.of(
            entries,
            Map.of(STEP, Integer.toString(step), RUN, run, DIGEST, digest(arrays.values())));
    try {
      AtomicFiles.write(
          file,
          draft -> {
            try (SafetensorsWriter writer = SafetensorsWriter.create(draft, layout)) {
              arrays.forEach((name, array) -> writer.write(name, 0, bytes(array.toFloatArray())));
            }
          });
    } catch (IOException e) {
      throw new TrainingException(
          "%s: the state of the training cannot be saved: %s".formatted(file, e), e);
    }
  }

  /**
   * Sets parameters and moments to what was saved.
   *
   * @return the number of steps that were done
   * @throws TrainingException if the file is of another run
   */
  static int load(Path file, String run, SortedMap<String, NDArray> parameters, AdamW optimiser) {
    try (Checkpoint saved = Checkpoint.open(file)) {
      Map<String, String> metadata = saved.metadata(file);
      if (!run.equals(metadata.get(RUN))) {
        throw new TrainingException(
            "%s: is of a training with other settings (%s, now %s); delete its folder to begin anew"
                .formatted(file, metadata.get(RUN), run));
      }
      int step = Integer.parseInt(metadata.getOrDefault(STEP, ""));
      SortedMap<String, NDArray> arrays = arrays(parameters, optimiser);
      arrays.forEach((name, array) -> restore(saved, file, name, array));
      String digest = metadata.get(DIGEST);
      if (digest != null && !digest.equals(digest(arrays.values()))) {
        throw new TrainingException(
            "%s: is damaged: its numbers do not have the checksum they were saved with; delete its folder to begin anew"
                .formatted(file));
      }
      optimiser.moments().values().forEach(moments -> moments.resume(step));
      return step;
    } catch (NumberFormatException e) {
      throw new TrainingException(
          "%s: does not say its step; delete its folder to begin anew".formatted(file), e);
    } catch (CheckpointException e) {
      throw new TrainingException(
          "%s; this is the saved state of a training: delete its folder to begin anew"
              .formatted(e.getMessage()),
          e);
    }
  }

  private static void restore(Checkpoint saved, Path file, String name, NDArray array) {
    TensorInfo tensor =
        saved
            .find(name)
            .orElseThrow(
                () -> new TrainingException("%s: holds no tensor %s".formatted(file, name)));
    Shape shape = array.getShape();
    if (!tensor.shape().equals(Arrays.stream(shape.getShape()).boxed().toList())) {
      throw new TrainingException(
          "%s: tensor %s has shape %s, expected %s".formatted(file, name, tensor.shape(), shape));
    }
    float[] values = new float[Math.toIntExact(tensor.size())];
    saved.read(tensor, 0, values.length, values);
    try (NDManager copy = array.getManager().newSubManager()) {
      copy.create(values, shape).copyTo(array);
    }
  }

  private static String digest(Iterable<NDArray> arrays) {
    MessageDigest digest = Sha256.begin();
    arrays.forEach(array -> digest.update(bytes(array.toFloatArray())));
    return Sha256.hex(digest.digest());
  }

  private static SortedMap<String, NDArray> arrays(
      SortedMap<String, NDArray> parameters, AdamW optimiser) {
    SortedMap<String, NDArray> arrays = new TreeMap<>();
    parameters.forEach((name, parameter) -> arrays.put("parameter." + name, parameter));
    optimiser
        .moments()
        .forEach(
            (name, moments) -> {
              arrays.put("first_moment." + name, moments.firstMoment());
              arrays.put("second_moment." + name, moments.secondMoment());
            });
    return arrays;
  }

  private static ByteBuffer bytes(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(4 * values.length);
    FloatCodec.narrow(DType.F32, values, 0, values.length, bytes);
    return bytes;
  }
}
