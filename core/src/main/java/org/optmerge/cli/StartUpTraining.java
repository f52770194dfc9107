package org.optmerge.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.optmerge.base.Trees;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.FloatCodec;
import org.optmerge.checkpoint.SafetensorsLayout;
import org.optmerge.checkpoint.SafetensorsWriter;

/**
 * What the command line does most, over models of a few numbers: {@code environment/optmerge} runs
 * it once per Java, for the archive of classes (and, from Java 25 on, of profiles) with which every
 * later start is shorter. It shows nothing and keeps nothing.
 */
final class StartUpTraining {
  private static final List<String> METHODS =
      List.of(
          "linear",
          "task_arithmetic",
          "slerp",
          "model_stock",
          "ties",
          "dare_ties",
          "breadcrumbs",
          "della",
          "sce",
          "karcher",
          "task-arithmetic",
          "ties-tensor");

  private static final int ENTRIES = 1 << 17;

  private StartUpTraining() {}

  /** Runs everything; ends with the exit code of the first command that fails, or 0. */
  public static void main(String[] arguments) throws IOException {
    Path folder = Files.createTempDirectory("optmerge-training");
    int code;
    try {
      code = run(folder);
    } finally {
      Trees.delete(folder);
    }
    System.exit(code);
  }

  static int run(Path folder) throws IOException {
    List<Path> models = List.of(folder.resolve("0"), folder.resolve("1"), folder.resolve("2"));
    for (int i = 0; i < models.size(); i++) {
      model(models.get(i), i);
    }
    int code = command("--version") + command("--help") + command("merge", "--help");
    for (String method : METHODS) {
      Path recipe = folder.resolve(method + ".yaml");
      Files.writeString(recipe, recipe(method, models));
      String out = folder.resolve(method).toString();
      code += command("merge", recipe.toString(), "--dry-run");
      code += command("merge", recipe.toString(), "--out", out, "--threads", "1");
      code += command("verify", out);
    }
    code += command("inspect", models.get(0).toString());
    return Math.min(1, code);
  }

  private static int command(String... arguments) {
    return Main.run(
        List.of(arguments),
        new PrintWriter(Writer.nullWriter()),
        new PrintWriter(Writer.nullWriter()),
        Terminal.NONE);
  }

  private static String recipe(String method, List<Path> models) {
    StringBuilder recipe = new StringBuilder("merge_method: " + method + "\n");
    boolean weights = List.of("linear", "karcher").contains(method);
    if (!weights) {
      recipe.append("base_model: ").append(quoted(models.get(0))).append('\n');
    }
    recipe.append("models:\n");
    if (method.equals("slerp")) {
      recipe.append("  - {model: ").append(quoted(models.get(0))).append("}\n");
    }
    for (Path expert : models.subList(1, method.equals("slerp") ? 2 : 3)) {
      recipe.append("  - {model: ").append(quoted(expert));
      recipe.append(parameters(method)).append("}\n");
    }
    if (method.equals("slerp")) {
      recipe.append("parameters: {t: 0.4}\n");
    }
    return recipe.toString();
  }

  private static String parameters(String method) {
    return switch (method) {
      case "linear", "task_arithmetic" -> ", parameters: {weight: 0.5}";
      case "ties", "dare_ties", "breadcrumbs", "della" ->
          ", parameters: {weight: 0.5, density: 0.5}";
      default -> "";
    };
  }

  private static String quoted(Path path) {
    return "'" + path.toString().replace("'", "''") + "'";
  }

  /** A model of a few tensors, as models are stored: bfloat16, with names of a language model. */
  private static void model(Path folder, int seed) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"qwen2\"}");
    List<SafetensorsLayout.Entry> tensors =
        List.of(
            new SafetensorsLayout.Entry(
                "model.embed_tokens.weight", DType.BF16, List.of(ENTRIES / 256L, 256L)),
            new SafetensorsLayout.Entry(
                "model.layers.0.mlp.up_proj.weight", DType.BF16, List.of(ENTRIES / 256L, 256L)),
            new SafetensorsLayout.Entry(
                "model.layers.0.input_layernorm.weight", DType.BF16, List.of(256L)));
    SplittableRandom random = new SplittableRandom(seed);
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(
            folder.resolve("model.safetensors"), SafetensorsLayout.of(tensors))) {
      for (SafetensorsLayout.Entry tensor : tensors) {
        int size = tensor.shape().stream().reduce(1L, Math::multiplyExact).intValue();
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
          values[i] = (float) (random.nextDouble() - 0.5);
        }
        ByteBuffer bytes = ByteBuffer.allocate(2 * size).order(ByteOrder.LITTLE_ENDIAN);
        FloatCodec.narrow(DType.BF16, values, 0, size, bytes);
        writer.write(tensor.name(), 0, bytes);
      }
      writer.force();
    }
  }
}
