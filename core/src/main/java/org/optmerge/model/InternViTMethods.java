package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.optmerge.model.ScriptWriter.LowRank;
import org.optmerge.model.ScriptWriter.Method;

/**
 * The computations of InternVL's vision model and connector.
 *
 * <p>Shapes: T tiles of H × W pixels, d the width.
 *
 * @see <a href="https://arxiv.org/abs/2412.05271">InternVL 2.5, section 2</a>
 */
final class InternViTMethods {
  private final InternVLConfig config;
  private final Map<String, LowRank> adapters;

  InternViTMethods(InternVLConfig config, Map<String, LowRank> adapters) {
    this.config = config;
    this.adapters = adapters;
  }

  /** All methods of an InternVL. */
  static ModelScript script(InternVLConfig config, Map<String, LowRank> adapters) {
    InternViTMethods vision = new InternViTMethods(config, adapters);
    List<Method> all =
        new ArrayList<>(List.of(vision.visionStates(), vision.visualFeatures(), vision.connect()));
    all.addAll(
        new LanguageMethods(
                config.language(), "language_model.", config.tied(), adapters, vision::connector)
            .all());
    return new ModelScript(all);
  }

  private ScriptWriter method(String header) {
    return new ScriptWriter(header, adapters);
  }

  /** (T, 3, H, W) to the embedding and the output of every layer, each (T, 1 + patches, d). */
  private Method visionStates() {
    ScriptWriter code = method("vision_states(pixels: Tensor");
    List<String> states = new ArrayList<>();
    states.add(visionEmbedding(code));
    for (int i = 0; i < config.vision().layers(); i++) {
      states.add(visionLayer(code, states.get(i), i));
    }
    return code.finish("List[Tensor]", "[%s]".formatted(String.join(", ", states)));
  }

  /** (T, 3, H, W) to (T, tokens, 4d): the selected layer after pixel shuffle. */
  private Method visualFeatures() {
    ScriptWriter code = method("visual_features(pixels: Tensor");
    String x = visionEmbedding(code);
    int last = config.vision().layers() + 1 + config.selectLayer();
    for (int i = 0; i < last; i++) {
      x = visionLayer(code, x, i);
    }
    int s = config.downsample();
    String h = rowsOfPatches(code, 2);
    String w = rowsOfPatches(code, 3);
    code.line("h = torch.floordiv(%s, %d)", h, s);
    code.line("w = torch.floordiv(%s, %d)", w, s);
    String patches = code.let("torch.slice(%s, 1, 1)", x);
    String grid =
        code.let(
            "torch.reshape(%s, [torch.size(pixels, 0), h, %d, w, %d, %d])",
            patches, s, s, config.vision().width());
    // v1 lists the tokens of a tile column by column.
    String blocks =
        code.let(
            "torch.permute(%s, %s)",
            grid, config.transposed() ? "[0, 3, 1, 2, 4, 5]" : "[0, 1, 3, 2, 4, 5]");
    return code.finish(
        "Tensor",
        "torch.reshape(%s, [torch.size(pixels, 0), torch.mul(h, w), %d])"
            .formatted(blocks, config.featureWidth()));
  }

  private String rowsOfPatches(ScriptWriter code, int dimension) {
    return code.let(
        "torch.floordiv(torch.size(pixels, %d), %d)", dimension, config.vision().patch());
  }

  private String visionEmbedding(ScriptWriter code) {
    InternVLConfig.Vision vision = config.vision();
    int width = vision.width();
    int p = vision.patch();
    String embeddings = "vision_model.embeddings.";
    String weight = code.parameter(embeddings + "patch_embedding.weight");
    String bias = code.parameter(embeddings + "patch_embedding.bias");
    String h = rowsOfPatches(code, 2);
    String w = rowsOfPatches(code, 3);
    // A convolution whose stride is its size is one product of matrices.
    String cut =
        code.let("torch.reshape(pixels, [torch.size(pixels, 0), 3, %s, %d, %s, %d])", h, p, w, p);
    String rows =
        code.let(
            "torch.reshape(torch.permute(%s, [0, 2, 4, 1, 3, 5]), [torch.size(pixels, 0), torch.mul(%s, %s), %d])",
            cut, h, w, 3 * p * p);
    String patches =
        code.let(
            "torch.linear(%s, torch.reshape(%s, [%d, %d]), %s)",
            rows, weight, width, 3 * p * p, bias);
    String first =
        code.let(
            "torch.expand(%s, [torch.size(pixels, 0), 1, %d])",
            code.parameter(embeddings + "class_embedding"), width);
    String positions = code.let("%s", code.parameter(embeddings + "position_embedding"));
    int g = vision.grid();
    code.line("if torch.__and__(torch.eq(%s, %d), torch.eq(%s, %d)):", h, g, w, g);
    code.line("  position = %s", positions);
    code.line("else:");
    code.line(
        "  grid = torch.reshape(torch.slice(%s, 1, 1), [1, %d, %d, %d])", positions, g, g, width);
    code.line(
        "  resized = torch.upsample_bicubic2d(torch.permute(grid, [0, 3, 1, 2]), [%s, %s], False, None, None)",
        h, w);
    code.line(
        "  flat = torch.reshape(torch.permute(resized, [0, 2, 3, 1]), [1, torch.mul(%s, %s), %d])",
        h, w, width);
    code.line("  position = torch.cat([torch.slice(%s, 1, 0, 1), flat], 1)", positions);
    return code.let("torch.add(torch.cat([%s, %s], 1), position)", first, patches);
  }

  private String visionLayer(ScriptWriter code, String x, int index) {
    InternVLConfig.Vision vision = config.vision();
    String layer = InternVLConfig.visionLayer(index);
    int width = vision.width();
    String qkv =
        code.linear(visionNorm(code, x, layer + "norm1"), layer + "attn.qkv", vision.qkvBias());
    String q = code.let("torch.narrow(%s, 2, 0, %d)", qkv, width);
    String k = code.let("torch.narrow(%s, 2, %d, %d)", qkv, width, width);
    String v = code.let("torch.narrow(%s, 2, %d, %d)", qkv, 2 * width, width);
    if (vision.qkNorm()) {
      q = code.rmsNorm(q, layer + "attn.q_norm.weight", vision.epsilon());
      k = code.rmsNorm(k, layer + "attn.k_norm.weight", vision.epsilon());
    }
    String y =
        code.let(
            "torch.scaled_dot_product_attention(%s, %s, %s)",
            code.heads(q, vision.heads(), width / vision.heads()),
            code.heads(k, vision.heads(), width / vision.heads()),
            code.heads(v, vision.heads(), width / vision.heads()));
    String attended = code.linear(code.joined(y, width), layer + "attn.proj", true);
    String h = code.let("torch.addcmul(%s, %s, %s)", x, attended, code.parameter(layer + "ls1"));
    String inner = code.linear(visionNorm(code, h, layer + "norm2"), layer + "mlp.fc1", true);
    String outer = code.linear(code.let("torch.gelu(%s)", inner), layer + "mlp.fc2", true);
    return code.let("torch.addcmul(%s, %s, %s)", h, outer, code.parameter(layer + "ls2"));
  }

  private String visionNorm(ScriptWriter code, String x, String name) {
    InternVLConfig.Vision vision = config.vision();
    return vision.rmsNorm()
        ? code.rmsNorm(x, name + ".weight", vision.epsilon())
        : code.layerNorm(x, name, vision.width(), vision.epsilon());
  }

  private Method connect() {
    ScriptWriter code = method("connect(features: Tensor");
    return code.finish("Tensor", connector(code));
  }

  private String connector(ScriptWriter code) {
    // nn.LayerNorm's own epsilon, not the vision model's.
    String normed = code.layerNorm("features", "mlp1.0", config.featureWidth(), 1e-5);
    String inner = code.let("torch.gelu(%s)", code.linear(normed, "mlp1.1", true));
    return code.linear(inner, "mlp1.3", true);
  }
}
