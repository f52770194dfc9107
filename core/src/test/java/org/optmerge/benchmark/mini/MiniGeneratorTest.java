package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.EnumMap;
import java.util.stream.Collectors;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.model.media.Image;

class MiniGeneratorTest {
  private static final List<ImageQuestion> QUESTIONS =
      MiniTask.CAPABILITIES.stream()
          .flatMap(
              task ->
                  IntStream.range(0, 120)
                      .mapToObj(
                          i ->
                              new MiniGenerator(MiniGenerator.SEED)
                                  .generate(MiniSplit.BASE, task, i)))
          .flatMap(image -> image.questions().stream())
          .toList();

  private final MiniGenerator generator = new MiniGenerator(MiniGenerator.SEED);

  /** The first 8 bytes of SHA-256 over twenty images with questions and labels, recorded once. */
  @ParameterizedTest
  @CsvSource({
    "BASE, VQA, 9d3e424c7c5e0e86",
    "BASE, GEOMETRY, da922578beb2eef0",
    "BASE, CHART, 47fae74d93228bb1",
    "BASE, OCR, 0219fb3430466237",
    "BASE, GROUNDING, 9868d37cd566b34a",
    "EXPERT, VQA, a833dcd4e1665bc1",
    "EXPERT, GEOMETRY, bf3498ca582beb3a",
    "EXPERT, CHART, 9975d78c3ba808fb",
    "EXPERT, OCR, 9054e593f7be5a3f",
    "EXPERT, GROUNDING, 2713a93ade289f03",
    "VALIDATION, VQA, 6679dab07f2dfb56",
    "VALIDATION, GEOMETRY, 4c27038e3362fa0a",
    "VALIDATION, CHART, fa8b350b48a9c5ed",
    "VALIDATION, OCR, 5deb1a05e1cf5297",
    "VALIDATION, GROUNDING, 6f55b2dac861b964",
    "VALIDATION, COMBINED, 2992425e731180ee",
    "TEST, VQA, 510ddaf75e99a55e",
    "TEST, GEOMETRY, b0134b6aa3d03741",
    "TEST, CHART, 57f678f9599f53c8",
    "TEST, OCR, 8af2cbcd4b444760",
    "TEST, GROUNDING, c1ec9e2d2ca1dfd7",
    "TEST, COMBINED, 5de2631d7b06cf54",
  })
  void images_questions_and_labels_are_the_recorded_ones(
      MiniSplit split, MiniTask task, String digest) {
    MessageDigest sha = sha256();
    for (int i = 0; i < 20; i++) {
      MiniImage image = generator.generate(split, task, i);
      sha.update(image.image().rgb());
      // The digests were taken when the record had another name.
      String questions = image.questions().toString().replace("ImageQuestion[", "MiniQuestion[");
      sha.update(questions.getBytes(StandardCharsets.UTF_8));
      PatchLabels labels = image.labels();
      ByteBuffer numbers =
          ByteBuffer.allocate(4 * 7 * PatchLabels.PATCHES).order(ByteOrder.LITTLE_ENDIAN);
      for (int[] each : List.of(labels.kind(), labels.color(), labels.value())) {
        Arrays.stream(each).forEach(numbers::putInt);
      }
      for (float side : labels.box()) {
        numbers.putFloat(side);
      }
      sha.update(numbers.array());
    }
    assertThat(HexFormat.of().formatHex(sha.digest()).substring(0, 16)).isEqualTo(digest);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  static Stream<MiniTask> tasks() {
    return Stream.of(MiniTask.values());
  }

  @ParameterizedTest
  @MethodSource("tasks")
  void an_image_does_not_depend_on_who_draws_it_when(MiniTask task) {
    List<MiniImage> inOrder =
        IntStream.range(0, 60).mapToObj(i -> generator.generate(MiniSplit.TEST, task, i)).toList();
    MiniImage[] inParallel = new MiniImage[60];
    IntStream.range(0, 60)
        .parallel()
        .forEach(
            i ->
                inParallel[59 - i] =
                    new MiniGenerator(MiniGenerator.SEED).generate(MiniSplit.TEST, task, 59 - i));

    assertThat(inParallel).containsExactlyElementsOf(inOrder);
  }

  @Test
  void no_image_is_in_two_splits_or_twice_in_one() {
    Map<Image, String> seen = new HashMap<>();
    int images = 0;
    for (MiniTask task : MiniTask.CAPABILITIES) {
      for (MiniSplit split : MiniSplit.values()) {
        for (int i = 0; i < 250; i++) {
          Image image = generator.generate(split, task, i).image();
          assertThat(seen.put(image, split + " " + task + " " + i)).isNull();
          images++;
        }
      }
    }
    assertThat(seen).hasSize(images);
  }

  @Test
  void another_seed_draws_other_images() {
    MiniGenerator other = new MiniGenerator(MiniGenerator.SEED + 1);

    assertThat(other.generate(MiniSplit.TEST, MiniTask.VQA, 0).image())
        .isNotEqualTo(generator.generate(MiniSplit.TEST, MiniTask.VQA, 0).image());
  }

  @ParameterizedTest
  @EnumSource(MiniTask.class)
  void questions_of_an_image_differ_and_fit_a_prompt_in_known_words(MiniTask task) {
    for (int i = 0; i < 500; i++) {
      MiniImage image = generator.generate(MiniSplit.VALIDATION, task, i);
      Set<String> different = new HashSet<>();
      for (ImageQuestion question : image.questions()) {
        assertThat(different.add(question.question())).isTrue();
        for (Dialogue.Form form : Dialogue.Form.values()) {
          Dialogue one = CapabilityModel.conversation(List.of(question), form);
          int answer = CapabilityModel.WORDS.encode(question.answer()).length + 1;
          assertThat(answer).isLessThanOrEqualTo(CapabilityModel.ANSWER);
          assertThat(one.ids())
              .hasSize(
                  CapabilityModel.conversation(List.of(), form)
                          .given(question.before(form))
                          .length()
                      + answer);
        }
      }
      assertThat(image.questions()).hasSizeBetween(1, 4);
    }
  }

  @Test
  void elementary_and_held_out_kinds_are_those_of_the_design() {
    Map<MiniTask, Map<String, Boolean>> kinds = new TreeMap<>();
    for (MiniTask task : MiniTask.CAPABILITIES) {
      for (int i = 0; i < 100; i++) {
        for (ImageQuestion question : generator.generate(MiniSplit.BASE, task, i).questions()) {
          Boolean before =
              kinds
                  .computeIfAbsent(task, any -> new TreeMap<>())
                  .put(question.type(), question.heldOut());
          assertThat(before == null || before == question.heldOut()).isTrue();
        }
      }
    }
    assertThat(elementary(kinds, MiniTask.VQA))
        .containsExactly("color", "count", "exists", "shape");
    assertThat(elementary(kinds, MiniTask.GEOMETRY))
        .containsExactly("angle", "height", "sides", "width");
    assertThat(elementary(kinds, MiniTask.CHART)).containsExactly("count", "value");
    assertThat(elementary(kinds, MiniTask.OCR)).containsExactly("word");
    assertThat(elementary(kinds, MiniTask.GROUNDING)).containsExactly("named");
    assertThat(kinds.get(MiniTask.VQA)).hasSize(7);
    assertThat(kinds.get(MiniTask.GEOMETRY)).hasSize(6);
    assertThat(kinds.get(MiniTask.CHART)).hasSize(7);
    assertThat(kinds.get(MiniTask.OCR)).hasSize(4);
    assertThat(kinds.get(MiniTask.GROUNDING)).hasSize(7);
  }

  private static List<String> elementary(Map<MiniTask, Map<String, Boolean>> kinds, MiniTask task) {
    return kinds.get(task).entrySet().stream()
        .filter(kind -> !kind.getValue())
        .map(Map.Entry::getKey)
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "what color is the circle ?, circle hue",
    "what shape is the red object ?, red form",
    "how many objects are there ?, number objects",
    "how many red objects are there ?, number red",
    "how many circle objects are there ?, number circle",
    "is the red circle left the blue square ?, red circle west blue square",
    "is there a red circle ?, present red circle",
    "what is the angle ?, turn",
    "what is the width of the rectangle ?, rectangle across",
    "how many sides does the polygon have ?, polygon corners",
    "what is the value of the red bar ?, bar red amount",
    "what is the value of the highest slice ?, slice max amount",
    "which point is the lowest ?, point min",
    "what is the difference between red and blue ?, gap red blue",
    "how many bars are there ?, number bars",
    "what is written in the image ?, text",
    "what is the top word ?, text upper",
    "what is the red word ?, text red",
    "locate the red circle ?, where red circle",
    "locate the leftmost object ?, where first",
  })
  void a_statement_is_the_question_without_its_form(String question, String statement) {
    String pattern = generalised(question);
    List<ImageQuestion> alike =
        QUESTIONS.stream().filter(each -> generalised(each.question()).equals(pattern)).toList();

    assertThat(alike).isNotEmpty();
    assertThat(alike)
        .allMatch(each -> generalised(each.statement()).equals(generalised(statement)));
  }

  /** With every colour, shape and relation replaced by one of its kind. */
  private static String generalised(String text) {
    return text.replaceAll("\\b(red|green|blue|yellow|purple|cyan|orange|black)\\b", "C")
        .replaceAll("\\b(circle|square|triangle|diamond|cross)\\b", "S")
        .replaceAll("\\b(left|right|above|below|west|east|over|under)\\b", "R");
  }

  @Test
  void no_image_is_drawn_to_train_experts_on_combined_questions() {
    assertThatThrownBy(() -> generator.generate(MiniSplit.EXPERT, MiniTask.COMBINED, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "no expert is trained on the task 'combined', so it has no split 'expert-train'");
  }

  @Test
  void the_words_of_a_combined_question_are_taught_by_two_experts_and_by_none_alone() {
    Map<MiniTask, Set<String>> taught = new EnumMap<>(MiniTask.class);
    for (MiniTask task : MiniTask.CAPABILITIES) {
      taught.put(
          task,
          IntStream.range(0, 400)
              .mapToObj(i -> generator.generate(MiniSplit.EXPERT, task, i))
              .flatMap(image -> image.questions().stream())
              .flatMap(question -> words(question.question()))
              .collect(Collectors.toSet()));
    }
    Set<String> types = new HashSet<>();
    for (int i = 0; i < 400; i++) {
      for (ImageQuestion question :
          generator.generate(MiniSplit.TEST, MiniTask.COMBINED, i).questions()) {
        List<String> words = words(question.question()).toList();
        types.add(question.type());
        assertThat(taught)
            .as("%s", question)
            .allSatisfy((task, known) -> assertThat(known.containsAll(words)).isFalse());
        assertThat(taught.values())
            .as("%s", question)
            .anySatisfy(one -> assertThat(taught.values()).anySatisfy(other -> assertThat(
                words.stream().allMatch(word -> one.contains(word) || other.contains(word))).isTrue()));
      }
    }
    assertThat(types).hasSize(10);
  }

  /** The words of a question that statements do not have: those that experts teach. */
  private static Stream<String> words(String question) {
    return Arrays.stream(question.split(" "))
        .filter(word -> word.equals("locate") || !PretrainedWords.key(word).equals(word));
  }

  @Test
  void images_are_counted_from_zero() {
    assertThatThrownBy(() -> generator.generate(MiniSplit.TEST, MiniTask.VQA, -1))
        .hasMessage("images are counted from 0, not -1");
  }

  @Test
  void keys_name_tasks_and_splits() {
    assertThat(MiniTask.values()).allMatch(task -> MiniTask.of(task.key()) == task);
    assertThat(MiniSplit.values()).allMatch(split -> MiniSplit.of(split.key()) == split);
    assertThatThrownBy(() -> MiniTask.of("charts"))
        .hasMessageContaining("no task 'charts'")
        .hasMessageContaining("grounding");
    assertThatThrownBy(() -> MiniSplit.of("train")).hasMessageContaining("base-train");
  }
}
