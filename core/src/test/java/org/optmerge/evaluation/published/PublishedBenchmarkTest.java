package org.optmerge.evaluation.published;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.benchmark.KitPrompt;
import org.optmerge.benchmark.Prompts;
import org.optmerge.benchmark.Question;
import org.optmerge.benchmark.mini.CapabilityBenchmark;
import org.optmerge.evaluation.Protocol;
import org.optmerge.manifest.Manifests;
import org.optmerge.model.Prompt;
import org.optmerge.model.media.Image;

class PublishedBenchmarkTest {
  /** Every data set that a kit's prompt is known for has a protocol and a rule of scoring. */
  @TestFactory
  Stream<DynamicTest> every_pair_of_model_and_data_set_can_be_scored() {
    return Prompts.all().stream()
        .flatMap(
            prompt ->
                prompt.benchmarks().stream()
                    .map(
                        name ->
                            DynamicTest.dynamicTest(
                                prompt.model() + " " + name, () -> scored(prompt, name))));
  }

  private static void scored(KitPrompt prompt, String name) {
    PublishedBenchmark benchmark =
        new PublishedBenchmark(
            Manifests.shipped().findBenchmark(name).orElseThrow(),
            prompt,
            Protocol.named(name),
            CapabilityBenchmark.of("mini:vqa"));

    assertThat(benchmark.protocol().metric(PublishedBenchmark.PROFILE, benchmark.format()))
        .isNotNull();
    assertThat(PublishedBenchmark.names(prompt.model(), name)).containsExactly(name);
  }

  @Test
  void the_papers_columns_are_the_data_sets_of_the_familys_kit() {
    assertThat(PublishedBenchmark.names("internvl2_5", "paper"))
        .containsExactly(
            "VizWiz",
            "GQA_TestDev_Balanced",
            "MathVista_MINI",
            "MathVision_MINI",
            "ChartQA_TEST",
            "TextVQA_VAL",
            "OCRVQA_TESTCORE",
            "refcoco_val",
            "refcoco+_val",
            "refcocog_val");
    assertThat(PublishedBenchmark.names("qwen2_vl", "paper"))
        .contains("MathVision_MINI", "refcoco_bbox_rec_val", "refcocog_bbox_rec_val")
        .hasSize(10);
    assertThat(PublishedBenchmark.names("qwen2_vl", "refcoco+"))
        .containsExactly("refcoco+_bbox_rec_val");
    assertThatThrownBy(() -> PublishedBenchmark.names("qwen2_vl", "refcoco_val"))
        .isInstanceOf(BenchmarkException.class)
        .hasMessageContaining("no benchmark 'refcoco_val'");
    assertThatThrownBy(() -> PublishedBenchmark.names("llama", "paper"))
        .hasMessageContaining("--prompts names one");
  }

  @Test
  void several_pictures_share_the_tiles_and_the_first_of_mmmu_is_twice_as_large() {
    KitPrompt mmmu = Prompts.find("internvl2_5", "MMMU_DEV_VAL").orElseThrow();
    Image picture = new Image(8, 8, new byte[192]);
    Prompt seven =
        mmmu.ask(question(picture, picture, picture, picture, picture, picture, picture));

    assertThat(seven.resolution()).isEqualTo(Prompt.Resolution.tiles(9));
    assertThat(((Image) seven.media().get(0)).width()).isEqualTo(16);
    assertThat(((Image) seven.media().get(1)).width()).isEqualTo(8);
    assertThat(mmmu.ask(question(picture)).resolution()).isEqualTo(Prompt.Resolution.tiles(12));
    KitPrompt chart = Prompts.find("qwen2_vl", "ChartQA_TEST").orElseThrow();
    assertThat(chart.ask(question(picture)).resolution())
        .isEqualTo(Prompt.Resolution.pixels(200704, 1003520));
  }

  @Test
  void an_answer_of_grounding_ends_where_lmms_eval_cuts_it() {
    KitPrompt grounding = Prompts.find("qwen2_vl", "refcoco_bbox_rec_val").orElseThrow();

    assertThat(grounding.written("(1,2),(3,4)ASSISTANT: and more")).isEqualTo("(1,2),(3,4)");
    assertThat(Prompts.find("qwen2_vl", "ChartQA_TEST").orElseThrow().written("a ASSISTANT: b"))
        .isEqualTo("a ASSISTANT: b");
  }

  private static Question question(Image... pictures) {
    return new Question(
        "1", "t", "", List.of(pictures), "Which?", List.of("A"), java.util.Map.of("A", "x"));
  }
}
