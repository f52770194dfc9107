package org.optmerge.merge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;

/** A {@code README.md} for a merged checkpoint that has none. */
final class ModelCard {
  static final String FILE = "README.md";

  private ModelCard() {}

  static String of(MergePlan plan) {
    StringBuilder card = new StringBuilder();
    card.append("---\ntags:\n- merge\n- optmerge\n---\n\n");
    card.append("# Merged model\n\nMerged by `").append(plan.method()).append("` from:\n\n");
    plan.models().keySet().forEach(model -> card.append("- `").append(model).append("`\n"));
    card.append("\nThe recipe, with every default filled in:\n\n```json\n");
    try {
      card.append(
          new ObjectMapper()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .writeValueAsString(plan.recipe()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree can always be written", e);
    }
    card.append("\n```\n\nChecksums and what became of each tensor: `")
        .append(Provenance.FILE)
        .append("`.\n");
    return card.toString();
  }
}
