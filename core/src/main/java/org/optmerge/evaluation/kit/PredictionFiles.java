package org.optmerge.evaluation.kit;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.JsonRows;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.metric.ScoringProfile;

/** Reads the prediction files of all kits; what kind a file is, it tells by what is in it. */
public final class PredictionFiles {
  /** What to do with files that hold answers in a form that is not read. */
  private static final Map<String, String> REFUSED =
      Map.of(
          ".pkl",
          "a pickle, VLMEvalKit's last resort where it could not write a table, may run any program"
              + " when it is opened; load it with VLMEvalKit and dump it as .tsv",
          ".parquet",
          "no kit writes predictions as Parquet; export them as JSON lines",
          ".xls",
          "a workbook of Excel before 2007; save it as .xlsx",
          ".zip",
          "an archive; unpack it and name the file of predictions",
          ".gz",
          "a compressed file; unpack it");

  private PredictionFiles() {}

  /**
   * Reads a file to be scored.
   *
   * @param file by a kit named in {@link org.optmerge.evaluation.FileFormat}
   * @param protocol of its data set
   * @param profile whose rules take an answer without a judge
   * @param answers the file with the references, where the kit keeps them apart; null if none
   * @throws PredictionFileException if it is of no known kind, is damaged, or lacks what the
   *     protocol needs
   */
  public static Predictions read(
      Path file, Protocol protocol, ScoringProfile profile, @Nullable Path answers) {
    return read(new Request(file, protocol, profile, answers, false));
  }

  /** As {@link #read(Path, Protocol, ScoringProfile, Path)}, with a choice about reasoning. */
  public static Predictions read(Request request) {
    Path file = request.file();
    Request.present(file);
    if (request.answers() != null) {
      Request.present(request.answers());
    }
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".xlsx") || name.endsWith(".tsv") || name.endsWith(".csv")) {
      return new VlmEvalKitReader(request).read();
    }
    REFUSED.forEach(
        (ending, why) -> {
          if (name.endsWith(ending)) {
            throw new PredictionFileException("%s: %s".formatted(file, why));
          }
        });
    if (name.endsWith(".jsonl") || name.endsWith(".json")) {
      return JsonKits.read(request);
    }
    throw new PredictionFileException(
        "%s: expected .xlsx, .tsv or .csv (VLMEvalKit), or .json or .jsonl (all kits)"
            .formatted(file));
  }

  /** The objects of a file of references, one after the other. */
  static void references(Path file, JsonRows.Listener listener) {
    JsonRows.read(file, listener);
  }
}
