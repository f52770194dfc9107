package org.optmerge.benchmark;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.optmerge.metric.Reference;
import org.optmerge.model.media.Media;

/**
 * One question of a benchmark, with all that is needed to ask it and to score the answer.
 *
 * @param id unique in its benchmark; predictions are matched by it
 * @param group the capability, modalities or data set it belongs to, such as {@code VQA}, {@code
 *     picture + audio} or {@code ChartQA_TEST}: accuracies are averaged over groups
 * @param type the kind of question within the group, such as {@code count} or {@code
 *     Audio-Visual/Counting}; empty if there is but one
 * @param media what the question is about, in the order in which the prompt names them
 * @param text as the data set has it, without a kit's prompt around it
 * @param reference the accepted answers, at least one unless the data set hides them, and what else
 *     a metric needs
 */
@API(status = API.Status.EXPERIMENTAL)
public record Question(
    String id, String group, String type, List<Media> media, String text, Reference reference) {
  /** Copies the list. */
  public Question {
    media = List.copyOf(media);
  }

  /** A question with its accepted answers and other fields of its data set. */
  public Question(
      String id,
      String group,
      String type,
      List<Media> media,
      String text,
      List<String> answers,
      Map<String, String> fields) {
    this(id, group, type, media, text, new Reference(answers, fields));
  }

  /** The accepted answers. */
  public List<String> answers() {
    return reference.answers();
  }

  /** The other fields of the data set, in its order. */
  public Map<String, String> fields() {
    return reference.fields();
  }

  /** True unless a model lacks some of the modalities that the question says it needs. */
  public boolean isAnswerableWith(Collection<String> modalities) {
    String needs = fields().getOrDefault(NEEDS, "");
    return needs.isEmpty() || modalities.containsAll(List.of(needs.split("\\+")));
  }

  /** The field that names the modalities a question cannot be answered without. */
  public static final String NEEDS = "needs";

  /** The field that says why a question cannot be asked. */
  public static final String FAULT = "fault";

  /** The reason why it cannot be asked, such as a picture that cannot be read; empty if it can. */
  public Optional<String> fault() {
    return Optional.ofNullable(fields().get(FAULT));
  }

  /** The same question without its media, since it cannot be asked. */
  public Question withFault(String reason) {
    Map<String, String> fields = new LinkedHashMap<>(fields());
    fields.put(FAULT, reason);
    return new Question(id, group, type, List.of(), text, answers(), fields);
  }
}
