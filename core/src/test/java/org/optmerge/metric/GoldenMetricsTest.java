package org.optmerge.metric;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.optmerge.Recorded;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.Protocol;
import org.optmerge.evaluation.kit.PredictionFiles;
import org.optmerge.python.Cell;
import org.optmerge.python.PandasColumn;
import org.optmerge.python.PandasTable;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/**
 * What the official evaluators computed, one test per recorded case and per scored file. The folder
 * is that of the system property {@code golden.dir}, which holds {@code metrics} or is it; by
 * default a selection among the test resources. A case whose metric or profile is unknown fails.
 */
class GoldenMetricsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Only the scores matter here. */
  private static final Bootstrap FEW = new Bootstrap(2, 0.95, 0);

  private static final Map<String, Consumer<JsonNode>> METRICS =
      Map.ofEntries(
          entry("vqa_normalize", GoldenMetricsTest::vqaNormalise),
          entry("vqa_normalize_evalai", GoldenMetricsTest::vqaNormalise),
          entry("vqa_score_vizwiz", c -> score(c, VqaAccuracy.of(profile(c)))),
          entry("vqa_score_textvqa", c -> score(c, VqaAccuracy.of(profile(c)))),
          entry(
              "vqa_score_evalai",
              c ->
                  score(
                      c,
                      chosen(
                          c,
                          Map.of(
                              "LMMS_EVAL",
                              VqaAccuracy.LMMS_EVAL,
                              "INTERNVL",
                              VqaAccuracy.INTERNVL)))),
          entry("accuracy_gqa", c -> score(c, ExactMatch.averaged(profile(c)))),
          entry("accuracy_ocrvqa", c -> score(c, ExactMatch.of(profile(c)))),
          entry("chartqa_relaxed", GoldenMetricsTest::relaxed),
          entry("anls", GoldenMetricsTest::anls),
          entry("to_float", GoldenMetricsTest::toFloat),
          entry("python_list_cell", GoldenMetricsTest::listCell),
          entry("python_text", GoldenMetricsTest::pythonText),
          entry("format_2f", GoldenMetricsTest::twoDecimals),
          entry("np_mean", GoldenMetricsTest::numpyMean),
          entry("can_infer", GoldenMetricsTest::canInfer),
          entry("mcq_exact_matching", GoldenMetricsTest::multipleChoice),
          entry("mathvista_prefetch", c -> prefetch(c, MathVista.of(profile(c)))),
          entry("mathvista_score", c -> mathScore(c, MathVista.of(profile(c)))),
          entry("mathv_prefetch", c -> prefetch(c, MathVision.of(profile(c)))),
          entry("mathv_score", c -> mathScore(c, MathVision.of(profile(c)))),
          entry(
              "mathv_is_equal",
              c ->
                  assertThat(
                          MathVision.of(profile(c)).equal(text(c, "prediction"), text(c, "answer")))
                      .isEqualTo(expected(c).booleanValue())),
          entry("refcoco_qwen", GoldenMetricsTest::refcocoQwen),
          entry("refcoco_iou", GoldenMetricsTest::refcocoIou),
          entry("refcoco_internvl", GoldenMetricsTest::refcocoInternVl),
          entry(
              "grounding_target",
              c -> {
                only(c, "OPTMERGE_FORK");
                assertThat(GroundingTarget.of(text(c, "text"))).isEqualTo(expected(c).textValue());
              }),
          entry("avqa", c -> fork(c, new AvqaChoice())),
          entry("music_avqa", c -> fork(c, new MusicAvqaMatch())),
          entry("music_avqa_types", GoldenMetricsTest::musicAvqaTypes),
          entry("benchmark_average", GoldenMetricsTest::benchmarkAverage),
          entry("math_geometry_mean", GoldenMetricsTest::geometryMean),
          entry("cell_loading", GoldenMetricsTest::cellLoading));

  @TestFactory
  Stream<DynamicTest> scores_as_the_official_functions_do() throws Exception {
    return caseFiles(folder()).stream().flatMap(GoldenMetricsTest::cases);
  }

  @TestFactory
  Stream<DynamicTest> sums_up_whole_files_as_the_official_tools_do() throws Exception {
    Path files = folder().resolve("files");
    JsonNode expected = Recorded.tree(files.resolve("expected.json"));
    List<DynamicTest> tests = new ArrayList<>();
    expected
        .properties()
        .forEach(
            kit ->
                kit.getValue()
                    .properties()
                    .forEach(
                        file ->
                            tests.addAll(
                                fileTests(
                                    kit.getKey(),
                                    files.resolve(kit.getKey()).resolve(file.getKey()),
                                    file.getValue()))));
    assertThat(tests).isNotEmpty();
    return tests.stream();
  }

  // Cases

  private static List<Path> caseFiles(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> cases = files.filter(file -> file.toString().endsWith(".jsonl")).sorted().toList();
      assertThat(cases).isNotEmpty();
      return cases;
    }
  }

  private static Stream<DynamicTest> cases(Path file) {
    try {
      return Files.readAllLines(file).stream()
          .filter(line -> !line.isBlank())
          .map(GoldenMetricsTest::json)
          .map(json -> Recorded.object(Recorded.tree(json)))
          .map(json -> dynamicTest(json.path("id").asText(), () -> verify(json)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void verify(Recorded json) {
    Consumer<JsonNode> metric = METRICS.get(json.path("metric").asText());
    if (metric == null) {
      fail("unknown metric '%s'".formatted(json.path("metric").asText()));
      return;
    }
    json.passOver("source", "note");
    if (!json.has("error")) {
      metric.accept(json);
      json.requireAllRead("case '%s'".formatted(json.path("id").asText()));
      return;
    }
    Class<? extends Exception> type =
        chosen(
            "error",
            json.path("error").asText(),
            Map.of(
                "ValueError",
                MetricException.class,
                "ZeroDivisionError",
                ArithmeticException.class));
    assertThatThrownBy(() -> metric.accept(json)).isInstanceOf(type);
    // There is nothing to compare with.
    json.mustBe("expected", "null");
    json.requireAllRead("case '%s'".formatted(json.path("id").asText()));
  }

  private static ScoringProfile profile(JsonNode json) {
    return ScoringProfile.valueOf(json.path("profile").asText());
  }

  private static <T> T chosen(JsonNode json, Map<String, T> byProfile) {
    return chosen("profile", json.path("profile").asText(), byProfile);
  }

  private static <T> T chosen(String what, String name, Map<String, T> known) {
    T chosen = known.get(name);
    if (chosen == null) {
      throw new AssertionError("unknown %s '%s'; known: %s".formatted(what, name, known.keySet()));
    }
    return chosen;
  }

  private static void only(JsonNode json, String... profiles) {
    assertThat(json.path("profile").asText()).isIn((Object[]) profiles);
  }

  private static JsonNode expected(JsonNode json) {
    assertThat(json.has("expected")).isTrue();
    return json.path("expected");
  }

  private static String text(JsonNode json, String name) {
    assertThat(json.path(name).isTextual()).as(name).isTrue();
    return json.path(name).textValue();
  }

  /** Numbers that JSON cannot hold are texts. */
  private static double number(JsonNode node) {
    return node.isTextual() ? Double.parseDouble(node.textValue()) : node.doubleValue();
  }

  private static Reference reference(JsonNode json) {
    if (json.has("references")) {
      return new Reference(texts(json.path("references")), Map.of());
    }
    return Reference.ofCell(text(json, "answer"));
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(node -> texts.add(node.asText()));
    return texts;
  }

  private static void score(JsonNode json, Metric metric) {
    double score = metric.score(new Prediction(text(json, "prediction")), reference(json));

    assertThat(score).isEqualTo(number(expected(json)));
  }

  private static void fork(JsonNode json, Metric metric) {
    only(json, "OPTMERGE_FORK");
    double score =
        metric.score(new Prediction(text(json, "prediction")), Reference.of(text(json, "answer")));

    assertThat(score).isEqualTo(number(expected(json)));
  }

  private static void vqaNormalise(JsonNode json) {
    VqaNormaliser normaliser =
        json.path("profile").asText().equals("EVALAI")
            ? VqaNormaliser.EVAL_AI
            : VqaNormaliser.of(profile(json));

    assertThat(normaliser.normalise(text(json, "prediction")))
        .isEqualTo(expected(json).textValue());
  }

  private static void relaxed(JsonNode json) {
    score(
        json,
        switch (json.path("profile").asText()) {
          case "INTERNVL" -> RelaxedAccuracy.INTERNVL;
          case "LMMS_EVAL" -> RelaxedAccuracy.LMMS_EVAL;
          default -> RelaxedAccuracy.of(profile(json));
        });
  }

  private static void anls(JsonNode json) {
    only(
        json,
        "OPTMERGE_FORK",
        "VLMEVALKIT_BASE_2025_01",
        "VLMEVALKIT_LATEST",
        "LMMS_EVAL",
        "INTERNVL");
    score(json, new Anls());
    if (json.has("expected_distances")) {
      double[] distances =
          reference(json).answers().stream()
              .mapToDouble(answer -> Anls.distance(text(json, "prediction"), answer))
              .toArray();
      assertThat(distances).containsExactly(numbers(json.path("expected_distances")));
    }
  }

  private static double[] numbers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(GoldenMetricsTest::number)
        .toArray();
  }

  private static void toFloat(JsonNode json) {
    only(json, "ALL");
    OptionalDouble number = RelaxedAccuracy.number(text(json, "prediction"));
    if (expected(json).isNull()) {
      assertThat(number).isEmpty();
    } else {
      assertThat(number).hasValue(number(expected(json)));
    }
  }

  private static void listCell(JsonNode json) {
    ScoringProfile.valueOf(json.path("profile").asText());
    Optional<List<Object>> list = PythonLiteral.list(text(json, "cell"));

    assertThat(list.isPresent()).isEqualTo(expected(json).path("is_list").booleanValue());
    list.ifPresent(items -> assertThat(items).isEqualTo(values(expected(json).path("items"))));
  }

  private static List<Object> values(JsonNode array) {
    List<Object> values = new ArrayList<>();
    array.forEach(node -> values.add(value(node)));
    return values;
  }

  private static Object value(JsonNode node) {
    if (node.isArray()) {
      return values(node);
    }
    if (node.has("__tuple__")) {
      return new PythonLiteral.Tuple(values(node.path("__tuple__")));
    }
    if (node.isIntegralNumber()) {
      return node.bigIntegerValue();
    }
    return node.isNull()
        ? null
        : node.isNumber()
            ? node.doubleValue()
            : node.isBoolean() ? node.booleanValue() : node.textValue();
  }

  private static void pythonText(JsonNode json) {
    only(json, "ALL");
    String given = text(json, "prediction");

    assertThat(PythonText.split(given)).isEqualTo(texts(expected(json)));
    assertThat(PythonText.strip(given)).isEqualTo(text(json, "strip"));
    assertThat(PythonText.lower(given)).isEqualTo(text(json, "lower"));
    assertThat(PythonText.upper(given)).isEqualTo(text(json, "upper"));
    assertThat(PythonText.length(given)).isEqualTo(json.path("length").intValue());
    assertThat(kept(given, PythonText::isWord)).isEqualTo(text(json, "word_chars"));
    assertThat(kept(given, PythonText::isDigit)).isEqualTo(text(json, "digits"));
  }

  private static String kept(String text, java.util.function.IntPredicate which) {
    return text.codePoints()
        .filter(which)
        .mapToObj(Character::toString)
        .collect(Collectors.joining());
  }

  private static void twoDecimals(JsonNode json) {
    only(json, "ALL");
    double value = number(json.path("value"));

    assertThat(PythonText.twoDecimals(value)).isEqualTo(expected(json).textValue());
    assertThat(PythonText.repr(value)).isEqualTo(text(json, "expected_repr"));
  }

  private static void numpyMean(JsonNode json) {
    only(json, "ALL");
    double[] values;
    if (json.has("rule")) {
      long a = json.path("rule").path("a").longValue();
      long b = json.path("rule").path("b").longValue();
      values = new double[json.path("rule").path("n").intValue()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (i * a % b) / (double) b;
      }
    } else {
      values = numbers(json.path("values"));
    }
    assertThat(Means.NUMPY.of(values)).isEqualTo(number(expected(json)));
  }

  private static void canInfer(JsonNode json) {
    OptionInference inference = OptionInference.of(profile(json));
    Map<String, String> options = new LinkedHashMap<>();
    json.path("choices")
        .properties()
        .forEach(
            choice -> options.put(choice.getKey(), pythonText(choice.getKey(), choice.getValue())));
    String given = text(json, "prediction");

    assertThat(inference.infer(given, options)).isEqualTo(letter(expected(json)));
    assertThat(inference.byLetter(given, options.keySet()))
        .isEqualTo(letter(json.path("expected_option")));
    assertThat(inference.byText(given, options)).isEqualTo(letter(json.path("expected_text")));
  }

  /** {@code str()} of a choice. */
  private static String pythonText(String name, JsonNode node) {
    assertThat(node.isValueNode()).as(name).isTrue();
    return PythonLiteral.text(value(node));
  }

  private static Optional<String> letter(JsonNode node) {
    return node.isTextual() ? Optional.of(node.textValue()) : Optional.empty();
  }

  private static void multipleChoice(JsonNode json) {
    // Options are matched without the question; the log is the published tool's own words.
    Recorded.object(json).passOver("question", "log");
    Map<String, String> fields = new LinkedHashMap<>();
    json.path("options")
        .properties()
        .forEach(
            option -> fields.put(option.getKey(), pythonText(option.getKey(), option.getValue())));
    Reference reference = new Reference(List.of(text(json, "answer")), fields);
    Prediction prediction = new Prediction(text(json, "prediction"));
    Protocol protocol = Protocol.named(text(json, "dataset"));
    MultipleChoice metric = MultipleChoice.of(profile(json), protocol == Protocol.MMMU);

    assertThat(metric.chosen(prediction, reference)).isEqualTo(text(json, "expected_option"));
    assertThat(metric.score(prediction, reference)).isEqualTo(number(expected(json)));
  }

  private static Reference mathReference(JsonNode json) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (String name : List.of("question_type", "answer_type", "answer_option", "choices")) {
      if (json.has(name)) {
        fields.put(name, json.path(name).asText());
      }
    }
    return new Reference(List.of(json.path("answer").asText()), fields);
  }

  private static void mathScore(JsonNode json, Metric metric) {
    double score = metric.score(new Prediction(text(json, "text")), mathReference(json));

    assertThat(score == 1).isEqualTo(expected(json).booleanValue());
  }

  private static void prefetch(JsonNode json, JudgedMetric metric) {
    Optional<Prediction> found =
        metric.prefetch(new Prediction(text(json, "text")), mathReference(json));
    JsonNode expected = expected(json);
    boolean falsy =
        expected.isBoolean() && !expected.booleanValue()
            || expected.isNumber() && expected.doubleValue() == 0
            || expected.isTextual() && expected.textValue().isEmpty()
            || expected.isNull();
    if (falsy) {
      assertThat(found).isEmpty();
    } else if (expected.isNumber()) {
      assertThat(found.orElseThrow().number()).isEqualTo(expected.doubleValue());
      assertThat(found.orElseThrow().text()).isEqualTo(PythonLiteral.text(value(expected)));
    } else {
      assertThat(found.orElseThrow().text()).isEqualTo(expected.textValue());
    }
  }

  private static Box box(JsonNode sides) {
    double[] box = numbers(sides);
    assertThat(box).hasSize(4);
    return new Box(box[0], box[1], box[2], box[3]);
  }

  private static void refcocoQwen(JsonNode json) {
    BoxFormat format =
        chosen(
            json,
            Map.of(
                "OPTMERGE_FORK",
                BoxFormat.LMMS_EVAL_FORK,
                "LMMS_EVAL_BASE_2025_03",
                BoxFormat.LMMS_EVAL));
    Prediction prediction = new Prediction(text(json, "prediction"));
    Reference reference =
        new Reference(List.of(), Map.of("bbox", BoxScore.field(numbers(json.path("bbox")))));

    assertThat(format.parse(prediction.text())).isEqualTo(box(json.path("expected_pred")));
    assertThat(BoxScore.accuracy(format).score(prediction, reference))
        .isEqualTo(number(expected(json)));
    assertThat(new BoxScore(format, new BoxScore.Overlap()).overlap(prediction, reference))
        .isEqualTo(number(json.path("expected_IoU")));
    for (double threshold : new double[] {0.1, 0.3, 0.5, 0.7, 0.9}) {
      assertThat(
              new BoxScore(format, new BoxScore.OverlapAtLeast(threshold))
                  .score(prediction, reference))
          .isEqualTo(number(json.path("expected_ACC@" + threshold)));
    }
    assertThat(new BoxScore(format, new BoxScore.CentreInside()).score(prediction, reference))
        .isEqualTo(number(json.path("expected_Center_ACC")));
  }

  private static void refcocoIou(JsonNode json) {
    only(json, "OPTMERGE_FORK");
    Box predicted = box(json.path("pred"));
    Box right = box(json.path("bbox"));
    assertThat(predicted.centreIn(right)).isEqualTo(json.path("expected_center").booleanValue());
    assertThat(right.overlap(predicted)).isEqualTo(number(expected(json)));
  }

  private static void refcocoInternVl(JsonNode json) {
    only(json, "OPTMERGE_FORK", "INTERNVL");
    Prediction prediction = new Prediction(text(json, "prediction"));
    Box right = box(json.path("gt_bbox"));
    Reference reference =
        new Reference(
            List.of(),
            Map.of(
                "bbox",
                BoxScore.field(numbers(json.path("gt_bbox"))),
                "height",
                json.path("hw").path(0).asText(),
                "width",
                json.path("hw").path(1).asText()));
    BoxScore metric = BoxScore.accuracy(BoxFormat.INTERNVL);
    Box predicted = metric.predicted(prediction, reference);

    assertThat(predicted).isEqualTo(box(json.path("expected_box")));
    // Boxed, so that NaN equals NaN.
    Double overlap = (double) predicted.floatOverlap(right);
    assertThat(overlap).isEqualTo(Double.valueOf(number(json.path("expected_iou"))));
    assertThat(metric.score(prediction, reference)).isEqualTo(number(expected(json)));
  }

  private static void musicAvqaTypes(JsonNode json) {
    only(json, "MUSIC_AVQA_OFFICIAL");
    List<MusicAvqaTypes.Item> items = new ArrayList<>();
    json.path("items")
        .forEach(
            item ->
                items.add(
                    new MusicAvqaTypes.Item(
                        item.path("type").path(0).textValue(),
                        item.path("type").path(1).textValue(),
                        item.path("correct").booleanValue())));
    Map<String, Double> percentages = MusicAvqaTypes.percentages(items);

    assertThat(percentages.get("Overall Accuracy")).isEqualTo(number(expected(json)));
    Map<String, String> lines = new LinkedHashMap<>();
    percentages.forEach((name, value) -> lines.put(name, PythonText.twoDecimals(value) + " %"));
    Map<String, String> recorded = new LinkedHashMap<>();
    json.path("expected_lines")
        .properties()
        .forEach(line -> recorded.put(line.getKey(), line.getValue().textValue()));
    assertThat(lines).isEqualTo(recorded);
  }

  private static void benchmarkAverage(JsonNode json) {
    only(json, "OPTMERGE_FORK");
    Map<String, Double> columns = new LinkedHashMap<>();
    json.path("columns")
        .properties()
        .forEach(
            column ->
                columns.put(
                    column.getKey(),
                    column.getValue().isNull() ? Double.NaN : number(column.getValue())));
    mean(json, Averages.ofColumns(columns));
  }

  private static void geometryMean(JsonNode json) {
    only(json, "OPTMERGE_FORK");
    Protocol protocol = Protocol.named(text(json, "dataset"));
    Map<String, Double> accuracies = new LinkedHashMap<>();
    text(json, "csv")
        .lines()
        .skip(1)
        .forEach(
            line -> {
              String[] cells = line.substring(1, line.length() - 1).split("\",\"", -1);
              accuracies.put(cells[0], Double.valueOf(cells[cells.length - 1]));
            });
    mean(json, Averages.geometry(accuracies, protocol == Protocol.MATHVISTA));
  }

  private static void mean(JsonNode json, OptionalDouble mean) {
    if (expected(json).isNull()) {
      assertThat(mean).isEmpty();
    } else {
      assertThat(mean).hasValue(number(expected(json)));
    }
  }

  private static void cellLoading(JsonNode json) {
    String profile = json.path("profile").asText();
    only(json, "TSV_PANDAS_1.5.3", "TSV_PANDAS_2.2.3", "XLSX_PANDAS_1.5.3", "XLSX_PANDAS_2.2.3");
    List<String> cells =
        texts(json.path("cells")).stream().map(GoldenMetricsTest::repeated).toList();

    assertThat(
            PandasTable.roundTrip(
                    cells, profile.startsWith("XLSX"), new PandasColumn(profile.endsWith("2.2.3")))
                .stream()
                .map(Cell::text))
        .isEqualTo(texts(expected(json)).stream().map(GoldenMetricsTest::repeated).toList());
  }

  /** {@code {repeat 'x' N}} stands for N times the character. */
  private static String repeated(String cell) {
    return cell.matches("\\{repeat '.' \\d+\\}")
        ? cell.substring(9, 10).repeat(Integer.parseInt(cell.replaceAll("\\D", "")))
        : cell;
  }

  // Files

  private static List<DynamicTest> fileTests(String kit, Path file, JsonNode expected) {
    return switch (kit) {
      case "vlmevalkit" -> profiles(file, expected, GoldenMetricsTest::vlmEvalKit);
      case "lmms-eval" -> profiles(file, expected, GoldenMetricsTest::lmmsEval);
      case "internvl" -> one(file, expected, () -> internVl(file, expected));
      case "modelcompose" -> one(file, expected, () -> modelCompose(file, expected));
      default -> List.of(dynamicTest(kit, () -> fail("unknown kit '%s'".formatted(kit))));
    };
  }

  private static List<DynamicTest> one(Path file, JsonNode expected, Runnable check) {
    return List.of(
        dynamicTest(
            name(file),
            () -> {
              check.run();
              Recorded.object(expected).requireAllRead(name(file));
            }));
  }

  private interface FileCheck {
    void check(Path file, String profile, JsonNode expected);
  }

  private static List<DynamicTest> profiles(Path file, JsonNode expected, FileCheck check) {
    List<DynamicTest> tests = new ArrayList<>();
    expected
        .properties()
        .forEach(
            profile -> {
              // lmms-eval's files also tell their number of lines.
              if (!profile.getKey().equals("samples")) {
                tests.add(
                    dynamicTest(
                        name(file) + " " + profile.getKey(),
                        () -> check.check(file, profile.getKey(), profile.getValue())));
              }
            });
    assertThat(tests).isNotEmpty();
    return tests;
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }

  private static void vlmEvalKit(Path file, String profile, JsonNode expected) {
    String dataSet =
        name(file)
            .replaceFirst("^[^_]*_", "")
            .replaceFirst("\\.[a-z]+$", "")
            .replace("_gpt-4o-mini", "");
    List<Map<String, Object>> rows =
        evaluate(file, dataSet, ScoringProfile.valueOf(profile), null).official().rows();

    List<Map<String, Object>> recorded = new ArrayList<>();
    expected.forEach(row -> recorded.add(row(row)));
    assertThat(rows.stream().map(TreeMap::new).toList())
        .isEqualTo(recorded.stream().map(TreeMap::new).toList());
  }

  private static Map<String, Object> row(JsonNode node) {
    Map<String, Object> row = new LinkedHashMap<>();
    node.properties()
        .forEach(
            cell ->
                row.put(
                    cell.getKey(),
                    cell.getValue().isTextual()
                        ? cell.getValue().textValue()
                        : cell.getValue().isInt()
                            ? (Object) cell.getValue().intValue()
                            : (Object) number(cell.getValue())));
    return row;
  }

  private static void lmmsEval(Path file, String profile, JsonNode expected) {
    ScoringProfile rules =
        chosen(
            "profile",
            profile,
            Map.of(
                "OPTMERGE_FORK",
                ScoringProfile.OPTMERGE_FORK,
                "LMMS_EVAL_BASE_2025_03",
                ScoringProfile.VLMEVALKIT_BASE_2025_01));
    String task = name(file).replaceFirst("^.*_samples_", "").replace(".jsonl", "");
    Evaluation evaluation = evaluate(file, task, rules, null);
    Map<String, Object> results = evaluation.official().rows().get(0);
    Map<String, Object> printed = new TreeMap<>();
    results.forEach((name, value) -> printed.put(name + ",none", value));

    assertThat(printed).isEqualTo(new TreeMap<>(row(expected)));
  }

  private static void internVl(Path file, JsonNode expected) {
    String dataSet = name(file).replaceFirst("_\\d+\\.json$", "");
    Path answers =
        expected.has("annotations")
            ? file.resolveSibling(expected.path("annotations").textValue())
            : null;
    Evaluation evaluation = evaluate(file, dataSet, ScoringProfile.OPTMERGE_FORK, answers);
    Map<String, Object> row = evaluation.official().rows().get(0);
    if (expected.has("precision_at_1")) {
      assertThat(row)
          .containsEntry("correct", expected.path("correct").intValue())
          .containsEntry("total", expected.path("total").intValue())
          .containsEntry("Precision @ 1", number(expected.path("precision_at_1")));
    } else if (expected.has("relaxed_accuracy")) {
      assertThat(row)
          .containsExactly(entry("relaxed_accuracy", number(expected.path("relaxed_accuracy"))));
    } else {
      Map<String, Object> recorded = new TreeMap<>();
      recorded.put("anls", number(expected.path("anls")));
      expected.path("scores_by_types").forEach(types -> recorded.putAll(row(types)));
      assertThat(new TreeMap<>(row)).isEqualTo(recorded);
    }
  }

  private static void modelCompose(Path file, JsonNode expected) {
    Recorded.object(expected).passOver("official_file_name");
    String dataSet = name(file).replaceFirst("^.*\\.([^.]+)\\.jsonl$", "$1");
    Evaluation evaluation =
        evaluate(
            file,
            dataSet,
            ScoringProfile.OPTMERGE_FORK,
            file.resolveSibling(expected.path("answers").textValue()));

    assertThat(evaluation.items()).hasSize(expected.path("lines").intValue());
    assertThat("Accuracy: " + evaluation.official().rows().get(0).get("Accuracy"))
        .isEqualTo(expected.path("printed").textValue());
  }

  private static Evaluation evaluate(
      Path file, String dataSet, ScoringProfile profile, Path answers) {
    Protocol protocol = Protocol.named(dataSet);
    return Evaluation.of(
        PredictionFiles.read(file, protocol, profile, answers), protocol, profile, FEW);
  }

  private static JsonNode json(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path folder() throws URISyntaxException {
    String property = System.getProperty("golden.dir");
    if (property != null) {
      Path given = Path.of(property);
      Path inside = given.resolve("metrics");
      return Files.isDirectory(inside) ? inside : given;
    }
    URL resource = GoldenMetricsTest.class.getResource("/golden/metrics");
    return Path.of(Objects.requireNonNull(resource).toURI());
  }
}
