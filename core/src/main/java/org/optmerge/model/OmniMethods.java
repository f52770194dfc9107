package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.optmerge.model.ScriptWriter.LowRank;
import org.optmerge.model.ScriptWriter.Method;

/** The computations of a language model with encoders and connectors. */
final class OmniMethods {
  private OmniMethods() {}

  /** All methods of an omni model; those of a modality end with its name. */
  static List<Method> all(OmniConfig config, Map<String, List<LowRank>> adapters) {
    List<Method> all =
        new ArrayList<>(
            new LanguageMethods(
                    config.language(),
                    "language_model.",
                    config.tied(),
                    adapters,
                    // Features come connected: each modality has a connector of its own.
                    code -> "features")
                .all());
    config
        .modalities()
        .forEach(
            (name, modality) -> {
              all.add(features(name, modality));
              all.add(connect(name, modality));
            });
    return all;
  }

  /**
   * (T, channels, H, W) to (T, tokens, width · s²): the last states, s × s patches side by side.
   */
  private static Method features(String name, OmniConfig.Modality modality) {
    ScriptWriter code = new ScriptWriter("features_%s(pixels: Tensor".formatted(name), Map.of());
    VitMethods tower =
        new VitMethods(modality.encoder(), OmniConfig.encoder(name), modality.channels());
    return tower.features(code, modality.encoder().layers(), modality.downsample(), false);
  }

  /** (…, feature width) to (…, decoder width). */
  private static Method connect(String name, OmniConfig.Modality modality) {
    ScriptWriter code = new ScriptWriter("connect_%s(features: Tensor".formatted(name), Map.of());
    String projector = OmniConfig.projector(name);
    code.line("features = (self).own(features, )");
    String x = code.linear("features", projector + "0", true);
    if (modality.connector() == OmniConfig.Connector.MLP) {
      x = code.linear(code.let("torch.gelu(%s)", x), projector + "2", true);
    }
    return code.finish("Tensor", code.wide(x));
  }
}
