package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.training.GradientCollector;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;

class InternVLTest {
  /** One tile has (12 / 3 / 2)² = 4 tokens. */
  private static final long[][] IDS = {
    {1, 2, 2, 2, 2, 3, 7, 9, 4, 11}, {1, 2, 2, 2, 2, 3, 8, 5, 0, 0}
  };

  private static final long[][] MASK = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 0, 0}
  };

  private static final long[][] LABELS = {
    {-100, -100, -100, -100, -100, -100, -100, 9, -100, 11},
    {-100, -100, -100, -100, -100, -100, -100, 5, -100, -100}
  };

  @TempDir Path temporary;
  private InternVL model;
  private NDManager step;

  @BeforeEach
  void open() {
    model = Models.small(1);
    step = model.manager().newSubManager();
  }

  @AfterEach
  void close() {
    step.close();
    model.close();
  }

  private static NDArray longs(NDManager manager, long[][] rows) {
    return manager.create(
        Arrays.stream(rows).flatMapToLong(Arrays::stream).toArray(),
        new Shape(rows.length, rows[0].length));
  }

  private static NDArray pixels(NDManager manager, int tiles) {
    Random random = new Random(5);
    float[] values = new float[tiles * 3 * 12 * 12];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return manager.create(values, new Shape(tiles, 3, 12, 12));
  }

  private NDArray loss(InternVL of, NDManager in) {
    return of.loss(
        in,
        longs(in, IDS),
        longs(in, LABELS),
        longs(in, MASK),
        of.visualFeatures(in, pixels(in, 2)));
  }

  private float[] logits(InternVL of) {
    try (NDManager in = of.manager().newSubManager()) {
      return of.logits(in, longs(in, IDS), longs(in, MASK), of.visualFeatures(in, pixels(in, 2)))
          .toFloatArray();
    }
  }

  private static void train(SortedMap<String, NDArray> parameters) {
    parameters.values().forEach(parameter -> parameter.setRequiresGradient(true));
  }

  private float backward(InternVL of) {
    try (NDManager in = of.manager().newSubManager();
        GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
      NDArray loss = loss(of, in);
      collector.backward(loss);
      return loss.getFloat();
    }
  }

  private static float[] gradient(NDArray parameter) {
    try (NDArray gradient = parameter.getGradient()) {
      return gradient.toFloatArray();
    }
  }

  @Test
  void the_loss_is_the_mean_cross_entropy_of_the_logits_before_each_label() {
    float[] logits = logits(model);
    double sum = 0;
    int count = 0;
    for (int b = 0; b < 2; b++) {
      for (int j = 1; j < 10; j++) {
        if (LABELS[b][j] != InternVL.IGNORE) {
          int row = (b * 10 + j - 1) * Models.VOCABULARY;
          double exponentials = 0;
          for (int k = 0; k < Models.VOCABULARY; k++) {
            exponentials += Math.exp(logits[row + k]);
          }
          sum += Math.log(exponentials) - logits[row + (int) LABELS[b][j]];
          count++;
        }
      }
    }
    assertThat(count).isEqualTo(3);

    assertThat(loss(model, step).getFloat()).isCloseTo((float) (sum / count), within(1e-5f));
  }

  @Test
  void gradients_are_the_slopes_of_the_loss() {
    train(model.parameters());
    backward(model);

    // One entry of a weight of each part, by central differences.
    for (String name :
        new String[] {
          "vision_model.encoder.layers.0.mlp.fc1.weight",
          "vision_model.embeddings.class_embedding",
          "mlp1.1.weight",
          "language_model.model.embed_tokens.weight",
          "language_model.model.layers.0.self_attn.k_proj.weight",
          "language_model.model.layers.1.self_attn.q_proj.bias",
          "language_model.model.layers.1.mlp.gate_proj.weight",
          "language_model.model.norm.weight",
          "language_model.lm_head.weight"
        }) {
      float[] values = model.parameters().get(name).toFloatArray();
      float[] gradient = gradient(model.parameters().get(name));
      int at = largest(gradient);
      double slope = (lossAt(name, values, at, 1e-2f) - lossAt(name, values, at, -1e-2f)) / 2e-2;
      model.load(name, values);

      assertThat(slope).as(name).isNotZero();
      assertThat((double) gradient[at]).as(name).isCloseTo(slope, within(0.02 * Math.abs(slope)));
    }
  }

  private static int largest(float[] values) {
    int at = 0;
    for (int i = 1; i < values.length; i++) {
      if (Math.abs(values[i]) > Math.abs(values[at])) {
        at = i;
      }
    }
    return at;
  }

  private double lossAt(String name, float[] values, int at, float change) {
    float[] moved = values.clone();
    moved[at] += change;
    model.load(name, moved);
    try (NDManager in = model.manager().newSubManager()) {
      return loss(model, in).getFloat();
    }
  }

  @Test
  void a_token_does_not_see_what_comes_after_it() {
    float[] before = logits(model);
    long[][] changed = {IDS[0].clone(), IDS[1]};
    changed[0][9] = 12;
    float[] after =
        model
            .logits(
                step,
                longs(step, changed),
                longs(step, MASK),
                model.visualFeatures(step, pixels(step, 2)))
            .toFloatArray();

    int rows = 9 * Models.VOCABULARY;
    assertThat(Arrays.copyOf(after, rows)).isEqualTo(Arrays.copyOf(before, rows));
    assertThat(Arrays.copyOfRange(after, rows, rows + Models.VOCABULARY))
        .isNotEqualTo(Arrays.copyOfRange(before, rows, rows + Models.VOCABULARY));
  }

  @Test
  void padding_to_the_left_changes_no_answer() {
    GreedyDecoding six = new GreedyDecoding(6, -1, 0);
    NDArray features = model.visualFeatures(step, pixels(step, 1));
    long[][] plain = {{1, 2, 2, 2, 2, 3, 8, 5}};
    long[][] padded = {{0, 0, 0, 1, 2, 2, 2, 2, 3, 8, 5}};
    long[][] mask = {{0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}};

    long[][] answer =
        model.generate(longs(step, plain), longs(step, plain).onesLike(), features, six);

    assertThat(model.generate(longs(step, padded), longs(step, mask), features, six))
        .isDeepEqualTo(answer);
  }

  @Test
  void decoding_takes_the_best_token_again_and_again() {
    // A token that stands for a picture would need one when it is read again.
    float[] head = model.parameter(Models.HEAD).toFloatArray();
    System.arraycopy(head, 0, head, 2 * 12, 12);
    model.load(Models.HEAD, head);
    NDArray features = model.visualFeatures(step, pixels(step, 1));
    long[][] ids = {{1, 2, 2, 2, 2, 3, 8, 5}};
    long[] expected = new long[5];
    long[][] longer = ids;
    for (int i = 0; i < expected.length; i++) {
      NDArray all = longs(step, longer);
      long[] best = model.logits(step, all, all.onesLike(), features).argMax(2).toLongArray();
      expected[i] = best[best.length - 1];
      longer = new long[][] {Arrays.copyOf(longer[0], longer[0].length + 1)};
      longer[0][longer[0].length - 1] = expected[i];
    }

    NDArray prompt = longs(step, ids);
    assertThat(model.generate(prompt, prompt.onesLike(), features, new GreedyDecoding(5, -1, 0)))
        .isDeepEqualTo(new long[][] {expected});
    GreedyDecoding stopping = new GreedyDecoding(5, expected[1], 0);
    int end = expected[0] == expected[1] ? 1 : 2;
    assertThat(model.generate(prompt, prompt.onesLike(), features, stopping))
        .isDeepEqualTo(new long[][] {Arrays.copyOf(expected, end)});
  }

  @Test
  void a_saved_model_opens_with_the_same_answers() throws IOException {
    Path folder = temporary.resolve("saved");
    model.save(folder, DType.F32);

    try (InternVL opened = InternVL.open(folder)) {
      assertThat(logits(opened)).isEqualTo(logits(model));
      assertThat(opened.config()).isEqualTo(model.config());
      assertThat(opened.preprocessing()).isEqualTo(model.preprocessing());
      assertThat(opened.tokenizer().encode("w3 <IMG_CONTEXT>")).containsExactly(3, 2);

      Path again = temporary.resolve("again");
      Files.writeString(folder.resolve("README.md"), "a card");
      opened.save(again, DType.F32);
      assertThat(again.resolve("README.md")).hasContent("a card");
      assertThat(again.resolve("model.safetensors"))
          .hasSameBinaryContentAs(folder.resolve("model.safetensors"));
    }
    assertThatThrownBy(() -> model.save(folder, DType.F32)).hasMessageContaining("not empty");
  }

  @Test
  void a_tied_model_has_no_head_of_its_own_and_learns_through_both_uses() {
    try (InternVL tied = Models.small(Models.CONFIG.withTied(true), 1)) {
      assertThat(tied.parameters()).doesNotContainKey(Models.HEAD);
      train(tied.parameters());
      backward(tied);

      // Token 13 is nowhere in the input: only the head moves it.
      float[] gradient = gradient(tied.parameter("language_model.model.embed_tokens.weight"));
      assertThat(Arrays.copyOfRange(gradient, 13 * 12, 14 * 12)).isNotEqualTo(new float[12]);
    }
  }

  @Test
  void a_new_model_is_a_function_of_its_seed() {
    try (InternVL same = Models.small(1);
        InternVL other = Models.small(2)) {
      String name = "language_model.model.layers.1.mlp.down_proj.weight";

      assertThat(same.parameter(name).toFloatArray())
          .isEqualTo(model.parameter(name).toFloatArray())
          .isNotEqualTo(other.parameter(name).toFloatArray());
      assertThat(deviation(same.parameter(name)))
          .isCloseTo(0.7 / Math.sqrt(16) / Math.sqrt(4), within(0.02));
      assertThat(deviation(same.parameter(Models.HEAD))).isCloseTo(0.02, within(0.004));
      assertThat(same.parameter("vision_model.encoder.layers.0.ls1").toFloatArray())
          .containsOnly(0.5f);
      assertThat(same.parameter("mlp1.0.weight").toFloatArray()).containsOnly(1);
      assertThat(same.parameter("mlp1.1.bias").toFloatArray()).containsOnly(0);
    }
  }

  private static double deviation(NDArray array) {
    double sum = 0;
    for (float x : array.toFloatArray()) {
      sum += (double) x * x;
    }
    return Math.sqrt(sum / array.size());
  }

  @Test
  void steps_leave_nothing_behind() {
    PtNDManager base = (PtNDManager) model.manager();
    train(model.parameters());
    backward(model);
    decodeOnce();
    int arrays = base.getManagedArrays().size();

    for (int i = 0; i < 20; i++) {
      backward(model);
      decodeOnce();
    }

    assertThat(base.getManagedArrays()).hasSize(arrays);
  }

  private void decodeOnce() {
    try (NDManager in = model.manager().newSubManager()) {
      long[][] prompt = {{1, 8, 5}};
      NDArray ids = longs(in, prompt);
      assertThat(model.generate(ids, ids.onesLike(), null, new GreedyDecoding(3, -1, 0)))
          .hasDimensions(1, 3);
    }
  }

  @Test
  void models_in_one_process_are_apart() {
    try (InternVL other = Models.small(2)) {
      float[] before = logits(other);
      train(model.parameters());
      backward(model);
      model.load("mlp1.3.bias", new float[12]);
      model.load("language_model.model.norm.weight", new float[12]);

      assertThat(logits(other)).isEqualTo(before);
      assertThat(logits(model)).containsOnly(0);
      assertThat(other.parameters().values()).noneMatch(NDArray::hasGradient);
    }
  }

  @Test
  void adapters_begin_without_effect_and_alone_are_trained() {
    float[] before = logits(model);
    Lora lora =
        model.addLora(new LoraSettings(2, 4, Pattern.compile(LoraSettings.LANGUAGE_MODEL), 7));
    assertThat(logits(model)).isEqualTo(before);

    train(lora.parameters());
    backward(model);

    String b = "language_model.model.layers.0.mlp.up_proj.lora_B.weight";
    assertThat(gradient(lora.parameters().get(b))).isNotEqualTo(new float[32]);
    assertThat(model.parameters().values()).noneMatch(NDArray::hasGradient);
    assertThat(lora.parameters()).hasSize(2 * 2 * 7);
  }

  @Test
  void merged_saved_and_applied_adapters_are_one() {
    Lora lora =
        model.addLora(
            new LoraSettings(
                2,
                3,
                Pattern.compile(LoraSettings.LANGUAGE_MODEL + "|" + LoraSettings.VISION_MODEL),
                7));
    Random random = new Random(3);
    lora.parameters()
        .forEach(
            (name, factor) -> {
              float[] values = new float[(int) factor.size()];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) (0.3 * random.nextGaussian());
              }
              lora.load(name, values);
            });
    float[] beside = logits(model);
    Path adapter = temporary.resolve("adapter");
    lora.save(adapter, DType.F32);
    try (LoraAdapter saved = LoraAdapter.open(adapter)) {
      assertThat(saved.deltas())
          .hasSize(2 * 7 + 2 * 4)
          .containsKey("language_model.model.layers.0.self_attn.q_proj.weight");
    }
    lora.merge();

    assertThat(logits(model)).containsExactly(beside, within(1e-4f));
    assertThat(lora.parameters()).isEmpty();
    try (InternVL fresh = Models.small(1)) {
      assertThat(logits(fresh)).isNotEqualTo(beside);
      fresh.apply(adapter);
      assertThat(logits(fresh)).containsExactly(beside, within(1e-4f));
    }
  }

  @Test
  void a_checkpoint_of_a_lora_training_run_is_read_as_the_merged_model() {
    Path folder = temporary.resolve("run");
    Path merged = temporary.resolve("merged");
    model.save(merged, DType.F32);
    String weight = "language_model.model.layers.0.self_attn.q_proj";
    float[] a = ramp(2 * 12);
    float[] b = ramp(16 * 2);
    SortedMap<String, NDArray> stored = new TreeMap<>();
    model
        .parameters()
        .forEach(
            (name, array) -> {
              String inner = name.replaceFirst("^language_model\\.", "");
              boolean wrapped = !inner.equals(name);
              String base = wrapped ? "language_model.base_model.model." + inner : name;
              stored.put(
                  name.equals(weight + ".weight")
                      ? base.replace(".weight", ".base_layer.weight")
                      : base,
                  array);
            });
    String module = "language_model.base_model.model.model.layers.0.self_attn.q_proj.";
    stored.put(module + "lora_A.default.weight", step.create(a, new Shape(2, 12)));
    stored.put(module + "lora_B.default.weight", step.create(b, new Shape(16, 2)));
    ModelFolder.write(
        folder,
        staging -> {
          Files.copy(merged.resolve("config.json"), staging.resolve("config.json"));
          ModelFolder.writeTensors(staging.resolve("model.safetensors"), stored, DType.F32);
        });

    try (InternVL opened = InternVL.open(folder, Models.IMAGE)) {
      float[] expected = model.parameter(weight + ".weight").toFloatArray();
      for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 12; j++) {
          // α = 2r, so the scale is 2.
          expected[i * 12 + j] += 2 * (b[2 * i] * a[j] + b[2 * i + 1] * a[12 + j]);
        }
      }
      assertThat(opened.parameter(weight + ".weight").toFloatArray())
          .containsExactly(expected, within(1e-5f));
      assertThat(opened.parameter("mlp1.1.weight").toFloatArray())
          .isEqualTo(model.parameter("mlp1.1.weight").toFloatArray());
    }
  }

  private static float[] ramp(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = 0.01f * i - 0.1f;
    }
    return values;
  }

  @Test
  void says_what_is_wrong_with_a_batch() {
    NDArray ids = longs(step, IDS);
    NDArray mask = longs(step, MASK);
    NDArray one = model.visualFeatures(step, pixels(step, 1));
    NDArray two = model.visualFeatures(step, pixels(step, 2));

    assertThatThrownBy(() -> model.logits(step, ids, mask, one))
        .isInstanceOf(ModelException.class)
        .hasMessage(
            "the batch has 8 image tokens (<IMG_CONTEXT>, id 2), the visual features are for 4");
    assertThatThrownBy(() -> model.logits(step, ids, mask, null))
        .hasMessageContaining("8 image tokens");
    assertThatThrownBy(() -> model.logits(step, ids, longs(step, new long[][] {{1}}), two))
        .hasMessageContaining("attention mask has shape (1, 1)");
    assertThatThrownBy(() -> model.logits(step, ids.toType(DataType.INT32, true), mask, two))
        .hasMessageContaining("int32");
    assertThatThrownBy(() -> model.logits(step, ids.add(15), mask, two))
        .hasMessage("token id 22 at place 6 of sequence 0 is outside the vocabulary of 20");
    assertThatThrownBy(() -> model.loss(step, ids, ids.zerosLike().sub(100), mask, two))
        .hasMessageContaining("nothing is to be learned");
    assertThatThrownBy(() -> model.generate(ids, mask, two, new GreedyDecoding(2, -1, 0)))
        .hasMessageContaining("pad to the left");
    assertThatThrownBy(() -> model.visualFeatures(step, step.zeros(new Shape(1, 3, 13, 12))))
        .hasMessageContaining("multiples of 6, are (1, 3, 13, 12)");
    assertThatThrownBy(() -> model.load("mlp1.3.bias", new float[5]))
        .hasMessage("parameter 'mlp1.3.bias': shape (12) has 12 values, 5 were given");
    assertThatThrownBy(() -> model.load("mlp1.4.bias", new float[5]))
        .hasMessageContaining("no parameter 'mlp1.4.bias'");
  }

  @Test
  void says_what_is_wrong_with_a_folder() throws IOException {
    Path folder = temporary.resolve("model");
    model.save(folder, DType.F32);
    Path config = folder.resolve("config.json");
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(config.toFile());

    json.withObject("/llm_config").put("num_hidden_layers", 3);
    Files.writeString(config, json.toString());
    assertThatThrownBy(() -> InternVL.open(folder))
        .hasMessageContaining("12 tensors that config.json asks for are not there")
        .hasMessageContaining("'language_model.model.layers.2.input_layernorm.weight'");

    json.withObject("/llm_config").put("num_hidden_layers", 1);
    Files.writeString(config, json.toString());
    assertThatThrownBy(() -> InternVL.open(folder))
        .hasMessageContaining("12 tensors have no place in the model that config.json describes");

    json.withObject("/llm_config").put("num_hidden_layers", 2).put("vocab_size", 21);
    Files.writeString(config, json.toString());
    assertThatThrownBy(() -> InternVL.open(folder))
        .hasMessageContaining(
            "tensor 'language_model.lm_head.weight' has shape [20, 12], config.json makes it (21,"
                + " 12)");

    json.putArray("architectures").add("LlavaForConditionalGeneration");
    Files.writeString(config, json.toString());
    assertThatThrownBy(() -> InternVL.open(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("\"LlavaForConditionalGeneration\"")
        .hasMessageContaining("known: [InternVLChatModel]");

    Files.delete(folder.resolve("tokenizer.json"));
    json.putArray("architectures").add("InternVLChatModel");
    json.withObject("/llm_config").put("vocab_size", 20);
    Files.writeString(config, json.toString());
    assertThatThrownBy(() -> InternVL.open(folder)).hasMessageContaining("no tokenizer.json");
  }
}
