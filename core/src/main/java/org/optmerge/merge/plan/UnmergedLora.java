package org.optmerge.merge.plan;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;

/**
 * Finds LoRA that is not merged inside a checkpoint, as a trainer saves a wrapped model. Its
 * factors are no weights: their mean is not the factors of a mean, and α is not there to fold them.
 */
final class UnmergedLora {
  private static final Pattern NAME =
      Pattern.compile(
          "(.*\\.)?(lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector|base_layer|modules_to_save"
              + "|original_module|trainable_tokens_delta|ia3_l|lora_E)(\\..*)?");

  private UnmergedLora() {}

  /** False for nearly every name of a model, at a tenth of the cost of the expression. */
  private static boolean mayBe(String name) {
    return name.contains("lora_")
        || name.contains("base_layer")
        || name.contains("modules_to_save")
        || name.contains("original_module")
        || name.contains("trainable_tokens_delta")
        || name.contains("ia3_l");
  }

  /** The reason why a model cannot be merged; empty if it holds nothing of the kind. */
  static Optional<String> problem(InputModel model, Recipe.Selection selection) {
    List<String> found =
        model.names().stream()
            .filter(name -> mayBe(name) && NAME.matcher(name).matches())
            .filter(
                name ->
                    selection.rest() != Recipe.Rest.BASE || selection.rejectedBy(name).isEmpty())
            .toList();
    return found.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "model '%s' holds an adapter that is not merged into its weights: %d tensors such as '%s'; factors cannot be merged as if they were weights. Merge the adapter first (peft: model.merge_and_unload().save_pretrained(FOLDER)) and give that folder"
                .formatted(model.name(), found.size(), found.get(0)));
  }
}
