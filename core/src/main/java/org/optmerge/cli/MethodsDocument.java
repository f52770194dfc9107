package org.optmerge.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.optmerge.method.Law;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MethodParameters.Parameter;
import org.optmerge.method.NamedMethod;
import org.optmerge.method.NamedMethod.Origin;
import org.optmerge.method.Paper;
import org.optmerge.method.scaling.ScalingRule;

/** The text of {@code core/METHODS.md}: a table of the methods of each origin. */
final class MethodsDocument {
  private static final String HEAD =
      """
      # Merge methods

      This file is what `optmerge methods --markdown` prints; a test compares the two.
      `optmerge methods NAME` shows one method with the meaning of its parameters.

      A merge method makes one task vector Δ of the task vectors τ_t = θ_t − θ_0 of N experts, and the merged model
      is θ_0 + λ Δ. Methods that need no base merge the weights θ_t themselves. λ is `scaling` in a recipe. ⊙ is the
      product entry by entry, ‖·‖ the Frobenius norm, w_t a model's weight, μ an eigenvalue of the loss's Hessian.

      Names with `_`, and mergekit's plain names (`linear`, `slerp`, `ties`, `della` …), are mergekit's; the others
      are those of the paper's code and its peers. Every method also has a full name with its origin, such as
      `mergekit:dare_ties` and `official:dare-ties`. A recipe that uses one of two names that differ by `-` and `_`
      only is told which method runs and what the other is called.

      Four laws are tested for every method: the order of the experts does not matter (order), twice the inputs give
      twice the result (scale), negative inputs the negative one (sign), and a single expert comes back (single).
      The column *pinned by* names the laws that a method does not obey, with the reason, and what else fixes its
      results: recorded cases of the published code (golden) and test classes.

      ## λ from the weights alone

      `scaling` is a number, or a rule that finds one without data for any method on task vectors but mergekit's:
      `scaling: auto` for all tensors together, `scaling: {auto: tensor}` for each by itself. `optmerge explain`,
      `optmerge merge --dry-run` and `optmerge.json` say what was found.

      | rule | λ | paper |
      |---|---|---|
      """;

  private static final String RULES =
      """
      E² = Σ (1/N) Σ_i tr(τ_i C τ_iᵀ) / Σ tr(Δ C Δᵀ) with C = (1/N) Σ_i τ_iᵀτ_i / ‖τ_i‖², F² = Σ (1/N) Σ_i ‖τ_i‖² /
      Σ ‖Δ‖², sums over the tensors: with E a merge moves a layer's outputs as much as an expert does on average, with
      F it is as long, with √N·F as long as N orthogonal experts added up.
      """;

  private static final String FOOT =
      """

      ## Methods that need data

      Two methods take statistics of the experts on data, so no recipe can name them. From Java they run as any
      other, by `MergePlan.withMethod`: `org.optmerge.method.data.Fisher` (mean squared gradients; golden `fisher`)
      and `org.optmerge.method.data.RegMean` (Gram matrices of the inputs; golden `regmean`).

      ## Your own

      A method is a record whose components are its parameters, with an entry in a list (`OfficialMethods`,
      `PeerMethods`, `MergekitMethods`, `InterferenceMethods`) and a test. A jar of your own brings methods by a
      public `MethodProvider` that its `META-INF/services/org.optmerge.method.MethodProvider` names; recipes, the
      command line and this table then know them.
      """;

  private MethodsDocument() {}

  static List<String> lines() {
    List<String> lines = new ArrayList<>(HEAD.lines().toList());
    for (ScalingRule rule : ScalingRule.values()) {
      Paper paper = rule.paper();
      lines.add(
          "| `%s` | %s | %s |"
              .formatted(
                  rule.label(),
                  rule.meaning(),
                  paper.url().isEmpty()
                      ? paper.citation()
                      : "[%s](%s)".formatted(paper.citation(), paper.url())));
    }
    lines.add("");
    lines.addAll(RULES.lines().toList());
    for (Origin origin : Origin.values()) {
      List<NamedMethod> methods =
          MergeMethods.ALL.stream().filter(method -> method.origin() == origin).toList();
      if (!methods.isEmpty()) {
        lines.add("");
        lines.add("## Of " + origin.label());
        lines.add("");
        lines.add(
            "| method | what it does | Δ or θ | parameters | cost | when to use | pinned by | paper"
                + " |");
        lines.add("|---|---|---|---|---|---|---|---|");
        methods.forEach(method -> lines.add(row(method)));
      }
    }
    lines.addAll(FOOT.lines().toList());
    return lines;
  }

  private static String row(NamedMethod method) {
    return Arrays.asList(
            "`" + method.name() + "`",
            method.summary(),
            method.formula(),
            parameters(method),
            method.cost().label(),
            method.use(),
            pinnedBy(method),
            method.paper().url().isEmpty()
                ? method.paper().citation()
                : "[%s](%s)".formatted(method.paper().citation(), method.paper().url()))
        .stream()
        .map(cell -> cell.replace("|", "\\|"))
        .collect(Collectors.joining(" | ", "| ", " |"));
  }

  private static String parameters(NamedMethod method) {
    List<String> all = new ArrayList<>();
    if (method.base() == NamedMethod.Base.ORIGIN
        || method.base() == NamedMethod.Base.OPTIONAL_ORIGIN) {
      all.add("`scaling` " + method.scaling());
    }
    for (Parameter parameter : method.parameters()) {
      String value =
          parameter.defaultValue().map(String::valueOf).orElse(parameter.required() ? "" : "none");
      all.add("`%s` %s".formatted(parameter.name(), value.isEmpty() ? "(required)" : value));
    }
    return String.join(", ", all);
  }

  private static String pinnedBy(NamedMethod method) {
    List<String> parts = new ArrayList<>();
    method
        .exceptions()
        .forEach((Law law, String why) -> parts.add("not %s: %s".formatted(law.label(), why)));
    if (parts.isEmpty()) {
      parts.add("all laws");
    }
    if (!method.pinnedBy().isEmpty()) {
      parts.add(method.pinnedBy());
    }
    return String.join("; ", parts);
  }
}
