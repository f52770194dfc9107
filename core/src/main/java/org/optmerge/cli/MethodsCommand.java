package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.POJONode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.optmerge.method.MergeMethods;
import org.optmerge.method.MergeMethods.Named;
import org.optmerge.method.MethodParameters;
import org.optmerge.method.MethodParameters.Parameter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code optmerge methods}. */
@Command(
    name = "methods",
    description = "List the merge methods, or the parameters of one, with their defaults.")
final class MethodsCommand implements Callable<Integer> {
  @ParentCommand private Main main;
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "NAME",
      arity = "0..1",
      completionCandidates = MethodNames.class,
      description = "A method, as recipes name it.")
  private @Nullable String name;

  @Override
  public Integer call() {
    List<Named> methods = name == null ? MergeMethods.ALL : List.of(named(name));
    Console console = main.console();
    console.result(
        () -> name == null ? console.lines(list(methods)) : details(console, methods.get(0)),
        () -> json(methods));
    return 0;
  }

  private Named named(String wanted) {
    try {
      return MergeMethods.named(wanted);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private static TextTable list(List<Named> methods) {
    TextTable table =
        new TextTable()
            .left("method")
            .left("from")
            .right("scaling")
            .left("what it does")
            .left("paper");
    for (Named method : methods) {
      table.row(
          method.name(),
          origin(method),
          String.valueOf(method.scaling()),
          method.summary(),
          method.paper().url());
    }
    return table;
  }

  private static List<String> details(Console console, Named method) {
    List<String> lines = new ArrayList<>();
    lines.add(method.name() + ": " + method.summary());
    lines.add("");
    TextTable facts = new TextTable().left("algorithm of").left(origin(method));
    facts.row("paper", method.paper().value() + ", " + method.paper().url());
    facts.row("base_model", base(method));
    facts.row("scaling", method.scaling() + " unless given");
    MergeMethods.twin(method.name())
        .ifPresent(
            twin -> facts.row("not to be confused with", twin.name() + " of " + origin(twin)));
    lines.addAll(facts.lines());
    List<Parameter> parameters = MethodParameters.of(method.method());
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

  private static String origin(Named method) {
    return switch (method.origin()) {
      case OFFICIAL -> "the paper's code";
      case FUSION_BENCH -> "fusion_bench";
      case MERGEKIT -> "mergekit";
    };
  }

  private static String base(Named method) {
    return switch (method.base()) {
      case ORIGIN -> "required: task vectors are taken from it";
      case OPTIONAL_ORIGIN -> "optional: with it, task vectors are merged instead of weights";
      case FIRST_INPUT -> "required: the first of the inputs";
      case INPUT -> "optional: one more input";
    };
  }

  private static ObjectNode json(List<Named> methods) {
    ObjectNode node = Console.object();
    ArrayNode list = node.putArray("methods");
    for (Named method : methods) {
      ObjectNode element = list.addObject();
      element.put("name", method.name());
      element.put("summary", method.summary());
      element.put("origin", method.origin().name().toLowerCase(Locale.ROOT));
      element.put("base", method.base().name().toLowerCase(Locale.ROOT));
      element.put("scaling", method.scaling());
      element.put("paper", method.paper().value()).put("paper_url", method.paper().url());
      ArrayNode parameters = element.putArray("parameters");
      for (Parameter parameter : MethodParameters.of(method.method())) {
        ObjectNode entry = parameters.addObject();
        entry.put("name", parameter.name());
        entry.put("kind", parameter.kind().name().toLowerCase(Locale.ROOT));
        entry.put("per_model", parameter.perModel());
        entry.put("required", parameter.required());
        parameter
            .defaultValue()
            .ifPresentOrElse(
                value -> entry.set("default", new POJONode(value)), () -> entry.putNull("default"));
        parameter.choices().forEach(entry.putArray("choices")::add);
        entry.put("meaning", parameter.help());
      }
    }
    return node;
  }
}
