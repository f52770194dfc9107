package org.optmerge.benchmark.mini.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Video;

class ModalityBenchmarkTest {
  private static List<Question> examples(String name, int perType) {
    return ModalityBenchmark.of(name, MiniSplit.TEST, perType).questions().toList();
  }

  @Test
  void every_type_is_asked_of_scenes_with_picture_sound_and_film() {
    ModalityBenchmark benchmark = ModalityBenchmark.of("stage", MiniSplit.TEST, 2);
    List<Question> examples = benchmark.questions().toList();
    Set<String> ids = new HashSet<>();

    assertThat(examples).hasSize(2 * StageQuestionType.ALL.size()).hasSize((int) benchmark.size());
    assertThat(examples)
        .allMatch(example -> ids.add(example.id()))
        .allMatch(example -> example.media().get(0) instanceof Image)
        .allMatch(example -> example.media().get(1) instanceof Audio)
        .allMatch(example -> example.media().get(2) instanceof Video)
        .allMatch(example -> example.answers().size() == 1);
  }

  @Test
  void tasks_say_what_is_needed_and_come_together() {
    List<String> tasks = examples("stage", 1).stream().map(Question::group).toList();

    assertThat(tasks.stream().distinct())
        .startsWith("picture", "audio", "film")
        .contains("picture + audio", "audio + film", "picture + film", "picture + audio + film");
    for (String task : tasks) {
      int first = tasks.indexOf(task);
      assertThat(tasks.subList(first, tasks.lastIndexOf(task) + 1)).containsOnly(task);
    }
  }

  @Test
  void a_colour_is_asked_and_answered_by_the_scene_that_is_shown() {
    for (Question example : examples("stage:sounding-colour", 20)) {
      int number = Integer.parseInt(example.id().substring(example.id().lastIndexOf('-') + 1));
      StageScene scene =
          StageScene.draw(
              2026,
              MiniSplit.TEST,
              StageQuestionType.SOUNDING_COLOUR.ordinal() * MiniSplit.TEST.size() + number,
              1);
      assertThat(example.media()).startsWith(StageMedia.picture(scene), StageMedia.sound(scene));
      assertThat(example.answers())
          .containsExactly(scene.player(scene.sounding().get(0)).color().word());
      assertThat(example.group()).isEqualTo("picture + audio");
    }
  }

  @Test
  void an_unknown_type_is_refused_with_those_there_are() {
    assertThatThrownBy(() -> ModalityBenchmark.of("stage:smell", MiniSplit.TEST, 1))
        .hasMessageContaining("no question of type 'smell'")
        .hasMessageContaining("sounding-colour");
    assertThatThrownBy(() -> ModalityBenchmark.of("stage", MiniSplit.TEST, 0))
        .hasMessageContaining("an example, not");
  }
}
