package org.optmerge.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.ScoringRules;

/** The text of {@code core/SCORING.md}: the rule of every kind of file and every data set. */
final class ScoringDocument {
  private static final String HEAD =
      """
      # Scoring prediction files

      This file is what `optmerge score --rules` prints; a test compares the two.

      A file is scored by the rule of the kit that wrote it, which is recognised by what is in the file, not by its
      name. A pair of file and data set that is not below has no rule, and is refused. `--profile` chooses between
      versions of VLMEvalKit, and for lmms-eval's boxes between the fork of the paper and its origin.

      Before anything is scored, examples without a reference, options, a box or a prediction are counted: all of them
      are an error that says why, some are named and count as wrong. Ids are those of the file's own column; numbers
      are equal as numbers. `--answers` names the file in which a kit keeps references apart. Of VLMEvalKit's multiple
      choices the data set's answers count, of its other tables the prediction file's; differences are named.

      | file | recognised by |
      |---|---|
      | VLMEvalKit table | `prediction`, in .xlsx, .tsv, .csv, or .json of `PRED_FORMAT=json` |
      | … with a judge's extractions | `res` and `log` beside it |
      | … with a judge's verdicts | `hit` and `log` beside it (`*_openai_result` and its like) |
      | lmms-eval samples | `filtered_resps`: 0.1 to 0.2.2 in `logs`, to 0.3.5 with `doc`, to 0.6.1 without, since 0.7 a text |
      | InternVL grounding results | `gt_bbox` and `hw` |
      | InternVL results | `answer` with `annotation` or `gt_answers`, or with `question` and an id and `--answers` |
      | ModelCompose, LLaVA answers | `question_id` and `text`, with `--answers` |
      | VQA, GQA, RRC results | `question_id` or `image` and `answer`; `questionId` and `prediction`; `questionId` and `answer` |
      | ScienceQA, MathVista, MATH-V, MMMU results | `results` and `outputs`; problems by pid; `id` and `response`; answers by id |
      | MUSIC-AVQA answers | `question_id` and an answer, with the authors' questions as `--answers` |
      | optmerge JSONL | `id` and `prediction` |

      Pickles are refused: opening one may run any program. Means (`*_results.json`) hold no answers.

      Shares of right answers have Wilson's interval, and differences of shares Newcombe's, with McNemar's exact test.
      Graded scores are resampled, which is too sure of itself below about thirty examples. `compare` corrects the
      p-values of several groups by Holm's method.
      """;

  private ScoringDocument() {}

  static List<String> lines() {
    List<String> lines = new ArrayList<>(HEAD.lines().toList());
    for (Protocol protocol : Protocol.values()) {
      lines.add("");
      lines.add("## " + protocol.title());
      lines.add("");
      lines.add("| file | rule |");
      lines.add("|---|---|");
      for (FileFormat format : FileFormat.values()) {
        Optional<String> words = ScoringRules.words(protocol, format);
        words.ifPresent(rule -> lines.add("| %s | %s |".formatted(format, rule)));
      }
    }
    return lines;
  }
}
