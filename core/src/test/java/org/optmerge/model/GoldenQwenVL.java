package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

/** Recorded activations, positions, answers and gradients of Qwen2-VL and Qwen2.5-VL. */
final class GoldenQwenVL {
  private GoldenQwenVL() {}

  private static List<Grid> grids(GoldenModelCase golden, String name) {
    List<Grid> grids = new ArrayList<>();
    if (golden.has(name)) {
      for (long[] row : golden.rows(name)) {
        grids.add(new Grid((int) row[0], (int) row[1], (int) row[2]));
      }
    }
    return grids;
  }

  private static List<Double> seconds(GoldenModelCase golden) {
    if (!golden.has("in.second_per_grid_ts")) {
      return List.of();
    }
    float[] seconds = golden.floats("in.second_per_grid_ts");
    return IntStream.range(0, seconds.length).mapToObj(i -> (double) seconds[i]).toList();
  }

  private static QwenVL.Visuals seen(GoldenModelCase golden, QwenVL model, NDManager step) {
    return new QwenVL.Visuals(
        features(golden, model, step, "in.pixel_values", "in.image_grid_thw"),
        grids(golden, "in.image_grid_thw"),
        features(golden, model, step, "in.pixel_values_videos", "in.video_grid_thw"),
        grids(golden, "in.video_grid_thw"),
        seconds(golden));
  }

  private static @Nullable NDArray features(
      GoldenModelCase golden, QwenVL model, NDManager step, String pixels, String grids) {
    return golden.has(pixels)
        ? model.visualFeatures(step, golden.array(step, pixels), grids(golden, grids))
        : null;
  }

  private static NDArray mask(GoldenModelCase golden, NDManager step) {
    return golden.has("in.attention_mask")
        ? golden.array(step, "in.attention_mask")
        : golden.array(step, "in.input_ids").onesLike();
  }

  static void forward(GoldenModelCase golden) {
    try (QwenVL model = QwenVL.open(golden.folder());
        NDManager step = model.manager().newSubManager()) {
      vision(golden, model, step, "image", "in.pixel_values", "in.image_grid_thw");
      vision(golden, model, step, "video", "in.pixel_values_videos", "in.video_grid_thw");
      QwenVL.Visuals seen = seen(golden, model, step);
      NDArray ids = golden.array(step, "in.input_ids");
      NDArray mask = mask(golden, step);
      QwenPositions positions = model.positions(model.batch(step, ids, mask, seen), seen);
      assertThat(
              Arrays.stream(positions.axes()).flatMap(Arrays::stream).flatMapToLong(Arrays::stream))
          .containsExactlyElementsOf(
              Arrays.stream(golden.longs("out.position_ids")).boxed().toList());
      assertThat(positions.deltas()).isEqualTo(golden.longs("out.rope_deltas"));
      if (golden.has("out.lm.hidden.0")) {
        List<NDArray> states = model.decoderStates(step, ids, mask, seen);
        for (int i = 0; i < states.size(); i++) {
          golden.close(states.get(i), "out.lm.hidden." + i, mask.toLongArray());
        }
        assertThat(golden.named("out.lm.hidden.")).hasSameSizeAs(states);
      }
      golden.close(model.logits(step, ids, mask, seen), "out.logits", mask.toLongArray());
      if (golden.has("out.greedy")) {
        int most = golden.params().path("max_new_tokens").asInt();
        assertThat(model.generate(ids, mask, seen, new GreedyDecoding(most, -1, 0)))
            .isDeepEqualTo(golden.rows("out.greedy"));
        GreedyDecoding stopping =
            new GreedyDecoding(
                most,
                golden.params().path("stop_token_id").asLong(),
                golden.params().path("pad_token_id").asLong());
        assertThat(model.generate(ids, mask, seen, stopping))
            .isDeepEqualTo(golden.rows("out.greedy_stop"));
      }
    }
  }

  private static void vision(
      GoldenModelCase golden,
      QwenVL model,
      NDManager step,
      String medium,
      String pixels,
      String gridName) {
    String prefix = "out.visual.%s.".formatted(medium);
    if (!golden.has(pixels)) {
      assertThat(golden.named(prefix)).isEmpty();
      return;
    }
    List<Grid> grids = grids(golden, gridName);
    List<NDArray> states = model.visionStates(step, golden.array(step, pixels), grids);
    golden.close(states.get(0), prefix + "patch_embed");
    int layers = states.size() - 2;
    for (int i = 0; i < layers; i++) {
      golden.close(states.get(i + 1), prefix + "block." + i);
    }
    assertThat(golden.named(prefix + "block.")).hasSize(layers);
    golden.close(states.get(layers + 1), prefix + "merged");
    QwenPatches patches = model.patches(grids);
    float[][] angles =
        patches.angles(model.config().vision().width() / model.config().vision().heads());
    NDArray flat = step.zeros(new Shape(angles.length, angles[0].length));
    for (int i = 0; i < angles.length; i++) {
      flat.set(new ai.djl.ndarray.index.NDIndex(i), step.create(angles[i]));
    }
    golden.close(flat, prefix + "rot_pos_emb");
    if (golden.has(prefix + "window_index")) {
      assertThat(patches.windows().order()).isEqualTo(golden.longs(prefix + "window_index"));
      assertThat(patches.windows().ends()).isEqualTo(golden.longs(prefix + "cu_window_seqlens"));
    }
  }

  static void train(GoldenModelCase golden) {
    try (QwenVL model = QwenVL.open(golden.folder());
        NDManager step = model.manager().newSubManager()) {
      model.parameters().values().forEach(weight -> weight.setRequiresGradient(true));
      NDArray ids = golden.array(step, "in.input_ids");
      NDArray mask = mask(golden, step);
      try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
        QwenVL.Visuals seen = seen(golden, model, step);
        NDArray loss = model.loss(step, ids, golden.array(step, "in.labels"), mask, seen);
        assertThat(loss.getFloat())
            .isCloseTo(golden.floats("out.loss")[0], within((float) golden.tolerance("loss")));
        collector.backward(loss);
      }
      String prefix = "out.grad.";
      assertThat(golden.named(prefix)).isNotEmpty();
      for (String name : golden.named(prefix)) {
        try (NDArray gradient =
            model.parameters().get(name.substring(prefix.length())).getGradient()) {
          golden.gradient(gradient, name);
        }
      }
    }
  }
}
