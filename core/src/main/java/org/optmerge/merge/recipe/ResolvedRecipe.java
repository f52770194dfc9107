package org.optmerge.merge.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.DType;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MethodParameters;
import org.optmerge.method.NamedMethod;

/** A recipe as JSON, with every default filled in, for the provenance of a merge. */
public final class ResolvedRecipe {
  private ResolvedRecipe() {}

  /**
   * @param method over the operand that the recipe's base makes it work on
   * @param outDtype element type of the output; null: as stored
   */
  public static ObjectNode of(
      Recipe recipe, NamedMethod named, MergeMethod method, @Nullable DType outDtype) {
    Map<String, Object> node = new LinkedHashMap<>();
    boolean ambiguous = MergeMethods.lookAlike(named).isPresent();
    node.put("merge_method", ambiguous ? named.fullName() : named.name());
    Recipe.Model base = recipe.base();
    if (base != null) {
      node.put("base_model", base.text());
    }
    if (recipe.sliced()) {
      node.put("slices", recipe.slices().stream().map(ResolvedRecipe::slice).toList());
    } else {
      node.put("models", sources(recipe.slices().get(0)));
    }
    node.put("parameters", parameters(recipe, named, method));
    Recipe.Located<DType> dtype = recipe.dtype();
    node.put("dtype", dtype == null ? "float32" : dtype.value().torchName());
    node.put("out_dtype", outDtype == null ? "as stored" : outDtype.torchName());
    Recipe.Selection selection = recipe.selection();
    node.put("include", selection.include().stream().map(Pattern::pattern).toList());
    node.put("exclude", selection.exclude().stream().map(Pattern::pattern).toList());
    ParameterPreset preset = selection.preset();
    if (preset != null) {
      node.put("preset", preset.label());
    }
    node.put("rest", Recipe.label(selection.rest()));
    node.put("missing", Recipe.label(recipe.missing()));
    node.put("extra", Recipe.label(recipe.extra()));
    if (recipe.factorwise()) {
      node.put("factorwise", true);
    }
    if (!recipe.rename().isEmpty()) {
      node.put("rename", recipe.rename());
    }
    node.put("allow_nonfinite", recipe.allowNonFinite());
    node.put("random_seed", recipe.seed());
    Recipe.Tokenizer tokenizer = recipe.tokenizer();
    if (tokenizer != null) {
      node.put("tokenizer_source", tokenizer.source());
    }
    return Json.plain().valueToTree(node);
  }

  private static Map<String, Object> parameters(
      Recipe recipe, NamedMethod named, MergeMethod method) {
    Map<String, Object> node = new LinkedHashMap<>();
    for (MethodParameters.Parameter parameter : MethodParameters.of(method)) {
      parameter.defaultValue().ifPresent(value -> node.put(parameter.name(), value));
    }
    if (method.operand() == MergeMethod.Operand.TASK_VECTORS) {
      node.put(RecipeParser.SCALING, named.scaling());
    }
    recipe.parameters().forEach((name, setting) -> node.put(name, plain(setting)));
    return node;
  }

  private static Map<String, Object> slice(Recipe.Slice slice) {
    Map<String, Object> node = new LinkedHashMap<>();
    node.put("sources", sources(slice));
    Recipe.Model base = slice.base();
    if (base != null) {
      node.put("base_model", base.text());
    }
    putSettings(node, slice.parameters());
    return node;
  }

  private static List<Map<String, Object>> sources(Recipe.Slice slice) {
    List<Map<String, Object>> sources = new ArrayList<>();
    for (Recipe.Source source : slice.sources()) {
      Map<String, Object> node = new LinkedHashMap<>();
      node.put("model", source.model().text());
      Recipe.LayerRange layers = source.layers();
      if (layers != null) {
        node.put("layer_range", List.of(layers.from(), layers.to()));
      }
      putSettings(node, source.parameters());
      sources.add(node);
    }
    return sources;
  }

  private static void putSettings(
      Map<String, Object> node, Map<String, ParameterSetting> settings) {
    if (!settings.isEmpty()) {
      Map<String, Object> parameters = new LinkedHashMap<>();
      settings.forEach((name, setting) -> parameters.put(name, plain(setting)));
      node.put("parameters", parameters);
    }
  }

  private static Object plain(ParameterSetting setting) {
    List<ParameterSetting.Choice> choices = setting.choices();
    if (choices.size() == 1 && choices.get(0).filter().equals(ParameterSetting.ALL)) {
      return plain(choices.get(0).value());
    }
    List<Map<String, Object>> list = new ArrayList<>();
    for (ParameterSetting.Choice choice : choices) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("filter", choice.filter());
      entry.put("value", plain(choice.value()));
      list.add(entry);
    }
    return list;
  }

  private static Object plain(ParameterSetting.Value value) {
    if (value instanceof ParameterSetting.Steps steps) {
      return steps.entries().stream().map(entry -> entry.at(0)).toList();
    }
    return value instanceof ParameterSetting.Gradient gradient && gradient.knots().size() > 1
        ? gradient.knots()
        : value.at(0);
  }
}
