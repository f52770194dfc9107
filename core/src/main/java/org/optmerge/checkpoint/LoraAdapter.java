package org.optmerge.checkpoint;

import java.nio.file.Path;
import java.util.Map;

/**
 * A PEFT LoRA adapter folder: {@code adapter_config.json} and {@code adapter_model.safetensors}.
 *
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al., LoRA, ICLR 2022, section 4.1</a>
 * @see <a href="https://arxiv.org/abs/2312.03732">Kalajdzievski, rank-stabilised LoRA</a>
 */
public final class LoraAdapter implements AutoCloseable {
  static final String CONFIG = "adapter_config.json";

  /**
   * The change of one weight, ΔW = scale · B · A (transposed if {@code fanInFanOut}).
   *
   * @param b shape (m, r)
   * @param a shape (r, n)
   * @param scale α/r, or α/√r for rank-stabilised LoRA, with the patterns applied
   * @param fanInFanOut true if the weight is stored as (n, m), so that ΔW must be transposed
   */
  public record Delta(TensorInfo b, TensorInfo a, double scale, boolean fanInFanOut) {}

  /**
   * Opens and checks an adapter.
   *
   * @throws CheckpointException if a file is missing or malformed, or the adapter is of a kind that
   *     is not additive
   */
  public static LoraAdapter open(Path folder) {
    throw new UnsupportedOperationException();
  }

  /** True if the folder looks like an adapter. */
  public static boolean isAdapter(Path folder) {
    throw new UnsupportedOperationException();
  }

  /** The folder that was opened. */
  public Path folder() {
    throw new UnsupportedOperationException();
  }

  /**
   * Low-rank changes by the name of the weight in the base model, such as {@code
   * model.layers.0.mlp.up_proj.weight}.
   */
  public Map<String, Delta> deltas() {
    throw new UnsupportedOperationException();
  }

  /** Whole tensors that replace the base's ({@code modules_to_save}), by name in the base model. */
  public Map<String, TensorInfo> replacements() {
    throw new UnsupportedOperationException();
  }

  /** The checkpoint that holds the factors and replacements. */
  public Checkpoint tensors() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
