package org.optmerge.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apiguardian.api.API;
import org.optmerge.benchmark.Question;
import org.optmerge.evaluation.ModelEvaluation;
import org.optmerge.evaluation.Predicted;

/**
 * One question of a benchmark as a notebook shows it: what it is about (picture, sound, video), the
 * question, the right answer, and what models answered.
 *
 * @param answers in the order in which they are listed
 */
@API(status = API.Status.EXPERIMENTAL)
public record Card(Question question, List<Answer> answers) {
  /** Copies the list. */
  public Card {
    answers = List.copyOf(answers);
  }

  /**
   * A model's answer.
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

  /** This card with one more answer. */
  public Card with(String model, String text, double score) {
    List<Answer> more = new ArrayList<>(answers);
    more.add(new Answer(model, text, score));
    return new Card(question, more);
  }

  /**
   * This card with the answer of a model that was evaluated.
   *
   * @throws IllegalArgumentException if it was not asked this question
   */
  public Card with(ModelEvaluation evaluation) {
    Predicted answer =
        evaluation.items().stream()
            .filter(one -> one.id().equals(question.id()))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "model '%s' was not asked the question '%s'"
                            .formatted(evaluation.model(), question.id())));
    Double score = answer.score();
    return with(evaluation.model(), answer.given(), score == null ? 0 : score);
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
