package org.optmerge.cli;

import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/**
 * Options of {@code mergekit-yaml} that people paste from guides and model cards. What they ask for
 * happens anyway or has no meaning here, so they are accepted, and said to have no effect.
 *
 * @see <a href="https://github.com/arcee-ai/mergekit">mergekit, options.py</a>
 */
final class MergekitOptions {
  @Option(
      names = {
        "--cuda",
        "--low-cpu-memory",
        "--read-to-gpu",
        "--multi-gpu",
        "--gpu-rich",
        "--lazy-unpickle",
        "--lazy-loader",
        "--clone-tensors",
        "--async-write",
        "--trust-remote-code",
        "--allow-crimes",
        "--safe-serialization",
        "--copy-tokenizer",
        "--verbose",
        "-v"
      },
      description = "Merges run on the CPU, in bounded memory, and copy all files of the base.")
  private boolean[] flags = {};

  @Option(
      names = {
        "--device",
        "--write-threads",
        "--lora-merge-cache",
        "--lora-merge-dtype",
        "--transformers-cache"
      },
      paramLabel = "VALUE",
      description = "Adapters are applied while merging; nothing is downloaded or cached.")
  private List<String> values = List.of();

  /** Those that were given, by the names that were used; the only options in a group. */
  static List<String> given(ParseResult parsed) {
    return parsed.matchedOptions().stream()
        .filter(option -> option.group() != null)
        .flatMap(option -> Main.namesUsed(option, parsed.expandedArgs()).stream())
        .distinct()
        .toList();
  }
}
