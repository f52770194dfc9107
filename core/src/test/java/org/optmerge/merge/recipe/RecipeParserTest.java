package org.optmerge.merge.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.checkpoint.DType;
import org.optmerge.merge.recipe.ParameterSetting.Flag;
import org.optmerge.merge.recipe.ParameterSetting.Gradient;
import org.optmerge.merge.recipe.ParameterSetting.Text;

class RecipeParserTest {
  private static final String MODELS = "merge_method: linear\nmodels:\n- model: a\n";

  private static Recipe parse(String text) {
    return RecipeParser.parse(text, "r.yaml", Path.of("/recipes"));
  }

  private static void assertRefused(String text, String message) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(RecipeException.class)
        .hasMessage("r.yaml:" + message);
  }

  private static ParameterSetting.Value top(String value) {
    ParameterSetting setting =
        parse(MODELS + "parameters: {p: " + value + "}").parameters().get("p");
    return Objects.requireNonNull(setting).choices().get(0).value();
  }

  @Test
  void reads_the_example_of_the_handbook() {
    Recipe recipe =
        parse(
            """
            merge_method: optmerge-lora
            base_model: models/base
            models:
              - {model: models/vqa}
              - {model: models/chart+adapters/chart-lora, parameters: {weight: 1.0}}
            parameters: {scaling: 0.3}
            include: ['language_model\\..*', 'mlp1\\..*']
            exclude: ['.*norm.*', '.*bias.*']
            dtype: float32
            """);

    assertThat(recipe.method().value()).isEqualTo("optmerge-lora");
    assertThat(recipe.base()).isEqualTo(new Recipe.Model("models/base", new Position(2, 13)));
    assertThat(recipe.slices().get(0).sources())
        .extracting(source -> source.model().text())
        .containsExactly("models/vqa", "models/chart+adapters/chart-lora");
    assertThat(recipe.parameters().get("scaling"))
        .extracting(setting -> setting.resolve("x", 0).orElseThrow().value())
        .isEqualTo(0.3);
    assertThat(recipe.selection().include())
        .extracting(Pattern::pattern)
        .containsExactly("language_model\\..*", "mlp1\\..*");
    assertThat(recipe.selection().rejectedBy("language_model.q.weight")).isEmpty();
    assertThat(recipe.selection().rejectedBy("language_model.norm.weight")).isPresent();
    assertThat(recipe.selection().rejectedBy("vision_model.q.weight")).isPresent();
    assertThat(recipe.dtype()).isEqualTo(new Recipe.Located<>(DType.F32, new Position(9, 8)));
    assertThat(recipe.sliced()).isFalse();
    assertThat(recipe.selection().rest()).isEqualTo(Recipe.Rest.BASE);
  }

  @Test
  void reads_filters_gradients_and_flags() {
    assertThat(top("0.5")).isEqualTo(new Gradient(List.of(0.5)));
    assertThat(top("[0, 0.5, 1]")).isEqualTo(new Gradient(List.of(0.0, 0.5, 1.0)));
    assertThat(top("yes")).isEqualTo(new Flag(true));
    assertThat(top("Off")).isEqualTo(new Flag(false));
    assertThat(top("global")).isEqualTo(new Text("global"));
    ParameterSetting setting =
        parse(MODELS + "parameters:\n  p:\n  - {filter: mlp, value: [1, 3]}\n  - {value: 2}\n")
            .parameters()
            .get("p");
    assertThat(Objects.requireNonNull(setting).choices())
        .containsExactly(
            new ParameterSetting.Choice(
                "mlp", new Gradient(List.of(1.0, 3.0)), new Position(6, 26)),
            new ParameterSetting.Choice("*", new Gradient(List.of(2.0)), new Position(7, 13)));
  }

  @ParameterizedTest
  @CsvSource({
    "1e-5, 1e-5",
    "1_000, 1000",
    "0x10, 16",
    "010, 8",
    "0b11, 3",
    ".5, 0.5",
    "-3., -3",
    "'\"0.25\"', 0.25",
    "+2, 2"
  })
  void reads_numbers_as_mergekit_does(String text, double value) {
    assertThat(top(text)).isEqualTo(new Gradient(List.of(value)));
  }

  @Test
  void keeps_the_same_model_twice() {
    Recipe recipe = parse("merge_method: linear\nmodels: [{model: a}, {model: a}]");

    assertThat(recipe.slices().get(0).sources())
        .extracting(source -> source.model().at())
        .containsExactly(new Position(2, 18), new Position(2, 30));
  }

  @Test
  void reads_slices() {
    Recipe recipe =
        parse(
            """
            merge_method: passthrough
            slices:
            - sources: [{model: a, layer_range: [0, 24]}]
            - sources:
              - {model: a, layer_range: [8, 32], parameters: {scale: 0.5}}
              base_model: b
              parameters: {scale: 2}
            """);

    assertThat(recipe.sliced()).isTrue();
    assertThat(recipe.slices()).hasSize(2);
    assertThat(recipe.slices().get(1).sources().get(0).layers())
        .isEqualTo(new Recipe.LayerRange(8, 32, new Position(5, 29)));
    assertThat(recipe.slices().get(1).base()).isEqualTo(new Recipe.Model("b", new Position(6, 15)));
  }

  @Test
  void reads_the_long_form_of_a_model() {
    Recipe recipe =
        parse("merge_method: linear\nmodels:\n- model: {model: {path: a}, lora: {path: b}}\n");

    assertThat(recipe.slices().get(0).sources().get(0).model().text()).isEqualTo("a+b");
  }

  @Test
  void takes_in_merged_mappings_which_what_is_written_overrides() {
    Recipe recipe =
        parse(
            """
            merge_method: linear
            models:
            - model: a
              parameters: &common {weight: 1, density: 0.5}
            - model: b
              parameters: {<<: *common, weight: 2}
            """);

    assertThat(recipe.slices().get(0).sources().get(1).parameters().values())
        .extracting(setting -> setting.name() + "=" + setting.resolve("x", 0).orElseThrow().value())
        .containsExactlyInAnyOrder("weight=2.0", "density=0.5");
  }

  @Test
  void takes_λ_as_a_key_of_its_own() {
    assertThat(parse(MODELS + "scaling: 0.1").parameters()).containsOnlyKeys("scaling");
    assertRefused(
        MODELS + "scaling: 0.1\nparameters: {scaling: 0.2}",
        "4:10: 'scaling' is also set under 'parameters' at 5:23; keep one");
  }

  @Test
  void an_unknown_key_is_an_error_with_a_suggestion() {
    assertThatThrownBy(() -> parse(MODELS + "parametres: {}"))
        .hasMessageStartingWith(
            "r.yaml:4:1: unknown key 'parametres' in the recipe; did you mean 'parameters'?; known: ");
    assertRefused(
        "merge_method: linear\nmodels:\n- {model: a, parameter: {weight: 1}}",
        "3:14: unknown key 'parameter' in an entry of 'models'; did you mean 'parameters'?; known: model, parameters");
  }

  @Test
  void a_key_that_is_there_twice_is_an_error() {
    assertRefused(
        "merge_method: linear\nmodels:\n- model: a\n  parameters: {weight: 1, weight: 2}",
        "4:27: key 'weight' is there twice, first at 4:16");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "weight: .nan | 4:24: parameter 'weight' must be a finite number, is .nan",
        "weight: -.inf | 4:24: parameter 'weight' must be a finite number, is -.inf",
        "weight: | 4:16: parameter 'weight' must be a number, true or false, a word, a list of these (a gradient over layers) or a list of {filter, value}; is nothing",
        "weight: [1, {x: 2}] | 4:28: each value of parameter 'weight' must be a number, true or false, a word, a list of these (a gradient over layers) or a list of {filter, value}; is a mapping",
        "weight: {valeu: 1} | 4:25: unknown key 'valeu' in a conditional value of 'weight'; did you mean 'value'?; known: filter, value",
        "weight: {filter: mlp} | 4:24: 'value' is missing here",
        "weight: [{filter: 3, value: 1}] | 4:34: 'filter' must be text, is 3 (a whole number); put it in quotes",
      })
  void a_wrong_value_is_an_error_at_its_place(String parameter, String message) {
    String text =
        "merge_method: linear\nmodels:\n- model: a\n  parameters: {%s}".formatted(parameter);
    if (message.startsWith("4:16")) {
      assertThatThrownBy(() -> parse(text)).hasMessageContaining(message.substring(6));
    } else {
      assertRefused(text, message);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dtype: bf16 | 4:8: 'dtype' must be one of float64, float32, float16, bfloat16; is 'bf16'; did you mean 'bfloat16'?",
        "dtype: int64 | 4:8: 'dtype' must be one of float64, float32, float16, bfloat16; is 'int64'",
        "out_dtype: 16 | 4:12: 'out_dtype' must be text, is 16 (a whole number); put it in quotes",
        "exclude: ['a', '('] | 4:16: '(' is not a regular expression: Unclosed group near index 1",
        "preset: qwen2vl | 4:9: unknown preset 'qwen2vl'; did you mean 'qwen2-vl'?; known: internvl2.5, qwen2-vl",
        "rest: avg | 4:7: 'rest' must be one of base, mean; is 'avg'",
        "missing: skipp | 4:10: 'missing' must be one of error, base, skip; is 'skipp'; did you mean 'skip'?",
        "extra: [] | 4:8: 'extra' must be text, is a list",
        "allow_nonfinite: 3 | 4:18: 'allow_nonfinite' must be true or false, is 3 (a whole number)",
        "random_seed: 1.5 | 4:14: 'random_seed' must be a whole number, is 1.5 (a number)",
        "parameters: 3 | 4:13: 'parameters' must be a mapping, is 3 (a whole number)",
        "modules: {} | 4:10: expected exactly one of 'models', 'slices' and 'modules', found both",
        "chat_template: [a] | 4:16: 'chat_template' must be text, is a list",
        "mergekit_version: 0.1.3 | 4:19: 'mergekit_version' must be one of 0.1.4, 0.1.5; is '0.1.3'",
        "base_model: 7 | 4:13: base_model must be text, is 7 (a whole number); put it in quotes",
        "tokenizer: {sorce: base} | 4:13: unknown key 'sorce' in 'tokenizer'; did you mean 'source'?; known: source, tokens, pad_to_multiple_of",
        "tokenizer: {tokens: {x: {}}} | 4:25: 'source' is missing here",
        "tokenizer: {tokens: {x: {source: {kind: one}}}} | 4:34: 'kind' must be one of zero, model_token; is 'one'",
        "tokenizer: {tokens: {x: {source: {kind: model_token, model: a}}}} | 4:34: expected exactly one of 'token' and 'token_id'",
        "tokenizer: {tokens: {x: {source: {kind: model_token, model: a, token_id: -1}}}} | 4:74: 'token_id' must be at least 0, is -1",
        "tokenizer: {source: base, pad_to_multiple_of: 0} | 4:47: 'pad_to_multiple_of' must be from 1 to 1048576, is 0",
        "slices: [] | 4:9: expected exactly one of 'models', 'slices' and 'modules', found both",
      })
  void a_wrong_key_is_an_error_at_its_place(String line, String message) {
    assertRefused(MODELS + line, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | 1:1: the recipe is empty",
        "models: [{model: a}] | 1:1: 'merge_method' is missing; for example 'merge_method: linear'",
        "merge_method: linear | 1:1: no inputs: expected 'models' or 'slices', found neither",
        "[a, b] | 1:1: the recipe must be a mapping, is a list",
        "{merge_method: linear, models: []} | 1:32: 'models' is empty",
        "{merge_method: linear, models: a} | 1:32: 'models' must be a list, is 'a'",
        "{merge_method: linear, models: [a]} | 1:33: an entry of 'models' must be a mapping; write '{model: a}'",
        "{merge_method: linear, models: [{parameters: {}}]} | 1:33: 'model' is missing here",
        "{merge_method: [x], models: [{model: a}]} | 1:16: merge_method must be text, is a list",
        "{merge_method: linear, slices: [{sources: [{model: a}]}]} | 1:44: 'layer_range' is missing here",
        "{merge_method: linear, slices: [{sources: [{model: a, layer_range: [3, 1]}]}]} | 1:68: 'layer_range' must be [first, last + 1] with 0 <= first <= last + 1, is [3, 1]",
        "{merge_method: linear, slices: [{sources: [{model: a, layer_range: [0]}]}]} | 1:68: 'layer_range' must be [first, last + 1], has 1 entries",
        "{merge_method: linear, slices: [{sources: [{model: a, layer_range: [0, 0]}]}]} | 1:32: the slices have no layers",
      })
  void a_recipe_without_what_it_needs_is_refused(String text, String message) {
    assertRefused(text, message);
  }

  @Test
  void what_is_not_yaml_is_refused_with_its_place() {
    assertThatThrownBy(() -> parse("merge_method: linear\nmodels: [\n"))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("r.yaml:3:1: not YAML: while parsing a flow node");
    assertRefused(
        MODELS + "---\n" + MODELS,
        "5:15: 2 documents: stages that read each other's results; 'optmerge merge' carries them"
            + " out");
  }

  @Test
  void aliases_that_explode_are_refused_quickly() {
    StringBuilder bomb = new StringBuilder(MODELS + "parameters:\n  p0: &p0 [1,1,1,1,1,1,1,1,1]\n");
    for (int i = 1; i < 10; i++) {
      String above = ("*p" + (i - 1) + ",").repeat(9);
      bomb.append("  p%d: &p%d [%s]\n".formatted(i, i, above.substring(0, above.length() - 1)));
    }

    assertThatThrownBy(() -> parse(bomb.toString())).isInstanceOf(RecipeException.class);
  }

  @Test
  void a_value_that_contains_itself_is_refused() {
    assertThatThrownBy(() -> parse(MODELS + "parameters: &p {<<: *p}"))
        .isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> parse(MODELS + "parameters: {p: &x [*x]}"))
        .isInstanceOf(RecipeException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 100_000})
  void deep_nesting_is_refused_without_overflowing_the_stack(int depth) {
    assertThatThrownBy(() -> parse(MODELS + "parameters: {p: " + "[".repeat(depth) + "}"))
        .isInstanceOf(RecipeException.class);
  }

  @Test
  void tags_make_no_objects() {
    assertThatThrownBy(() -> parse("merge_method: !!javax.script.ScriptEngineManager [x]\n"))
        .isInstanceOf(RecipeException.class);
  }

  @Test
  void says_what_is_wrong_with_the_file(@TempDir Path dir) throws IOException {
    Path missing = dir.resolve("none.yaml");
    assertThatThrownBy(() -> RecipeParser.parse(missing))
        .hasMessage(missing + ": there is no such file");
    assertThatThrownBy(() -> RecipeParser.parse(dir))
        .hasMessage(dir + ": is a folder, not a recipe");
    Path binary = Files.write(dir.resolve("b.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 1});
    assertThatThrownBy(() -> RecipeParser.parse(binary))
        .hasMessage(binary + ":1:1: not text in UTF-8");
  }
}
