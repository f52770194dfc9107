package org.optmerge.evaluation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.fuzz.Sandbox;
import org.optmerge.metric.Metric;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.metric.ScoringProfile;

/**
 * Any answer and any reference under every scoring rule. An input's first byte chooses the rule; a
 * line end parts answer, reference and the fields that some rules need.
 */
class ScoringFuzzTest {
  private static final Sandbox BOX = Sandbox.open();
  private static final List<Metric> RULES = rules();

  /** Every rule once, whatever pairs it stands for. */
  private static List<Metric> rules() {
    List<Metric> rules = new ArrayList<>();
    for (Protocol protocol : Protocol.values()) {
      for (FileFormat format : ScoringRules.formats(protocol)) {
        for (ScoringProfile profile : ScoringProfile.values()) {
          Metric metric = ScoringRules.metric(protocol, format, profile);
          if (!rules.contains(metric)) {
            rules.add(metric);
          }
        }
      }
    }
    return rules;
  }

  static Stream<byte[]> answers() {
    List<byte[]> seeds = new ArrayList<>();
    String[] pairs = {
      "The answer is B.\nB\n['cat', 'dog']",
      "\\boxed{\\frac{1}{2}}\n0.5\n['1/2', '3']",
      "[[0.1, 0.2, 0.3, 0.4]]\n[0.1, 0.2, 0.3, 0.4]\n4",
      "<ref>cup</ref><box>[[100, 200, 300, 400]]</box>\n[0.1, 0.2, 0.3, 0.4]\n4",
      "about 12.5%\n12\nfloat",
      "['yes', 'no']\n['yes', 'yes', 'no']\nopen",
      "isn't it the 2 red cars?\nisnt it 2 red cars\n['a']",
      "x = 3 \\times 10^{2} \\text{ m}\n300\ninteger",
      "(C) dog\nC\n['cat', 'cow', 'dog']"
    };
    for (int rule = 0; rule < RULES.size(); rule++) {
      seeds.add(bytes(rule, pairs[rule % pairs.length]));
    }
    return seeds.stream();
  }

  private static byte[] bytes(int rule, String pair) {
    byte[] text = pair.getBytes(UTF_8);
    byte[] all = new byte[text.length + 1];
    all[0] = (byte) rule;
    System.arraycopy(text, 0, all, 1, text.length);
    return all;
  }

  @DictionaryFile(resourcePath = "/org/optmerge/fuzz/answers.dict")
  @MethodSource("answers")
  @FuzzTest
  void answer(byte[] data) throws Exception {
    if (data.length == 0) {
      return;
    }
    Metric metric = RULES.get((data[0] & 0xff) % RULES.size());
    String[] parts = new String(data, 1, data.length - 1, UTF_8).split("\n", 3);
    String field = parts.length > 2 ? parts[2] : "";
    Map<String, String> fields =
        Map.ofEntries(
            Map.entry("A", "cat"),
            Map.entry("B", field),
            Map.entry("C", "dog"),
            Map.entry("choices", field),
            Map.entry("options", field),
            Map.entry("all_choices", "['A', 'B', 'C']"),
            Map.entry("index2ans", field),
            Map.entry("question_type", data.length % 2 == 0 ? "multi_choice" : "free_form"),
            Map.entry("answer_type", data.length % 3 == 0 ? "integer" : "float"),
            Map.entry("precision", field),
            Map.entry("answer_option", "B"),
            Map.entry("bbox", field));
    Reference reference = Reference.ofCell(parts.length > 1 ? parts[1] : "", fields);
    BOX.holds(
        data,
        () -> {
          if (metric.lacking(reference).isEmpty()) {
            double score = metric.score(new Prediction(parts[0]), reference);
            if (!(score >= 0 && score <= 1)) {
              throw new AssertionError("a score of " + score + " by " + metric);
            }
          }
        });
  }
}
