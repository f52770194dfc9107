package org.optmerge.evaluation.kit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.dhatim.fastexcel.Workbook;
import org.dhatim.fastexcel.Worksheet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.base.OptMergeException;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Comparison;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.Finding;
import org.optmerge.evaluation.PredictionFileException;
import org.optmerge.evaluation.Predictions;
import org.optmerge.evaluation.Protocol;
import org.optmerge.metric.ScoringProfile;

/** One line of every kit and version, for every data set that it scores; and what is refused. */
class KitFilesTest {
  private static final Bootstrap FEW = new Bootstrap(2, 0.95, 0);
  private static final ScoringProfile FORK = ScoringProfile.OPTMERGE_FORK;

  @TempDir private Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static Evaluation score(
      Path file, String dataSet, ScoringProfile profile, @Nullable Path answers) {
    Protocol protocol = Protocol.named(dataSet);
    return Evaluation.of(
        PredictionFiles.read(file, protocol, profile, answers), protocol, profile, FEW);
  }

  private static List<String> findings(Evaluation evaluation) {
    return evaluation.findings().stream().map(Finding::toString).toList();
  }

  private static String ten(String answer) {
    return String.join(",", java.util.Collections.nCopies(10, "{\"answer\":\"" + answer + "\"}"));
  }

  private static String tenTexts(String answer) {
    return String.join(",", java.util.Collections.nCopies(10, "\"" + answer + "\""));
  }

  private static Arguments scored(
      String dataSet, String name, String file, String answers, FileFormat format, double score) {
    return Arguments.of(dataSet, name, file, answers, format, score);
  }

  static Stream<Arguments> samples() {
    String box = "\"bbox\":[0.1,0.1,0.5,0.5]";
    String measured =
        "\"refcoco_IoU\":{\"answer\":\"cup\",\"pred\":[0.1,0.1,0.5,0.5],\"ann_id\":\"7\","
            + box
            + "}";
    String vqa = "{\"annotations\":[{\"question_id\":1,\"answers\":[" + ten("nokia") + "]}]}";
    String problems =
        "{\"1\":{\"question\":\"?\",\"choices\":[\"cat\",\"dog\"],\"answer\":1,\"split\":\"test\"},"
            + "\"2\":{\"question\":\"?\",\"choices\":[\"cat\",\"dog\"],\"answer\":0,\"split\":\"val\"}}";
    return Stream.of(
        // lmms-eval
        scored(
            "refcoco_bbox_rec_val",
            "035.jsonl",
            "{\"doc_id\":0,\"doc\":{\"question_id\":\"7\",\"answer\":\"cup\","
                + box
                + "},\"target\":\"x\",\"arguments\":{},\"resps\":[[\"[0.1, 0.1, 0.5, 0.5]\"]],\"filtered_resps\":[\"[0.1, 0.1, 0.5, 0.5]\"]}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "refcoco+_bbox_rec_testA",
            "04.jsonl",
            "{\"doc_id\":0,\"target\":\"cup\",\"filtered_resps\":[\"[0.1, 0.1, 0.5, 0.5]\"],"
                + measured
                + ",\"input\":\"?\"}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "refcocog_bbox_rec_test",
            "07.jsonl",
            "{\"doc_id\":0,\"target\":\"cup\",\"filtered_resps\":\"[0.1, 0.1, 0.5, 0.5]\","
                + measured
                + ",\"input\":\"?\"}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "chartqa",
            "04.jsonl",
            "{\"doc_id\":0,\"target\":\"14\",\"filtered_resps\":[\"14\"],\"relaxed_overall\":1.0,\"relaxed_human_split\":1.0}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "chartqa",
            "logs.json",
            "{\"args\":{},\"model_configs\":{},\"logs\":[{\"doc_id\":0,\"doc\":{\"question\":\"?\"},\"target\":\"14\",\"resps\":[[\"14\"]],\"filtered_resps\":[\"14\"],\"relaxed_overall\":1.0}]}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "chartqa",
            "unscored.jsonl",
            "{\"doc_id\":0,\"target\":\"14\",\"filtered_resps\":\"14.5\"}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "textvqa_val",
            "035.jsonl",
            "{\"doc_id\":0,\"doc\":{\"question\":\"?\",\"answers\":["
                + tenTexts("nokia")
                + "]},\"target\":\"answer\",\"filtered_resps\":[\"Nokia\"]}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "textvqa_val",
            "04.jsonl",
            "{\"doc_id\":0,\"target\":\"answer\",\"filtered_resps\":[\"Nokia\"],\"exact_match\":0.6,\"submission\":{}}",
            "",
            FileFormat.LMMS_EVAL,
            0.6),
        scored(
            "vizwiz_vqa_val",
            "07.jsonl",
            "{\"doc_id\":0,\"target\":\"["
                + tenTexts("no").replace("\"", "'")
                + "]\",\"filtered_resps\":\"no\"}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "gqa",
            "07.jsonl",
            "{\"doc_id\":\"201307251\",\"target\":\"yes\",\"filtered_resps\":\"Yes.\"}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "docvqa_val",
            "04.jsonl",
            "{\"doc_id\":0,\"target\":\"['abcd', 'x']\",\"filtered_resps\":[\"abzz\"],\"anls\":0.5}",
            "",
            FileFormat.LMMS_EVAL,
            0.5),
        scored(
            "infovqa_val",
            "07.jsonl",
            "{\"doc_id\":0,\"target\":\"['abcd']\",\"filtered_resps\":\"abzz\"}",
            "",
            FileFormat.LMMS_EVAL,
            0.5),
        scored(
            "scienceqa_img",
            "06.jsonl",
            "{\"doc_id\":0,\"target\":\"B\",\"filtered_resps\":[\"B. dog\"]}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "ai2d",
            "04.jsonl",
            "{\"doc_id\":0,\"target\":\"B\",\"filtered_resps\":[\"B\"],\"exact_match\":1.0}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "mmmu_val",
            "035.jsonl",
            "{\"doc_id\":0,\"doc\":{},\"target\":\"x\",\"filtered_resps\":[\"B\"],\"mmmu_acc\":{\"id\":\"validation_Art_1\",\"subdomain\":\"Art\",\"question_type\":\"open\",\"answer\":\"7\",\"parsed_pred\":[\"area is 7\",7.0]}}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "mmmu_val",
            "04.jsonl",
            "{\"doc_id\":0,\"target\":\"B\",\"filtered_resps\":[\"B\"],\"mmmu_acc\":{\"id\":\"validation_Art_1\",\"subdomain\":\"Art\",\"question_type\":\"multiple-choice\",\"answer\":\"B\",\"parsed_pred\":[\"B\"]}}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "mathvista_testmini",
            "04.jsonl",
            "{\"doc_id\":0,\"target\":\"7\",\"filtered_resps\":[\"x\"],\"llm_as_judge_eval\":{\"question_id\":\"1\",\"true_false\":true}}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        scored(
            "mathvision_test",
            "07.jsonl",
            "{\"doc_id\":0,\"target\":\"7\",\"filtered_resps\":\"x\",\"mathvision_standard_eval\":{\"response\":[\"x\"],\"scores\":[true]}}",
            "",
            FileFormat.LMMS_EVAL,
            1),
        // VLMEvalKit
        scored(
            "ChartQA_TEST",
            "m.json",
            "[{\"index\":0,\"question\":\"?\",\"answer\":\"14\",\"split\":\"test_human\",\"prediction\":\"14\"}]",
            "",
            FileFormat.VLMEVALKIT,
            1),
        scored(
            "VizWiz",
            "m.json",
            "[{\"index\":0,\"answers\":\"["
                + tenTexts("no").replace("\"", "'")
                + "]\",\"category\":NaN,\"prediction\":\"No.\"}]",
            "",
            FileFormat.VLMEVALKIT,
            1),
        scored(
            "RefCOCO",
            "m.tsv",
            "index\tquestion\tanswer\tbbox_x1\tbbox_y1\tbbox_x2\tbbox_y2\twidth\theight\tsplit\tprediction\nRefCOCO_val_0\tcup\t[10, 10, 50, 50]\t10\t10\t50\t50\t100\t100\tRefCOCO_val\t[[100, 100, 500, 500]]\n",
            "",
            FileFormat.VLMEVALKIT,
            1),
        scored(
            "RefCOCO",
            "m.csv",
            "index,question,answer,width,height,prediction\n0,cup,\"[0.1, 0.1, 0.5, 0.5]\",200,100,\"0.1 0.1 0.5 0.5\"\n",
            "",
            FileFormat.VLMEVALKIT,
            1),
        scored(
            "ScienceQA_TEST",
            "m_openai_result.tsv",
            "index\tA\tB\tanswer\tprediction\thit\tlog\n0\tcat\tdog\tB\tneither\t1\tMatch Log: B. \n",
            "",
            FileFormat.VLMEVALKIT_VERDICTS,
            1),
        scored(
            "MMMU_DEV_VAL",
            "m_gpt4_result.tsv",
            "index\tA\tB\tanswer\tprediction\thit\tlog\n0\tcat\tdog\tB\tB\t0\tx\n1\tcat\tdog\tB\tA\t0\tx\n",
            "",
            FileFormat.VLMEVALKIT_VERDICTS,
            0),
        scored(
            "MathVision_MINI",
            "m_gpt-4o-mini.tsv",
            "index\tanswer\tchoices\tcategory\tprediction\tres\tlog\n0\t10\t[]\tx\tit is ten\t10\tSucceed\n",
            "",
            FileFormat.VLMEVALKIT_JUDGED,
            1),
        // InternVL
        scored(
            "ocrvqa_test",
            "i.json",
            "[{\"question\":\"?\",\"questionId\":1,\"answer\":\"Yes.\",\"annotation\":\"Yes\"},{\"question\":\"?\",\"questionId\":2,\"answer\":\"A-B\",\"annotation\":\"AB\"}]",
            "",
            FileFormat.INTERNVL_VQA,
            0),
        scored(
            "gqa_testdev_llava",
            "i.json",
            "[{\"question\":\"?\",\"questionId\":1,\"answer\":\"Yes.\",\"annotation\":\"yes\"}]",
            "",
            FileFormat.INTERNVL_VQA,
            1),
        scored(
            "ai2diagram_test",
            "i.json",
            "[{\"question\":\"?\",\"image\":\"a.png\",\"answer\":\" b\",\"annotation\":\"B\"}]",
            "",
            FileFormat.INTERNVL_VQA,
            1),
        scored(
            "chartqa_test_human",
            "i.json",
            "[{\"question\":\"?\",\"answer\":\"10\",\"annotation\":\"9.5\"}]",
            "",
            FileFormat.INTERNVL_VQA,
            1),
        scored(
            "textvqa_val",
            "i.json",
            "[{\"question\":\"?\",\"question_id\":1,\"answer\":\"nokia\"}]",
            vqa,
            FileFormat.INTERNVL_VQA,
            1),
        scored(
            "vizwiz_val",
            "i.json",
            "[{\"question\":\"?\",\"question_id\":1,\"answer\":\"nokia\"}]",
            vqa,
            FileFormat.INTERNVL_VQA,
            1),
        scored(
            "docvqa_val",
            "i.json",
            "[{\"question\":\"?\",\"questionId\":1,\"answer\":\"abzz\",\"annotation\":[\"abcd\"]}]",
            "",
            FileFormat.INTERNVL_VQA,
            0.5),
        scored(
            "infographicsvqa_val",
            "i.json",
            "[{\"question\":\"?\",\"questionId\":1,\"answer\":\"abzz\",\"annotation\":null}]",
            "{\"data\":[{\"questionId\":1,\"answers\":[\"abcd\"],\"answer_type\":[\"non span\"],\"evidence\":[],\"operation/reasoning\":[]}]}",
            FileFormat.INTERNVL_VQA,
            0.5),
        scored(
            "sqa_test",
            "i.jsonl",
            "{\"question\":\"?\",\"answer\":\"B\",\"answer_orig\":\"It is B\",\"gt_answers\":\"B\",\"image_path\":\"a.png\"}",
            "",
            FileFormat.INTERNVL_VQA,
            1),
        scored(
            "MMMU_validation",
            "i.jsonl",
            "{\"question\":\"?\",\"answer\":\"the area is 7\",\"gt_answers\":\"7\",\"data_id\":\"validation_Art_1\"}",
            "",
            FileFormat.INTERNVL_VQA,
            1),
        scored(
            "refcoco_val",
            "i.json",
            "[{\"answer\":\"[[100,100,500,500]]\",\"gt_bbox\":[10,10,50,50],\"hw\":[100,100]}]",
            "",
            FileFormat.INTERNVL_GROUNDING,
            1),
        // ModelCompose and LLaVA
        scored(
            "AVQA",
            "merge.jsonl",
            "{\"question_id\":1,\"prompt\":\"?\",\"text\":\"B. dog\",\"answer_id\":\"x\",\"model_id\":\"m\",\"metadata\":{}}",
            "[{\"id\":1,\"conversations\":[{\"from\":\"human\",\"value\":\"?\"},{\"from\":\"gpt\",\"value\":\"B\"}]}]",
            FileFormat.MODELCOMPOSE,
            1),
        scored(
            "MUSIC-AVQA",
            "merge.jsonl",
            "{\"question_id\":4,\"text\":\"Two\"}",
            "[{\"question_id\":4,\"type\":\"[\\\"Audio\\\", \\\"Counting\\\"]\",\"anser\":\"two\"}]",
            FileFormat.MODELCOMPOSE,
            1),
        scored(
            "ScienceQA",
            "l.jsonl",
            "{\"question_id\":\"1\",\"prompt\":\"<image>\\n?\",\"text\":\"B. dog\"}",
            problems,
            FileFormat.LLAVA,
            1),
        scored(
            "ScienceQA",
            "l.jsonl",
            "{\"question_id\":\"1\",\"text\":\"B\"}",
            "[{\"id\":\"1\",\"conversations\":[{\"from\":\"human\",\"value\":\"?\"},{\"from\":\"gpt\",\"value\":\"B\"}]}]",
            FileFormat.LLAVA,
            1),
        scored(
            "TextVQA_VAL",
            "l.jsonl",
            "{\"question_id\":\"ab\",\"prompt\":\"What Brand?\\nAnswer shortly.\",\"text\":\"nokia\"}",
            "{\"data\":[{\"question_id\":34602,\"image_id\":\"ab\",\"question\":\"what brand?\",\"answers\":["
                + tenTexts("nokia")
                + "]}]}",
            FileFormat.LLAVA,
            1),
        scored(
            "GQA",
            "l.jsonl",
            "{\"question_id\":\"201307251\",\"prompt\":\"?\",\"text\":\"Yes.\"}",
            "{\"201307251\":{\"question\":\"?\",\"answer\":\"yes\",\"isBalanced\":true}}",
            FileFormat.LLAVA,
            1),
        scored(
            "VizWiz",
            "l.jsonl",
            "{\"question_id\":\"a.jpg\",\"prompt\":\"?\",\"text\":\"nokia\"}",
            "[{\"image\":\"a.jpg\",\"question\":\"?\",\"answers\":["
                + ten("nokia")
                + "],\"answer_type\":\"other\"}]",
            FileFormat.LLAVA,
            1),
        // the authors' own
        scored(
            "VizWiz",
            "v.json",
            "[{\"image\":\"a.jpg\",\"answer\":\"nokia\"}]",
            "[{\"image\":\"a.jpg\",\"question\":\"?\",\"answers\":["
                + ten("nokia")
                + "],\"answer_type\":\"other\"}]",
            FileFormat.VQA,
            1),
        scored(
            "TextVQA",
            "v.json",
            "[{\"question_id\":1,\"answer\":\"Nokia\"}]",
            vqa,
            FileFormat.VQA,
            1),
        scored(
            "GQA",
            "g.json",
            "[{\"questionId\":\"201307251\",\"prediction\":\"yes\"}]",
            "{\"201307251\":{\"question\":\"?\",\"answer\":\"yes\",\"isBalanced\":true}}",
            FileFormat.GQA,
            1),
        scored(
            "DocVQA",
            "r.json",
            "[{\"questionId\":49153,\"answer\":\"abzz\"}]",
            "{\"dataset_name\":\"docvqa\",\"data\":[{\"questionId\":49153,\"question\":\"?\",\"answers\":[\"abcd\"]}]}",
            FileFormat.RRC,
            0.5),
        scored(
            "ScienceQA",
            "s.json",
            "{\"acc\":100.0,\"correct\":1,\"count\":1,\"results\":{\"1\":1},\"outputs\":{\"1\":\"The answer is B.\"}}",
            problems,
            FileFormat.SCIENCEQA,
            1),
        scored(
            "MathVista",
            "output.json",
            "{\"1\":{\"pid\":\"1\",\"question_type\":\"free_form\",\"answer_type\":\"float\",\"choices\":null,\"precision\":1.0,\"answer\":\"1.2\",\"query\":\"?\",\"response\":\"about 1.2\",\"extraction\":\"1.20\",\"metadata\":{\"task\":\"textbook question answering\",\"skills\":[\"algebraic reasoning\"]}}}",
            "",
            FileFormat.MATHVISTA,
            1),
        scored(
            "MathVista",
            "output.json",
            "{\"1\":{\"pid\":\"1\",\"question_type\":\"multi_choice\",\"answer_type\":\"text\",\"choices\":[\"yes\",\"no\"],\"precision\":null,\"query\":\"?\",\"response\":\"no\"}}",
            "{\"1\":{\"question_type\":\"multi_choice\",\"answer_type\":\"text\",\"answer\":\"no\"}}",
            FileFormat.MATHVISTA,
            1),
        scored(
            "MATH-V",
            "v.jsonl",
            "{\"id\":\"1\",\"model\":\"m\",\"response\":\"So the answer is \\\\boxed{\\\\frac{3}{2}}\"}",
            "{\"id\":\"1\",\"question\":\"?\",\"options\":[],\"answer\":\"1.5\",\"level\":1,\"subject\":\"algebra\"}",
            FileFormat.MATHVISION,
            1),
        scored(
            "MATH-V",
            "v.jsonl",
            "{\"id\":\"1\",\"response\":\"?\",\"model_answer\":\"d\",\"correct\":true}",
            "",
            FileFormat.MATHVISION,
            1),
        scored(
            "MMMU",
            "total_val_output.json",
            "{\"validation_Art_1\":\"B\",\"validation_Art_2\":\"the area is 17\"}",
            "{\"validation_Art_1\":{\"question_type\":\"multiple-choice\",\"ground_truth\":\"B\"},\"validation_Art_2\":{\"question_type\":\"short-answer\",\"ground_truth\":[\"17\",\"x\"]}}",
            FileFormat.MMMU,
            1),
        scored(
            "MMMU",
            "output.json",
            "[{\"id\":\"validation_Art_1\",\"question_type\":\"multiple-choice\",\"answer\":\"B\",\"all_choices\":[\"A\",\"B\"],\"index2ans\":{\"A\":\"cat\",\"B\":\"dog\"},\"response\":\"I first thought (A), but it is (B).\"}]",
            "",
            FileFormat.MMMU,
            1),
        scored(
            "MUSIC-AVQA",
            "p.json",
            "[{\"question_id\":4,\"answer\":\"two\"}]",
            "[{\"question_id\":4,\"type\":\"[\\\"Audio\\\", \\\"Counting\\\"]\",\"anser\":\"two\"}]",
            FileFormat.MUSIC_AVQA,
            1),
        // ours
        scored(
            "RefCOCO",
            "box.jsonl",
            "{\"id\":1,\"prediction\":\"[0.1, 0.1, 0.5, 0.5]\",\"bbox\":[0.1,0.1,0.5,0.5]}",
            "",
            FileFormat.OPTMERGE,
            1),
        scored(
            "GQA",
            "ours.json",
            "{\"id\":1,\"prediction\":\"yes\",\"answer\":\"yes\"}\n{\"id\":2,\"prediction\":\"no\",\"answer\":\"no\"}",
            "",
            FileFormat.OPTMERGE,
            1),
        scored(
            "ChartQA",
            "bom.json",
            "\ufeff[{\"question\":\"?\",\"answer\":\"14\",\"annotation\":\"14\"}]",
            "",
            FileFormat.INTERNVL_VQA,
            1));
  }

  @ParameterizedTest(name = "{0} {1} {4}")
  @MethodSource("samples")
  void a_file_is_scored_by_the_rule_of_its_kit(
      String dataSet, String name, String text, String answers, FileFormat format, double score)
      throws IOException {
    Path references = answers.isEmpty() ? null : file("answers.json", answers);

    Evaluation evaluation = score(file(name, text), dataSet, FORK, references);

    assertThat(evaluation.format()).isEqualTo(format);
    assertThat(evaluation.overall().interval().mean()).isEqualTo(score);
    assertThat(evaluation.official().rows()).isNotEmpty();
    assertThat(evaluation.explain(evaluation.items().get(0).id())).isNotEmpty();
    assertThat(findings(evaluation)).noneMatch(finding -> finding.contains("counts as wrong"));
  }

  static Stream<Arguments> refused() {
    return Stream.of(
        Arguments.of(
            "AI2D",
            "a.jsonl",
            "{\"id\":1,\"prediction\":\"B\",\"answer\":\"B\"}",
            "without options A, B and so on: 1"),
        Arguments.of(
            "ScienceQA",
            "a.jsonl",
            "{\"id\":1,\"prediction\":\"B\",\"answer\":\"B\"}",
            "without options A, B and so on: 1"),
        Arguments.of(
            "MMMU",
            "a.jsonl",
            "{\"id\":1,\"prediction\":\"B\",\"answer\":\"B\"}",
            "without options A, B and so on: 1"),
        Arguments.of(
            "MathVista",
            "a.jsonl",
            "{\"id\":1,\"prediction\":\"B\",\"answer\":\"B\"}",
            "without a field 'question_type': 1"),
        Arguments.of(
            "RefCOCO",
            "a.jsonl",
            "{\"id\":1,\"prediction\":\"[0, 0, 1, 1]\"}",
            "without a reference box of four numbers: 1"),
        Arguments.of(
            "RefCOCO",
            "a.jsonl",
            "{\"doc_id\":0,\"doc\":{\"question_id\":\"0\",\"bbox\":[10.0,20.0,100.0,50.0]},\"filtered_resps\":[\"a red cup\"]}",
            "in shares of the picture's sides"),
        Arguments.of(
            "RefCOCO",
            "a.jsonl",
            "{\"doc_id\":0,\"target\":\"cup\",\"filtered_resps\":\"a cup\",\"refcoco_CIDEr\":{}}",
            "samples of describing regions"),
        Arguments.of(
            "GQA",
            "a.json",
            "{\"logs\":[{\"doc_id\":0,\"target\":{},\"filtered_resps\":[\"x\"]}]}",
            "\"target\" of lmms-eval samples (0.1 to 0.2.2) must be a text, is an object"),
        Arguments.of(
            "GQA",
            "a.jsonl",
            "{\"doc_id\":0,\"doc\":{},\"target\":{},\"filtered_resps\":[\"x\"]}",
            "\"target\" of lmms-eval samples (0.2.3 to 0.3.5) must be a text, is an object"),
        Arguments.of(
            "GQA",
            "a.jsonl",
            "{\"doc_id\":0,\"target\":\"x\",\"filtered_resps\":[{}]}",
            "\"filtered_resps\" of lmms-eval samples (0.4 to 0.6.1) must be a text"),
        Arguments.of(
            "GQA",
            "a.jsonl",
            "{\"doc_id\":0,\"target\":\"x\",\"filtered_resps\":\"x\",\"exact_match\":7}",
            "\"exact_match\" of lmms-eval samples (since 0.7) must be in [0, 1], is 7.0"),
        Arguments.of(
            "GQA",
            "a.jsonl",
            "{\"id\":1,\"prediction\":[\"yes\"],\"answers\":[\"yes\"]}",
            "line 1: \"prediction\" of optmerge must be a text, is an array"),
        Arguments.of(
            "GQA",
            "a.jsonl",
            "{\"id\":1,\"prediction\":\"yes\",\"answers\":[{\"answer\":\"yes\"}]}",
            "line 1: \"answers\" of optmerge must be a text, is an object"),
        Arguments.of(
            "GQA",
            "a.jsonl",
            "{\"id\":1,\"prediction\":\"yes\",\"answers\":[[\"yes\"]]}",
            "line 1: \"answers\" of optmerge must be a text, is an array"),
        Arguments.of(
            "GQA",
            "a.jsonl",
            "{\"id\":1,\"prediction\":null,\"answers\":[\"yes\"]}",
            "no prediction: 1"),
        Arguments.of(
            "ChartQA",
            "a.json",
            "[{\"question\":\"?\",\"answer\":null,\"annotation\":\"null\"}]",
            "no prediction: 1"),
        Arguments.of(
            "ChartQA",
            "a.json",
            "[{\"question\":\"?\",\"answer\":\"x\",\"annotation\":null}]",
            "without a reference answer: 1"),
        Arguments.of(
            "VizWiz", "a.tsv", "index\tquestion\tprediction\n0\t?\tx\n", "has no column 'answers'"),
        Arguments.of(
            "DocVQA_TEST",
            "a.tsv",
            "index\tanswer\tprediction\n0\t\tx\n1\t\ty\n",
            "without a reference answer: 2"),
        Arguments.of(
            "vizwiz_vqa_test",
            "a.jsonl",
            "{\"doc_id\":0,\"target\":\"None\",\"filtered_resps\":\"x\",\"exact_match\":0,\"submission\":{}}",
            "without a reference answer: 1"),
        Arguments.of(
            "OCRVQA",
            "a.jsonl",
            "{\"doc_id\":0,\"target\":\"x\",\"filtered_resps\":\"x\"}",
            "there is no rule that scores OCRVQA from lmms-eval samples"),
        Arguments.of(
            "AVQA",
            "a.json",
            "[{\"gt_bbox\":[0,0,1,1],\"hw\":[1,1],\"answer\":\"x\"}]",
            "there is no rule that scores AVQA from InternVL grounding results"),
        Arguments.of(
            "chartqa",
            "s_results.json",
            "{\"results\":{\"chartqa\":{\"relaxed_overall,none\":0.5}},\"configs\":{}}",
            "hold means (chartqa relaxed_overall,none = 0.5), no answers; score the samples"),
        Arguments.of(
            "DocVQA",
            "a.json",
            "{\"data\":[{\"questionId\":1,\"answers\":[\"x\"]}]}",
            "holds references, no predictions; name it with --answers"),
        Arguments.of("GQA", "a.json", "[]", "there are no predictions to score"),
        Arguments.of("GQA", "a.pkl", "x", "a pickle"),
        Arguments.of(
            "TextVQA",
            "a.json",
            "[{\"question\":\"?\",\"question_id\":1,\"answer\":\"x\"}]",
            "InternVL keeps references apart; name the data set's annotations"),
        Arguments.of(
            "ScienceQA",
            "hit.tsv",
            "index\tA\tB\tanswer\tprediction\thit\tlog\n0\tcat\tdog\tB\tB\t7\tx\n",
            "column 'hit' of a VLMEvalKit table must be 0 or 1, is 7"));
  }

  @ParameterizedTest(name = "{0} {1} {3}")
  @MethodSource("refused")
  void what_cannot_be_scored_is_refused_with_the_reason(
      String dataSet, String name, String text, String message) throws IOException {
    Path file = file(name, text);

    assertThatThrownBy(() -> score(file, dataSet, FORK, null))
        .isInstanceOf(PredictionFileException.class)
        .hasMessageContaining(message);
  }

  static Stream<Arguments> otherTasks() {
    return Stream.of(
        Arguments.of("refcoco_bbox_val", "describing a region"),
        Arguments.of("refcoco+_seg_testA", "describing a region"),
        Arguments.of("refcoco_plus_grounding_testA", "finding all objects"),
        Arguments.of("MMMU_Pro_10c", "MMMU-Pro"),
        Arguments.of("ChartQAPro", "no benchmark 'ChartQAPro'"));
  }

  @ParameterizedTest
  @MethodSource("otherTasks")
  void another_task_on_the_same_data_is_not_taken_for_it(String name, String message) {
    assertThatThrownBy(() -> Protocol.named(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  // References

  @Test
  void of_multiple_choices_the_data_set_s_answers_count() throws IOException {
    Path dataSet =
        file(
            "ScienceQA_TEST.tsv",
            "index\timage\tquestion\tA\tB\tanswer\n0\tx\t?\tcat\tdog\tB\n1\tx\t?\tcat\tdog\tB\n");
    Path old =
        file(
            "old.tsv",
            "index\tquestion\tA\tB\tanswer\tprediction\n0\t?\tcat\tdog\tA\tB\n1\t?\tcat\tdog\tA\tB\n");
    Path bare = file("bare.tsv", "index\tprediction\n0\tB\n1\tB\n");
    Path floats =
        file(
            "fl.tsv",
            "index\tquestion\tA\tB\tanswer\tprediction\n0.0\t?\tcat\tdog\tB\tB\n1.0\t?\tcat\tdog\tB\tB\n");

    assertThat(score(old, "ScienceQA", FORK, dataSet).values()).containsExactly(1, 1);
    assertThat(findings(score(old, "ScienceQA", FORK, dataSet)))
        .containsExactly(
            "the data set has another answer than the prediction file; that of the data set counts,"
                + " as in VLMEvalKit: 2 examples (0, 1)");
    assertThat(score(bare, "ScienceQA", FORK, dataSet).values()).containsExactly(1, 1);
    assertThat(score(floats, "ScienceQA", FORK, dataSet).values()).containsExactly(1, 1);
    Path ours =
        file("ours.jsonl", "{\"id\":0,\"prediction\":\"B\"}\n{\"id\":1.0,\"prediction\":\"A\"}\n");
    assertThat(score(ours, "ScienceQA", FORK, dataSet).values()).containsExactly(1, 0);
  }

  @Test
  void of_other_questions_the_file_s_own_answers_count() throws IOException {
    Path dataSet = file("ChartQA_TEST.tsv", "index\tquestion\tanswer\n0\t?\t15\n1\t?\t3\n");
    Path old = file("old.tsv", "index\tquestion\tanswer\tprediction\n0\t?\t99\t99\n1\t?\t3\t3\n");

    Evaluation evaluation = score(old, "ChartQA", FORK, dataSet);

    assertThat(evaluation.values()).containsExactly(1, 1);
    assertThat(findings(evaluation))
        .containsExactly(
            "the data set has another answer than the prediction file; that of the prediction file"
                + " counts, as in VLMEvalKit: 1 example (0)");
  }

  @Test
  void some_without_a_reference_are_counted_and_named() throws IOException {
    Evaluation boxes =
        score(
            file(
                "box.jsonl",
                "{\"id\":1,\"prediction\":\"[0.1, 0.1, 0.5, 0.5]\"}\n"
                    + "{\"id\":2,\"prediction\":\"[0.1, 0.1, 0.5, 0.5]\",\"bbox\":[0.1,0.1,0.5,0.5]}\n"
                    + "{\"id\":3,\"prediction\":\"there\",\"bbox\":[0.1,0.1,0.5,0.5]}\n"
                    + "{\"id\":4,\"prediction\":\"[1100, 20, 1900, 1800]\",\"bbox\":[0.1,0.1,0.5,0.5]}\n"
                    + "{\"id\":5,\"prediction\":null,\"bbox\":[0.1,0.1,0.5,0.5]}\n"),
            "RefCOCO",
            FORK,
            null);

    assertThat(boxes.values()).containsExactly(0, 1, 0, 0, 0);
    assertThat(findings(boxes))
        .anyMatch(
            it -> it.startsWith("without a reference box of four numbers") && it.contains("(1)"))
        .anyMatch(it -> it.startsWith("no box can be read in the answer") && it.contains("(3)"))
        .anyMatch(it -> it.startsWith("the box lies outside of the picture") && it.contains("(4)"))
        .anyMatch(it -> it.startsWith("no prediction, counts as wrong") && it.contains("(5)"));
  }

  @Test
  void a_score_beside_an_answer_that_the_rule_does_not_give_is_named() throws IOException {
    Evaluation evaluation =
        score(
            file(
                "c.jsonl",
                "{\"doc_id\":3,\"target\":\"14\",\"filtered_resps\":\"20\",\"relaxed_overall\":1.0}"),
            "chartqa",
            FORK,
            null);

    assertThat(evaluation.values()).containsExactly(1);
    assertThat(findings(evaluation))
        .containsExactly(
            "the score beside the answer is not that of the kit's rule; the one beside it counts: 1 example (3)");
  }

  // Spreadsheets

  private Path workbook(String name, Object[][] rows) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file);
        Workbook workbook = new Workbook(out, "test", "1.0")) {
      Worksheet sheet = workbook.newWorksheet("Sheet1");
      for (int r = 0; r < rows.length; r++) {
        for (int c = 0; c < rows[r].length; c++) {
          if (rows[r][c] instanceof Integer number) {
            sheet.value(r, c, number);
          } else if (rows[r][c] instanceof String text) {
            sheet.value(r, c, text);
          }
        }
      }
    }
    return file;
  }

  @Test
  void a_note_beside_or_below_a_table_changes_nothing() throws IOException {
    Path noted =
        workbook(
            "noted.xlsx",
            new Object[][] {
              {"index", "question", "answer", "prediction"},
              {0, "?", 14, 14, null, "check this"},
              {1, "?", 3, 3},
              {null, null, null, null, "all done"}
            });

    Evaluation evaluation = score(noted, "GQA", FORK, null);

    assertThat(evaluation.values()).containsExactly(1, 1);
    assertThat(evaluation.items().get(1).id()).isEqualTo("1");
    assertThat(evaluation.items().get(0).given()).isEqualTo("14");
    assertThat(findings(evaluation))
        .containsExactly(
            "a row with neither index, answer nor prediction, left out: a note?: 1 example (row 4)");
  }

  @Test
  void an_answer_that_a_spreadsheet_has_cut_is_named() throws IOException {
    Path cut =
        workbook(
            "cut.xlsx",
            new Object[][] {
              {"index", "answer", "prediction"}, {0, "x", "y".repeat(32_767)}, {1, "x", "x"}
            });

    assertThat(findings(score(cut, "GQA", FORK, null)))
        .anyMatch(it -> it.contains("32767 characters") && it.contains("(0)"));
  }

  @Test
  void reasoning_is_named_and_cut_where_that_is_asked_for() throws IOException {
    Path file =
        file(
            "t.tsv",
            "index\tA\tB\tanswer\tprediction\n0\tcat\tdog\tB\t<think>A or B?</think>B\n1\tcat\tdog\tB\t<think>hm\n");
    Protocol protocol = Protocol.SCIENCEQA;

    Predictions cut = PredictionFiles.read(new Request(file, protocol, FORK, null, true));

    assertThat(cut.items().get(0).given()).isEqualTo("B");
    assertThat(Evaluation.of(cut, protocol, FORK, FEW).values()).containsExactly(1, 0);
    assertThat(findings(score(file, "ScienceQA", FORK, null)))
        .anyMatch(it -> it.contains("--split-think") && it.contains("(0)"))
        .anyMatch(it -> it.contains("never ends") && it.contains("(1)"));
  }

  // Pairs

  private Comparison compare(String one, String other, String dataSet) throws IOException {
    return Comparison.of(
        score(file("one.json", one), dataSet, FORK, null).items(),
        score(file("other.json", other), dataSet, FORK, null).items(),
        FEW);
  }

  private static String internVl(int from, String question) {
    List<String> rows = new ArrayList<>();
    for (int k = 0; k < 6; k++) {
      int i = (from + k) % 6;
      rows.add(
          "{\"question\":\"%s%d\",\"questionId\":%d,\"answer\":\"%s\",\"annotation\":\"yes\"}"
              .formatted(question, i, i, i % 2 == 1 ? "yes" : "no"));
    }
    return "[" + String.join(",", rows) + "]";
  }

  @Test
  void files_are_paired_by_their_own_ids() throws IOException {
    Comparison comparison = compare(internVl(0, "q"), internVl(1, "q"), "OCRVQA");

    assertThat(comparison.overall().difference().ties()).isEqualTo(6);
    assertThat(comparison.overall().examples()).isEqualTo(6);
  }

  @Test
  void files_of_different_questions_are_refused() {
    assertThatThrownBy(() -> compare(internVl(0, "q"), internVl(0, "another "), "OCRVQA"))
        .hasMessageContaining(
            "different questions: of 6 examples with the same id 6 ask something else");
  }

  // Whatever is in a file

  static Stream<Arguments> damaged() {
    return samples()
        .map(
            sample ->
                Arguments.of(sample.get()[0], sample.get()[1], sample.get()[2], sample.get()[3]));
  }

  /** Each sample with bytes taken out, doubled and changed: scored or refused, never a defect. */
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("damaged")
  void no_damage_ends_in_an_unexpected_exception(
      String dataSet, String name, String text, String answers) throws IOException {
    Random random = new Random(17);
    Path references = answers.isEmpty() ? null : file("answers.json", answers);
    int done = 0;
    for (int round = 0; round < 40; round++) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      ByteArrayOutputStream damaged = new ByteArrayOutputStream();
      int from = random.nextInt(bytes.length);
      int to = Math.min(bytes.length, from + 1 + random.nextInt(12));
      damaged.write(bytes, 0, from);
      String[] instead = {"", "null", "[]", "{}", "\"", "0", "NaN", "\ufeff", "[[", "true", "-1"};
      damaged.writeBytes(instead[random.nextInt(instead.length)].getBytes(StandardCharsets.UTF_8));
      damaged.write(bytes, to, bytes.length - to);
      Path file = Files.write(folder.resolve(name), damaged.toByteArray());
      try {
        for (double one : score(file, dataSet, FORK, references).values()) {
          assertThat(one).isBetween(0.0, 1.0);
        }
      } catch (OptMergeException e) {
        assertThat(e).hasMessageMatching("(?s).{10,}");
      }
      done++;
    }
    assertThat(done).isEqualTo(40);
  }
}
