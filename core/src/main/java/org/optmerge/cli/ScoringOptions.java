package org.optmerge.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.kit.PredictionFiles;
import org.optmerge.evaluation.kit.Request;
import org.optmerge.metric.ScoringProfile;
import picocli.CommandLine.Option;

/** The options for scoring a prediction file. */
final class ScoringOptions {
  @Option(
      names = "--profile",
      paramLabel = "P",
      description =
          "Whose rules where versions differ: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE},"
              + " the paper's.")
  ScoringProfile profile = ScoringProfile.OPTMERGE_FORK;

  @Option(
      names = "--answers",
      paramLabel = "FILE",
      description =
          "The file with the references, where a kit keeps them apart; for VLMEvalKit the data"
              + " set's .tsv, whose ids must all be answered.")
  @Nullable Path answers;

  @Option(names = "--seed", paramLabel = "S", description = "Of the resampling. Default: 0.")
  private long seed;

  @Option(
      names = "--split-think",
      description =
          "Score what follows </think>, as VLMEvalKit does where SPLIT_THINK is set. Default: all of"
              + " an answer.")
  private boolean splitThink;

  Bootstrap bootstrap(int resamples) {
    return new Bootstrap(resamples, Bootstrap.DEFAULT.level(), seed);
  }

  Evaluation evaluate(Path file, Protocol protocol, Bootstrap bootstrap) {
    return Evaluation.of(
        PredictionFiles.read(new Request(file, protocol, profile, answers, splitThink)),
        protocol,
        profile,
        bootstrap);
  }
}
