package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.CounterRandom;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.DType;

/**
 * Trainable low-rank factors beside a model's weights. They live in the model's manager, and are
 * part of all that it computes until they are {@linkplain #merge merged} or {@linkplain #remove
 * removed}.
 */
public final class Lora {
  private static final String WEIGHT = ".weight";

  /** The prefix that PEFT puts before the names of the model it wraps. */
  private static final String PREFIX = "base_model.model.";

  private final DecoderModel<?> model;
  private final LoraSettings settings;
  private final SortedMap<String, NDArray> factors = new TreeMap<>();
  private final Map<String, List<ScriptWriter.LowRank>> adapters = new LinkedHashMap<>();

  Lora(DecoderModel<?> model, LoraSettings settings) {
    this.model = model;
    this.settings = settings;
    NDManager manager = model.manager();
    model
        .parameters()
        .forEach(
            (name, weight) -> {
              if (settings.targets().matcher(module(name)).matches() && isAdaptable(name)) {
                add(manager, module(name), weight.getShape());
              }
            });
    if (factors.isEmpty()) {
      throw new ModelException(
          "LoRA: no linear module of the model matches '%s'".formatted(settings.targets()));
    }
  }

  private static boolean isAdaptable(String name) {
    return name.endsWith(".weight")
        && (name.matches(LoraSettings.LANGUAGE_MODEL + "\\.weight")
            || ("language_model." + name).matches(LoraSettings.LANGUAGE_MODEL + "\\.weight")
            || name.matches(LoraSettings.VISION_MODEL + "\\.weight")
            || name.matches("mlp1\\.[13]\\.weight"));
  }

  private static String module(String name) {
    return name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : name;
  }

  private void add(NDManager manager, String module, Shape shape) {
    NDArray a = manager.zeros(new Shape(settings.rank(), shape.get(1)), DataType.FLOAT32);
    NDArray b = manager.zeros(new Shape(shape.get(0), settings.rank()), DataType.FLOAT32);
    String nameOfA = module + ".lora_A.weight";
    String nameOfB = module + ".lora_B.weight";
    // Uniform in ±1/√(fan-in), as PEFT begins.
    double bound = 1 / Math.sqrt(shape.get(1));
    CounterRandom random = CounterRandom.of(settings.seed(), nameOfA);
    Parameters.fill(
        manager,
        a,
        (first, length, target) -> {
          for (int i = 0; i < length; i++) {
            target[i] = (float) (bound * (2 * random.uniform(first + i) - 1));
          }
        });
    factors.put(nameOfA, a);
    factors.put(nameOfB, b);
    adapters.put(
        module + WEIGHT,
        List.of(new ScriptWriter.LowRank(nameOfA, nameOfB, settings.scale(), null)));
  }

  Map<String, List<ScriptWriter.LowRank>> adapters() {
    return adapters;
  }

  @Nullable NDArray find(String name) {
    return factors.get(name);
  }

  /**
   * The factors, by names such as {@code
   * language_model.model.layers.0.self_attn.q_proj.lora_A.weight}: A of shape (r, n), B of shape
   * (m, r). Who trains them calls {@code setRequiresGradient(true)} and changes them in place.
   */
  public SortedMap<String, NDArray> parameters() {
    return Collections.unmodifiableSortedMap(factors);
  }

  /** Puts values in place of a factor's own, row by row. */
  public void load(String name, float[] values) {
    NDArray factor = factors.get(name);
    if (factor == null || factor.getShape().size() != values.length) {
      throw new ModelException(
          factor == null
              ? "LoRA: no factor '%s'".formatted(name)
              : "LoRA: factor '%s' has shape %s, %d values were given"
                  .formatted(name, factor.getShape(), values.length));
    }
    Parameters.fill(
        model.manager(),
        factor,
        (first, length, target) -> System.arraycopy(values, (int) first, target, 0, length));
  }

  /** Adds α/r · B · A to the weights and removes the factors. */
  public void merge() {
    try (NDManager scope = model.manager().newSubManager()) {
      adapters.forEach(
          (weight, all) -> {
            ScriptWriter.LowRank adapter = all.get(0);
            NDArray b =
                scope.create(factor(adapter.b()).toFloatArray(), factor(adapter.b()).getShape());
            NDArray a =
                scope.create(factor(adapter.a()).toFloatArray(), factor(adapter.a()).getShape());
            NDArray change = b.matMul(a).mul(adapter.scale());
            float[] sum = change.add(model.argument(weight)).toFloatArray();
            model.load(weight, sum);
          });
    }
    remove();
  }

  private NDArray factor(String name) {
    NDArray factor = factors.get(name);
    if (factor == null) {
      throw new IllegalStateException("no factor " + name);
    }
    return factor;
  }

  /** Takes the factors away; the model is as it was before. */
  public void remove() {
    model.forget(this);
    factors.values().forEach(NDArray::close);
    factors.clear();
    adapters.clear();
  }

  /**
   * Saves the factors as a PEFT adapter of the whole model: {@code adapter_config.json} and {@code
   * adapter_model.safetensors}.
   *
   * @param folder absent or empty
   * @param dtype the type that factors are rounded to, such as {@link DType#F16}
   * @throws ModelException if the folder cannot be written or is not empty
   */
  public void save(Path folder, DType dtype) {
    Path base = model.folder();
    ModelFolder.write(
        folder,
        staging -> {
          Files.writeString(staging.resolve("adapter_config.json"), config(base));
          SortedMap<String, NDArray> named = new TreeMap<>();
          factors.forEach((name, factor) -> named.put(PREFIX + name, factor));
          ModelFolder.writeTensors(staging.resolve("adapter_model.safetensors"), named, dtype);
        });
  }

  private String config(@Nullable Path base) throws IOException {
    ObjectNode config = Json.object();
    config.put("peft_type", "LORA");
    // A name, not a path: what is published says nothing of the machine it was made on.
    config.put(
        "base_model_name_or_path",
        base == null ? null : String.valueOf(base.toAbsolutePath().normalize().getFileName()));
    config.put("bias", "none");
    config.put("fan_in_fan_out", false);
    config.put("inference_mode", true);
    config.put("init_lora_weights", true);
    config.put("lora_alpha", settings.alpha());
    config.put("lora_dropout", 0.0);
    config.putNull("modules_to_save");
    config.put("r", settings.rank());
    adapters.keySet().forEach(weight -> config.withArray("target_modules").add(module(weight)));
    config.put("task_type", "CAUSAL_LM");
    config.put("use_dora", false);
    config.put("use_rslora", false);
    return Json.pretty(config);
  }
}
