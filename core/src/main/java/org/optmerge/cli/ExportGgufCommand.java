package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.gguf.GgufExport;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** {@code optmerge export-gguf}. */
@Command(
    name = "export-gguf",
    description = {
      "Write a model as a GGUF file for llama.cpp, with its settings and tokenizer.",
      "Families: Llama, Qwen2, Qwen3, Qwen2-VL, Qwen2.5-VL. The vision part of the last two goes"
          + " into a file of its own beside it, mmproj-FILE."
    })
final class ExportGgufCommand extends Subcommand {
  @Parameters(paramLabel = "DIR", description = "A model in Hugging Face's layout.")
  private Path folder;

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "FILE",
      description = "The file to write, NAME.gguf.")
  private Path out;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      completionCandidates = Types.class,
      converter = Types.class,
      description =
          "Type of the matrices: ${COMPLETION-CANDIDATES} (default: bf16 if most of them are, else"
              + " f16).")
  private GgufExport.@Nullable Type type;

  @Option(
      names = "--pre",
      paramLabel = "NAME",
      description =
          "llama.cpp's name for how the tokenizer cuts words, where it is not known, such as"
              + " qwen2.")
  private @Nullable String pre;

  @Option(
      names = "--no-tokenizer",
      description = "Leave the tokenizer out; llama.cpp cannot use the file by itself then.")
  private boolean noTokenizer;

  @Option(names = "--force", description = "Replace files that are there.")
  private boolean force;

  /** The types by their names in llama.cpp. */
  static final class Types extends ArrayList<String> implements ITypeConverter<GgufExport.Type> {
    private static final long serialVersionUID = 1;

    Types() {
      for (GgufExport.Type type : GgufExport.Type.values()) {
        add(type.name().toLowerCase(Locale.ROOT));
      }
    }

    @Override
    public GgufExport.Type convert(String value) {
      String name = value.toLowerCase(Locale.ROOT);
      if (!contains(name)) {
        throw new TypeConversionException(
            "expected one of %s, found '%s'".formatted(String.join(", ", this), value));
      }
      return GgufExport.Type.valueOf(name.toUpperCase(Locale.ROOT));
    }
  }

  @Override
  public Integer call() {
    if (!String.valueOf(out.getFileName()).endsWith(".gguf")) {
      throw wrong("--out: expected a file NAME.gguf, found '%s'".formatted(out));
    }
    Console console = main.console();
    GgufExport.Result result;
    try (ProgressLine progress = console.progress()) {
      result =
          GgufExport.run(
              folder, out, new GgufExport.Options(type, pre, !noTokenizer, force), progress);
    }
    result.notes().forEach(console::warning);
    console.outcome(
        () ->
            List.of(
                "%s: %s as %s, %s"
                    .formatted(
                        String.join(" and ", result.files().stream().map(Path::toString).toList()),
                        Quantities.of(result.tensors(), "tensor"),
                        result.type(),
                        Quantities.bytes(result.bytes()))),
        () -> json(result));
    return 0;
  }

  private static ObjectNode json(GgufExport.Result result) {
    ObjectNode node = Json.object();
    Json.put(node, "files", result.files().stream().map(Path::toString).toList());
    node.put("type", result.type().name());
    node.put("tensors", result.tensors());
    node.put("bytes", result.bytes());
    Json.put(node, "notes", result.notes());
    return node;
  }
}
