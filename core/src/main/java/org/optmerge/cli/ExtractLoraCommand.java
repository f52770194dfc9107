package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import org.optmerge.analysis.LoraExtraction;
import org.optmerge.analysis.LoraExtraction.Layer;
import org.optmerge.base.Json;
import org.optmerge.base.Percent;
import org.optmerge.base.TextTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge extract-lora}. */
@Command(
    name = "extract-lora",
    description = "Make a LoRA adapter from a full fine-tune, and say what it loses.")
final class ExtractLoraCommand extends Subcommand {
  private static final int WORST = 5;

  @Parameters(index = "0", paramLabel = "BASE", description = "The checkpoint that was fine-tuned.")
  private Path base;

  @Parameters(index = "1", paramLabel = "FINETUNED", description = "The fine-tuned checkpoint.")
  private Path tuned;

  @Option(
      names = "--rank",
      required = true,
      paramLabel = "R",
      description = "Rank of every matrix of the adapter.")
  private int rank;

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "DIR",
      description = "The folder to write; it must not exist or be empty.")
  private Path out;

  @Mixin private TensorSelection selection;

  @Option(
      names = "--save",
      paramLabel = "REGEX",
      description =
          "Put changed tensors that are no factored matrix, such as norms and embeddings, into the"
              + " adapter whole if their name matches from its start; may be given more than once.")
  private List<Pattern> save = List.of();

  @Mixin private ThreadsOption threads;

  @Override
  public Integer call() {
    requirePositive("--rank", rank);
    Console console = main.console();
    LoraExtraction.Result result;
    try (ProgressLine progress = console.progress()) {
      result =
          LoraExtraction.run(
              base,
              tuned,
              rank,
              selection::selects,
              name -> save.stream().anyMatch(pattern -> pattern.matcher(name).lookingAt()),
              out,
              threads.count(),
              progress);
    }
    if (!result.lost().isEmpty()) {
      console.warning(
          "%s changed, resized or added by the fine-tune not in the adapter, such as %s; the error counts them, --save keeps such tensors whole"
              .formatted(Quantities.of(result.lost().size(), "tensor"), result.lost().get(0)));
    }
    console.outcome(() -> text(console, result), () -> json(result));
    return 0;
  }

  private List<String> text(Console console, LoraExtraction.Result result) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s: rank %d for %s, %s; error %s of the change"
            .formatted(
                out,
                rank,
                result.layers().size() == 1 ? "1 matrix" : result.layers().size() + " matrices",
                Quantities.bytes(result.bytes()),
                Percent.withSign(result.relativeError())));
    lines.add("");
    TextTable table =
        new TextTable().left("largest errors").right("rank").right("norm").right("error");
    result.layers().stream()
        .sorted(Comparator.comparingDouble(Layer::relativeError).reversed())
        .limit(WORST)
        .forEach(
            layer ->
                table.row(
                    layer.tensor(),
                    String.valueOf(layer.rank()),
                    Quantities.number(layer.norm()),
                    Percent.withSign(layer.relativeError())));
    lines.addAll(console.lines(table));
    return lines;
  }

  private ObjectNode json(LoraExtraction.Result result) {
    ObjectNode node = Json.object();
    node.put("folder", out.toString());
    node.put("rank", rank);
    node.put("bytes", result.bytes());
    Json.put(node, "relative_error", result.relativeError());
    Json.put(node, "layers", result.layers().stream().map(LayerError::of).toList());
    Json.put(node, "saved", result.saved());
    Json.put(node, "lost", result.lost());
    Json.put(node, "lost_norm", result.lostNorm());
    return node;
  }

  private record LayerError(
      String tensor, int rank, double norm, double error, double relativeError) {
    static LayerError of(Layer layer) {
      return new LayerError(
          layer.tensor(), layer.rank(), layer.norm(), layer.error(), layer.relativeError());
    }
  }
}
