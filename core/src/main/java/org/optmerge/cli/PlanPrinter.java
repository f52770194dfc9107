package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.Coverage;
import org.optmerge.merge.MergeEstimate;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.PlannedTensor;
import org.optmerge.merge.TensorNames;
import org.optmerge.method.MethodParameters;
import org.optmerge.taskvector.Weight;

/** A merge plan, as text and as JSON. */
final class PlanPrinter {
  private PlanPrinter() {}

  /** The plan as a whole: models, output, what becomes of every tensor, what it will take. */
  static List<String> text(Console console, MergePlan plan, MergeEstimate estimate) {
    List<String> lines = new ArrayList<>(head(plan));
    lines.add("");
    lines.addAll(console.lines(coverage(plan.coverage())));
    lines.add("");
    lines.add(
        "reads %s or more, writes %s; buffers and matrices take up to %s"
            .formatted(
                Quantities.bytes(estimate.bytesRead()),
                Quantities.bytes(estimate.bytesWritten()),
                Quantities.bytes(estimate.memory())));
    lines.add(
        "reading and writing take about %s at the rate at which the base could be read just now%s"
            .formatted(
                Quantities.seconds(estimate.seconds()),
                estimate.matrices() > 0
                    ? "; the computation for %s comes on top"
                        .formatted(
                            estimate.matrices() == 1
                                ? "one matrix"
                                : estimate.matrices() + " matrices")
                    : ""));
    lines.addAll(notices(plan));
    return lines;
  }

  /** What is done for each tensor, layers together where they have the same settings. */
  static List<String> tensors(Console console, MergePlan plan) {
    List<String> lines = new ArrayList<>(head(plan));
    lines.add("");
    TextTable table =
        new TextTable().left("tensor").right("count").left("type").left("what is done");
    groups(plan)
        .forEach(
            (key, tensors) ->
                table.row(
                    TensorNames.common(tensors.stream().map(PlannedTensor::name).toList()),
                    String.valueOf(tensors.size()),
                    key.dtype().name(),
                    key.work()));
    lines.addAll(console.lines(table));
    lines.addAll(notices(plan));
    return lines;
  }

  /** Everything about one tensor. */
  static List<String> tensor(Console console, PlannedTensor tensor) {
    TextTable facts = new TextTable().left("tensor").left(tensor.name());
    facts.row("shape", Quantities.shape(tensor.shape()));
    facts.row("type", tensor.dtype().name());
    facts.row("because", tensor.source());
    if (tensor.work() instanceof PlannedTensor.Copy copy) {
      facts.row("copied from", describe(copy.from()));
      return facts.lines();
    }
    PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
    facts.row("method", methodName(merge));
    facts.row("scaling", String.valueOf(merge.scaling()));
    if (merge.taskVectorDtype() != null) {
      facts.row("task vectors in", merge.taskVectorDtype().name());
    }
    if (merge.base() != null) {
      facts.row("base", describe(merge.base()));
    }
    for (int t = 0; t < merge.inputs().size(); t++) {
      facts.row("input " + (t + 1), describe(merge.inputs().get(t)));
    }
    List<String> lines = new ArrayList<>(facts.lines());
    TextTable parameters = new TextTable().left("parameter").left("value").left("meaning");
    for (MethodParameters.Parameter parameter : MethodParameters.of(merge.method())) {
      parameters.row(
          parameter.name(),
          parameter.defaultValue().map(String::valueOf).orElse("none"),
          parameter.help());
    }
    if (!parameters.isEmpty()) {
      lines.add("");
      lines.addAll(console.lines(parameters));
    }
    return lines;
  }

  static ObjectNode json(MergePlan plan, MergeEstimate estimate) {
    ObjectNode node = json(plan);
    ObjectNode takes = node.putObject("estimate");
    takes.put("bytesRead", estimate.bytesRead());
    takes.put("bytesWritten", estimate.bytesWritten());
    takes.put("memory", estimate.memory());
    takes.put("matrices", estimate.matrices());
    takes.put("seconds", estimate.seconds());
    return node;
  }

  /** The plan with every tensor. */
  static ObjectNode json(MergePlan plan) {
    ObjectNode node = Console.object();
    node.put("method", plan.method());
    node.set("recipe", plan.recipe());
    ObjectNode models = node.putObject("models");
    plan.models().forEach((name, path) -> models.put(name, path.toString()));
    ArrayNode shards = node.putArray("files");
    for (MergePlan.OutputShard shard : plan.shards()) {
      ObjectNode file = shards.addObject();
      file.put("name", shard.fileName());
      ArrayNode tensors = file.putArray("tensors");
      shard.tensors().forEach(tensor -> tensors.add(json(tensor)));
    }
    ArrayNode others = node.putArray("otherFiles");
    otherFiles(plan).forEach(others::add);
    ArrayNode coverage = node.putArray("coverage");
    for (Coverage.Row row : plan.coverage().rows()) {
      ObjectNode element = coverage.addObject();
      element.put("model", row.model());
      element.put("fate", row.fate());
      element.put("tensors", row.tensors());
      element.put("bytes", row.bytes());
      row.examples().forEach(element.putArray("examples")::add);
    }
    plan.notices().forEach(node.putArray("notices")::add);
    return node;
  }

  static ObjectNode json(PlannedTensor tensor) {
    ObjectNode node = Console.object();
    node.put("name", tensor.name());
    node.put("dtype", tensor.dtype().name());
    tensor.shape().forEach(node.putArray("shape")::add);
    node.put("because", tensor.source());
    if (tensor.work() instanceof PlannedTensor.Copy copy) {
      node.put("work", "copy");
      node.put("from", describe(copy.from()));
      return node;
    }
    PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
    node.put("work", "merge");
    node.put("method", methodName(merge));
    node.put("scaling", merge.scaling());
    if (merge.base() != null) {
      node.put("base", describe(merge.base()));
    }
    merge.inputs().forEach(input -> node.withArray("inputs").add(describe(input)));
    ObjectNode parameters = node.putObject("parameters");
    for (MethodParameters.Parameter parameter : MethodParameters.of(merge.method())) {
      parameter
          .defaultValue()
          .ifPresentOrElse(
              value -> parameters.putPOJO(parameter.name(), value),
              () -> parameters.putNull(parameter.name()));
    }
    return node;
  }

  private static List<String> head(MergePlan plan) {
    TextTable facts = new TextTable().left("method").left(plan.method());
    plan.models().forEach((name, path) -> facts.row("model", name + " in " + path));
    long bytes =
        plan.shards().stream()
            .flatMap(shard -> shard.tensors().stream())
            .mapToLong(PlannedTensor::bytes)
            .sum();
    int tensors = plan.shards().stream().mapToInt(shard -> shard.tensors().size()).sum();
    facts.row(
        "output",
        "%s, %s in %s"
            .formatted(
                Quantities.of(tensors, "tensor"),
                Quantities.bytes(bytes),
                plan.shards().size() == 1
                    ? plan.shards().get(0).fileName()
                    : plan.shards().size() + " files with an index"));
    List<String> others = otherFiles(plan);
    if (!others.isEmpty()) {
      facts.row("other files", String.join(", ", others));
    }
    return facts.lines();
  }

  private static List<String> otherFiles(MergePlan plan) {
    return Stream.concat(
            plan.files().stream()
                .map(String::valueOf)
                .filter(file -> !plan.rewritten().containsKey(file)),
            plan.rewritten().keySet().stream().map(file -> file + " (changed)"))
        .toList();
  }

  private static TextTable coverage(Coverage coverage) {
    TextTable table =
        new TextTable()
            .left("model")
            .left("its tensors are")
            .right("tensors")
            .right("size")
            .left("such as");
    for (Coverage.Row row : coverage.rows()) {
      table.row(
          row.model(),
          row.fate(),
          String.valueOf(row.tensors()),
          Quantities.bytes(row.bytes()),
          row.examples().isEmpty() ? "" : row.examples().get(0));
    }
    return table;
  }

  private static List<String> notices(MergePlan plan) {
    return plan.notices().stream().map(notice -> "note: " + notice).toList();
  }

  /** What tensors of one row have in common. */
  private record Key(String pattern, DType dtype, String work) {}

  private static Map<Key, List<PlannedTensor>> groups(MergePlan plan) {
    Map<Key, List<PlannedTensor>> groups = new LinkedHashMap<>();
    for (MergePlan.OutputShard shard : plan.shards()) {
      for (PlannedTensor tensor : shard.tensors()) {
        groups
            .computeIfAbsent(
                new Key(TensorNames.pattern(tensor.name()), tensor.dtype(), work(tensor)),
                key -> new ArrayList<>())
            .add(tensor);
      }
    }
    return groups;
  }

  private static String work(PlannedTensor tensor) {
    if (tensor.work() instanceof PlannedTensor.Copy) {
      return tensor.source();
    }
    PlannedTensor.Merge merge = (PlannedTensor.Merge) tensor.work();
    String parameters =
        MethodParameters.of(merge.method()).stream()
            .map(
                parameter ->
                    parameter.name()
                        + "="
                        + parameter.defaultValue().map(String::valueOf).orElse("none"))
            .collect(Collectors.joining(" "));
    return "%s of %d, scaling=%s%s"
        .formatted(
            methodName(merge),
            merge.inputs().size(),
            merge.scaling(),
            parameters.isEmpty() ? "" : " " + parameters);
  }

  private static String methodName(PlannedTensor.Merge merge) {
    return merge.method().getClass().getSimpleName();
  }

  private static String describe(Weight weight) {
    if (weight instanceof Weight.Adapted adapted) {
      return describe(adapted.base()) + " with adapter " + adapted.adapter().folder();
    }
    Weight.Stored stored = (Weight.Stored) weight;
    return "%s of %s (%s %s)"
        .formatted(
            stored.tensor().name(),
            stored.checkpoint().folder(),
            stored.dtype(),
            Quantities.shape(stored.shape()));
  }
}
