package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.LoraAdapter;

/**
 * Several adapters at work side by side, one for each modality, in place of one merged model: y = W
 * x + Σ_m g_m (α_m / r_m) B_m A_m x, where g_m says how much of adapter m a token gets. All
 * adapters stay in memory and take part in every product.
 *
 * @see <a href="https://arxiv.org/abs/2402.12750">Chen et al., ModelCompose, ACL 2024, sections 3.2
 *     and 3.3</a>
 */
public final class OnlineComposition implements AutoCloseable {
  /** The shares of the adapters that a token gets. */
  public enum Mode {
    /** Of each adapter the same share: NaiveMC, the activations are averaged. */
    NAIVE,
    /**
     * A token of a modality gets all of that modality's adapter and nothing of the others, a token
     * of text the same share of each: DAMC, the parameters are decoupled.
     */
    DECOUPLED
  }

  private final OmniModel model;
  private final Mode mode;
  private final double share;
  private final Map<String, NDArray> factors = new LinkedHashMap<>();
  private final Map<String, List<ScriptWriter.LowRank>> adapters = new LinkedHashMap<>();
  private final Map<Long, String> modalities = new HashMap<>();
  private final Map<String, NDArray> gates = new HashMap<>();

  OnlineComposition(OmniModel model, SortedMap<String, Path> folders, Mode mode, double share) {
    this.model = model;
    this.mode = mode;
    this.share = share;
    folders.forEach(this::add);
  }

  private void add(String modality, Path folder) {
    OmniConfig.Modality shape = model.modality(modality);
    modalities.put(model.tokenizer().id(shape.token()), modality);
    try (LoraAdapter adapter = LoraAdapter.open(folder)) {
      AdapterChanges changes = AdapterChanges.of(adapter, model);
      if (!changes.replacements().isEmpty()) {
        throw new ModelException(
            "%s: replaces whole tensors (%s), which several adapters side by side cannot; merge them"
                .formatted(folder, Parameters.some(List.copyOf(changes.replacements().keySet()))));
      }
      changes
          .deltas()
          .forEach(
              (weight, delta) -> {
                String a = "%s/%s/A".formatted(modality, weight);
                String b = "%s/%s/B".formatted(modality, weight);
                factors.put(a, Parameters.whole(model.manager(), adapter.tensors(), delta.a()));
                factors.put(b, Parameters.whole(model.manager(), adapter.tensors(), delta.b()));
                adapters
                    .computeIfAbsent(weight, name -> new ArrayList<>())
                    .add(new ScriptWriter.LowRank(a, b, delta.scale(), gate(modality)));
              });
    }
  }

  private static String gate(String modality) {
    return "gate/" + modality;
  }

  Map<String, List<ScriptWriter.LowRank>> adapters() {
    return adapters;
  }

  /** A factor or a gate. */
  @Nullable NDArray find(String name) {
    NDArray factor = factors.get(name);
    return factor == null ? gates.get(name) : factor;
  }

  /** Numbers that the adapters add to the model's. */
  public long parameters() {
    return factors.values().stream().mapToLong(NDArray::size).sum();
  }

  /**
   * Opens the gates for a batch.
   *
   * @param ids (B, N)
   */
  void open(NDManager step, long[] ids, Shape shape) {
    gates.clear();
    int size = Math.toIntExact(shape.size());
    for (String modality : modalities.values()) {
      float[] gate = new float[size];
      for (int i = 0; i < size; i++) {
        String own = mode == Mode.NAIVE ? null : modalities.get(ids[i]);
        gate[i] = own == null ? (float) share : own.equals(modality) ? 1 : 0;
      }
      gates.put(gate(modality), step.create(gate, new Shape(shape.get(0), shape.get(1), 1)));
    }
  }

  /** The model is as it was before. */
  @Override
  public void close() {
    model.forget(this);
    factors.values().forEach(NDArray::close);
    factors.clear();
  }
}
