package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.TextTable;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MethodParameters.Parameter;
import org.optmerge.method.NamedMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge methods}. */
@Command(
    name = "methods",
    description = "List the merge methods, or the parameters of one, with their defaults.")
final class MethodsCommand extends Subcommand {
  @Parameters(
      paramLabel = "NAME",
      arity = "0..1",
      completionCandidates = Names.Methods.class,
      description = "A method, as recipes name it.")
  private @Nullable String name;

  @Option(
      names = "--markdown",
      description = "Print all methods as core/METHODS.md has them, in place of the list.")
  private boolean markdown;

  @Override
  public Integer call() {
    List<NamedMethod> methods =
        name == null ? MergeMethods.ALL : List.of(named(name, MergeMethods::named));
    Console console = main.console();
    console.result(() -> text(console, methods), () -> json(methods));
    return 0;
  }

  private List<String> text(Console console, List<NamedMethod> methods) {
    if (markdown) {
      return MethodsDocument.lines();
    }
    return name == null ? console.lines(list(methods)) : details(console, methods.get(0));
  }

  private static TextTable list(List<NamedMethod> methods) {
    TextTable table =
        new TextTable()
            .left("method")
            .left("from")
            .right("scaling")
            .left("what it does")
            .left("paper");
    for (NamedMethod method : methods) {
      table.row(
          method.name(),
          method.origin().label(),
          String.valueOf(method.scaling()),
          method.summary(),
          method.paper().url());
    }
    return table;
  }

  private static List<String> details(Console console, NamedMethod method) {
    List<String> lines = new ArrayList<>();
    lines.add(method.name() + ": " + method.summary());
    lines.add("");
    TextTable facts = new TextTable().left("algorithm of").left(method.origin().label());
    facts.row("full name", method.fullName());
    facts.row("paper", method.paper().citation() + ", " + method.paper().url());
    facts.row("base_model", method.base().label());
    facts.row("scaling", method.scaling() + " unless given");
    facts.row("formula", method.formula());
    facts.row("computes", method.cost().label());
    facts.row("when to use", method.use());
    method.exceptions().forEach((law, why) -> facts.row("not obeyed: " + law.label(), why));
    MergeMethods.lookAlike(method)
        .ifPresent(
            other ->
                facts.row(
                    "not to be confused with",
                    "%s of %s".formatted(other.fullName(), other.origin().label())));
    lines.addAll(facts.lines());
    List<Parameter> parameters = method.parameters();
    if (!parameters.isEmpty()) {
      TextTable table =
          new TextTable().left("parameter").left("default").left("value").left("meaning");
      for (Parameter parameter : parameters) {
        table.row(
            parameter.name(),
            parameter.required()
                ? "required"
                : parameter.defaultValue().map(String::valueOf).orElse("none"),
            parameter.expected() + (parameter.perModel() ? ", or one for each model" : ""),
            parameter.help());
      }
      lines.add("");
      lines.addAll(console.lines(table));
    }
    return lines;
  }

  private static ObjectNode json(List<NamedMethod> methods) {
    ObjectNode node = Json.object();
    ArrayNode list = node.putArray("methods");
    for (NamedMethod method : methods) {
      ObjectNode element = list.addObject();
      element.put("name", method.name());
      element.put("full_name", method.fullName());
      element.put("summary", method.summary()).put("formula", method.formula());
      element.put("cost", method.cost().label()).put("use", method.use());
      element.put("origin", method.origin().name().toLowerCase(Locale.ROOT));
      element.put("base", method.base().name().toLowerCase(Locale.ROOT));
      element.put("scaling", method.scaling());
      element.put("paper", method.paper().citation()).put("paper_url", method.paper().url());
      ArrayNode parameters = element.putArray("parameters");
      for (Parameter parameter : method.parameters()) {
        ObjectNode entry = parameters.addObject();
        entry.put("name", parameter.name());
        entry.put("kind", parameter.kind().name().toLowerCase(Locale.ROOT));
        entry.put("per_model", parameter.perModel());
        entry.put("required", parameter.required());
        Json.put(entry, "default", parameter.defaultValue());
        parameter.choices().forEach(entry.putArray("choices")::add);
        entry.put("meaning", parameter.help());
      }
    }
    return node;
  }
}
