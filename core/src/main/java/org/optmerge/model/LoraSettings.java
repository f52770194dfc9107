package org.optmerge.model;

import java.util.regex.Pattern;

/**
 * The settings of low-rank adapters beside a model's weights: W + α/r · B · A.
 *
 * @param rank r
 * @param alpha α
 * @param targets which modules, a regular expression on the whole name without {@code .weight}
 * @param seed of the initial A; B begins as zero
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al., LoRA, ICLR 2022, section 4.1</a>
 */
public record LoraSettings(int rank, double alpha, Pattern targets, long seed) {
  /**
   * All projections of the decoder's layers, of Qwen2 and Llama or of InternLM2: what InternVL's
   * scripts train with {@code use_llm_lora}.
   */
  public static final String LANGUAGE_MODEL =
      "language_model\\.model\\.layers\\.\\d+\\.(self_attn\\.[qkvo]_proj|mlp\\.(gate|up|down)_proj"
          + "|attention\\.(wqkv|wo)|feed_forward\\.w[123])";

  /** All projections of the vision model's layers: {@code use_backbone_lora}. */
  public static final String VISION_MODEL =
      "vision_model\\.encoder\\.layers\\.\\d+\\.(attn\\.(qkv|proj)|mlp\\.fc[12])";

  public LoraSettings {
    if (rank < 1 || !Double.isFinite(alpha)) {
      throw new ModelException(
          "LoRA: rank must be at least 1 and alpha finite, are %d and %s".formatted(rank, alpha));
    }
  }

  /** α/r. */
  public double scale() {
    return alpha / rank;
  }
}
