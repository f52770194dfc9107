package org.optmerge.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.PlannedTensor;
import org.optmerge.method.Suggestion;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code optmerge explain}. */
@Command(
    name = "explain",
    description =
        "Show what a recipe means: the method and its resolved parameters for each tensor.")
final class ExplainCommand implements Callable<Integer> {
  @ParentCommand private Main main;
  @Spec private CommandSpec spec;
  @Mixin private RecipeSource source;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "TENSOR",
      description = "A tensor of the output; without it, all are shown, layers together.")
  private @Nullable String tensor;

  @Override
  public Integer call() {
    Console console = main.console();
    try (MergePlan plan = source.plan()) {
      if (tensor == null) {
        console.result(() -> PlanPrinter.tensors(console, plan), () -> PlanPrinter.json(plan));
      } else {
        PlannedTensor planned = find(plan, tensor);
        console.result(() -> PlanPrinter.tensor(console, planned), () -> PlanPrinter.json(planned));
      }
    }
    return 0;
  }

  private PlannedTensor find(MergePlan plan, String name) {
    List<PlannedTensor> all =
        plan.shards().stream().flatMap(shard -> shard.tensors().stream()).toList();
    return all.stream()
        .filter(planned -> planned.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new ParameterException(
                    spec.commandLine(),
                    "the output has no tensor '%s'%s"
                        .formatted(
                            name,
                            Suggestion.forWord(
                                name, all.stream().map(PlannedTensor::name).toList()))));
  }
}
