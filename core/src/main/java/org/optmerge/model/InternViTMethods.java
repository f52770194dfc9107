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
  private final Map<String, List<LowRank>> adapters;
  private final VitMethods tower;

  InternViTMethods(InternVLConfig config, Map<String, List<LowRank>> adapters) {
    this.config = config;
    this.adapters = adapters;
    this.tower = new VitMethods(config.vision(), "vision_model.", 3);
  }

  /** All methods of an InternVL. */
  static List<Method> all(InternVLConfig config, Map<String, List<LowRank>> adapters) {
    InternViTMethods vision = new InternViTMethods(config, adapters);
    List<Method> all =
        new ArrayList<>(List.of(vision.visionStates(), vision.visualFeatures(), vision.connect()));
    all.addAll(
        new LanguageMethods(
                config.language(), "language_model.", config.tied(), adapters, vision::connector)
            .all());
    return all;
  }

  private ScriptWriter method(String header) {
    return new ScriptWriter(header, adapters);
  }

  /** (T, 3, H, W) to the embedding and the output of every layer, each (T, 1 + patches, d). */
  private Method visionStates() {
    return tower.states(method("vision_states(pixels: Tensor"));
  }

  /** (T, 3, H, W) to (T, tokens, 4d): the selected layer after pixel shuffle. */
  private Method visualFeatures() {
    return tower.features(
        method("visual_features(pixels: Tensor"),
        config.vision().layers() + 1 + config.selectLayer(),
        config.downsample(),
        config.transposed());
  }

  private Method connect() {
    ScriptWriter code = method("connect(features: Tensor");
    code.line("features = (self).own(features, )");
    return code.finish("Tensor", code.wide(connector(code)));
  }

  private String connector(ScriptWriter code) {
    // nn.LayerNorm's own epsilon, not the vision model's.
    String normed = code.layerNorm("features", "mlp1.0", config.featureWidth(), 1e-5);
    String inner = code.let("torch.gelu(%s)", code.linear(normed, "mlp1.1", true));
    return code.linear(inner, "mlp1.3", true);
  }
}
