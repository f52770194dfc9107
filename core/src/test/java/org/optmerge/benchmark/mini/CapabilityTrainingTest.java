package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.model.InternVL;

/** The batches of the shipped recipe are those that the shipped models were trained on. */
class CapabilityTrainingTest {
  /** Steps 0 to 3 of every model. */
  private static final Map<String, List<String>> RECORDED =
      BatchDigests.table(
          """
          vision 1c4df9abb6d7a7db e15f90cf1c4bef02 ce7e50d7d67732b2 ef1bbd6fc60943d3
          statements e2ae04d7877b6bf4 af7dc5782c4d107d 93573d18d091fa18 65795fab0d361d87
          base d5421689ef0a3bad ea760cc6fa2c1e9c f2c853c12c45d1f9 ede9403a9a019630
          expert-vqa e8dbe0925adc06c4 cc09b08200a1efd0 6fc14c5dafd43167 a677577b73e77d5e
          expert-geometry bd853e53c2901b52 5090fc43951cb09d 9b29a3a5552ccaea fbd6537e0e061bff
          expert-chart 8ad0ebf6d27670da af6ef9e7b091b61e 1d07689373b1439d 7ac2d924fa26626e
          expert-ocr 73a0ceee27384471 80a5fa1a34f4ba4c f09763fbf19c3fa3 052b565ee95cbb14
          expert-grounding b2858b751f8d6869 b4f915a9b4514ea0 e49ce65b19b269ab 3f94780340af7051
          lora-vqa eaac23187a10e9f4 02eadf13c5595e59 e5f758e6838c03f7 6bd2ee2b556cffa2
          lora-geometry e124a4875aceb74c 6b6948fd54c52522 7ffc6116d36d35b7 aabef95f49ee25cb
          lora-chart ac75dcee888c3f09 c100c188bb3a9b19 28875b42fdc3f542 51455b9119840e47
          lora-ocr 2e0fa5845dee3fb4 1919c085b2840670 1334871cf6a782f8 b2334b7d7345950d
          lora-grounding f977334831f04439 8155b22a89910702 367a9dc515512587 3e644a0948aa7333
          mixture 993f8b2773efcff7 f2efa6a99d347e97 f2a547e2e23421f9 77708c6f272c1b7f
          instruct 57d18709bf4006ec 8d6ea77f3ddc3eb6 db9674c717cbf808 ab57af4c33d35d64
          instruct-expert-vqa 84504654003263e1 a807d090d82ea9db e6615611057d7bd8 a24120808b41792c
          instruct-expert-geometry b0dc5fd78936823f a2043190c92c7083 c14c26d728991ea9 6579032dcb755e9d
          instruct-expert-chart ea9b8027174ce0ca eeb80a789940e417 901bc4ee17296291 27084517f95f4337
          instruct-expert-ocr a8809ba615fd2291 d336c4c1c6c782dd 9e6b718189bdbab9 fc41303e7532fb90
          instruct-expert-grounding 441e0261b0c91f69 7565b093d89a16a3 fbdd29d91d94a5c3 1ac0f7b784066c88
          instruct-mixture d27b0a4109dbf6c8 c69f4ab5f9700839 9f022c6ba0d73604 ce65353de100d2bf
          """
              .stripTrailing());

  private static final CapabilityRecipe RECIPE = CapabilityRecipe.shipped();

  @TempDir private Path folder;

  @Test
  void the_vision_tower_sees_the_recorded_labels() {
    assertThat(IntStream.range(0, 4).mapToObj(CapabilityTrainingTest::labels))
        .containsExactlyElementsOf(RECORDED.get(CapabilityRecipe.VISION));
  }

  private static String labels(int step) {
    List<PatchLabels> labels =
        CapabilityTraining.images(RECIPE.vision(), step).stream().map(MiniImage::labels).toList();
    return BatchDigests.of(
        PatchLabels.targets(labels, RECIPE.vision().loss()).stream()
            .filter(LabelHead.Classes.class::isInstance)
            .map(target -> ((LabelHead.Classes) target).classes())
            .toArray(int[][]::new));
  }

  @Test
  void every_model_is_trained_on_the_recorded_conversations() {
    assertThat(RECORDED).hasSize(1 + RECIPE.runs().size());
    try (InternVL model = CapabilityModel.initialise(1)) {
      for (CapabilityRecipe.Run run : RECIPE.runs()) {
        try (ImageConversations conversations =
            new ImageConversations(model, new MiniGenerator(MiniGenerator.SEED), run, 1, folder)) {
          assertThat(
                  IntStream.range(0, 4)
                      .mapToObj(
                          step ->
                              BatchDigests.of(
                                  conversations.batch(step).stream()
                                      .map(ImageConversations.Place::dialogue)
                                      .toList())))
              .as(run.name())
              .containsExactlyElementsOf(RECORDED.get(run.name()));
        }
      }
    }
  }
}
