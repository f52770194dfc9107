package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.analysis.CheckpointSummary;
import org.optmerge.base.Json;
import org.optmerge.base.TextTable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge inspect}. */
@Command(
    name = "inspect",
    description = "Show what is in a checkpoint: tensors, types, sizes, family, what is unusual.")
final class InspectCommand extends Subcommand {
  @Parameters(paramLabel = "DIR", description = "A checkpoint folder, .safetensors or .gguf file.")
  private Path folder;

  @Option(
      names = "--tensors",
      description = "List every tensor by itself instead of layers together.")
  private boolean tensors;

  @Override
  public Integer call() {
    Console console = main.console();
    try (LoraAdapter adapter = LoraAdapter.isAdapter(folder) ? LoraAdapter.open(folder) : null;
        Checkpoint checkpoint = adapter == null ? Checkpoint.open(folder) : adapter.tensors()) {
      CheckpointSummary summary = CheckpointSummary.of(checkpoint);
      String kind = adapter == null ? null : describe(adapter);
      List<String> aside =
          adapter == null ? List.of() : CheckpointSummary.aside(adapter.sideFiles());
      console.result(
          () -> text(console, checkpoint, summary.with(aside), kind),
          () -> json(checkpoint.tensors(), summary.with(aside), kind));
    }
    return 0;
  }

  private static String describe(LoraAdapter adapter) {
    String ranks =
        adapter.deltas().values().stream()
            .map(LoraAdapter.Delta::rank)
            .distinct()
            .sorted()
            .map(String::valueOf)
            .collect(Collectors.joining(", "));
    return "LoRA%s, changes %s, replaces %d"
        .formatted(
            ranks.isEmpty() ? "" : " of rank " + ranks,
            Quantities.of(adapter.deltas().size(), "tensor"),
            adapter.replacements().size());
  }

  private List<String> text(
      Console console, Checkpoint checkpoint, CheckpointSummary summary, @Nullable String adapter) {
    List<String> lines = new ArrayList<>();
    TextTable head = new TextTable().left("folder").left(summary.folder().toString());
    if (adapter != null) {
      head.row("adapter", adapter);
    }
    head.row(
        "family",
        summary.modelType().orElse("unknown")
            + (summary.architectures().isEmpty()
                ? ""
                : " (" + String.join(", ", summary.architectures()) + ")"));
    head.row(
        "tensors",
        "%d, %s entries, %s"
            .formatted(
                summary.tensors(),
                Quantities.count(summary.parameters()),
                Quantities.bytes(summary.bytes())));
    head.row(
        "types",
        summary.dtypes().entrySet().stream()
            .map(type -> type.getKey() + " " + Quantities.count(type.getValue()))
            .collect(Collectors.joining(", ")));
    for (CheckpointSummary.WeightFile file : summary.files()) {
      head.row(
          "weights",
          "%s (%s, %s)"
              .formatted(
                  file.name(),
                  Quantities.of(file.tensors(), "tensor"),
                  Quantities.bytes(file.bytes())));
    }
    if (!summary.otherFiles().isEmpty()) {
      head.row(
          "other files",
          summary.otherFiles().stream().map(Path::toString).collect(Collectors.joining(", ")));
    }
    summary.tied().forEach(sentence -> head.row("tied", sentence));
    summary.warnings().forEach(sentence -> head.row("warning", sentence));
    lines.addAll(head.lines());
    lines.add("");
    lines.addAll(console.lines(tensors ? tensors(checkpoint.tensors()) : groups(summary)));
    return lines;
  }

  private static TextTable groups(CheckpointSummary summary) {
    TextTable table =
        new TextTable().left("tensor").left("type").left("shape").right("count").right("size");
    for (CheckpointSummary.Group group : summary.groups()) {
      table.row(
          group.name(),
          group.dtype().name(),
          Quantities.shape(group.shape()),
          String.valueOf(group.count()),
          Quantities.bytes(group.bytes()));
    }
    return table;
  }

  private static TextTable tensors(List<TensorInfo> tensors) {
    TextTable table =
        new TextTable().left("tensor").left("type").left("shape").right("size").left("file");
    for (TensorInfo tensor : tensors) {
      table.row(
          tensor.name(),
          tensor.dtype().name(),
          Quantities.shape(tensor.shape()),
          Quantities.bytes(tensor.bytes()),
          String.valueOf(tensor.file().getFileName()));
    }
    return table;
  }

  private static ObjectNode json(
      List<TensorInfo> tensors, CheckpointSummary summary, @Nullable String adapter) {
    ObjectNode node = Json.object();
    node.put("folder", summary.folder().toString());
    if (adapter != null) {
      node.put("adapter", adapter);
    }
    Json.put(node, "model_type", summary.modelType());
    Json.put(node, "architectures", summary.architectures());
    node.put("tensor_count", summary.tensors());
    node.put("parameters", summary.parameters());
    node.put("bytes", summary.bytes());
    ObjectNode dtypes = node.putObject("dtypes");
    summary.dtypes().forEach((dtype, entries) -> dtypes.put(dtype.name(), entries));
    Json.put(node, "files", summary.files());
    Json.put(node, "other_files", summary.otherFiles());
    summary.tied().forEach(node.putArray("tied")::add);
    summary.warnings().forEach(node.putArray("warnings")::add);
    ArrayNode list = node.putArray("tensors");
    for (TensorInfo tensor : tensors) {
      ObjectNode element = list.addObject();
      element.put("name", tensor.name());
      element.put("dtype", tensor.dtype().name());
      tensor.shape().forEach(element.putArray("shape")::add);
      element.put("bytes", tensor.bytes());
      element.put("file", String.valueOf(tensor.file().getFileName()));
    }
    return node;
  }
}
