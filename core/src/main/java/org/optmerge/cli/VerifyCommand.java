package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.optmerge.base.Json;
import org.optmerge.base.OptMergeException;
import org.optmerge.merge.Verifier;
import org.optmerge.merge.Verifier.Verification;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code optmerge verify}. */
@Command(
    name = "verify",
    description =
        "Check a merged checkpoint against its optmerge.json: checksums, shapes, NaN and infinity.")
final class VerifyCommand extends Subcommand {
  @Mixin private ThreadsOption threads;

  @Parameters(paramLabel = "DIR", description = "A folder that merge has written.")
  private Path folder;

  @Override
  public Integer call() {
    Console console = main.console();
    Verification verification;
    try (ProgressLine progress = console.progress()) {
      verification = Verifier.verify(folder, threads.count(), progress);
    }
    verification.notes().forEach(console::notice);
    if (!verification.passed() && !console.json()) {
      throw new VerificationFailed(
          "%s is not what was merged:\n%s"
              .formatted(folder, String.join("\n", verification.problems())));
    }
    console.outcome(() -> text(verification), () -> json(verification));
    return verification.passed() ? 0 : Main.FAILED;
  }

  /** A folder that is not as recorded. */
  static final class VerificationFailed extends OptMergeException {
    VerificationFailed(String message) {
      super(message);
    }
  }

  private List<String> text(Verification verification) {
    return List.of(
        "%s: %s and %s are as recorded"
            .formatted(
                folder,
                Quantities.of(verification.files(), "file"),
                Quantities.of(verification.tensors(), "tensor")));
  }

  private ObjectNode json(Verification verification) {
    ObjectNode node = Json.object();
    node.put("folder", folder.toString());
    node.put("passed", verification.passed());
    return node.setAll(Json.<ObjectNode>tree(verification));
  }
}
