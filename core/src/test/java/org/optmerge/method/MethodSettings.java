package org.optmerge.method;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** How the tests that go over all methods set up each: parameters that matter, inputs that fit. */
final class MethodSettings {
  private MethodSettings() {}

  /** The method with its required parameters, and with those that make it do what it is for. */
  static MergeMethod method(NamedMethod named) {
    return bind(named, parameters(named));
  }

  /** The method so that it drops nothing, where it drops at all. */
  static MergeMethod keepingAll(NamedMethod named) {
    Map<String, Object> keep =
        switch (named.name()) {
          case "ties-tensor", "ties-global" -> Map.of("mask_rate", 0);
          case "dare-task-arithmetic" -> Map.of("drop_rate", 0);
          case "dare-ties" -> Map.of("drop_rate", 0, "mask_rate", 0);
          case "knots-ties", "core-space-ties" -> Map.of("mask_rate", 0);
          case "svc-ta" -> Map.of("inner_scaling", 1);
          case "ram", "ramplus_tl" -> Map.of("epsilon", 0);
          default ->
              MethodParameters.of(named.method()).stream().anyMatch(p -> p.name().equals("weight"))
                  ? Map.of("weight", 1)
                  : Map.of();
        };
    return bind(named, keep);
  }

  private static MergeMethod bind(NamedMethod named, Map<String, Object> values) {
    MergeMethod method = MethodParameters.bind(named.name(), named.method(), values);
    // Laws hold after any number of Adam's steps, and hundreds take long.
    return named.name().equals("doge-ta") || adam(method)
        ? MethodParameters.bind(named.name(), method, Map.of("steps", 20))
        : method;
  }

  private static boolean adam(MergeMethod method) {
    return MethodParameters.of(method).stream()
        .anyMatch(
            p -> p.name().equals("optimiser") && p.defaultValue().equals(Optional.of("adam")));
  }

  /** The number of inputs to test with: three, or as many as the method takes. */
  static int count(NamedMethod named) {
    if (named.method().takesOneModel()) {
      return 1;
    }
    MergeMethod method = method(named);
    try {
      method.check("w", List.of(37L, 29L), 3);
      return 3;
    } catch (IllegalArgumentException e) {
      return 2;
    }
  }

  private static Map<String, Object> parameters(NamedMethod named) {
    return switch (named.name()) {
      case "nuslerp" -> Map.of("weight", List.of(0.6, 0.4));
      case "nearswap" -> Map.of("t", 0.2);
      case "passthrough" -> Map.of("scale", 0.5);
      case "ties", "dare_linear", "dare_ties" ->
          Map.of("weight", List.of(0.5, 0.25, 0.25), "density", List.of(0.5, 0.3, 1.0));
      case "breadcrumbs", "breadcrumbs_ties" ->
          Map.of("weight", List.of(0.5, 0.25, 0.25), "density", 0.4, "gamma", 0.1);
      case "della", "della_linear" ->
          Map.of("weight", List.of(0.5, 0.25, 0.25), "density", List.of(0.5, 0.3, 1.0));
      case "sce" -> Map.of("select_topk", 0.3);
      case "ram", "ramplus_tl" -> Map.of("epsilon", 0.2);
      default ->
          named.parameters().stream()
              .filter(MethodParameters.Parameter::required)
              .collect(
                  Collectors.toMap(
                      MethodParameters.Parameter::name,
                      parameter -> parameter.perModel() ? List.of(0.5, 0.25, 0.25) : 0.3));
    };
  }
}
