package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.optmerge.model.ScriptWriter.LowRank;
import org.optmerge.model.ScriptWriter.Method;

/**
 * The computations of the vision models of Qwen2-VL and Qwen2.5-VL.
 *
 * <p>Shapes: P patches of all pictures, four neighbours in a row; d the width.
 *
 * @see <a href="https://arxiv.org/abs/2409.12191">Qwen2-VL, section 2.1</a>
 * @see <a href="https://arxiv.org/abs/2502.13923">Qwen2.5-VL, section 2.1.1</a>
 */
final class QwenVisionMethods {
  private static final double EPSILON = 1e-6;

  private final QwenVLConfig config;

  private QwenVisionMethods(QwenVLConfig config) {
    this.config = config;
  }

  /** All methods of a Qwen-VL. */
  static List<Method> all(QwenVLConfig config, Map<String, List<LowRank>> adapters) {
    QwenVisionMethods vision = new QwenVisionMethods(config);
    List<Method> all = new ArrayList<>(List.of(vision.states(), vision.visualFeatures()));
    // The features are of the decoder's width already.
    all.addAll(
        new LanguageMethods(config.language(), "", config.tied(), adapters, code -> "features")
            .all());
    return all;
  }

  private static final String ARGUMENTS =
      "(pixels: Tensor, cos: Tensor, sin: Tensor, frames: Tensor, windows: Tensor, order: Tensor,"
          + " back: Tensor";

  /**
   * (P, values) to the patch embedding, the output of every block (in window order), and the
   * features (P / 4, decoder width). {@code order} is the window order of the tokens, {@code back}
   * undoes it; both empty where there are no windows. {@code frames} and {@code windows} are the
   * numbers of patches of each: a patch attends to those of its frame, or window.
   */
  private Method states() {
    ScriptWriter code = new ScriptWriter("vision_states" + ARGUMENTS, Map.of());
    List<String> states = new ArrayList<>();
    String features = features(code, states);
    states.add(features);
    return code.finish(states.stream().map(code::wide).toList());
  }

  /** The same to the features alone. */
  private Method visualFeatures() {
    ScriptWriter code = new ScriptWriter("visual_features" + ARGUMENTS, Map.of());
    return code.finish("Tensor", code.wide(features(code, new ArrayList<>())));
  }

  private String features(ScriptWriter code, List<String> states) {
    QwenVLConfig.Vision vision = config.vision();
    int width = vision.width();
    String patches =
        code.let(
            "torch.linear((self).own(pixels, ), torch.reshape(%s, [%d, %d]))",
            code.parameter("visual.patch_embed.proj.weight"), width, vision.patchValues());
    states.add(patches);
    String groups =
        "torch.reshape(torch.index_select(torch.reshape(%s, [-1, %d]), 0, order), [-1, %d])";
    int tokenWidth = QwenVLConfig.MERGE * QwenVLConfig.MERGE * width;
    String x = vision.windows() == null ? patches : code.let(groups, patches, tokenWidth, width);
    x = code.let("torch.unsqueeze(%s, 0)", x);
    for (int i = 0; i < vision.layers(); i++) {
      x = block(code, x, i);
      states.add("torch.squeeze(%s, 0)".formatted(x));
    }
    String normed =
        code.let("torch.reshape(%s, [-1, %d])", norm(code, x, "visual.merger.ln_q"), tokenWidth);
    String inner = code.let("torch.gelu(%s)", code.linear(normed, "visual.merger.mlp.0", true));
    String merged = code.linear(inner, "visual.merger.mlp.2", true);
    return vision.windows() == null ? merged : code.let("torch.index_select(%s, 0, back)", merged);
  }

  private String block(ScriptWriter code, String x, int index) {
    QwenVLConfig.Vision vision = config.vision();
    QwenVLConfig.Windows windows = vision.windows();
    String block = "visual.blocks.%d.".formatted(index);
    int width = vision.width();
    int headWidth = width / vision.heads();
    String qkv = code.linear(norm(code, x, block + "norm1"), block + "attn.qkv", true);
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      String part = code.let("torch.narrow(%s, 2, %d, %d)", qkv, i * width, width);
      parts.add(code.heads(part, vision.heads(), headWidth));
    }
    String q = code.let("(self).rotate(%s, cos, sin, )", parts.get(0));
    String k = code.let("(self).rotate(%s, cos, sin, )", parts.get(1));
    boolean everywhere = windows == null || windows.everywhere().contains(index);
    String y =
        code.let(
            "(self).attend_apart(%s, %s, %s, %s, )",
            q, k, parts.get(2), everywhere ? "frames" : "windows");
    String h =
        code.let(
            "torch.add(%s, %s)", x, code.linear(code.joined(y, width), block + "attn.proj", true));
    String n = norm(code, h, block + "norm2");
    return code.let(
        "torch.add(%s, %s)",
        h, windows == null ? mlp(code, n, block) : gatedMlp(code, n, block + "mlp."));
  }

  private static String gatedMlp(ScriptWriter code, String n, String mlp) {
    return code.gated(n, mlp + "gate_proj", mlp + "up_proj", mlp + "down_proj", true);
  }

  /** x · sigmoid(1.702 x) between two linear maps. */
  private static String mlp(ScriptWriter code, String n, String block) {
    String inner = code.linear(n, block + "mlp.fc1", true);
    String active = code.quickGelu(inner);
    return code.linear(active, block + "mlp.fc2", true);
  }

  private String norm(ScriptWriter code, String x, String name) {
    return config.vision().windows() == null
        ? code.layerNorm(x, name, config.vision().width(), EPSILON)
        : code.rmsNorm(x, name + ".weight", EPSILON);
  }
}
