package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.checkpoint.DType;
import org.optmerge.model.vision.QwenPreprocessing.Grid;

class QwenVLTest {
  private static final String LANGUAGE =
      """
      "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
      "intermediate_size": 20, "vocab_size": 24, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
      "hidden_act": "silu", "max_position_embeddings": 200, "tie_word_embeddings": false,
      "image_token_id": 20, "video_token_id": 21,
      "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
      """;

  private static final String PLAIN =
      """
      {"architectures": ["Qwen2VLForConditionalGeneration"], %s "vision_config": {
        "depth": 2, "embed_dim": 8, "num_heads": 1, "mlp_ratio": 2, "hidden_size": 16,
        "hidden_act": "quick_gelu", "patch_size": 2}}
      """
          .formatted(LANGUAGE);

  private static final String WINDOWED =
      """
      {"architectures": ["Qwen2_5_VLForConditionalGeneration"], %s "vision_config": {
        "depth": 2, "hidden_size": 8, "num_heads": 1, "intermediate_size": 12, "hidden_act": "silu",
        "out_hidden_size": 16, "patch_size": 2, "window_size": 8, "fullatt_block_indexes": [],
        "tokens_per_second": 2}}
      """
          .formatted(LANGUAGE);

  static Stream<String> configurations() {
    return Stream.of(PLAIN, WINDOWED);
  }

  @TempDir Path temporary;

  /** Random weights, a function of the names. */
  private Path folder(String config) throws IOException {
    Path folder = temporary.resolve("model" + Math.abs(config.hashCode()));
    SortedMap<String, NDArray> tensors = new TreeMap<>();
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      QwenVLConfig.of(new ObjectMapper().readTree(config))
          .parameters()
          .forEach((name, shape) -> tensors.put(name, random(manager, shape, name.hashCode())));
      ModelFolder.write(
          folder,
          staging -> {
            Files.writeString(staging.resolve("config.json"), config);
            ModelFolder.writeTensors(staging.resolve("model.safetensors"), tensors, DType.F32);
          });
    }
    return folder;
  }

  private static NDArray random(NDManager manager, Shape shape, long seed) {
    Random random = new Random(seed);
    float[] values = new float[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.4 * random.nextGaussian());
    }
    return manager.create(values, shape);
  }

  private static NDArray pixels(NDManager manager, List<Grid> grids, long seed) {
    int patches = grids.stream().mapToInt(Grid::patches).sum();
    return random(manager, new Shape(patches, 3 * 2 * 2 * 2), seed);
  }

  private static NDArray ids(NDManager manager, long... ids) {
    return manager.create(ids, new Shape(1, ids.length));
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void pictures_do_not_see_each_other(String config) throws IOException {
    try (QwenVL model = QwenVL.open(folder(config));
        NDManager step = model.manager().newSubManager()) {
      Grid wide = new Grid(1, 4, 6);
      Grid video = new Grid(2, 2, 4);
      NDArray first = pixels(step, List.of(wide), 1);
      NDArray second = pixels(step, List.of(video), 2);

      NDArray both = model.visualFeatures(step, first.concat(second), List.of(wide, video));

      NDArray apart =
          model
              .visualFeatures(step, first, List.of(wide))
              .concat(model.visualFeatures(step, second, List.of(video)));
      assertThat(both.toFloatArray()).containsExactly(apart.toFloatArray(), within(1e-5f));
    }
  }

  @Test
  void a_window_as_large_as_the_frame_is_full_attention() throws IOException {
    Grid grid = new Grid(2, 4, 4); // 2 x 2 tokens, as the window
    try (QwenVL windowed = QwenVL.open(folder(WINDOWED));
        QwenVL full =
            QwenVL.open(
                folder(
                    WINDOWED.replace(
                        "\"fullatt_block_indexes\": []", "\"fullatt_block_indexes\": [0, 1]")));
        NDManager step = windowed.manager().newSubManager()) {
      NDArray pixels = pixels(step, List.of(grid), 3);

      assertThat(windowed.visualFeatures(step, pixels, List.of(grid)).toFloatArray())
          .containsExactly(
              full.visualFeatures(step, pixels, List.of(grid)).toFloatArray(), within(1e-5f));
      Grid larger = new Grid(1, 4, 8);
      NDArray more = pixels(step, List.of(larger), 4);
      assertThat(windowed.visualFeatures(step, more, List.of(larger)).toFloatArray())
          .isNotEqualTo(full.visualFeatures(step, more, List.of(larger)).toFloatArray());
    }
  }

  @Test
  void windows_are_taken_row_by_row() {
    QwenPatches patches = new QwenPatches(List.of(new Grid(1, 6, 6), new Grid(1, 2, 2)), 2);

    // 3 x 3 tokens in windows of two: corners of 4, 2, 2 and 1; then a picture of one token.
    assertThat(patches.windows().order()).containsExactly(0, 1, 3, 4, 2, 5, 6, 7, 8, 9);
    assertThat(patches.windows().ends()).containsExactly(0, 16, 24, 32, 36, 40);
    assertThat(patches.windows().back()).containsExactly(0, 1, 4, 2, 3, 5, 6, 7, 8, 9);
    assertThat(patches.windows().counts()).containsExactly(16, 8, 8, 4, 4);
    assertThat(patches.frames()).containsExactly(36, 4);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 2.5})
  void positions_go_on_after_the_largest_of_a_grid(double speed) {
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      // Padding, a word, a picture of 1 x 2 tokens, a word, a video of 2 frames of one token, a
      // word.
      NDArray ids = ids(manager, 0, 5, 20, 20, 6, 21, 21, 7);
      NDArray mask = ids(manager, 0, 1, 1, 1, 1, 1, 1, 1);
      TokenBatch batch =
          TokenBatch.of(
              new InternVLConfig.Language(4, 1, 1, 1, 4, 4, 24, 1e-6, 1e4, 99),
              ids,
              mask,
              4,
              List.of());

      QwenPositions positions =
          QwenPositions.of(
              batch,
              20,
              21,
              List.of(new Grid(1, 2, 4)),
              List.of(new Grid(2, 2, 2)),
              List.of(speed));

      long next = 4 + (long) speed;
      assertThat(positions.axes()[0][0]).containsExactly(1, 0, 1, 1, 3, 4, next, next + 1);
      assertThat(positions.axes()[1][0]).containsExactly(1, 0, 1, 1, 3, 4, 4, next + 1);
      assertThat(positions.axes()[2][0]).containsExactly(1, 0, 1, 2, 3, 4, 4, next + 1);
      assertThat(positions.deltas()).containsExactly(next + 2 - 8);
    }
  }

  @Test
  void decoding_takes_the_best_token_again_and_again() throws IOException {
    try (QwenVL model = QwenVL.open(folder(WINDOWED));
        NDManager step = model.manager().newSubManager()) {
      // The tokens of pictures are never the best.
      float[] head = model.parameters().get("lm_head.weight").toFloatArray();
      System.arraycopy(head, 0, head, 20 * 16, 16);
      System.arraycopy(head, 0, head, 21 * 16, 16);
      model.load("lm_head.weight", head);
      List<Grid> grids = List.of(new Grid(1, 2, 4));
      QwenVL.Visuals seen =
          QwenVL.Visuals.images(model.visualFeatures(step, pixels(step, grids, 5), grids), grids);
      long[] all = {3, 20, 20, 7, 9};
      long[] expected = new long[4];
      for (int i = 0; i < expected.length; i++) {
        NDArray ids = ids(step, all);
        long[] best = model.logits(step, ids, ids.onesLike(), seen).argMax(2).toLongArray();
        expected[i] = best[best.length - 1];
        all = Arrays.copyOf(all, all.length + 1);
        all[all.length - 1] = expected[i];
      }

      NDArray prompt = ids(step, 3, 20, 20, 7, 9);
      assertThat(model.generate(prompt, prompt.onesLike(), seen, new GreedyDecoding(4, -1, 0)))
          .isDeepEqualTo(new long[][] {expected});
    }
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void gradients_are_the_slopes_of_the_loss(String config) throws IOException {
    try (QwenVL model = QwenVL.open(folder(config))) {
      model.parameters().values().forEach(weight -> weight.setRequiresGradient(true));
      try (NDManager step = model.manager().newSubManager();
          GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
        collector.backward(loss(model, step));
      }
      for (String name :
          List.of(
              "visual.patch_embed.proj.weight",
              "visual.blocks.0.attn.qkv.weight",
              "visual.merger.mlp.2.bias",
              "model.layers.0.self_attn.k_proj.weight",
              "lm_head.weight")) {
        float[] values = model.parameters().get(name).toFloatArray();
        float[] gradient;
        try (NDArray array = model.parameters().get(name).getGradient()) {
          gradient = array.toFloatArray();
        }
        int at = 0;
        for (int i = 1; i < gradient.length; i++) {
          at = Math.abs(gradient[i]) > Math.abs(gradient[at]) ? i : at;
        }
        double slope =
            (lossAt(model, name, values, at, 5e-3f) - lossAt(model, name, values, at, -5e-3f))
                / 1e-2;
        model.load(name, values);
        assertThat(slope).as(name).isNotZero();
        assertThat((double) gradient[at]).as(name).isCloseTo(slope, within(0.03 * Math.abs(slope)));
      }
    }
  }

  private static double lossAt(QwenVL model, String name, float[] values, int at, float change) {
    float[] moved = values.clone();
    moved[at] += change;
    model.load(name, moved);
    try (NDManager step = model.manager().newSubManager()) {
      return loss(model, step).getFloat();
    }
  }

  private static NDArray loss(QwenVL model, NDManager step) {
    List<Grid> grids = List.of(new Grid(1, 4, 4));
    QwenVL.Visuals seen =
        QwenVL.Visuals.images(model.visualFeatures(step, pixels(step, grids, 6), grids), grids);
    NDArray ids = ids(step, 3, 20, 20, 20, 20, 7, 9, 11);
    NDArray labels = ids(step, -100, -100, -100, -100, -100, -100, 9, 11);
    return model.loss(step, ids, labels, ids.onesLike(), seen);
  }

  @Test
  void newer_names_of_tensors_are_read_too() throws IOException {
    Path old = folder(PLAIN);
    Path renamed = temporary.resolve("renamed");
    try (QwenVL model = QwenVL.open(old)) {
      SortedMap<String, NDArray> tensors = new TreeMap<>();
      model
          .parameters()
          .forEach(
              (name, array) ->
                  tensors.put(
                      name.startsWith("visual.")
                          ? "model." + name
                          : name.replaceFirst("^model\\.", "model.language_model."),
                      array));
      ModelFolder.write(
          renamed,
          staging -> {
            Files.copy(old.resolve("config.json"), staging.resolve("config.json"));
            ModelFolder.writeTensors(staging.resolve("model.safetensors"), tensors, DType.F32);
          });
      try (QwenVL opened = QwenVL.open(renamed)) {
        assertThat(opened.parameters().keySet()).isEqualTo(model.parameters().keySet());
        assertThat(opened.parameters().get("model.norm.weight").toFloatArray())
            .isEqualTo(model.parameters().get("model.norm.weight").toFloatArray());
        // A merge of such folders speaks of the newer names.
        String name = "model.language_model.norm.weight";
        assertThat(opened.has(name)).isTrue();
        assertThat(opened.has("model.language_model.norm.bias")).isFalse();
        float[] before = opened.values(name);
        float[] other = new float[before.length];
        MultimodalModel.Kept kept = opened.keep(List.of(name));
        opened.load(name, other);
        assertThat(opened.values("model.norm.weight")).isEqualTo(other);
        kept.close();
        assertThat(opened.values(name)).isEqualTo(before);
      }
    }
  }

  @Test
  void says_what_is_wrong() throws IOException {
    try (QwenVL model = QwenVL.open(folder(PLAIN));
        NDManager step = model.manager().newSubManager()) {
      List<Grid> grids = List.of(new Grid(1, 2, 4));
      NDArray features = model.visualFeatures(step, pixels(step, grids, 5), grids);
      NDArray ids = ids(step, 3, 20, 20, 7);

      assertThatThrownBy(
              () -> model.visualFeatures(step, pixels(step, grids, 5), List.of(new Grid(1, 4, 4))))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("pixels must be (16, 24)");
      assertThatThrownBy(() -> model.logits(step, ids, ids.onesLike(), QwenVL.Visuals.NOTHING))
          .hasMessage(
              "the batch has 2 image tokens (<|image_pad|>, id 20), the visual features are for 0");
      assertThatThrownBy(
              () ->
                  model.logits(
                      step,
                      ids,
                      ids.onesLike(),
                      QwenVL.Visuals.images(features, List.of(new Grid(1, 2, 2)))))
          .hasMessageContaining("are of 1 tokens, the features of 2");
    }
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(PLAIN);
    json.withObject("/rope_scaling").putArray("mrope_section").add(1).add(1);
    assertThatThrownBy(() -> QwenVLConfig.of(json)).hasMessageContaining("mrope_section must be");
    json.withObject("/rope_scaling").put("type", "yarn");
    assertThatThrownBy(() -> QwenVLConfig.of(json))
        .hasMessageContaining("rope_scaling is 'yarn'; known: [mrope, default]");
    json.putArray("architectures").add("Qwen3VLForConditionalGeneration");
    assertThatThrownBy(() -> QwenVLConfig.of(json))
        .hasMessageContaining("'Qwen3VLForConditionalGeneration'");
  }
}
