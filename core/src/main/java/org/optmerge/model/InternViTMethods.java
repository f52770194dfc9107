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
  static ModelScript script(InternVLConfig config, Map<String, List<LowRank>> adapters) {
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
    states.add(tower.embedding(code));
    for (int i = 0; i < config.vision().layers(); i++) {
      states.add(tower.layer(code, states.get(i), i));
    }
    return code.finish("List[Tensor]", "[%s]".formatted(String.join(", ", states)));
  }

  /** (T, 3, H, W) to (T, tokens, 4d): the selected layer after pixel shuffle. */
  private Method visualFeatures() {
    ScriptWriter code = method("visual_features(pixels: Tensor");
    String x = tower.embedding(code);
    int last = config.vision().layers() + 1 + config.selectLayer();
    for (int i = 0; i < last; i++) {
      x = tower.layer(code, x, i);
    }
    int s = config.downsample();
    String h = tower.rowsOfPatches(code, 2);
    String w = tower.rowsOfPatches(code, 3);
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
