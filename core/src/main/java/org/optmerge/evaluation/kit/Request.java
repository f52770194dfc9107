package org.optmerge.evaluation.kit;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Protocol;
import org.optmerge.metric.ScoringProfile;

/**
 * A prediction file that is to be read, and for what.
 *
 * @param file by a kit named in {@link org.optmerge.evaluation.FileFormat}
 * @param protocol of its data set
 * @param profile whose rules take an answer without a judge
 * @param answers the file with the references, where the kit keeps them apart; null if none
 * @param withoutReasoning whether what stands before {@code </think>} is cut, as VLMEvalKit does
 *     where {@code SPLIT_THINK} is set
 */
public record Request(
    Path file,
    Protocol protocol,
    ScoringProfile profile,
    @Nullable Path answers,
    boolean withoutReasoning) {
  /**
   * The file with the references.
   *
   * @param kit that keeps them apart
   * @param expected in words, such as {@code VQA's annotations}
   * @throws PredictionFileException if none was named, or it is not there
   */
  Path needed(String kit, String expected) {
    if (answers == null) {
      throw new PredictionFileException(
          "%s: %s keeps references apart; name %s with --answers".formatted(file, kit, expected));
    }
    present(answers);
    return answers;
  }

  static void present(Path path) {
    if (!Files.isRegularFile(path)) {
      throw new PredictionFileException("%s: there is no such file".formatted(path));
    }
  }
}
