package org.optmerge.method;

import ai.djl.ndarray.NDArray;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.optmerge.taskvector.ArrayTaskVectorStream;
import org.optmerge.taskvector.TaskVector;
import org.optmerge.taskvector.TaskVectorStream;
import org.optmerge.taskvector.TaskVectors;

/**
 * Merges adapters as ModelCompose does: the factors A and B each by themselves, as if they were
 * task vectors.
 *
 * <p><b>This is not a merge of what the adapters do.</b> (Σ Bᵢ)(Σ Aᵢ) holds products BᵢAⱼ of
 * different adapters, which no adapter learned; merging the products BᵢAᵢ, as every other way in
 * this project does, has none. It is here to reproduce published modality merges.
 *
 * @see <a href="https://arxiv.org/abs/2402.12750">Chen et al., Model composition for multimodal
 *     large language models, ACL 2024</a>
 */
public final class FactorwiseMerge {
  private FactorwiseMerge() {}

  /**
   * Merges the tensors that all adapters have; those that only one has, such as the connector of
   * its modality, are taken from it as they are.
   *
   * @param adapters at least two, tensors by name
   * @return all tensors, sorted by name, in the managers of the inputs
   * @throws IllegalArgumentException if a tensor is in some adapters, but neither in one nor in all
   */
  public static Map<String, NDArray> merge(
      MergeMethod method, List<Map<String, NDArray>> adapters) {
    if (adapters.size() < 2) {
      throw new IllegalArgumentException(
          "factorwise merge: needs at least two adapters, got " + adapters.size());
    }
    Set<String> names = new LinkedHashSet<>();
    adapters.forEach(adapter -> names.addAll(adapter.keySet()));
    Map<String, TaskVectors> shared = new LinkedHashMap<>();
    Map<String, NDArray> merged = new LinkedHashMap<>();
    for (String name : names.stream().sorted().toList()) {
      List<NDArray> owned =
          adapters.stream()
              .filter(adapter -> adapter.containsKey(name))
              .map(adapter -> adapter.get(name))
              .toList();
      if (owned.size() == adapters.size()) {
        List<TaskVector> vectors = new ArrayList<>();
        owned.forEach(array -> vectors.add(new TaskVector.Dense(array)));
        shared.put(name, new TaskVectors(name, vectors));
      } else if (owned.size() != 1) {
        throw new IllegalArgumentException(
            "factorwise merge: tensor '%s' is in %d of %d adapters; it must be in one or in all"
                .formatted(name, owned.size(), adapters.size()));
      }
      merged.put(name, owned.get(0));
    }
    List<TaskVectorStream> model = new ArrayList<>();
    shared.values().forEach(vectors -> model.add(ArrayTaskVectorStream.of(vectors)));
    MergeMethod fitted = method.fit(model);
    shared.forEach((name, vectors) -> merged.put(name, fitted.merge(vectors)));
    return merged;
  }

  /**
   * Merges the configurations that go with the adapters: of each setting the first value that is
   * there and neither null, false, zero nor empty, and {@code <modality>_lora_r} and {@code
   * _lora_alpha} of each.
   *
   * @param configs by modality, in the order of the adapters
   */
  public static ObjectNode mergeConfigs(Map<String, JsonNode> configs) {
    ObjectNode merged = JsonNodeFactory.instance.objectNode();
    for (JsonNode config : configs.values()) {
      config
          .fields()
          .forEachRemaining(
              setting -> {
                if (isVoid(merged.path(setting.getKey()))) {
                  merged.set(setting.getKey(), setting.getValue());
                }
              });
    }
    configs.forEach(
        (modality, config) -> {
          for (String setting : List.of("lora_alpha", "lora_r")) {
            if (config.has(setting)) {
              merged.set(modality + "_" + setting, config.get(setting));
            }
          }
        });
    return merged;
  }

  private static boolean isVoid(JsonNode value) {
    return value.isMissingNode()
        || value.isNull()
        || (value.isBoolean() && !value.booleanValue())
        || (value.isNumber() && value.doubleValue() == 0)
        || (value.isTextual() && value.textValue().isEmpty())
        || (value.isContainerNode() && value.isEmpty());
  }
}
