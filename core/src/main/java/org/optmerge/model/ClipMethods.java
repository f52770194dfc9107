package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.optmerge.model.ScriptWriter.LowRank;
import org.optmerge.model.ScriptWriter.Method;

/**
 * The computations of LLaVA-1.5: CLIP's vision transformer and the connector.
 *
 * <p>Shapes: T pictures, d the width.
 *
 * @see <a href="https://arxiv.org/abs/2103.00020">Radford et al., CLIP, section 2.4</a>
 * @see <a href="https://arxiv.org/abs/2310.03744">Liu et al., LLaVA-1.5, section 3.3</a>
 */
final class ClipMethods {
  private final LlavaConfig config;
  private final LlavaConfig.Vision vision;
  private final Map<String, List<LowRank>> adapters;

  private ClipMethods(LlavaConfig config, Map<String, List<LowRank>> adapters) {
    this.config = config;
    this.vision = config.vision();
    this.adapters = adapters;
  }

  /** All methods of a LLaVA. */
  static List<Method> all(LlavaConfig config, Map<String, List<LowRank>> adapters) {
    ClipMethods clip = new ClipMethods(config, adapters);
    List<Method> all = new ArrayList<>(List.of(clip.features()));
    all.addAll(
        new LanguageMethods(
                config.language(),
                config.names().language(),
                config.tied(),
                adapters,
                clip::connector)
            .all());
    return all;
  }

  /** (T, 3, H, W) to (T, tokens, d): the states of the selected layer. */
  private Method features() {
    ScriptWriter code = new ScriptWriter("visual_features(pixels: Tensor", adapters);
    code.line("pixels = (self).own(pixels, )");
    String x = embedding(code);
    for (int i = 0; i < vision.layers() + 1 + config.selectLayer(); i++) {
      x = layer(code, x, i);
    }
    return code.finish(
        "Tensor", code.wide(config.keepsClass() ? x : code.let("torch.slice(%s, 1, 1)", x)));
  }

  private String embedding(ScriptWriter code) {
    String embeddings = config.names().tower() + "embeddings.";
    String patches =
        code.let(
            "torch.linear(%s, torch.flatten(%s, 1))",
            VitMethods.patches(code, 3, vision.patch()),
            code.parameter(embeddings + "patch_embedding.weight"));
    String first =
        code.let(
            "torch.expand(%s, [torch.size(pixels, 0), 1, %d])",
            code.parameter(embeddings + "class_embedding"), vision.width());
    String x =
        code.let(
            "torch.add(torch.cat([%s, %s], 1), %s)",
            first, patches, code.parameter(embeddings + "position_embedding.weight"));
    return norm(code, x, config.names().tower() + "pre_layrnorm");
  }

  private String norm(ScriptWriter code, String x, String name) {
    return code.layerNorm(x, name, vision.width(), vision.epsilon());
  }

  private String layer(ScriptWriter code, String x, int index) {
    String layer = config.names().tower() + "encoder.layers.%d.".formatted(index);
    int width = vision.width();
    String n = norm(code, x, layer + "layer_norm1");
    List<String> parts = new ArrayList<>();
    for (String part : List.of("q_proj", "k_proj", "v_proj")) {
      String projected = code.linear(n, layer + "self_attn." + part, true);
      parts.add(code.heads(projected, vision.heads(), width / vision.heads()));
    }
    String y = code.let("torch.scaled_dot_product_attention(%s)", String.join(", ", parts));
    String h =
        code.let(
            "torch.add(%s, %s)",
            x, code.linear(code.joined(y, width), layer + "self_attn.out_proj", true));
    String inner = code.linear(norm(code, h, layer + "layer_norm2"), layer + "mlp.fc1", true);
    String active = vision.quickGelu() ? code.quickGelu(inner) : code.let("torch.gelu(%s)", inner);
    return code.let("torch.add(%s, %s)", h, code.linear(active, layer + "mlp.fc2", true));
  }

  /** (…, d) to (…, decoder width). */
  private String connector(ScriptWriter code) {
    String inner = code.linear("features", config.names().first(), true);
    return code.linear(code.let("torch.gelu(%s)", inner), config.names().second(), true);
  }
}
