package org.optmerge.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.optmerge.benchmark.Question;
import org.optmerge.evaluation.MiniResult;

/**
 * One question of a benchmark as a notebook shows it: what it is about (picture, sound, video), the
 * question, the right answer, and what models answered.
 *
 * @param answers in the order in which they are listed
 */
public record Card(Question question, List<Answer> answers) {
  /** Copies the list. */
  public Card {
    answers = List.copyOf(answers);
  }

  /**
   * What a model answered.
   *
   * @param model its name
   * @param text as it was given
   * @param score in [0, 1]
   */
  public record Answer(String model, String text, double score) {
    @Override
    public String toString() {
      String mark = score == 1 ? "✓" : score == 0 ? "✗" : String.format(Locale.ROOT, "%.2f", score);
      return "%s %s: %s".formatted(mark, model, text);
    }
  }

  /** A question without answers of models. */
  public static Card of(Question question) {
    return new Card(question, List.of());
  }

  /** The same with one more answer. */
  public Card with(String model, String text, double score) {
    List<Answer> more = new ArrayList<>(answers);
    more.add(new Answer(model, text, score));
    return new Card(question, more);
  }

  /**
   * The same with the answer of a model that was asked the miniature's questions.
   *
   * @throws IllegalArgumentException if it was not asked this one
   */
  public Card with(MiniResult result) {
    MiniResult.Answer answer =
        result.answers().stream()
            .filter(one -> isOf(one.id()))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "model '%s' was not asked the question '%s'"
                            .formatted(result.model(), question.id())));
    return with(result.model(), answer.given(), answer.correct() ? 1 : 0);
  }

  /** An evaluator's name of a question says the split, too: {@code test/vqa/3} is vqa-3. */
  private boolean isOf(String asked) {
    return asked.substring(asked.indexOf('/') + 1).replace('/', '-').equals(question.id());
  }

  /** Several cards beside each other, in as many rows as a page needs. */
  public static Cards row(List<Card> cards) {
    return new Cards(cards);
  }

  /** The questions of some examples beside each other. */
  public static Cards rowOf(List<Question> examples) {
    return new Cards(examples.stream().map(Card::of).toList());
  }

  /** Cards beside each other. */
  public record Cards(List<Card> cards) {
    /** Copies the list. */
    public Cards {
      cards = List.copyOf(cards);
    }

    @Override
    public String toString() {
      return String.join("\n", cards.stream().map(Card::toString).toList());
    }
  }

  /** The question, its answer and those of the models, in lines. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(question.text());
    text.append(" → ").append(String.join(" / ", question.answers()));
    answers.forEach(answer -> text.append("\n  ").append(answer));
    return text.toString();
  }
}
