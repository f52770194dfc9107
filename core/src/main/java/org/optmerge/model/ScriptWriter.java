package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Writes one method of a TorchScript module that takes a model's parameters as its last argument, a
 * list. Which parameters, and in which order, follows from what the method uses.
 */
final class ScriptWriter {
  /** The class of every module that is written here. */
  static final String MODULE = "Model";

  /**
   * A low-rank change of a weight, added in factored form.
   *
   * @param gate name of an array (B, N, 1) that says how much of it each token gets; null: all
   */
  record LowRank(String a, String b, double scale, @Nullable String gate) {}

  /** What a weight's name ends in, if its rows' scales are meant: empty where they have none. */
  static final String SCALES = "#scales";

  private final StringBuilder body = new StringBuilder();
  private final Map<String, Integer> parameters = new LinkedHashMap<>();
  private final Map<String, String> gates = new HashMap<>();
  private final String header;
  private final Map<String, List<LowRank>> adapters;
  private int variables;
  private String indent = "  ";

  /**
   * @param header the method's name and other arguments, such as {@code "embed(ids: Tensor"}
   * @param adapters low-rank changes by the name of the weight
   */
  ScriptWriter(String header, Map<String, List<LowRank>> adapters) {
    this.header = header;
    this.adapters = adapters;
  }

  /** A parameter, as an expression: in the type of the model's arithmetic. */
  String parameter(String name) {
    return "(self).own(%s, )".formatted(stored(name));
  }

  /** A parameter as it is stored, for what takes care of its type. */
  String stored(String name) {
    return "p[%d]".formatted(parameters.computeIfAbsent(name, n -> parameters.size()));
  }

  /** Gives an expression a name, and returns the name. */
  String let(String expression, Object... arguments) {
    String name = "v%d".formatted(variables++);
    line("%s = %s", name, expression.formatted(arguments));
    return name;
  }

  /** Writes statements inside a branch that was begun before. */
  String indented(Supplier<String> block) {
    indent += "  ";
    try {
      return block.get();
    } finally {
      indent = indent.substring(2);
    }
  }

  /** Writes a statement. */
  void line(String statement, Object... arguments) {
    body.append(indent).append(statement.formatted(arguments)).append('\n');
  }

  /** In float32, whatever the model's arithmetic. */
  String wide(String x) {
    return let("(self).wide(%s, )", x);
  }

  /** x · Wᵀ + b, with the weight's low-rank change if there is one. */
  String linear(String x, String module, boolean bias) {
    String weight = module + ".weight";
    String y =
        let(
            "(self).linear(%s, %s, %s, %s, )",
            x, stored(weight), stored(weight + SCALES), bias ? stored(module + ".bias") : "None");
    for (LowRank adapter : adapters.getOrDefault(weight, List.of())) {
      String low = let("torch.linear(%s, %s)", x, parameter(adapter.a));
      String change = let("torch.linear(%s, %s)", low, parameter(adapter.b));
      if (adapter.gate != null) {
        String gate = gates.getOrDefault(adapter.gate, parameter(adapter.gate));
        change = let("torch.mul(%s, %s)", change, gate);
      }
      y = let("torch.add(%s, %s, alpha=%s)", y, change, Double.toString(adapter.scale));
    }
    return y;
  }

  /** From here on only some rows are computed: gates are of these rows. */
  void select(UnaryOperator<String> rows) {
    adapters.values().stream()
        .flatMap(List::stream)
        .map(LowRank::gate)
        .filter(Objects::nonNull)
        .distinct()
        .forEach(gate -> gates.put(gate, rows.apply(parameter(gate))));
  }

  /** Two linear maps, one of which gates the other, and a third. */
  String gated(String x, String gate, String up, String down, boolean bias) {
    String active = let("torch.silu(%s)", linear(x, gate, bias));
    return linear(let("torch.mul(%s, %s)", active, linear(x, up, bias)), down, bias);
  }

  /** x · sigmoid(1.702 x). */
  String quickGelu(String x) {
    return let("torch.mul(%s, torch.sigmoid(torch.mul(%s, 1.702)))", x, x);
  }

  /** LayerNorm over the last dimension. */
  String layerNorm(String x, String name, int width, double epsilon) {
    return let(
        "torch.layer_norm(%s, [%d], %s, %s, %s)",
        x, width, parameter(name + ".weight"), parameter(name + ".bias"), Double.toString(epsilon));
  }

  /** RMSNorm over the last dimension. */
  String rmsNorm(String x, String weight, double epsilon) {
    return let("(self).rms_norm(%s, %s, %s, )", x, parameter(weight), Double.toString(epsilon));
  }

  /** (B, N, heads · w) to (B, heads, N, w). */
  String heads(String x, int heads, int width) {
    return let("torch.transpose(torch.unflatten(%s, -1, [%d, %d]), 1, 2)", x, heads, width);
  }

  /** (B, heads, N, w) to (B, N, heads · w). */
  String joined(String x, int width) {
    String turned = let("torch.transpose(%s, 1, 2)", x);
    return let(
        "torch.reshape(%s, [torch.size(%s, 0), torch.size(%s, 1), %d])",
        turned, turned, turned, width);
  }

  /** The finished method, whose result is a list. */
  Method finish(List<String> results) {
    return finish("List[Tensor]", "[%s]".formatted(String.join(", ", results)));
  }

  /** The finished method. */
  Method finish(String type, String result) {
    String source =
        "def %s, p: List[Tensor]) -> %s:\n".formatted(header, type)
            + body
            + "  return %s\n".formatted(result);
    return new Method(
        header.substring(0, header.indexOf('(')),
        source.replaceFirst("\\(", "(self: __torch__.%s, ".formatted(MODULE)),
        List.copyOf(parameters.keySet()));
  }

  /**
   * A method.
   *
   * @param name what it is called by
   * @param source of the method
   * @param parameters names of the parameters that it takes as a list, in order
   */
  record Method(String name, String source, List<String> parameters) {
    /** The list to call it with. */
    List<NDArray> arguments(Function<String, NDArray> lookup) {
      List<NDArray> arrays = new ArrayList<>(parameters.size());
      parameters.forEach(parameter -> arrays.add(lookup.apply(parameter)));
      return arrays;
    }
  }
}
