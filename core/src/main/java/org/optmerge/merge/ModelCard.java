package org.optmerge.merge;

import org.optmerge.base.Json;

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
    card.append(Json.pretty(plan.recipe()));
    card.append("```\n\nChecksums and what became of each tensor: `")
        .append(Provenance.FILE)
        .append("`.\n");
    return card.toString();
  }
}
