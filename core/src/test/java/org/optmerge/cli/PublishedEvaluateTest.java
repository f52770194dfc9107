package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.standin.StandInData;
import org.optmerge.standin.StandInModels;
import org.optmerge.standin.StandInWorld;

/**
 * Published data sets in their files, asked of tiny models with the structure of published ones.
 */
class PublishedEvaluateTest {
  @TempDir private static Path world;
  private static Path data;
  private static Path internVl;
  private static Path qwen;
  private static Path expert;

  @TempDir private Path folder;

  @BeforeAll
  static void world() throws IOException {
    try (StandInWorld made = new StandInWorld(world, 12)) {
      made.dataSets();
    }
    data = Files.createDirectories(world.resolve("here"));
    internVl = StandInModels.internVl(world.resolve("internvl"), StandInModels.Expert.NONE);
    expert = StandInModels.internVl(world.resolve("expert"), new StandInModels.Expert(1, 0.2));
    qwen = StandInModels.qwen2Vl(world.resolve("qwen"), StandInModels.Expert.NONE);
    try (var files = Files.list(world.resolve("published/files"))) {
      for (Path file : files.filter(one -> one.toString().endsWith(".tsv")).toList()) {
        Files.copy(file, data.resolve(file.getFileName()));
      }
    }
    List<String> choices = new java.util.ArrayList<>();
    List<String> texts = new java.util.ArrayList<>();
    for (int i = 0; i < 6; i++) {
      choices.add("%s\tyes\tno\tred\tArt\tscience\tdev".formatted(i % 2 == 0 ? "A" : "B"));
      texts.add("\"['yes', 'yess', 'a boat']\"");
    }
    String header = "answer\tA\tB\tC\tcategory\tl2-category\tsplit";
    for (String name : List.of("MMMU_DEV_VAL", "ScienceQA_VAL", "AI2D_TEST")) {
      StandInData.table(data.resolve(name + ".tsv"), header, choices);
    }
    for (String name : List.of("DocVQA_VAL", "InfoVQA_VAL")) {
      StandInData.table(data.resolve(name + ".tsv"), "answer", texts);
    }
    // Two pictures in a cell, as MMMU has them.
    Path mmmu = data.resolve("MMMU_DEV_VAL.tsv");
    List<String> lines = Files.readAllLines(mmmu);
    String[] cells = lines.get(1).split("\t", 3);
    lines.set(1, "%s\t\"['%s', '%s']\"\t%s".formatted(cells[0], cells[1], cells[1], cells[2]));
    Files.write(mmmu, lines);
    Path grounding = Files.createDirectories(data.resolve("RefCOCO-InternVL/coco/train2014"));
    for (int i = 0; i < 12; i++) {
      Files.write(
          grounding.resolve("COCO_train2014_%012d.jpg".formatted(i)),
          org.optmerge.model.media.ImageFiles.png(StandInData.picture(80 + i, 60, i)));
    }
    Files.copy(
        world.resolve("published/files/refcoco_val.jsonl"),
        data.resolve("RefCOCO-InternVL/refcoco_val.jsonl"));
    Files.createDirectories(data.resolve("RefCOCO-lmms-eval/data"));
    Files.copy(
        world.resolve("published/datasets/lmms-lab/RefCOCO/data/val-00000-of-00001.parquet"),
        data.resolve("RefCOCO-lmms-eval/data/val-00000-of-00001.parquet"));
  }

  private static Path model(String family) {
    return family.equals("qwen2_vl") ? qwen : internVl;
  }

  /** The number that evaluate says, and that score says of the file again. */
  @ParameterizedTest
  @CsvSource({
    "internvl2_5, VizWiz, VizWiz, internvl_VizWiz.xlsx",
    "internvl2_5, GQA, GQA_TestDev_Balanced, internvl_GQA_TestDev_Balanced.xlsx",
    "internvl2_5, MathVista, MathVista_MINI, internvl_MathVista_MINI.xlsx",
    "internvl2_5, MathVision_MINI, MathVision_MINI, internvl_MathVision_MINI.xlsx",
    "internvl2_5, ChartQA, ChartQA_TEST, internvl_ChartQA_TEST.xlsx",
    "internvl2_5, TextVQA, TextVQA_VAL, internvl_TextVQA_VAL.xlsx",
    "internvl2_5, OCRVQA, OCRVQA_TESTCORE, internvl_OCRVQA_TESTCORE.xlsx",
    "internvl2_5, RefCOCO, refcoco_val, internvl_refcoco_val.json",
    "internvl2_5, MMMU, MMMU_DEV_VAL, internvl_MMMU_DEV_VAL.xlsx",
    "internvl2_5, ScienceQA, ScienceQA_VAL, internvl_ScienceQA_VAL.xlsx",
    "internvl2_5, DocVQA, DocVQA_VAL, internvl_DocVQA_VAL.xlsx",
    "qwen2_vl, InfoVQA, InfoVQA_VAL, qwen_InfoVQA_VAL.xlsx",
    "qwen2_vl, AI2D_TEST, AI2D_TEST, qwen_AI2D_TEST.xlsx",
    "qwen2_vl, MMMU, MMMU_DEV_VAL, qwen_MMMU_DEV_VAL.xlsx",
    "qwen2_vl, ChartQA, ChartQA_TEST, qwen_ChartQA_TEST.xlsx",
    "qwen2_vl, RefCOCO, refcoco_bbox_rec_val, qwen_samples_refcoco_bbox_rec_val.jsonl"
  })
  void a_data_set_is_asked_written_and_scored_as_score_scores_it_again(
      String family, String word, String name, String written) {
    CommandRun run =
        CommandRun.of(
            "evaluate",
            model(family),
            "--benchmark",
            word,
            "--data",
            data,
            "--limit",
            4,
            "--out",
            folder,
            "--json");

    assertThat(run.code()).as(run.err()).isZero();
    JsonNode one = run.json().at("/benchmarks/0");
    assertThat(one.path("name").asText()).isEqualTo(name);
    assertThat(one.path("questions").asInt()).isEqualTo(4);
    Path file = folder.resolve(name).resolve(written);
    CommandRun again = CommandRun.of("score", file, "--benchmark", name, "--json");
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(again.json().path("scores")).isEqualTo(one.at("/scored/scores"));
    assertThat(again.json().path("examples").asInt()).isEqualTo(4);
    assertThat(again.err().contains("this is the score of a part"))
        .as("where the size is known, a score of fewer answers says so")
        .isEqualTo(!name.contains("bbox"));
    assertThat(one.path("lower_bound").asBoolean())
        .isEqualTo(word.toLowerCase(Locale.ROOT).startsWith("math"));
    assertThat(one.path("findings").toString().contains("by its manifest"))
        .as("tiny data sets are cut short, where the size is known")
        .isEqualTo(!name.contains("bbox"));
  }

  private CommandRun chart(Object... more) {
    List<Object> arguments =
        new java.util.ArrayList<>(
            List.of(
                "evaluate",
                internVl,
                "--benchmark",
                "ChartQA",
                "--data",
                data,
                "--out",
                folder,
                "--partial"));
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray());
  }

  @Test
  void an_evaluation_that_was_killed_goes_on_to_the_same_files() throws IOException {
    assertThat(chart().code()).isZero();
    Path answers = folder.resolve("ChartQA_TEST/predictions.jsonl");
    Path table = folder.resolve("ChartQA_TEST/internvl_ChartQA_TEST.xlsx");
    List<String> whole = Files.readAllLines(answers);
    byte[] written = Files.readAllBytes(table);
    // As a kill leaves it: answers in the order in which they came, the last one cut off.
    Files.writeString(
        answers, whole.get(7) + "\n" + whole.get(2) + "\n" + whole.get(5).substring(0, 30));
    Files.delete(table);

    CommandRun again = chart("--json");

    assertThat(again.code()).as(again.err()).isZero();
    assertThat(again.events().get(0).path("answered").asInt()).isEqualTo(2);
    assertThat(Files.readAllLines(answers)).isEqualTo(whole);
    assertThat(Files.readAllBytes(table)).isEqualTo(written);
  }

  private CommandRun shard(String shard, String to, Object... more) {
    List<Object> arguments =
        new java.util.ArrayList<>(
            List.of(
                "evaluate",
                internVl,
                "--benchmark",
                "ChartQA,TextVQA",
                "--data",
                data,
                "--partial",
                "--shard",
                shard,
                "--out",
                folder.resolve(to)));
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray());
  }

  private CommandRun joined(String out, String parts) {
    String folders =
        java.util.Arrays.stream(parts.split(","))
            .map(part -> folder.resolve(part).toString())
            .collect(java.util.stream.Collectors.joining(","));
    return CommandRun.of(
        "evaluate",
        internVl,
        "--benchmark",
        "ChartQA,TextVQA",
        "--data",
        data,
        "--partial",
        "--join",
        folders,
        "--out",
        folder.resolve(out),
        "--json");
  }

  @Test
  void shards_are_joined_to_the_files_of_the_whole_and_gaps_and_duplicates_are_refused()
      throws IOException {
    assertThat(shard("1/1", "whole").code()).isZero();
    for (int part = 1; part <= 3; part++) {
      assertThat(shard(part + "/3", "part" + part).code()).isZero();
    }

    CommandRun run = joined("all", "part3,part1,part2");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.events().get(0).path("answered").asInt()).as("nothing is asked").isEqualTo(12);
    for (String file :
        List.of(
            "ChartQA_TEST/predictions.jsonl",
            "ChartQA_TEST/internvl_ChartQA_TEST.xlsx",
            "TextVQA_VAL/predictions.jsonl",
            "TextVQA_VAL/internvl_TextVQA_VAL.xlsx")) {
      assertThat(folder.resolve("all").resolve(file))
          .hasSameBinaryContentAs(folder.resolve("whole").resolve(file));
    }

    assertThat(shard("1/2", "half").code()).isZero();
    assertThat(shard("2/3", "shorter", "--max-new-tokens", 2).code()).isZero();
    Path cut = folder.resolve("half/ChartQA_TEST/predictions.jsonl");
    Files.write(cut, Files.readAllLines(cut).subList(0, 2));
    java.util.Map.of(
            "part1,part3", "ChartQA_TEST: shard 2/3 is not among the folders",
            "part1,part2,part3,part1", "are both shard 1/3",
            "part1,half", "are both shard 1/",
            "half,part2", "these are parts of different divisions",
            "part1,shorter,part3", "other decoding: Decoding[maxNewTokens=",
            "whole,nowhere", "has no evaluation of a shard",
            "half", "shard 2/2 is not among the folders")
        .forEach(
            (parts, said) -> {
              CommandRun refused = joined("refused", parts);
              assertThat(refused.code()).as(parts).isEqualTo(Main.FAILED);
              assertThat(refused.err()).as(parts).contains(said).doesNotContain("defect");
              assertThat(folder.resolve("refused/ChartQA_TEST")).doesNotExist();
            });
    assertThat(shard("2/2", "other").code()).isZero();
    CommandRun unfinished = joined("refused", "half,other");
    assertThat(unfinished.code()).isEqualTo(Main.FAILED);
    assertThat(unfinished.err()).contains("has 2 answers to 2 questions, 6 were asked");
  }

  @Test
  void more_questions_are_added_and_fewer_are_refused() {
    assertThat(chart("--limit", 3).code()).isZero();
    CommandRun more = chart("--limit", 5, "--json");
    assertThat(more.code()).as(more.err()).isZero();
    assertThat(more.events().get(0).path("answered").asInt()).isEqualTo(3);
    assertThat(more.json().at("/benchmarks/0/questions").asInt()).isEqualTo(5);

    CommandRun fewer = chart("--limit", 2);
    assertThat(fewer.code()).isEqualTo(Main.FAILED);
    assertThat(fewer.err()).contains("5 answers, more than the 2 questions");
    CommandRun other = chart("--split", "val");
    assertThat(other.code()).isEqualTo(Main.FAILED);
    assertThat(other.err())
        .contains(
            "answers of another evaluation (other split and shard: all, 1/1 there, val, 1/1 now)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "of another machine;other precision: bfloat16 there, float32 now",
        "--max-new-tokens 3;other decoding: Decoding[maxNewTokens=",
        "--prompts qwen2_vl;other prompts: VLMEvalKit for internvl2_5",
        "--shard 1/2;other split and shard: all, 1/1 there, all, 1/2 now",
        "--data here;other data: 12 questions, SHA-256"
      })
  void answers_under_other_settings_are_refused_by_name(String option, String said)
      throws IOException {
    assertThat(chart("--limit", 1).code()).isZero();
    Path other = Files.createDirectories(folder.resolve("here"));
    List<String> rows = Files.readAllLines(data.resolve("ChartQA_TEST.tsv"));
    Files.write(other.resolve("ChartQA_TEST.tsv"), rows.subList(0, rows.size() - 1));
    List<Object> arguments =
        new java.util.ArrayList<>(
            List.of("evaluate", internVl, "--benchmark", "ChartQA", "--limit", 1, "--out", folder));
    if (option.equals("of another machine")) {
      Path noted = folder.resolve("ChartQA_TEST/evaluation.json");
      Files.writeString(noted, Files.readString(noted).replace("\"float32\"", "\"bfloat16\""));
      arguments.addAll(List.of("--data", data));
    } else if (option.equals("--data here")) {
      arguments.addAll(List.of("--data", other));
    } else {
      arguments.addAll(List.of("--data", data));
      arguments.addAll(List.of((Object[]) option.split(" ")));
    }

    CommandRun run = CommandRun.of(arguments.toArray());

    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.err()).contains("answers of another evaluation (" + said, "--force");
  }

  @Test
  void what_cannot_be_asked_is_named_counted_and_wrong() throws IOException {
    Path own = folder.resolve("data");
    Path file =
        StandInData.table(
            own.resolve("GQA_TestDev_Balanced.tsv"),
            "answer",
            List.of("Failed to obtain answer via API.", "yes", "no", "yes"));
    List<String> lines = new java.util.ArrayList<>(Files.readAllLines(file));
    String broken =
        lines.get(1).replaceFirst("\t[A-Za-z0-9+/=]{65,}\t", "\t" + "QUJD".repeat(30) + "\t");
    lines.set(1, broken);
    lines.set(3, lines.get(3).replaceFirst("\tWhich[^\t]*\t", "\t \t"));
    Files.write(file, lines);

    CommandRun run =
        CommandRun.of(
            "evaluate",
            internVl,
            "--benchmark",
            "GQA",
            "--data",
            own,
            "--out",
            folder.resolve("out"),
            "--partial",
            "--json");

    assertThat(run.code()).isEqualTo(Main.FAILED);
    JsonNode one = run.json().at("/benchmarks/0");
    assertThat(one.path("questions").asInt()).isEqualTo(4);
    assertThat(one.path("not_asked").asInt())
        .as("0 and 1 share a picture, 2 has no words")
        .isEqualTo(3);
    assertThat(run.err())
        .contains("not asked, counts as wrong")
        .contains("no image of a known format")
        .contains("the question is empty: 1 example (2)");
    assertThat(one.path("findings").toString()).contains("(0, 1)");
  }

  /** The file has 12 questions, and 2,500 by its manifest. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "evaluate; false",
        "evaluate --limit 13; false",
        "evaluate --limit 12; true",
        "evaluate --partial; true",
        "evaluate --split val --limit 1; true",
        "evaluate --split test --shard 2/2; false",
        "tune --split val; false",
        "tune --split val --limit 2 --grid 1; false",
        "tune --split val --limit 1 --grid 1; true",
        "tune --split val --partial --grid 1; true"
      })
  void a_data_set_that_is_cut_short_is_refused_where_the_missing_part_is_asked_for(
      String line, boolean passes) throws IOException {
    String[] words = line.split(" ");
    Path recipe =
        Files.writeString(
            folder.resolve("one.yaml"),
            "merge_method: task_arithmetic\nbase_model: '%s'\nmodels: [{model: '%s', parameters: {weight: 1}}]\n"
                .formatted(internVl, expert));
    List<Object> arguments = new java.util.ArrayList<>(List.of((Object[]) words));
    arguments.add(1, words[0].equals("tune") ? recipe : internVl);
    arguments.addAll(List.of("--benchmark", "ChartQA", "--data", data));

    CommandRun run = CommandRun.of(arguments.toArray());

    assertThat(run.code()).as(run.err()).isEqualTo(passes ? 0 : Main.FAILED);
    if (!passes) {
      assertThat(run.out()).isEmpty();
      assertThat(run.err())
          .contains("ChartQA_TEST has 12 questions here, 2,500 by its manifest")
          .contains("optmerge fetch 'ChartQA_TEST'", "--partial");
    }
  }

  @Test
  void a_data_set_of_which_a_file_is_missing_is_refused() throws IOException {
    Path own = Files.createDirectories(folder.resolve("RefCOCO-lmms-eval/data"));
    Path whole = data.resolve("RefCOCO-lmms-eval/data/val-00000-of-00001.parquet");
    Files.copy(whole, own.resolve("val-00000-of-00003.parquet"));
    Files.copy(whole, own.resolve("val-00002-of-00003.parquet"));

    CommandRun run =
        CommandRun.of("evaluate", qwen, "--benchmark", "RefCOCO", "--data", folder, "--limit", 1);

    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.err()).contains("val-*-of-00003.parquet' 2 of 3 files are there", "fetch");

    Files.write(
        own.resolve("val-00001-of-00003.parquet"),
        java.util.Arrays.copyOf(Files.readAllBytes(whole), (int) Files.size(whole) / 2));
    CommandRun cut =
        CommandRun.of("evaluate", qwen, "--benchmark", "RefCOCO", "--data", folder, "--limit", 1);
    assertThat(cut.code()).isEqualTo(Main.FAILED);
    assertThat(cut.err()).contains("is no Parquet file that can be read").doesNotContain("defect");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "'index\timage\tquestion\tanswer\n1\tx'; row 1: 2 cells, the header has 4",
        "''; is empty",
        "'index\timage\tanswer\n1\tx\ty\n'; has no column 'question'",
        "'index\timage\tquestion\tanswer\n"
            + "1\t2\tWhich?\tyes\n"
            + "'; none of its 1 questions can be asked"
      })
  void a_data_set_that_is_damaged_as_a_whole_is_refused(String content, String said)
      throws IOException {
    Path own = Files.createDirectories(folder.resolve("data"));
    Files.writeString(own.resolve("GQA_TestDev_Balanced.tsv"), content);

    CommandRun run =
        CommandRun.of("evaluate", internVl, "--benchmark", "GQA", "--data", own, "--partial");

    assertThat(run.code()).isEqualTo(Main.FAILED);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains(said).doesNotContain("defect");
  }

  @Test
  void a_recipe_is_asked_in_memory_as_the_merged_folder_is() throws IOException {
    Path one = StandInModels.internVl(folder.resolve("one"), new StandInModels.Expert(1, 0.2));
    Path two = StandInModels.internVl(folder.resolve("two"), new StandInModels.Expert(2, 0.2));
    Path recipe =
        Files.writeString(
            folder.resolve("both.yaml"),
            """
            merge_method: task_arithmetic
            base_model: '%s'
            models: [{model: '%s', parameters: {weight: 1}}, {model: '%s', parameters: {weight: 1}}]
            parameters: {lambda: 0.5}
            dtype: float32
            """
                .formatted(internVl, one, two));
    Path merged = folder.resolve("merged");
    assertThat(CommandRun.of("merge", recipe, "--out", merged).code()).isZero();
    Object[] rest = {"--benchmark", "TextVQA", "--data", data, "--limit", 5, "--json", "--quiet"};
    CommandRun inMemory = CommandRun.of(of(List.of("evaluate", recipe), rest));
    CommandRun fromDisk = CommandRun.of(of(List.of("evaluate", merged), rest));

    assertThat(inMemory.code()).as(inMemory.err()).isZero();
    assertThat(inMemory.json().at("/benchmarks/0/scored/scores"))
        .isEqualTo(fromDisk.json().at("/benchmarks/0/scored/scores"));
    assertThat(folder.resolve("both")).doesNotExist();
  }

  private static Object[] of(List<Object> first, Object... rest) {
    List<Object> all = new java.util.ArrayList<>(first);
    all.addAll(List.of(rest));
    return all.toArray();
  }

  @Test
  void lambda_is_chosen_on_every_tenth_question_and_an_interrupted_search_goes_on()
      throws IOException {
    Path one = StandInModels.internVl(folder.resolve("one"), new StandInModels.Expert(1, 0.2));
    Path recipe =
        Files.writeString(
            folder.resolve("one.yaml"),
            "merge_method: task_arithmetic\nbase_model: '%s'\nmodels: [{model: '%s', parameters: {weight: 1}}]\n"
                .formatted(internVl, one));
    Path out = folder.resolve("search");
    Object[] arguments = {
      "tune",
      recipe,
      "--benchmark",
      "ChartQA,TextVQA",
      "--data",
      data,
      "--split",
      "val",
      "--limit",
      1,
      "--grid",
      "0.5,1.0",
      "--out",
      out,
      "--json"
    };
    CommandRun first = CommandRun.of(arguments);
    assertThat(first.code()).as(first.err()).isZero();
    assertThat(first.json().path("tried")).hasSize(2);
    assertThat(first.json().at("/tried/0").fieldNames())
        .toIterable()
        .contains("ChartQA_TEST", "TextVQA_VAL");
    Path answers = out.resolve("lambda-1.0/predictions.jsonl");
    List<String> lines = Files.readAllLines(answers);
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).contains("\"id\":\"9\"");
    Files.writeString(answers, lines.get(1) + "\n");

    assertThat(CommandRun.of(arguments).json()).isEqualTo(first.json());
    assertThat(Files.readAllLines(answers)).isEqualTo(lines);
    assertThat(out.resolve("tune.json")).isNotEmptyFile();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--benchmark ChartQA --count 3;2;--limit asks fewer questions",
        "--benchmark ChartQA --metric exact;2;asked as their kits ask them",
        "--benchmark mini --limit 3;2;--data belongs to published data sets",
        "--benchmark ChartQA --join a,b;2;--join makes the whole of shards",
        "--benchmark mini --join a,b;2;--data belongs to published data sets",
        "--benchmark ChartQA --shard 3/2;2;--shard: expected such as 1/4",
        "--benchmark ChartQA --limit 0;2;--limit must be at least 1",
        "--benchmark ChartQA --split train;2;there are test, val and all",
        "--benchmark ChartQA --prompts llama;2;no kit of the paper asks models of the family llama",
        "--benchmark DocVQA_TEST;1;to get it: optmerge fetch 'DocVQA_TEST'"
      })
  void what_does_not_go_together_is_refused(String options, int code, String said) {
    CommandRun run =
        CommandRun.of(
            of(List.of("evaluate", internVl, "--data", data), (Object[]) options.split(" ")));

    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.err()).contains(said).doesNotContain("defect");
  }
}
