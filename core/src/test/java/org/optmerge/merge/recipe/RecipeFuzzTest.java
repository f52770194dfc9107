package org.optmerge.merge.recipe;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.DType;
import org.optmerge.fuzz.Sandbox;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.plan.Planner;

/** Recipes with any bytes in them: read as text, and planned over models that are there. */
class RecipeFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/recipe.dict";
  private static final Sandbox BOX = Sandbox.open();

  /** mergekit's grammar, as its own examples write it. */
  static Stream<byte[]> mergekitRecipes() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("src/test/resources/golden/mergekit/recipes"))) {
      return files
          .filter(file -> file.toString().endsWith(".yaml") || file.toString().endsWith(".yml"))
          .sorted()
          .map(RecipeFuzzTest::bytes)
          .toList()
          .stream();
    }
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("mergekitRecipes")
  @FuzzTest
  void mergekit(byte[] data) throws Exception {
    Path file = BOX.file("recipe.yaml", data);
    BOX.holds(data, () -> RecipeParser.parseStages(file));
  }

  static Stream<byte[]> ownRecipes() {
    return Stream.of(
            """
            merge_method: ties-tensor
            base_model: base
            models: [{model: a}, {model: b}]
            parameters: {scaling: 0.3}
            """,
            """
            merge_method: optmerge
            base_model: base
            models:
            - {model: a, parameters: {weight: 0.5}}
            - b
            rename:
              a: {model.language_model.: model.}
              b: {}
            extra: error
            missing: skip
            dtype: bfloat16
            out_dtype: float16
            """,
            """
            mergekit_version: 0.1.4
            tokenizer: {source: union, pad_to_multiple_of: 64}
            chat_template: chatml
            merge_method: linear
            models: &m [{model: a, parameters: {weight: [0, 0.5, 1]}}, {model: b, parameters: {weight: {value: 1, filter: mlp}}}]
            """,
            """
            merge_method: passthrough
            slices:
            - sources: [{model: a, layer_range: [0, 1]}]
            - sources: [{model: b, layer_range: [0, 1], parameters: {scale: [{filter: q_proj, value: 0.0}, {value: 1.0}]}}]
            """)
        .map(text -> text.getBytes(UTF_8));
  }

  private static final class Models {
    static final List<Path> FOLDERS =
        Stream.of("base", "a", "b")
            .map(
                name ->
                    TestCheckpoints.folder(BOX.folder().resolve(name))
                        .random("model.embed_tokens.weight", DType.BF16, List.of(4L, 2L), 1)
                        .random("model.layers.0.mlp.up_proj.weight", DType.F32, List.of(2L, 2L), 2)
                        .random("model.norm.weight", DType.F32, List.of(2L), 4)
                        .config(
                            "{\"model_type\":\"llama\",\"vocab_size\":4,\"num_hidden_layers\":1,\"architectures\":[\"LlamaForCausalLM\"]}")
                        .write())
            .toList();
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource({"ownRecipes"})
  @FuzzTest
  void planned(byte[] data) throws Exception {
    Path folder = Models.FOLDERS.get(0).getParent();
    Path file = BOX.file("recipe.yaml", data);
    BOX.holds(
        data,
        () -> {
          for (Recipe recipe : RecipeParser.parseStages(file)) {
            try (MergePlan plan = Planner.plan(recipe, List.of(folder))) {
              plan.tensors();
            }
          }
        });
  }
}
