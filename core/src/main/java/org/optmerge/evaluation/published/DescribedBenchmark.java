package org.optmerge.evaluation.published;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.Question;

/**
 * A benchmark whose questions have everything in their fields that a kit's prediction file or
 * metric wants: the words of the question, and for grounding the box.
 */
record DescribedBenchmark(Benchmark benchmark, boolean boxes) implements Benchmark {
  static final String QUESTION = "question";
  static final String BOX = "bbox";

  @Override
  public String name() {
    return benchmark.name();
  }

  @Override
  public long size() {
    return benchmark.size();
  }

  @Override
  public Stream<Question> questions() {
    return benchmark.questions().map(this::described);
  }

  @Override
  public Stream<Numbered> numbered() {
    return benchmark
        .numbered()
        .map(numbered -> new Numbered(numbered.number(), described(numbered.question())));
  }

  @Override
  public List<String> columns() {
    return benchmark.columns();
  }

  @Override
  public String digest() {
    return benchmark.digest();
  }

  private Question described(Question question) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put(QUESTION, question.text());
    fields.putAll(question.fields());
    List<String> answers = question.answers();
    if (boxes && answers.size() == 1) {
      fields.put(BOX, answers.get(0));
    }
    return new Question(
        question.id(),
        question.group(),
        question.type(),
        question.media(),
        question.text(),
        answers,
        fields);
  }
}
