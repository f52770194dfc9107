package org.optmerge.merge;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.base.FileIdentity;
import org.optmerge.base.Progress;
import org.optmerge.base.Trees;
import org.optmerge.checkpoint.DType;
import org.optmerge.fuzz.Sandbox;

/** What a merge writes for itself, damaged: provenance, journal, known digests. */
class OwnFilesFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/own.dict";
  private static final Sandbox BOX = Sandbox.open();

  private static Path model(String name, long seed) {
    return TestCheckpoints.folder(BOX.folder().resolve(name))
        .random("a.weight", DType.F32, List.of(4L, 4L), seed)
        .random("b.weight", DType.BF16, List.of(3L), seed + 1)
        .config("{}")
        .write();
  }

  private static final class Merged {
    static final Path BASE = model("base", 1);
    static final List<Path> EXPERTS = List.of(model("one", 3), model("two", 5));
    static final Path OUT = merge(BOX.folder().resolve("out"));
    static final byte[] PROVENANCE = bytes(OUT.resolve("optmerge.json"));
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static Path merge(Path out, MergeOptions.Flag... flags) {
    try (MergePlan plan = Plans.of(Merged.BASE, Merged.EXPERTS, new Plans.Sum(), 0.5)) {
      Merger.run(plan, out, MergeOptions.DEFAULT.withFlags(flags).withThreads(1), Progress.NONE);
      return out;
    }
  }

  static Stream<byte[]> provenances() {
    return Stream.of(Merged.PROVENANCE);
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("provenances")
  @FuzzTest
  void provenance(byte[] data) throws Exception {
    Path out = Merged.OUT;
    BOX.file("out/optmerge.json", data);
    BOX.holds(data, () -> Verifier.verify(out, 1, Progress.NONE));
    BOX.holds(
        data,
        () -> {
          try (MergePlan plan = Plans.of(Merged.BASE, Merged.EXPERTS, new Plans.Sum(), 0.5)) {
            FinishedMerge finished = FinishedMerge.in(out, plan).orElseThrow();
            finished.change();
          }
        });
  }

  static Stream<byte[]> journals() throws IOException {
    Path out = BOX.folder().resolve("unfinished");
    Path folder = out.resolveSibling(".unfinished.optmerge");
    try (MergePlan plan = Plans.of(Merged.BASE, Merged.EXPERTS, new Plans.Sum(), 0.5)) {
      Merger.run(plan, out, MergeOptions.DEFAULT.withThreads(1), new Stop());
    } catch (Stop.Stopped e) {
      // On purpose: what is done so far stays.
    }
    byte[] journal = Files.readAllBytes(folder.resolve("journal.jsonl"));
    return Stream.of(journal);
  }

  /** Ends a merge after its first tensor, as a kill would. */
  private static final class Stop implements Progress {
    @SuppressWarnings("serial")
    static final class Stopped extends Error {}

    @Override
    public void advanced(long amount) {
      throw new Stopped();
    }
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("journals")
  @FuzzTest
  void journal(byte[] data) throws Exception {
    Path out = BOX.folder().resolve("resumed");
    Path expected = Merged.OUT;
    Trees.delete(out);
    Trees.delete(BOX.folder().resolve(".resumed.optmerge"));
    BOX.file(".resumed.optmerge/journal.jsonl", data);
    if (BOX.holds(data, () -> merge(out, MergeOptions.Flag.RESUME))
        && Files.mismatch(expected.resolve("model.safetensors"), out.resolve("model.safetensors"))
            >= 0) {
      throw new AssertionError("a resumed merge has other bytes");
    }
  }

  static Stream<byte[]> digests() {
    return Stream.of("{\"file\":\"x\",\"sha256\":\"0\"}".getBytes(), "null".getBytes());
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("digests")
  @FuzzTest
  void knownDigest(byte[] data) throws Exception {
    KnownDigests known = new KnownDigests(BOX.folder().resolve("digests"), 0, Clock.systemUTC());
    FileIdentity identity = new FileIdentity(1L, 2L, 3, 4, 5);
    known.remember(identity, "0".repeat(64));
    try (Stream<Path> files = Files.list(BOX.folder().resolve("digests"))) {
      for (Path file : files.toList()) {
        Files.write(file, data);
      }
    }
    BOX.holds(data, () -> known.find(identity));
  }
}
