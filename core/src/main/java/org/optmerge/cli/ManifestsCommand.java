package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.TextTable;
import org.optmerge.manifest.BenchmarkEntry;
import org.optmerge.manifest.DataFolder;
import org.optmerge.manifest.DataFolder.Presence;
import org.optmerge.manifest.Manifest;
import org.optmerge.manifest.Manifests;
import org.optmerge.manifest.Source;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge manifests}. */
@Command(
    name = "manifests",
    description =
        "List the checkpoints and data sets that can be fetched, and what of them is present; those"
            + " with certain words; or all about one.")
final class ManifestsCommand extends Subcommand {
  @Parameters(
      paramLabel = "NAME|WORD",
      arity = "0..*",
      completionCandidates = Names.Shipped.class,
      description = "The name of one, or words that are all in its name, title or description.")
  private List<String> words = List.of();

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The data folder. Default: $OPTMERGE_DATA, else ~/.cache/optmerge.")
  private @Nullable Path folder;

  @Override
  public Integer call() {
    DataFolder data =
        folder == null ? DataFolder.ofEnvironment(System.getenv()) : new DataFolder(folder);
    Manifests manifests = Manifests.shipped();
    Optional<Manifest> one = words.size() == 1 ? manifests.find(words.get(0)) : Optional.empty();
    List<Manifest> found = one.map(List::of).orElseGet(() -> manifests.search(words));
    if (found.isEmpty()) {
      throw wrong(
          "no manifest has '%s' in it%s"
              .formatted(
                  String.join("' and '", words),
                  words.size() == 1 ? manifests.suggestion(words.get(0)) : ""));
    }
    Console console = main.console();
    console.result(
        () ->
            one.isPresent()
                ? details(console, found.get(0), data)
                : console.lines(list(found, data)),
        () -> json(found, data));
    return 0;
  }

  private static String presence(Manifest manifest, DataFolder data) {
    return manifest.isFetchable() || data.presence(manifest) != Presence.ABSENT
        ? data.presence(manifest).toString().toLowerCase(Locale.ROOT)
        : "by hand";
  }

  private static TextTable list(List<Manifest> manifests, DataFolder data) {
    TextTable table =
        new TextTable().left("name").left("kind").left("here").left("licence").left("what");
    for (Manifest manifest : manifests) {
      table.row(
          manifest.name(),
          manifest.kind().toString(),
          presence(manifest, data),
          manifest.licence().name(),
          manifest.title());
    }
    return table;
  }

  private static List<String> details(Console console, Manifest manifest, DataFolder data) {
    List<String> lines = new ArrayList<>();
    lines.add(manifest.name() + ": " + manifest.title());
    lines.add(manifest.description());
    lines.add("");
    TextTable facts = new TextTable().left("kind").left(manifest.kind().toString());
    facts.row("here", presence(manifest, data) + ", " + data.of(manifest));
    if (!manifest.aliases().isEmpty()) {
      facts.row("also called", String.join(", ", manifest.aliases()));
    }
    Manifest.Licence licence = manifest.licence();
    facts.row("licence", joined(licence.name(), licence.url(), licence.note()));
    Manifest.Paper paper = manifest.paper();
    if (paper != null) {
      facts.row("paper", joined(paper.title(), paper.venue(), paper.url()));
    }
    if (manifest.homepage() != null) {
      facts.row("page", manifest.homepage());
    }
    Long bytes = manifest.bytes();
    if (bytes != null) {
      facts.row("size", Quantities.bytes(bytes));
    }
    for (Source source : manifest.sources()) {
      facts.row("source", describe(source));
    }
    if (!manifest.unverified().isEmpty()) {
      facts.row("unverified", String.join(", ", manifest.unverified()));
    }
    manifest.notes().forEach(note -> facts.row("note", note));
    lines.addAll(facts.lines());
    if (!manifest.benchmarks().isEmpty()) {
      TextTable table =
          new TextTable()
              .left("benchmark")
              .left("split")
              .right("examples")
              .left("kit")
              .left("format");
      for (BenchmarkEntry benchmark : manifest.benchmarks()) {
        Long examples = benchmark.examples();
        table.row(
            benchmark.name(),
            benchmark.split(),
            examples == null ? "?" : String.valueOf(examples),
            benchmark.kit().toString(),
            benchmark.loader().format().toString());
      }
      lines.add("");
      lines.addAll(console.lines(table));
    }
    String citation = manifest.citation();
    if (citation != null) {
      lines.add("");
      lines.addAll(citation.lines().toList());
    }
    return lines;
  }

  private static String joined(String first, @Nullable String... others) {
    StringBuilder text = new StringBuilder(first);
    for (String other : others) {
      if (other != null) {
        text.append(", ").append(other);
      }
    }
    return text.toString();
  }

  private static String describe(Source source) {
    if (source instanceof Source.WebFile file) {
      return "%s (%s)"
          .formatted(
              file.url(),
              file.sha256() != null
                  ? "SHA-256 of " + file.checksumSource()
                  : file.md5() != null
                      ? "MD5 of " + file.checksumSource()
                      : "checksum not published");
    }
    if (source instanceof Source.Hub hub) {
      return "Hugging Face %s %s, %s%s"
          .formatted(
              hub.repositoryType(),
              hub.repository(),
              hub.revision(),
              hub.include().isEmpty() ? "" : ": " + String.join(", ", hub.include()));
    }
    Source.ByHand byHand = (Source.ByHand) source;
    return "by hand, %s: %s".formatted(byHand.url(), byHand.instructions());
  }

  private static ObjectNode json(List<Manifest> manifests, DataFolder data) {
    ObjectNode node = Json.object();
    ArrayNode list = node.putArray("manifests");
    for (Manifest manifest : manifests) {
      ObjectNode element = list.addObject();
      element.put("name", manifest.name());
      element.put("kind", manifest.kind().toString());
      element.put("title", manifest.title());
      element.put("here", presence(manifest, data));
      element.put("folder", data.of(manifest).toString());
      element.put("licence", manifest.licence().name());
      record Entry(String name, String split, @Nullable Long examples, String kit) {}
      Json.put(
          element,
          "benchmarks",
          manifest.benchmarks().stream()
              .map(it -> new Entry(it.name(), it.split(), it.examples(), it.kit().toString()))
              .toList());
    }
    return node;
  }
}
