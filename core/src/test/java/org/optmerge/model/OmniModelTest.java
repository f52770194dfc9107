package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.base.CounterRandom;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.stage.ModalityModel;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.checkpoint.DType;

class OmniModelTest {
  private static final Offset<Float> CLOSE = within(2e-4f);

  private static OmniModel model() {
    OmniConfig config = ModalityModel.language();
    for (StageModality modality : StageModality.ALL) {
      config = config.with(modality.key(), ModalityModel.modality(modality));
    }
    return ModalityModel.initialise(config, 3);
  }

  private static Map<String, NDArray> inputs(
      OmniModel model, NDManager step, StageModality... given) {
    Map<String, NDArray> features = new HashMap<>();
    for (StageModality modality : given) {
      OmniConfig.Modality shape = ModalityModel.modality(modality);
      float[] values = new float[shape.channels() * 48 * 48];
      CounterRandom random = CounterRandom.of(5, modality.key());
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.gaussian(i);
      }
      NDArray input = step.create(values, new Shape(1, shape.channels(), 48, 48));
      features.put(modality.key(), model.features(step, modality.key(), input));
    }
    return features;
  }

  private static float[] logits(OmniModel model, StageModality... given) {
    Dialogue prompt = ModalityModel.dialogue();
    for (StageModality modality : given) {
      prompt.given(modality.features(ModalityModel.modality(modality).tokens()));
    }
    int[] ids = prompt.question("where is the drum ?").ids();
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    try (NDManager step = model.manager().newSubManager()) {
      return model
          .logits(
              step,
              step.create(Arrays.stream(ids).asLongStream().toArray(), new Shape(1, ids.length)),
              step.create(mask, new Shape(1, ids.length)),
              inputs(model, step, given))
          .get(":, -1")
          .toFloatArray();
    }
  }

  @Test
  void aSavedModelAnswersAsBefore(@TempDir Path folder) {
    try (OmniModel model = model()) {
      model.save(folder.resolve("model"), DType.F32);
      assertThat(Architecture.of(folder.resolve("model")).key()).isEqualTo("omni");
      try (OmniModel opened = OmniModel.open(folder.resolve("model"))) {
        assertThat(opened.config()).isEqualTo(model.config());
        assertThat(logits(opened, StageModality.values()))
            .containsExactly(logits(model, StageModality.values()));
      }
    }
  }

  @Test
  void anySubsetOfModalitiesMayBeGiven() {
    try (OmniModel model = model()) {
      assertThat(logits(model)).hasSize(ModalityModel.WORDS.size());
      assertThat(logits(model, StageModality.AUDIO))
          .hasSize(ModalityModel.WORDS.size())
          .isNotEqualTo(logits(model, StageModality.VIDEO));
      assertThat(logits(model, StageModality.VISION, StageModality.VIDEO))
          .isNotEqualTo(logits(model, StageModality.VISION));
    }
  }

  @Test
  void featuresThatFitNoTokenAreAnError() {
    try (OmniModel model = model();
        NDManager step = model.manager().newSubManager()) {
      long[] ids = {ModalityModel.WORDS.id("drum")};
      assertThatThrownBy(
              () ->
                  model.logits(
                      step,
                      step.create(ids, new Shape(1, 1)),
                      step.create(new long[] {1}, new Shape(1, 1)),
                      inputs(model, step, StageModality.AUDIO)))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("<audio>");
      assertThatThrownBy(() -> model.features(step, "video", step.zeros(new Shape(1, 3, 48, 48))))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("(inputs, 4, 48, 48)");
      assertThatThrownBy(() -> model.features(step, "smell", step.zeros(new Shape(1, 3, 48, 48))))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("no modality 'smell'");
    }
  }

  @Test
  void naiveCompositionIsTheMergeOfTheProducts(@TempDir Path folder) {
    try (OmniModel model = model()) {
      adapter(model, 1, folder.resolve("vision"));
      adapter(model, 2, folder.resolve("audio"));
      float[] plain = logits(model, StageModality.values());
      TreeMap<String, Path> adapters = new TreeMap<>();
      adapters.put("vision", folder.resolve("vision"));
      adapters.put("audio", folder.resolve("audio"));
      long[] naive = answer(model, adapters, OnlineComposition.Mode.NAIVE, 1);
      long[] decoupled = answer(model, adapters, OnlineComposition.Mode.DECOUPLED, 1);
      // Afterwards the model is as it was.
      assertThat(logits(model, StageModality.values())).containsExactly(plain);
      model.apply(folder.resolve("vision"));
      model.apply(folder.resolve("audio"));
      assertThat(naive).containsExactly(generate(model));
      assertThat(decoupled).hasSameSizeAs(naive);
    }
  }

  @Test
  void adaptersThatAreMergedComputeTheSame(@TempDir Path folder) {
    try (OmniModel model = model()) {
      adapter(model, 1, folder.resolve("audio"));
      Lora lora = model.addLora(new LoraSettings(2, 4, Pattern.compile(TARGETS), 1));
      fill(lora, 1);
      float[] beside = logits(model, StageModality.AUDIO);
      lora.remove();
      model.apply(folder.resolve("audio"));
      float[] merged = logits(model, StageModality.AUDIO);
      for (int i = 0; i < merged.length; i++) {
        assertThat(merged[i]).isCloseTo(beside[i], CLOSE);
      }
    }
  }

  private static final String TARGETS =
      "language_model\\.model\\.layers\\.0\\.self_attn\\.[qv]_proj";

  private static void adapter(OmniModel model, long seed, Path folder) {
    Lora lora = model.addLora(new LoraSettings(2, 4, Pattern.compile(TARGETS), 1));
    fill(lora, seed);
    lora.save(folder, DType.F32);
    lora.remove();
  }

  private static void fill(Lora lora, long seed) {
    lora.parameters()
        .forEach(
            (name, factor) -> {
              float[] values = new float[(int) factor.size()];
              CounterRandom random = CounterRandom.of(seed, name);
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) (0.2 * random.gaussian(i));
              }
              lora.load(name, values);
            });
  }

  private static long[] answer(
      OmniModel model, TreeMap<String, Path> adapters, OnlineComposition.Mode mode, double share) {
    try (OnlineComposition composition = model.compose(adapters, mode, share)) {
      assertThat(composition.parameters()).isPositive();
      assertThatThrownBy(() -> model.compose(adapters, mode, share))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("adapters already");
      return generate(model);
    }
  }

  private static long[] generate(OmniModel model) {
    Dialogue prompt = ModalityModel.dialogue();
    for (StageModality modality : StageModality.ALL) {
      prompt.given(modality.features(ModalityModel.modality(modality).tokens()));
    }
    int[] ids = prompt.question("where is the drum ?").ids();
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    try (NDManager step = model.manager().newSubManager()) {
      return model
          .generate(
              step.create(Arrays.stream(ids).asLongStream().toArray(), new Shape(1, ids.length)),
              step.create(mask, new Shape(1, ids.length)),
              inputs(model, step, StageModality.values()),
              new GreedyDecoding(6, -1, 0))[0];
    }
  }
}
