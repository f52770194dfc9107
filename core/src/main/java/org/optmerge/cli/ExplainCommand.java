package org.optmerge.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Progress;
import org.optmerge.base.Suggestion;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.PlanDescription;
import org.optmerge.merge.ScalingSearch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code optmerge explain}. */
@Command(
    name = "explain",
    description =
        "Show what a recipe means: the method and its resolved parameters for each tensor.")
final class ExplainCommand extends Subcommand {
  @Mixin private RecipeSource source;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "TENSOR",
      description =
          "A tensor of the output, or a part of its name; without it all are shown, layers"
              + " together.")
  private @Nullable String tensor;

  @Override
  public Integer call() {
    Console console = main.console();
    try (MergePlan planned = source.plan(false)) {
      MergePlan plan = ScalingSearch.measured(planned, MergeOptions.DEFAULT, Progress.NONE);
      PlanDescription description = PlanDescription.of(plan);
      List<PlanDescription.Tensor> tensors = select(PlanDescription.explain(plan, null));
      console.result(
          () ->
              tensors.size() == 1
                  ? PlanPrinter.text(description, tensors.get(0))
                  : PlanPrinter.text(console, description, tensors),
          () -> PlanPrinter.json(description, tensors));
    }
    return 0;
  }

  private List<PlanDescription.Tensor> select(List<PlanDescription.Tensor> all) {
    String wanted = tensor;
    if (wanted == null) {
      return all;
    }
    List<PlanDescription.Tensor> exact =
        all.stream().filter(planned -> planned.name().equals(wanted)).toList();
    List<PlanDescription.Tensor> found =
        exact.isEmpty()
            ? all.stream().filter(planned -> planned.name().contains(wanted)).toList()
            : exact;
    if (found.isEmpty()) {
      throw wrong(
          "the output has no tensor '%s'%s"
              .formatted(
                  wanted,
                  Suggestion.forWord(
                      wanted, all.stream().map(PlanDescription.Tensor::name).toList())));
    }
    return found;
  }
}
