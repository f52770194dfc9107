package org.optmerge.metric;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.optmerge.python.PythonLiteral;

/**
 * The answers that count as right.
 *
 * @param answers the accepted answers; some metrics need one, some count how many agree
 * @param fields what else the data set says, such as {@code A} to {@code D} of a multiple choice or
 *     {@code answer_type}
 */
@API(status = API.Status.EXPERIMENTAL)
public record Reference(List<String> answers, Map<String, String> fields) {
  /** What a reference without answers lacks. */
  static final String AN_ANSWER = "a reference answer";

  /** Copies the collections. */
  public Reference {
    answers = List.copyOf(answers);
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  /** Accepted answers and nothing else. */
  public static Reference of(String... answers) {
    return new Reference(Arrays.asList(answers), Map.of());
  }

  /**
   * The answers in a cell of a VLMEvalKit table: the elements of a Python list, else the text.
   *
   * @param cell such as {@code ['yes', 'yeah']} or {@code yes}
   */
  public static Reference ofCell(String cell) {
    return ofCell(cell, Map.of());
  }

  /** As {@link #ofCell(String)}, with fields. */
  public static Reference ofCell(String cell, Map<String, String> fields) {
    return new Reference(PythonLiteral.texts(cell), fields);
  }

  /**
   * A field that the metric cannot do without.
   *
   * @throws MetricException if the data set has none of this name
   */
  public String field(String name) {
    String value = fields.get(name);
    if (value == null) {
      throw new MetricException(
          "the reference has no '%s'; it has %s".formatted(name, fields.keySet()));
    }
    return value;
  }

  /**
   * Which of some fields, and of an answer where one is needed, is not there.
   *
   * @return in words; empty if all are there
   */
  Optional<String> lacking(boolean answer, String... names) {
    if (answer && answers.isEmpty()) {
      return Optional.of(AN_ANSWER);
    }
    return Arrays.stream(names)
        .filter(name -> !fields.containsKey(name))
        .findFirst()
        .map("a field '%s'"::formatted);
  }

  /**
   * The answers, of which there is at least one.
   *
   * @param metric that needs them, for the message
   * @throws MetricException if there is none
   */
  List<String> answers(String metric) {
    if (answers.isEmpty()) {
      throw new MetricException(metric + ": the reference has no answer");
    }
    return answers;
  }

  /**
   * The first answer, for metrics that know one.
   *
   * @throws MetricException if there is none
   */
  public String answer() {
    if (answers.isEmpty()) {
      throw new MetricException("the reference has no answer");
    }
    return answers.get(0);
  }
}
