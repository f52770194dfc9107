package org.optmerge.merge.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Projections that one layout stores as one tensor and another one by one: {@code gate_up_proj}
 * against {@code gate_proj} and {@code up_proj}, {@code qkv}, experts as a stack against experts by
 * number. Only where the rows of one follow the rows of the next; layouts that interleave heads or
 * transpose are none of these, and are not guessed at.
 */
final class Fusion {
  /** The last component of the fused module's name, and of its parts in their order. */
  private record Kind(String fused, List<String> parts) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("gate_up_proj", List.of("gate_proj", "up_proj")),
          new Kind("gate_up_proj", List.of("w1", "w3")),
          new Kind("w13", List.of("w1", "w3")),
          new Kind("qkv_proj", List.of("q_proj", "k_proj", "v_proj")),
          new Kind("qkv", List.of("q_proj", "k_proj", "v_proj")),
          new Kind("qkv", List.of("q", "k", "v")),
          new Kind("qkv", List.of("query", "key", "value")),
          new Kind("Wqkv", List.of("q_proj", "k_proj", "v_proj")),
          new Kind("to_qkv", List.of("to_q", "to_k", "to_v")),
          new Kind("in_proj", List.of("q_proj", "k_proj", "v_proj")),
          new Kind("kv_proj", List.of("k_proj", "v_proj")),
          new Kind("kv", List.of("k_proj", "v_proj")),
          new Kind("down_proj", List.of("down_proj")),
          new Kind("down_proj", List.of("w2")),
          new Kind("gate_proj", List.of("gate_proj")),
          new Kind("up_proj", List.of("up_proj")));

  /** Families whose fused tensors are transposed, or interleave what others put side by side. */
  private static final Set<String> NOT_PLAIN =
      Set.of(
          "llama4",
          "llama4_text",
          "gpt_oss",
          "codegen",
          "gpt_neox",
          "falcon",
          "bloom",
          "internlm2",
          "dbrx");

  private static final Pattern EXPERT =
      Pattern.compile(
          "(?<block>.*\\.experts\\.)(?<number>\\d+)\\.(?<module>[^.]+)(?<end>\\.weight|\\.bias)?");

  private static final List<String> ENDS = List.of(".weight", ".bias", "_weight", "_bias");

  private Fusion() {}

  /** A tensor that is part of another. */
  record Part(String whole, long first, List<Long> shape) {}

  /** A tensor that others make up. */
  record Whole(List<String> parts, List<Long> shape) {}

  /** True if a family's layout of fused tensors is as assumed here. */
  static boolean isPlain(Optional<String> modelType) {
    return modelType.isEmpty() || !NOT_PLAIN.contains(modelType.get());
  }

  /**
   * Tensors that are made up of others.
   *
   * @param wanted names that are looked for
   * @param wantedShape their shapes
   * @param there names that there are, without those that are wanted as they stand
   * @param shape their shapes
   */
  static Map<String, Whole> wholes(
      Set<String> wanted,
      Function<String, List<Long>> wantedShape,
      Set<String> there,
      Function<String, List<Long>> shape) {
    Map<String, Whole> found = new LinkedHashMap<>();
    Map<String, Integer> experts = experts(there);
    for (String name : wanted) {
      for (Kind kind : KINDS) {
        List<String> parts = parts(name, kind, there, experts);
        if (parts != null && isSum(wantedShape.apply(name), parts, shape)) {
          found.put(name, new Whole(parts, wantedShape.apply(name)));
          break;
        }
      }
    }
    return found;
  }

  /**
   * Tensors that are parts of others.
   *
   * @param wanted names that are looked for
   * @param wantedShape their shapes
   * @param there names that there are, without those that are wanted as they stand
   * @param shape their shapes
   */
  static Map<String, Part> parts(
      Set<String> wanted,
      Function<String, List<Long>> wantedShape,
      Set<String> there,
      Function<String, List<Long>> shape) {
    Map<String, Part> found = new LinkedHashMap<>();
    wholes(there, shape, wanted, wantedShape)
        .forEach(
            (whole, made) -> {
              long first = 0;
              for (String part : made.parts()) {
                List<Long> extents = wantedShape.apply(part);
                found.put(part, new Part(whole, first, extents));
                first += size(extents);
              }
            });
    return found;
  }

  /** The number of experts of each block. */
  private static Map<String, Integer> experts(Set<String> names) {
    Map<String, Integer> experts = new LinkedHashMap<>();
    for (String name : names) {
      Matcher matcher = EXPERT.matcher(name);
      if (matcher.matches()) {
        experts.merge(
            matcher.group("block"), Integer.parseInt(matcher.group("number")) + 1, Math::max);
      }
    }
    return experts;
  }

  private static @Nullable List<String> parts(
      String name, Kind kind, Set<String> there, Map<String, Integer> experts) {
    String ending = ENDS.stream().filter(name::endsWith).findFirst().orElse("");
    String module = name.substring(0, name.length() - ending.length());
    String block = module.substring(0, module.lastIndexOf('.') + 1);
    if (!module.substring(block.length()).equals(kind.fused())) {
      return null;
    }
    String end = ending.replace('_', '.');
    List<String> parts = new ArrayList<>();
    for (String other :
        List.of(block, block.replace(".mlp.experts.", ".block_sparse_moe.experts."))) {
      parts.clear();
      int count = experts.getOrDefault(other, 0);
      for (int expert = 0; expert < count; expert++) {
        for (String part : kind.parts()) {
          parts.add(other + expert + "." + part + (end.isEmpty() ? ".weight" : end));
        }
      }
      if (count == 0 && kind.parts().size() > 1) {
        kind.parts().forEach(part -> parts.add(other + part + end));
      }
      if (!parts.isEmpty() && there.containsAll(parts)) {
        return List.copyOf(parts);
      }
    }
    return null;
  }

  /** True if the parts, one after the other, have the whole's rows and the same columns. */
  private static boolean isSum(
      List<Long> whole, List<String> parts, Function<String, List<Long>> shape) {
    List<Long> first = shape.apply(parts.get(0));
    int below = whole.size() - first.size();
    if (first.isEmpty() || below < 0 || below > 1) {
      return false;
    }
    List<Long> columns = first.subList(1, first.size());
    long rows = 0;
    for (String part : parts) {
      List<Long> extents = shape.apply(part);
      if (extents.size() != first.size() || !extents.subList(1, extents.size()).equals(columns)) {
        return false;
      }
      rows += extents.get(0);
    }
    if (below == 1 && parts.size() % whole.get(0) != 0) {
      return false;
    }
    long wholeRows = below == 0 ? whole.get(0) : Math.multiplyExact(whole.get(0), whole.get(1));
    return rows == wholeRows && whole.subList(below + 1, whole.size()).equals(columns);
  }

  static long size(List<Long> shape) {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }
}
