package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Trees;

/** Recorded activations, answers, gradients and steps of InternVL. */
final class GoldenInternVL {
  private GoldenInternVL() {}

  private static InternVL open(GoldenModelCase golden) {
    return InternVL.open(golden.folder(), golden.params().path("img_context_token_id").asLong());
  }

  static void forward(GoldenModelCase golden) {
    try (InternVL model = open(golden);
        NDManager step = model.manager().newSubManager()) {
      NDArray features = null;
      if (golden.has("in.pixel_values")) {
        NDArray pixels = golden.array(step, "in.pixel_values");
        List<NDArray> states = model.visionStates(step, pixels);
        for (int i = 0; i < states.size(); i++) {
          golden.close(states.get(i), "out.vit.hidden." + i);
        }
        assertThat(golden.named("out.vit.hidden.")).hasSameSizeAs(states);
        assertThat(model.hiddenStates(step, pixels).toFloatArray())
            .isEqualTo(states.get(states.size() - 1).toFloatArray());
        features = model.visualFeatures(step, pixels);
        golden.close(features, "out.pixel_shuffle");
        golden.close(model.connect(step, features), "out.mlp1");
      }
      decoder(golden, model, step, features);
      logits(golden, model, step, features);
      greedy(golden, model, step, features);
    }
  }

  private static void decoder(
      GoldenModelCase golden, InternVL model, NDManager step, @Nullable NDArray features) {
    NDArray ids = golden.array(step, "in.input_ids");
    NDArray mask = golden.array(step, "in.attention_mask");
    List<NDArray> states = model.decoderStates(step, ids, mask, features);
    golden.close(states.get(0), "out.inputs_embeds");
    for (int i = 0; i < states.size(); i++) {
      golden.close(states.get(i), "out.lm.hidden." + i, mask.toLongArray());
    }
    assertThat(golden.named("out.lm.hidden.")).hasSameSizeAs(states);
    assertThat(model.batch(step, ids, mask, features).positions())
        .isDeepEqualTo(golden.rows("out.position_ids_from_mask"));
  }

  private static void logits(
      GoldenModelCase golden, InternVL model, NDManager step, @Nullable NDArray features) {
    NDArray mask = golden.array(step, "in.attention_mask");
    golden.close(
        model.logits(step, golden.array(step, "in.input_ids"), mask, features),
        "out.logits",
        mask.toLongArray());
  }

  private static void greedy(
      GoldenModelCase golden, InternVL model, NDManager step, @Nullable NDArray features) {
    NDArray ids = golden.array(step, "in.input_ids");
    NDArray mask = golden.array(step, "in.attention_mask");
    int most = golden.params().path("max_new_tokens").asInt();
    assertThat(model.generate(ids, mask, features, new GreedyDecoding(most, -1, 0)))
        .isDeepEqualTo(golden.rows("out.greedy"));
    if (golden.has("out.greedy_stop")) {
      GreedyDecoding stopping =
          new GreedyDecoding(
              most,
              golden.params().path("stop_token_id").asLong(),
              golden.params().path("pad_token_id").asLong());
      assertThat(model.generate(ids, mask, features, stopping))
          .isDeepEqualTo(golden.rows("out.greedy_stop"));
    }
  }

  /** The adapter by itself: its folder holds the recorded case too, which is no part of it. */
  private static Path adapter(GoldenModelCase golden, Path folder) throws IOException {
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      Files.copy(golden.path("adapter").resolve(file), folder.resolve(file));
    }
    return folder;
  }

  static void lora(GoldenModelCase golden) throws IOException {
    Path adapter = Files.createTempDirectory("adapter");
    try (InternVL model = open(golden);
        NDManager step = model.manager().newSubManager()) {
      model.apply(adapter(golden, adapter));
      String merged = "out.merged.";
      for (String name : golden.named(merged)) {
        golden.close(model.parameter(name.substring(merged.length())), name);
      }
      NDArray features = model.visualFeatures(step, golden.array(step, "in.pixel_values"));
      logits(golden, model, step, features);
      greedy(golden, model, step, features);
    } finally {
      Trees.delete(adapter);
    }
  }

  static void train(GoldenModelCase golden) {
    try (InternVL model = open(golden)) {
      model.parameters().values().forEach(weight -> weight.setRequiresGradient(true));
      try (NDManager step = model.manager().newSubManager()) {
        double tolerance = golden.tolerance("loss");
        NDArray loss = backward(golden, model, step);
        assertThat(loss.getFloat())
            .isCloseTo(golden.floats("out.loss")[0], within((float) tolerance));
        assertGradients(golden, model);
        adamW(golden, model);
        assertThat(loss(golden, model, step).getFloat())
            .isCloseTo(golden.floats("out.loss_after_adamw")[0], within((float) (10 * tolerance)));
      }
    }
  }

  private static NDArray backward(GoldenModelCase golden, InternVL model, NDManager step) {
    try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
      NDArray loss = loss(golden, model, step);
      collector.backward(loss);
      return loss;
    }
  }

  private static NDArray loss(GoldenModelCase golden, InternVL model, NDManager step) {
    return model.loss(
        step,
        golden.array(step, "in.input_ids"),
        golden.array(step, "in.labels"),
        golden.array(step, "in.attention_mask"),
        model.visualFeatures(step, golden.array(step, "in.pixel_values")));
  }

  private static void assertGradients(GoldenModelCase golden, InternVL model) {
    String prefix = "out.grad.";
    for (String name : golden.named(prefix)) {
      try (NDArray gradient = model.parameter(name.substring(prefix.length())).getGradient()) {
        golden.gradient(gradient, name);
      }
    }
    double squares = 0;
    for (NDArray weight : model.parameters().values()) {
      try (NDArray gradient = weight.getGradient()) {
        for (float g : gradient.toFloatArray()) {
          squares += (double) g * g;
        }
      }
    }
    float norm = golden.floats("out.grad_norm")[0];
    assertThat(Math.sqrt(squares))
        .isCloseTo(norm, within(golden.tolerance("grad_rtol_of_max") * norm));
  }

  /** The first step of AdamW, on every parameter. */
  private static void adamW(GoldenModelCase golden, InternVL model) {
    String prefix = "out.adamw.";
    double rate = 1e-3;
    double decay = 0.05;
    model
        .parameters()
        .forEach(
            (name, weight) -> {
              float[] values = weight.toFloatArray();
              float[] gradient;
              try (NDArray array = weight.getGradient()) {
                gradient = array.toFloatArray();
              }
              for (int i = 0; i < values.length; i++) {
                // After one step the corrected moments are g and g².
                double change = gradient[i] / (Math.abs(gradient[i]) + 1e-8);
                values[i] = (float) (values[i] * (1 - rate * decay) - rate * change);
              }
              if (golden.has(prefix + name)) {
                float[] expected = golden.floats(prefix + name);
                int compared = 0;
                for (int i = 0; i < values.length; i++) {
                  if (Math.abs(gradient[i]) > 1e-4) {
                    assertThat(values[i])
                        .as(name)
                        .isCloseTo(expected[i], within((float) golden.tolerance("adamw_atol")));
                    compared++;
                  }
                }
                assertThat(compared).as(name).isPositive();
              }
              model.load(name, values);
            });
  }
}
