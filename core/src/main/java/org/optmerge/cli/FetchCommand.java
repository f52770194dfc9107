package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.TextTable;
import org.optmerge.manifest.DataFolder;
import org.optmerge.manifest.FetchOptions;
import org.optmerge.manifest.FetchPlan;
import org.optmerge.manifest.FetchPlan.PlannedFile;
import org.optmerge.manifest.Fetcher;
import org.optmerge.manifest.Manifest;
import org.optmerge.manifest.Manifests;
import org.optmerge.manifest.Source;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge fetch}. */
@Command(
    name = "fetch",
    description = {
      "Download what manifests name, and verify it. What is there already is kept, what was begun"
          + " goes on; a file appears when all of it is there.",
      "HF_TOKEN is sent to the Hugging Face hub, and to no other server; HF_ENDPOINT names a mirror"
          + " of it; HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured."
    })
final class FetchCommand extends Subcommand {
  @Parameters(
      paramLabel = "MANIFEST",
      arity = "1..*",
      completionCandidates = Names.Shipped.class,
      description =
          "A checkpoint or data set, a benchmark of one, or the path of a manifest (PATH.json).")
  private List<String> names = List.of();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description =
          "The data folder; each manifest has a folder in it. Default: $OPTMERGE_DATA, else"
              + " ~/.cache/optmerge.")
  private @Nullable Path out;

  @Option(
      names = "--include",
      paramLabel = "PATTERN",
      description = "Only files whose path matches, such as '*.jsonl' or 'data/val-*'; repeatable.")
  private List<String> include = List.of();

  @Option(
      names = "--parallel",
      paramLabel = "N",
      defaultValue = "4",
      description = "So many files at a time (default: ${DEFAULT-VALUE}).")
  private int parallel;

  @Option(
      names = "--dry-run",
      description = "Show files, sizes and room on the disk; write nothing.")
  private boolean dryRun;

  @Override
  public Integer call() {
    Console console = main.console();
    requirePositive("--parallel", parallel);
    DataFolder data = out == null ? DataFolder.ofEnvironment(System.getenv()) : new DataFolder(out);
    Set<Manifest> wanted = wanted(Manifests.of(data));
    FetchOptions options = FetchOptions.ofEnvironment(System.getenv()).withParallel(parallel);
    try (Fetcher fetcher = new Fetcher(options)) {
      List<FetchPlan> plans = new ArrayList<>();
      try (ProgressLine progress = console.progress()) {
        for (Manifest manifest : wanted) {
          progress.phase("looking up " + manifest.name());
          plans.add(fetcher.plan(manifest, data.of(manifest), include));
        }
      }
      if (dryRun) {
        console.result(() -> describe(console, plans), () -> json(plans, null));
        return 0;
      }
      Fetcher.Report report;
      try (ProgressLine progress = console.progress();
          InterruptNotice notice =
              new InterruptNotice(
                  () -> console.notice("what has come is kept; the same command goes on"))) {
        report = fetcher.run(plans, progress);
      }
      for (FetchPlan plan : plans) {
        plan.byHand()
            .forEach(source -> console.warning(byHand(plan.manifest(), plan.folder(), source)));
      }
      if (!report.unmeasured().isEmpty()) {
        console.warning(
            "nobody says what %s should be, neither a checksum nor a length: nothing was checked, and the end may be missing"
                .formatted(some(report.unmeasured())));
      }
      List<String> measured = new ArrayList<>(report.unverified());
      measured.removeAll(report.unmeasured());
      if (!measured.isEmpty()) {
        console.notice(
            "nobody publishes a checksum of %s; only the length was checked"
                .formatted(some(measured)));
      }
      console.outcome(() -> outcome(plans, report), () -> json(plans, report));
      // A description, of which there is nothing to fetch, was not fetched.
      return plans.stream().allMatch(plan -> plan.files().isEmpty()) ? Main.FAILED : 0;
    }
  }

  private Set<Manifest> wanted(Manifests known) {
    Set<Manifest> wanted = new LinkedHashSet<>();
    for (String name : names) {
      if (name.toLowerCase(Locale.ROOT).endsWith(".json") && Files.isRegularFile(Path.of(name))) {
        wanted.add(Manifests.read(Path.of(name)));
      } else {
        wanted.add(
            known
                .find(name)
                .orElseThrow(
                    () ->
                        wrong(
                            "no manifest '%s'%s ('optmerge manifests' lists them)"
                                .formatted(name, known.suggestion(name)))));
      }
    }
    return wanted;
  }

  private static String byHand(Manifest manifest, Path folder, Source.ByHand source) {
    String files =
        source.files().isEmpty()
            ? ""
            : " (%s in '%s')".formatted(String.join(", ", source.files()), folder);
    return "%s: a part has to be got by hand%s: %s %s"
        .formatted(manifest.name(), files, source.url(), source.instructions());
  }

  private static String some(List<String> files) {
    return files.size() <= 3
        ? String.join(", ", files)
        : "%s and %d more".formatted(String.join(", ", files.subList(0, 2)), files.size() - 2);
  }

  private static List<String> describe(Console console, List<FetchPlan> plans) {
    List<String> lines = new ArrayList<>();
    for (FetchPlan plan : plans) {
      lines.add("%s → %s".formatted(plan.manifest().name(), plan.folder()));
      if (!plan.files().isEmpty()) {
        TextTable table =
            new TextTable().left("file").right("size").left("state").left("checked by");
        for (PlannedFile file : plan.files()) {
          Long bytes = file.bytes();
          table.row(
              file.path() + (file.unpackInto() == null ? "" : " → " + file.unpackInto() + "/"),
              bytes == null ? "?" : Quantities.bytes(bytes),
              file.state().toString().toLowerCase(Locale.ROOT),
              file.checksum() == null ? "length only" : file.checksum().algorithm().toString());
        }
        lines.addAll(console.lines(table));
      }
      plan.byHand().forEach(source -> lines.add(byHand(plan.manifest(), plan.folder(), source)));
      lines.add("");
    }
    long unknown = plans.stream().mapToLong(FetchPlan::unknownSizes).sum();
    lines.add(
        "to fetch: %s%s; nothing was written"
            .formatted(
                Quantities.bytes(plans.stream().mapToLong(FetchPlan::remaining).sum()),
                unknown == 0
                    ? ""
                    : " and %s of unknown size".formatted(Quantities.of(unknown, "file"))));
    return lines;
  }

  private static List<String> outcome(List<FetchPlan> plans, Fetcher.Report report) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s fetched (%s)%s%s"
            .formatted(
                Quantities.of(report.fetched(), "file"),
                Quantities.bytes(report.bytes()),
                report.present() == 0 ? "" : ", %d there before".formatted(report.present()),
                report.unpacked() == 0
                    ? ""
                    : ", %s unpacked".formatted(Quantities.of(report.unpacked(), "file"))));
    plans.forEach(plan -> lines.add("%s: %s".formatted(plan.manifest().name(), plan.folder())));
    return lines;
  }

  private static ObjectNode json(List<FetchPlan> plans, Fetcher.@Nullable Report report) {
    ObjectNode node = Json.object();
    node.put("dry_run", report == null);
    if (report != null) {
      node.put("fetched", report.fetched());
      node.put("present", report.present());
      node.put("bytes", report.bytes());
      report.unverified().forEach(node.putArray("unverified")::add);
      report.unmeasured().forEach(node.putArray("unmeasured")::add);
    }
    ArrayNode manifests = node.putArray("manifests");
    for (FetchPlan plan : plans) {
      ObjectNode element = manifests.addObject();
      element.put("name", plan.manifest().name());
      element.put("folder", plan.folder().toString());
      element.put("remaining_bytes", plan.remaining());
      ArrayNode files = element.putArray("files");
      for (PlannedFile file : plan.files()) {
        ObjectNode entry = files.addObject();
        entry.put("path", file.path());
        entry.put("bytes", file.bytes());
        entry.put("state", file.state().toString().toLowerCase(Locale.ROOT));
        entry.put(
            "checksum", file.checksum() == null ? null : file.checksum().algorithm().toString());
      }
      plan.byHand()
          .forEach(
              source ->
                  element.withArray("by_hand").add(source.url() + " " + source.instructions()));
    }
    return node;
  }
}
