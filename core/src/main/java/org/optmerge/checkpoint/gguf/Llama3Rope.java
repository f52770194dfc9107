package org.optmerge.checkpoint.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.optmerge.base.Json;

/**
 * The scaling of rotary frequencies of Llama 3.1: long waves are stretched by a factor, short ones
 * stay, those between are blended. Hugging Face's layout names the settings, GGUF the factors.
 *
 * @param factor of waves longer than {@code context / low}
 * @param low waves shorter than {@code context / low} are stretched less
 * @param high waves shorter than {@code context / high} stay
 * @param context {@code original_max_position_embeddings}
 */
record Llama3Rope(double factor, double low, double high, double context) {
  private static final double TOLERANCE = 1e-4;

  /** The settings that config.json has under {@code rope_scaling}, if they are of this kind. */
  static Optional<Llama3Rope> of(JsonNode scaling) {
    String type = scaling.path("rope_type").asText(scaling.path("type").asText(""));
    return type.equals("llama3")
        ? Optional.of(
            new Llama3Rope(
                scaling.path("factor").asDouble(8),
                scaling.path("low_freq_factor").asDouble(1),
                scaling.path("high_freq_factor").asDouble(4),
                scaling.path("original_max_position_embeddings").asDouble(8192)))
        : Optional.empty();
  }

  /** The published settings whose factors are these; empty if there are none. */
  static Optional<Llama3Rope> find(float[] factors, double theta) {
    float largest = 0;
    for (float factor : factors) {
      largest = Math.max(largest, factor);
    }
    Llama3Rope published = new Llama3Rope(largest, 1, 4, 8192);
    float[] expected = published.factors(theta, 2 * factors.length);
    for (int i = 0; i < factors.length; i++) {
      if (!(Math.abs(expected[i] - factors[i]) <= TOLERANCE * largest)) {
        return Optional.empty();
      }
    }
    return Optional.of(published);
  }

  /**
   * The factor of each frequency.
   *
   * @param theta the base of the frequencies
   * @param width of a head
   */
  float[] factors(double theta, int width) {
    float[] factors = new float[width / 2];
    for (int i = 0; i < factors.length; i++) {
      double wave = 2 * Math.PI * Math.pow(theta, 2.0 * i / width);
      double blend = (context / wave - low) / (high - low);
      factors[i] =
          (float)
              (wave < context / high
                  ? 1
                  : wave > context / low ? factor : 1 / ((1 - blend) / factor + blend));
    }
    return factors;
  }

  ObjectNode json() {
    ObjectNode scaling = Json.object();
    scaling.put("rope_type", "llama3");
    scaling.put("factor", factor);
    scaling.put("low_freq_factor", low);
    scaling.put("high_freq_factor", high);
    scaling.put("original_max_position_embeddings", (long) context);
    return scaling;
  }
}
