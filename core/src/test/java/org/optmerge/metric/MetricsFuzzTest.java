package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.optmerge.base.CounterRandom;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/** Answers that nobody would give: every metric scores them, in [0, 1], and soon. */
class MetricsFuzzTest {
  /** Every text is the same for every run. */
  private static final long SEED = 20260101;

  private static final int MEGABYTE = 1 << 20;

  /** Far longer than it takes; a quadratic reader would take hours. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final List<String> SOUP =
      List.of(
          "a",
          "the",
          "A",
          "B",
          "Z",
          " ",
          "  ",
          "\n",
          "\t",
          "\u00a0",
          "\u2028",
          "1",
          "0",
          "9.5",
          "1,000",
          ",",
          ".",
          "..",
          "%",
          "-",
          "_",
          "'",
          "\"",
          "[",
          "]",
          "(",
          ")",
          "{",
          "}",
          "\\",
          "\\frac{1}{2}",
          "\\boxed{",
          "^",
          "**",
          "/",
          "//",
          "*",
          "+",
          "=",
          "<",
          ">",
          "$",
          "°",
          "ß",
          "İ",
          "Σ",
          "aΣ'",
          "İ",
          "ſ",
          "٥",
          "½",
          "😀",
          "\ud800",
          "\u0301",
          "answer is",
          "none",
          "dont",
          "one",
          "nan",
          "inf",
          "1e5",
          "0x1f",
          "|box|",
          "ten",
          "yes",
          "No.",
          "\u0000",
          "\uffff");

  private static final List<String> REPEATED =
      List.of(
          "[",
          "(",
          "[1,",
          "(1,2),",
          "[1,2,3,",
          "(((1",
          "1",
          "9",
          "1,",
          ".",
          "1.",
          "a ",
          "A ",
          "\\frac{",
          "{",
          "^",
          "**",
          "-",
          "+1",
          "*9",
          "'",
          "\\",
          "_",
          " ",
          "\n",
          "answer is ",
          "answer ",
          "%",
          "ß",
          "[ ",
          "( 1 , ",
          "0x",
          "1e",
          "1_",
          "\ud83d\ude00",
          ",",
          "], [",
          "x=");

  private static Map<String, String> fields() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("A", "a cat");
    fields.put("B", "a dog");
    fields.put("C", "12.5");
    fields.put("choices", "['a cat', 'a dog', '12.5']");
    fields.put("question_type", "free_form");
    fields.put("answer_type", "float");
    fields.put("answer_option", "B");
    fields.put("bbox", "[0.1, 0.1, 0.5, 0.5]");
    fields.put("height", "480");
    fields.put("width", "640");
    return fields;
  }

  private static final Reference REFERENCE = new Reference(List.of("12.5", "a dog"), fields());

  private static Map<String, Metric> metrics() {
    Map<String, Metric> metrics = new LinkedHashMap<>();
    for (ScoringProfile profile : ScoringProfile.values()) {
      metrics.put("vqa " + profile, VqaAccuracy.of(profile));
      metrics.put("exact " + profile, ExactMatch.of(profile));
      metrics.put("relaxed " + profile, RelaxedAccuracy.of(profile));
      metrics.put("choice " + profile, MultipleChoice.of(profile, true));
      metrics.put("vista " + profile, MathVista.of(profile));
      metrics.put("vision " + profile, MathVision.of(profile));
      metrics.put(
          "vision, free " + profile,
          (prediction, reference, steps) ->
              MathVision.of(profile).equal(prediction.text(), "12.5") ? 1 : 0);
    }
    metrics.put("vqa lmms", VqaAccuracy.LMMS_EVAL);
    metrics.put("anls", new Anls());
    metrics.put("avqa", new AvqaChoice());
    metrics.put("music", new MusicAvqaMatch());
    for (BoxFormat format : BoxFormat.values()) {
      metrics.put("box " + format, BoxScore.accuracy(format));
      metrics.put("overlap " + format, new BoxScore(format, new BoxScore.Overlap()));
      metrics.put("centre " + format, new BoxScore(format, new BoxScore.CentreInside()));
    }
    return metrics;
  }

  /** One metric for each way of reading an answer. */
  private static Map<String, Metric> readers() {
    Map<String, Metric> readers = metrics();
    readers
        .keySet()
        .removeIf(
            name ->
                name.contains("BASE")
                    || name.startsWith("overlap")
                    || name.startsWith("centre")
                    || name.startsWith("vista"));
    return readers;
  }

  private static Map<String, Consumer<String>> parsers() {
    return Map.of(
        "list", PythonLiteral::list,
        "float", PythonText::parseFloat,
        "integer", PythonText::parseInt,
        "target", GroundingTarget::of,
        "percent", RelaxedAccuracy::number,
        "words", PythonText::split);
  }

  private static List<String> soups(String name, int count) {
    CounterRandom random = CounterRandom.of(SEED, name);
    List<String> soups = new ArrayList<>();
    long draw = 0;
    for (int s = 0; s < count; s++) {
      StringBuilder soup = new StringBuilder();
      int words = random.integer(draw++, 30);
      for (int w = 0; w < words; w++) {
        soup.append(SOUP.get(random.integer(draw++, SOUP.size())));
      }
      soups.add(soup.toString());
    }
    return soups;
  }

  @TestFactory
  Stream<DynamicTest> any_text_has_a_score_and_its_steps_change_nothing() {
    return metrics().entrySet().stream()
        .map(
            metric ->
                dynamicTest(
                    metric.getKey(),
                    () -> {
                      for (String soup : soups(metric.getKey(), 400)) {
                        Prediction prediction = new Prediction(soup);
                        double score = metric.getValue().score(prediction, REFERENCE);
                        assertThat(score).as(soup).isBetween(0.0, 1.0);
                        assertThat(
                                metric.getValue().score(prediction, REFERENCE, (what, value) -> {}))
                            .as(soup)
                            .isEqualTo(score);
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> any_text_is_parsed_or_refused() {
    return parsers().entrySet().stream()
        .map(
            parser ->
                dynamicTest(
                    parser.getKey(),
                    () -> {
                      List<String> soups = soups(parser.getKey(), 2_000);
                      soups.forEach(parser.getValue());
                      soups.forEach(soup -> parser.getValue().accept("[" + soup + "]"));
                      assertThat(soups).hasSize(2_000);
                    }));
  }

  @TestFactory
  Stream<DynamicTest> what_a_data_set_quotes_is_read_back() {
    return Stream.of("list of texts")
        .map(
            name ->
                dynamicTest(
                    name,
                    () -> {
                      for (String soup : soups(name, 2_000)) {
                        List<Object> list = List.of(soup, "x", List.of(soup));
                        assertThat(PythonLiteral.list(PythonLiteral.text(list)))
                            .as(soup)
                            .contains(list);
                      }
                    }));
  }

  @Tag("slow")
  @TestFactory
  Stream<DynamicTest> a_megabyte_of_anything_is_scored_in_good_time() {
    return readers().entrySet().stream()
        .map(
            metric ->
                dynamicTest(
                    metric.getKey(),
                    () ->
                        assertTimeoutPreemptively(
                            PATIENCE,
                            () -> {
                              for (String unit : REPEATED) {
                                String text = unit.repeat(MEGABYTE / unit.length());
                                assertThat(metric.getValue().score(new Prediction(text), REFERENCE))
                                    .isBetween(0.0, 1.0);
                              }
                            })));
  }

  @Tag("slow")
  @TestFactory
  Stream<DynamicTest> a_megabyte_of_anything_is_parsed_in_good_time() {
    return parsers().entrySet().stream()
        .map(
            parser ->
                dynamicTest(
                    parser.getKey(),
                    () ->
                        assertTimeoutPreemptively(
                            PATIENCE,
                            () -> {
                              int parsed = 0;
                              for (String unit : REPEATED) {
                                String text = unit.repeat(MEGABYTE / unit.length());
                                parser.getValue().accept(text);
                                parser.getValue().accept("[" + text + "]");
                                parsed++;
                              }
                              assertThat(parsed).isEqualTo(REPEATED.size());
                            })));
  }
}
