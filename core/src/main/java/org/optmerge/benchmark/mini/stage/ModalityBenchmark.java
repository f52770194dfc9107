package org.optmerge.benchmark.mini.stage;

import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.Benchmark;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniSplit;

/**
 * Questions about scenes with picture, sound and film, drawn as they are asked for; the same that
 * models are tested on.
 *
 * <p>A question's group says what is needed to answer it, such as {@code picture + audio}; its type
 * is {@link StageQuestionType#key}; its id such as {@code sounding-colour-17}. Its media are the
 * picture, the sound and the film of its scene. Its fields:
 *
 * <ul>
 *   <li>{@code aspect}: {@link StageQuestionType#aspect}
 *   <li>{@code heldOut}: {@code true} if no model is trained on such questions
 *   <li>{@code statement}: {@link SceneQuestion#statement}
 *   <li>{@code needs}: the modalities without which it cannot be answered, such as {@code
 *       vision+audio}
 *   <li>{@code facts-vision}, {@code facts-audio}, {@code facts-video}: what each shows, in words
 * </ul>
 *
 * @param name such as {@code stage} or {@code stage:colour}
 * @param split which scenes
 * @param types in order of what they need
 * @param perType how many of each
 */
public record ModalityBenchmark(
    String name, MiniSplit split, List<StageQuestionType> types, int perType) implements Benchmark {
  /** The beginning of the names of this benchmark. */
  public static final String NAME = "stage";

  private static final String FACTS = "facts-";
  private static final String STATEMENT = "statement";

  /**
   * Copies and orders the list.
   *
   * @throws IllegalArgumentException if there are no types or no examples
   */
  public ModalityBenchmark {
    types =
        types.stream()
            .sorted(Comparator.comparingInt(type -> type.modalities().size()))
            .collect(
                Collectors.groupingBy(
                    ModalityBenchmark::needs, LinkedHashMap::new, Collectors.toList()))
            .values()
            .stream()
            .flatMap(List::stream)
            .toList();
    if (types.isEmpty() || perType < 1) {
      throw new IllegalArgumentException(
          "a benchmark needs a type of question and an example, not %d and %d"
              .formatted(types.size(), perType));
    }
  }

  /**
   * The benchmark of a name: {@code stage} has all types of questions, {@code stage:KEY} one.
   *
   * @throws IllegalArgumentException if there is no such benchmark; the message lists the types
   */
  public static ModalityBenchmark of(String name, MiniSplit split, int perType) {
    if (name.equals(NAME)) {
      return new ModalityBenchmark(name, split, StageQuestionType.ALL, perType);
    }
    String key = name.startsWith(NAME + ":") ? name.substring(NAME.length() + 1) : name;
    List<StageQuestionType> found =
        StageQuestionType.ALL.stream().filter(type -> type.key().equals(key)).toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException(
          "no question of type '%s' about scenes; known: %s"
              .formatted(
                  key,
                  StageQuestionType.ALL.stream()
                      .map(StageQuestionType::key)
                      .collect(Collectors.joining(", "))));
    }
    return new ModalityBenchmark(name, split, found, perType);
  }

  /** The text that tells a model in words what some modalities show, and the key of the fact. */
  public static String inWords(Question question, Collection<StageModality> told) {
    StringBuilder text = new StringBuilder();
    for (StageModality modality : StageModality.ALL) {
      if (told.contains(modality)) {
        text.append(question.reference().field(FACTS + modality.key())).append(' ');
      }
    }
    return text.append(question.reference().field(STATEMENT)).toString();
  }

  /** An answer is one token, and then its end. */
  @Override
  public int answerTokens() {
    return 2;
  }

  /** Drawn questions follow from their numbers. */
  @Override
  public String digest() {
    return Sha256.of(
        "scenes %d, %s, %d of %s"
            .formatted(
                MiniGenerator.SEED,
                split.key(),
                perType,
                types.stream().map(StageQuestionType::key).toList()));
  }

  @Override
  public long size() {
    return (long) types.size() * perType;
  }

  @Override
  public Stream<Question> questions() {
    return types.stream()
        .flatMap(type -> IntStream.range(0, perType).mapToObj(i -> example(type, i)));
  }

  private Question example(StageQuestionType type, int number) {
    StageScene scene = scene(split, type, number);
    Dice dice = scene.dice("question");
    SceneQuestion question = type.ask(scene, dice::below);
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("aspect", type.aspect());
    fields.put("heldOut", String.valueOf(type.isCrossModal()));
    fields.put(STATEMENT, question.statement());
    fields.put(
        Question.NEEDS,
        type.modalities().stream()
            .sorted()
            .map(StageModality::key)
            .collect(Collectors.joining("+")));
    for (StageModality modality : StageModality.ALL) {
      fields.put(
          FACTS + modality.key(),
          modality.segment(scene.told(modality, scene.dice("order of the facts"))));
    }
    return new Question(
        "%s-%d".formatted(type.key(), number),
        needs(type),
        type.key(),
        StageModality.ALL.stream().map(modality -> StageMedia.of(scene, modality)).toList(),
        question.text(),
        List.of(question.answer()),
        fields);
  }

  /** The scene of a question; each type has its own, whatever other types are asked. */
  private static StageScene scene(MiniSplit split, StageQuestionType type, int number) {
    int sounding = type.sounding() == 0 ? 1 + number % 2 : type.sounding();
    return StageScene.draw(
        MiniGenerator.SEED, split, type.ordinal() * split.size() + number, sounding);
  }

  private static String needs(StageQuestionType type) {
    return type.modalities().stream()
        .sorted()
        .map(StageModality::noun)
        .collect(Collectors.joining(" + "));
  }
}
