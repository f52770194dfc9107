package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.optmerge.model.DecoderModel.View;
import org.optmerge.model.PromptUnit.Asked;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/** A large model reads prompt by prompt, and decodes side by side: tiny ones do it here. */
class TogetherTest {
  private static final Decoding SHORT = new Decoding(7);

  @TempDir Path dir;

  /** Answers as a large model makes them. */
  static List<String> together(MultimodalModel model, List<Prompt> prompts, Decoding decoding) {
    String[] answers = new String[prompts.size()];
    if (model instanceof DecoderModel<?> decoder) {
      decoder.answering().answer(prompts, decoding, (i, text) -> answers[i] = text, true);
    }
    return Arrays.asList(answers);
  }

  private static Image image(long seed, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    new Random(seed).nextBytes(rgb);
    return new Image(width, height, rgb);
  }

  private static Prompt chat(String text, Media... media) {
    return new Prompt(List.of(media), text, Prompt.Form.CHAT);
  }

  /** Questions of several lengths about pictures of 36 tokens, a film and nothing. */
  private static List<Prompt> prompts() {
    Image large = image(1, 168, 168);
    Image other = image(2, 168, 168);
    Video video = new Video(List.of(image(3, 112, 112), image(4, 112, 112)));
    return List.of(
        chat("what is it", large),
        chat("what", large),
        chat("is it red left what is it", large),
        chat("what is it", large),
        chat("red", other),
        chat("what is it"),
        chat("is it left"),
        chat("what is red", video, large),
        chat("what is red", large, video),
        chat("left", other),
        chat("is it red", large, video));
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FLOAT32", "FLOAT32_MAPPED"})
  void prompts_that_begin_alike_are_answered_as_each_alone(Precision precision) throws IOException {
    try (QwenVL model = QwenVL.open(Models.qwen(dir.resolve("qwen")), precision)) {
      List<String> alone = new ArrayList<>();
      prompts().forEach(prompt -> alone.addAll(model.answer(List.of(prompt), SHORT)));

      assertThat(together(model, prompts(), SHORT)).isEqualTo(alone);
      model.useFeatures(new FeatureCache());
      assertThat(together(model, prompts(), SHORT)).isEqualTo(alone);
      Decoding drawn = new Decoding(7, 1.3, new Decoding.Sampling(1.5, 5, 0.9, 3));
      List<String> others = new ArrayList<>();
      prompts().forEach(prompt -> others.addAll(model.answer(List.of(prompt), drawn)));
      assertThat(together(model, prompts(), drawn)).isEqualTo(others);
      assertThat(others.stream().distinct().count()).isGreaterThan(5);
    }
  }

  @Test
  void bfloat16_answers_do_not_end_in_what_is_no_number() throws IOException {
    try (QwenVL model = QwenVL.open(Models.qwen(dir.resolve("qwen")), Precision.BFLOAT16)) {
      assertThat(together(model, prompts(), SHORT)).doesNotContainNull().hasSize(11);
    }
  }

  private static Asked asked(int index, int media, int... ids) {
    long[] all = new long[60 + ids.length];
    Arrays.fill(all, 0, 60, media);
    for (int i = 0; i < ids.length; i++) {
      all[60 + i] = ids[i];
    }
    View view = new View(image(media, 8, 8), Prompt.Resolution.PUBLISHED);
    return new Asked(index, List.of(view), all, 58);
  }

  @Test
  void prompts_about_the_same_media_share_what_they_begin_with() {
    List<Asked> all =
        List.of(
            asked(0, 1, 5, 6, 7),
            asked(1, 2, 5),
            asked(2, 1, 5, 6, 8, 9),
            asked(3, 1, 5),
            asked(4, 3, 9),
            asked(5, 3, 9),
            asked(6, 1, 5, 6));

    List<PromptUnit> units = PromptUnit.of(all, 3);

    assertThat(units)
        .extracting(PromptUnit::shared, unit -> unit.prompts().stream().map(Asked::index).toList())
        .containsExactly(
            tuple(0, List.of(1)),
            // One question twice: the last id is read for each.
            tuple(60, List.of(4, 5)),
            tuple(0, List.of(6)),
            tuple(60, List.of(0, 2, 3)));
    assertThat(units.get(1).rests()).containsExactly(new long[] {9}, new long[] {9});
    assertThat(units.get(3).rests())
        .containsExactly(new long[] {5, 6, 7}, new long[] {5, 6, 8, 9}, new long[] {5});
    assertThat(
            PromptUnit.batches(units, 3).stream()
                .map(batch -> batch.stream().mapToInt(unit -> unit.prompts().size()).sum()))
        .containsExactly(3, 1, 3);
  }

  @Test
  void a_beginning_that_ends_within_a_medium_is_not_shared() {
    long[] first = new long[50];
    long[] second = new long[50];
    second[45] = 1;
    View view = new View(image(1, 8, 8), Prompt.Resolution.PUBLISHED);
    List<Asked> all =
        List.of(new Asked(0, List.of(view), first, 48), new Asked(1, List.of(view), second, 48));

    assertThat(PromptUnit.of(all, 16)).extracting(PromptUnit::shared).containsExactly(0, 0);
  }
}
