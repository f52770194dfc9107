package org.optmerge.merge.plan;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.optmerge.merge.recipe.Position;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;

/** Says what becomes of tied tensors, and refuses what an architecture cannot hold. */
final class TiedBookkeeping {
  private final Recipe recipe;
  private final InputModel donor;
  private final PlanFindings findings;
  private final CoverageLedger ledger;

  TiedBookkeeping(Recipe recipe, InputModel donor, PlanFindings findings, CoverageLedger ledger) {
    this.recipe = recipe;
    this.donor = donor;
    this.findings = findings;
    this.ledger = ledger;
  }

  /**
   * Books all of it.
   *
   * @return true if the output's head is no longer tied
   */
  boolean book(TiedGroups tied, Map<InputModel, SliceInput> inputs) {
    boolean untied = false;
    Set<String> told = new LinkedHashSet<>();
    for (TiedGroups.Apart apart : tied.apart()) {
      SliceInput input = inputs.get(apart.model());
      Position at = input == null ? Position.START : input.at();
      untied |= book(apart, at, told);
    }
    for (InputModel model : inputs.keySet()) {
      bookAliases(tied, model);
      if (recipe.extra() != Recipe.Extra.ERROR) {
        tied.copiesOf(model)
            .forEach(
                (copy, of) ->
                    ledger.otherwise(
                        model, copy, "equal to '%s', to which it is tied".formatted(of)));
      }
    }
    return untied;
  }

  private boolean book(TiedGroups.Apart apart, Position at, Set<String> told) {
    boolean head = TiedGroups.isHead(apart.tensor());
    boolean implied = donor.info(apart.tensor()).isEmpty();
    String difference =
        "model '%s': '%s' differs from '%s', with which it is one in '%s'"
            .formatted(apart.model().name(), apart.tensor(), apart.tiedTo(), donor.name());
    if (!head && isSelected(apart)) {
      findings.problem(
          at,
          difference
              + "; the architecture has one parameter for both, so they cannot be merged apart; listed under 'exclude', both of them, the base's are copied instead");
      return false;
    }
    if (implied && recipe.extra() == Recipe.Extra.ERROR) {
      findings.problem(
          at,
          difference
              + "; without 'extra: error' it is merged as a tensor of its own, and tie_word_embeddings is false in the output");
      return false;
    }
    if (told.add(apart.model().name() + apart.tensor())) {
      findings.notice(
          difference + "; both are merged, each by itself, and the output's are not tied");
    }
    return head;
  }

  private boolean isSelected(TiedGroups.Apart apart) {
    return recipe.selection().rest() != Recipe.Rest.BASE
        || recipe.selection().rejectedBy(apart.tensor()).isEmpty()
        || recipe.selection().rejectedBy(apart.tiedTo()).isEmpty();
  }

  private void bookAliases(TiedGroups tied, InputModel model) {
    for (String tensor : model.names()) {
      tied.aliasOf(tensor)
          .ifPresent(
              of -> {
                ledger.otherwise(
                    model, tensor, "merged as '%s', to which it is tied".formatted(of));
                if (recipe.selection().rejectedBy(tensor).isPresent()
                    != recipe.selection().rejectedBy(of).isPresent()) {
                  findings.notice(
                      "'%s' and '%s' are tied: what the recipe says of '%s' goes for both"
                          .formatted(of, tensor, of));
                }
              });
    }
  }
}
