package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.optmerge.analysis.TensorNames;
import org.optmerge.base.Json;
import org.optmerge.base.TextTable;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.Coverage;
import org.optmerge.merge.MergeEstimate;
import org.optmerge.merge.PlanDescription;
import org.optmerge.method.scaling.MeasuredScaling;

/** The description of a merge plan, as text and as JSON. */
final class PlanPrinter {
  private PlanPrinter() {}

  /** The plan as a whole: models, output, what becomes of every tensor, what it will take. */
  static List<String> text(Console console, PlanDescription plan, MergeEstimate estimate) {
    List<String> lines = new ArrayList<>(head(plan));
    lines.add("");
    lines.addAll(console.lines(coverage(plan.coverage())));
    lines.add("");
    lines.add(
        "reads %s or more, writes %s; buffers and matrices take up to %s of memory"
            .formatted(
                Quantities.bytes(plan.bytesRead()),
                Quantities.bytes(plan.bytesWritten()),
                Quantities.bytes(estimate.memory())));
    lines.add(
        "reading and writing take about %s at the rate at which the inputs could be read just now%s"
            .formatted(
                Quantities.seconds(estimate.seconds()),
                plan.streams() ? "" : "; the computation on matrices comes on top"));
    lines.addAll(scalings(plan));
    plan.notices().forEach(notice -> lines.add("note: " + notice));
    return lines;
  }

  static ObjectNode json(PlanDescription plan, MergeEstimate estimate) {
    ObjectNode node = plan.toJson();
    node.put("memory", estimate.memory());
    node.put("seconds", estimate.seconds());
    return node;
  }

  /** The work on each tensor, layers together where they have the same settings. */
  static List<String> text(
      Console console, PlanDescription plan, List<PlanDescription.Tensor> tensors) {
    List<String> lines = new ArrayList<>(head(plan));
    lines.add("");
    TextTable table =
        new TextTable().left("tensor").right("count").left("type").left("what is done");
    groups(tensors)
        .forEach(
            (key, members) ->
                table.row(
                    TensorNames.common(members.stream().map(PlanDescription.Tensor::name).toList()),
                    String.valueOf(members.size()),
                    key.dtype().name(),
                    key.done()));
    lines.addAll(console.lines(table));
    lines.addAll(derived(tensors));
    lines.addAll(scalings(plan));
    plan.notices().forEach(notice -> lines.add("note: " + notice));
    return lines;
  }

  /** Everything about one tensor. */
  static List<String> text(PlanDescription plan, PlanDescription.Tensor tensor) {
    TextTable facts = new TextTable().left("tensor").left(tensor.name());
    facts.row("shape", Quantities.shape(tensor.shape()));
    facts.row("type", tensor.dtype().name());
    facts.row("what is done", tensor.source());
    facts.row("method", plan.method());
    if (tensor.base() != null) {
      facts.row("base", tensor.base());
    }
    for (int t = 0; t < tensor.inputs().size(); t++) {
      facts.row("input " + (t + 1), tensor.inputs().get(t));
    }
    if (tensor.scaling() != null) {
      facts.row("scaling", scaling(tensor));
    }
    if (tensor.measuredScaling() != null) {
      facts.row("found", tensor.measuredScaling().toString());
    }
    tensor.parameters().forEach((name, value) -> facts.row(name, String.valueOf(value)));
    tensor.derived().forEach((name, value) -> facts.row(name, derived(value)));
    if (tensor.taskVectorDtype() != null) {
      facts.row("task vectors in", tensor.taskVectorDtype().name());
    }
    return facts.lines();
  }

  /** The values derived from the parameters, once for all tensors that share them. */
  private static List<String> derived(List<PlanDescription.Tensor> tensors) {
    Map<Map<String, Object>, List<String>> distinct = new LinkedHashMap<>();
    for (PlanDescription.Tensor tensor : tensors) {
      if (!tensor.derived().isEmpty()) {
        distinct.computeIfAbsent(tensor.derived(), key -> new ArrayList<>()).add(tensor.name());
      }
    }
    List<String> lines = new ArrayList<>();
    distinct.forEach(
        (values, names) -> {
          TextTable facts =
              new TextTable()
                  .left(Quantities.of(names.size(), "tensor"))
                  .left("such as " + names.get(0));
          values.forEach((name, value) -> facts.row(name, derived(value)));
          lines.add("");
          lines.addAll(facts.lines());
        });
    return lines;
  }

  private static String derived(Object value) {
    return value instanceof Double number ? Quantities.number(number) : String.valueOf(value);
  }

  static ObjectNode json(PlanDescription plan, List<PlanDescription.Tensor> tensors) {
    ObjectNode node = Json.object();
    node.put("method", plan.method());
    ArrayNode list = node.putArray("tensors");
    tensors.forEach(tensor -> list.add(tensor.toJson()));
    List<MeasuredScaling> together =
        plan.scalings().stream().filter(measured -> !measured.perTensor()).toList();
    if (!together.isEmpty()) {
      node.set("scalings", Json.snakeCase().valueToTree(together));
    }
    plan.notices().forEach(node.putArray("notices")::add);
    return node;
  }

  private static List<String> head(PlanDescription plan) {
    TextTable facts = new TextTable().left("method").left(plan.method());
    plan.models().forEach((name, path) -> facts.row("model", name + " in " + path));
    facts.row(
        "output",
        "%s, %s, in %s"
            .formatted(
                Quantities.of(plan.merged() + plan.copied(), "tensor"),
                Quantities.bytes(plan.bytesWritten()),
                plan.files().size() == 1
                    ? plan.files().get(0).name()
                    : plan.files().size() + " files with an index"));
    String others =
        Stream.concat(
                plan.otherFiles().stream()
                    .map(String::valueOf)
                    .filter(file -> !plan.rewrittenFiles().contains(file)),
                plan.rewrittenFiles().stream().map(file -> file + " (changed)"))
            .collect(Collectors.joining(", "));
    if (!others.isEmpty()) {
      facts.row("other files", others);
    }
    return facts.lines();
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

  /** The properties that tensors of one row have in common. */
  private record Key(String pattern, DType dtype, String done) {}

  private static Map<Key, List<PlanDescription.Tensor>> groups(
      List<PlanDescription.Tensor> tensors) {
    Map<Key, List<PlanDescription.Tensor>> groups = new LinkedHashMap<>();
    for (PlanDescription.Tensor tensor : tensors) {
      groups
          .computeIfAbsent(
              new Key(TensorNames.pattern(tensor.name()), tensor.dtype(), done(tensor)),
              key -> new ArrayList<>())
          .add(tensor);
    }
    return groups;
  }

  private static String scaling(PlanDescription.Tensor tensor) {
    MeasuredScaling measured = tensor.measuredScaling();
    // Each tensor's own would put each in a row of its own.
    return measured == null ? String.valueOf(tensor.scaling()) : measured.summary();
  }

  /** How every λ was found that was not given. */
  private static List<String> scalings(PlanDescription plan) {
    List<String> lines = new ArrayList<>();
    List<MeasuredScaling> each = new ArrayList<>();
    for (MeasuredScaling measured : plan.scalings()) {
      if (measured.perTensor()) {
        each.add(measured);
      } else {
        lines.add("scaling: %s".formatted(measured));
      }
    }
    if (!each.isEmpty()) {
      double[] values = each.stream().mapToDouble(MeasuredScaling::scaling).sorted().toArray();
      Map<String, Long> bounds =
          each.stream()
              .collect(
                  Collectors.groupingBy(
                      MeasuredScaling::bound, LinkedHashMap::new, Collectors.counting()));
      lines.add(
          String.format(
              Locale.ROOT,
              "scaling: λ by %s for each of %s, from %.4g to %.4g, median %.4g; %s",
              each.get(0).rule().label(),
              Quantities.of(each.size(), "tensor"),
              values[0],
              values[values.length - 1],
              values[values.length / 2],
              bounds.entrySet().stream()
                  .map(entry -> "%s in %d".formatted(entry.getKey(), entry.getValue()))
                  .collect(Collectors.joining(", "))));
    }
    return lines;
  }

  private static String done(PlanDescription.Tensor tensor) {
    StringBuilder done = new StringBuilder(tensor.source());
    if (tensor.scaling() != null) {
      done.append(", scaling ").append(scaling(tensor));
    }
    tensor.parameters().forEach((name, value) -> done.append(", %s %s".formatted(name, value)));
    return done.toString();
  }
}
