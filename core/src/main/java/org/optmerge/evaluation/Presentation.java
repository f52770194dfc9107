package org.optmerge.evaluation;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.apiguardian.api.API;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.stage.ModalityBenchmark;
import org.optmerge.benchmark.mini.stage.StageModality;
import org.optmerge.model.Prompt;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;

/**
 * The form in which questions are put to a model.
 *
 * @param form of the text
 * @param given the modalities that the model gets of each question; the others are left out
 */
@API(status = API.Status.EXPERIMENTAL)
public record Presentation(Form form, Set<StageModality> given) {
  /** Questions as they are, with all their media. */
  public static final Presentation DEFAULT = new Presentation(Form.QUESTION);

  /** The form of the text. */
  public enum Form {
    /** A user asks. */
    QUESTION,
    /** A statement that the model is to complete, of benchmarks that have one for each question. */
    STATEMENT,
    /** A user tells what the media show, and asks, of benchmarks that have their facts. */
    WORDS
  }

  /** Copies the set. */
  public Presentation {
    given = Set.copyOf(given);
  }

  /** A form, with all media. */
  public Presentation(Form form) {
    this(form, Set.copyOf(StageModality.ALL));
  }

  /** Questions with some of their media. */
  public static Presentation given(Collection<StageModality> modalities) {
    return new Presentation(Form.QUESTION, Set.copyOf(modalities));
  }

  /**
   * The prompt of a question.
   *
   * @throws BenchmarkException if the question cannot be put in this form
   */
  public Prompt prompt(Question question) {
    if (form == Form.WORDS) {
      requireField(question, "facts-" + StageModality.VISION.key(), "facts in words");
      return new Prompt(
          List.of(), ModalityBenchmark.inWords(question, given), Prompt.Form.COMPLETION);
    }
    List<Media> media =
        question.media().stream().filter(medium -> given.contains(modality(medium))).toList();
    if (form == Form.STATEMENT) {
      requireField(question, "statement", "form of a statement");
      return new Prompt(media, question.reference().field("statement"), Prompt.Form.COMPLETION);
    }
    return new Prompt(media, question.text(), Prompt.Form.CHAT);
  }

  private void requireField(Question question, String field, String what) {
    if (!question.fields().containsKey(field)) {
      throw new BenchmarkException(
          "question '%s' has no %s; ask it in the form question".formatted(question.id(), what));
    }
  }

  private static StageModality modality(Media medium) {
    return medium instanceof Image
        ? StageModality.VISION
        : medium instanceof Audio ? StageModality.AUDIO : StageModality.VIDEO;
  }

  /** True unless the question needs a modality that is not given. */
  boolean suffices(Question question) {
    return question.isAnswerableWith(given.stream().map(StageModality::key).toList());
  }

  /** The keys of the given modalities, in their order. */
  public List<String> modalities() {
    return given.isEmpty()
        ? List.of()
        : EnumSet.copyOf(given).stream().map(StageModality::key).toList();
  }

  /** Such as {@code form=words} or {@code given=audio+video}; empty for the default. */
  @Override
  public String toString() {
    String formed = form == Form.QUESTION ? "" : "form=" + form.name().toLowerCase(Locale.ROOT);
    String some =
        given.size() == StageModality.ALL.size() ? "" : "given=" + String.join("+", modalities());
    return List.of(formed, some).stream()
        .filter(part -> !part.isEmpty())
        .collect(Collectors.joining("&"));
  }
}
