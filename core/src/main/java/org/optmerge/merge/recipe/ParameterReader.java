package org.optmerge.merge.recipe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.recipe.ParameterSetting.Choice;
import org.optmerge.merge.recipe.ParameterSetting.Flag;
import org.optmerge.merge.recipe.ParameterSetting.Gradient;
import org.optmerge.merge.recipe.ParameterSetting.Options;
import org.optmerge.merge.recipe.ParameterSetting.Steps;
import org.optmerge.merge.recipe.ParameterSetting.Text;
import org.optmerge.merge.recipe.ParameterSetting.Value;

/** Reads what stands under {@code parameters}. */
final class ParameterReader {
  private ParameterReader() {}

  static Map<String, ParameterSetting> parameters(@Nullable YamlNode node) {
    Map<String, ParameterSetting> parameters = new LinkedHashMap<>();
    if (node != null && !node.isNull()) {
      node.mapping("'parameters'")
          .forEach(
              (key, value) -> {
                // mergekit takes an empty list for a parameter that is not there.
                if (!value.isEmptyList()) {
                  parameters.put(key, setting(key, value));
                }
              });
    }
    return parameters;
  }

  static ParameterSetting setting(String name, YamlNode node) {
    List<Choice> choices = new ArrayList<>();
    if (node.isMapping() && !isRule(name, node)) {
      choices.add(choice(name, node));
    } else if (node.isList() && !node.isEmptyList() && node.list(name).get(0).isMapping()) {
      for (YamlNode entry : node.list(name)) {
        choices.add(choice(name, entry));
      }
    } else {
      choices.add(new Choice(ParameterSetting.ALL, value(name, node), node.at()));
    }
    return new ParameterSetting(name, choices, node.at());
  }

  /** True for a scaling such as {@code {auto: tensor}}, which is no conditional value. */
  private static boolean isRule(String name, YamlNode node) {
    return name.equals(RecipeParser.SCALING)
        && node.isMapping()
        && node.mapping("'%s'".formatted(name)).keySet().stream()
            .noneMatch(key -> key.equals("filter") || key.equals("value"));
  }

  private static Options rule(YamlNode node) {
    Map<String, String> words = new LinkedHashMap<>();
    node.mapping("'scaling'")
        .forEach((key, word) -> words.put(key, word.text("'%s'".formatted(key))));
    return new Options(words);
  }

  private static Choice choice(String name, YamlNode node) {
    Map<String, YamlNode> keys =
        node.mapping("a conditional value of '%s'".formatted(name), List.of("filter", "value"));
    YamlNode filter = keys.get("filter");
    YamlNode value = InputReader.required(node, keys, "value");
    return new Choice(
        filter == null || filter.isNull() ? ParameterSetting.ALL : filter.text("'filter'"),
        value(name, value),
        value.at());
  }

  private static Value value(String name, YamlNode node) {
    String what = "parameter '%s'".formatted(name);
    if (isRule(name, node)) {
      return rule(node);
    }
    if (node.isList()) {
      List<Value> entries = new ArrayList<>();
      for (YamlNode entry : InputReader.nonEmpty(node, what)) {
        entries.add(scalar("each value of %s".formatted(what), entry));
      }
      return entries.stream().allMatch(Gradient.class::isInstance)
          ? new Gradient(
              entries.stream().flatMap(entry -> ((Gradient) entry).knots().stream()).toList())
          : new Steps(entries);
    }
    return scalar(what, node);
  }

  private static Value scalar(String what, YamlNode node) {
    if (node.isBoolean()) {
      return new Flag(node.bool(what));
    }
    if (node.isNumber()) {
      return new Gradient(List.of(node.number(what)));
    }
    if (node.isText()) {
      return new Text(node.text(what));
    }
    throw node.error(
        ("%s must be a number, true or false, a word, a list of these (a gradient over layers) or a"
                + " list of {filter, value}; is %s")
            .formatted(what, node.kind()));
  }
}
