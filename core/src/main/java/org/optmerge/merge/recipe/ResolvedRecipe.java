package org.optmerge.merge.recipe;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.DType;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MethodParameters;
import org.optmerge.method.NamedMethod;

/** A recipe as JSON, with every default filled in, for the provenance of a merge. */
public final class ResolvedRecipe {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private ResolvedRecipe() {}

  /**
   * @param method over the operand that the recipe's base makes it work on
   * @param outDtype element type of the output; null: as stored
   */
  public static ObjectNode of(
      Recipe recipe, NamedMethod named, MergeMethod method, @Nullable DType outDtype) {
    ObjectNode node = JSON.objectNode();
    boolean ambiguous = MergeMethods.lookAlike(named).isPresent();
    node.put("merge_method", ambiguous ? named.fullName() : named.name());
    Recipe.Model base = recipe.base();
    if (base != null) {
      node.put("base_model", base.text());
    }
    if (recipe.sliced()) {
      ArrayNode slices = node.putArray("slices");
      recipe.slices().forEach(slice -> slices.add(slice(slice)));
    } else {
      ArrayNode models = node.putArray("models");
      recipe.slices().get(0).sources().forEach(source -> models.add(source(source)));
    }
    node.set("parameters", parameters(recipe, named, method));
    Recipe.Located<DType> dtype = recipe.dtype();
    node.put("dtype", dtype == null ? "float32" : dtype.value().torchName());
    node.put("out_dtype", outDtype == null ? "as stored" : outDtype.torchName());
    Recipe.Selection selection = recipe.selection();
    node.set("include", patterns(selection.include()));
    node.set("exclude", patterns(selection.exclude()));
    ParameterPreset preset = selection.preset();
    if (preset != null) {
      node.put("preset", preset.label());
    }
    node.put("rest", selection.rest().label());
    node.put("missing", recipe.missing().label());
    node.put("extra", recipe.extra().label());
    if (recipe.factorwise()) {
      node.put("factorwise", true);
    }
    node.put("allow_nonfinite", recipe.allowNonFinite());
    node.put("random_seed", recipe.seed());
    Recipe.Tokenizer tokenizer = recipe.tokenizer();
    if (tokenizer != null) {
      node.put("tokenizer_source", tokenizer.source());
    }
    return node;
  }

  private static ObjectNode parameters(Recipe recipe, NamedMethod named, MergeMethod method) {
    ObjectNode node = JSON.objectNode();
    for (MethodParameters.Parameter parameter : MethodParameters.of(method)) {
      parameter.defaultValue().ifPresent(value -> put(node, parameter.name(), value));
    }
    if (method.operand() == MergeMethod.Operand.TASK_VECTORS) {
      node.put(RecipeParser.SCALING, named.scaling());
    }
    recipe.parameters().forEach((name, setting) -> put(node, name, setting));
    return node;
  }

  private static ObjectNode slice(Recipe.Slice slice) {
    ObjectNode node = JSON.objectNode();
    ArrayNode sources = node.putArray("sources");
    slice.sources().forEach(source -> sources.add(source(source)));
    Recipe.Model base = slice.base();
    if (base != null) {
      node.put("base_model", base.text());
    }
    settings(node, slice.parameters());
    return node;
  }

  private static ObjectNode source(Recipe.Source source) {
    ObjectNode node = JSON.objectNode();
    node.put("model", source.model().text());
    Recipe.LayerRange layers = source.layers();
    if (layers != null) {
      node.putArray("layer_range").add(layers.from()).add(layers.to());
    }
    settings(node, source.parameters());
    return node;
  }

  private static void settings(ObjectNode node, Map<String, ParameterSetting> settings) {
    if (!settings.isEmpty()) {
      ObjectNode parameters = node.putObject("parameters");
      settings.forEach((name, setting) -> put(parameters, name, setting));
    }
  }

  private static ArrayNode patterns(List<Pattern> patterns) {
    ArrayNode node = JSON.arrayNode();
    patterns.forEach(pattern -> node.add(pattern.pattern()));
    return node;
  }

  private static void put(ObjectNode node, String name, Object value) {
    if (value instanceof ParameterSetting setting) {
      List<ParameterSetting.Choice> choices = setting.choices();
      if (choices.size() == 1 && choices.get(0).filter().equals(ParameterSetting.ALL)) {
        put(node, name, choices.get(0).value());
        return;
      }
      ArrayNode list = node.putArray(name);
      for (ParameterSetting.Choice choice : choices) {
        ObjectNode entry = list.addObject();
        entry.put("filter", choice.filter());
        put(entry, "value", choice.value());
      }
    } else if (value instanceof ParameterSetting.Gradient gradient && gradient.knots().size() > 1) {
      ArrayNode list = node.putArray(name);
      gradient.knots().forEach(list::add);
    } else if (value instanceof ParameterSetting.Value single) {
      put(node, name, single.at(0));
    } else if (value instanceof Boolean flag) {
      node.put(name, flag);
    } else if (value instanceof Long number) {
      node.put(name, number);
    } else if (value instanceof Number number) {
      node.put(name, number.doubleValue());
    } else if (value instanceof List<?> list) {
      ArrayNode values = node.putArray(name);
      list.forEach(entry -> values.add(entry instanceof Number n ? n.doubleValue() : 0));
    } else {
      node.put(name, value.toString());
    }
  }
}
