package org.optmerge.checkpoint.gguf;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.checkpoint.CheckpointException;

/**
 * What GGUF files hold, in Hugging Face's words.
 *
 * @param views the tensors
 * @param derived other files, by name
 * @param notes what a reader ought to know
 */
record GgufContents(List<GgufView> views, Map<String, byte[]> derived, List<String> notes) {
  static final String ARCHITECTURE = "general.architecture";
  static final String VISION = "clip";

  /** Factors by which rotary frequencies are divided: computed from settings, never trained. */
  static final String ROPE_FACTORS = "rope_freqs.weight";

  /**
   * Works out names and order of rows.
   *
   * @param language the language model, if there is one
   * @param vision the vision part, if there is one
   * @param ropeFactors the values of {@link #ROPE_FACTORS}; none if there is no such tensor
   * @throws CheckpointException if the architecture is not known
   */
  static GgufContents of(
      @Nullable GgufHeader language, @Nullable GgufHeader vision, float[] ropeFactors) {
    Builder builder = new Builder();
    GgufFamily family = null;
    if (language != null) {
      family = family(language.metadata());
      builder.language(language, family);
    }
    if (vision != null) {
      builder.vision(vision);
    }
    builder.noteTypes();
    GgufConfig config = new GgufConfig(family, language, vision, ropeFactors);
    Map<String, byte[]> derived = new LinkedHashMap<>();
    derived.put(
        "config.json", (Json.pretty(config.json()) + "\n").getBytes(StandardCharsets.UTF_8));
    builder.notes.addAll(config.notes());
    if (language != null) {
      GgufTokenizer tokenizer = new GgufTokenizer(language.metadata());
      derived.putAll(tokenizer.files());
      builder.notes.addAll(tokenizer.notes());
    }
    return new GgufContents(builder.views, derived, builder.notes);
  }

  private static GgufFamily family(GgufMetadata metadata) {
    String architecture = metadata.text(ARCHITECTURE).orElse("");
    return GgufFamily.of(architecture)
        .orElseThrow(
            () ->
                CheckpointException.at(
                    metadata.file(),
                    "its architecture %s has names that are not known; known are: %s. Merge the model in Hugging Face's layout instead"
                        .formatted(quote(architecture), GgufFamily.names())));
  }

  /** The tensor of a name; null if there is none. */
  static @Nullable GgufTensor find(GgufHeader header, String name) {
    return header.tensors().stream().filter(it -> it.name().equals(name)).findFirst().orElse(null);
  }

  private static final class Builder {
    final List<GgufView> views = new ArrayList<>();
    final List<String> notes = new ArrayList<>();
    private final Map<String, Integer> unpacked = new TreeMap<>();
    private final List<GgufTensor> unnamed = new ArrayList<>();

    void language(GgufHeader header, GgufFamily family) {
      for (GgufTensor tensor : header.tensors()) {
        String name = GgufFamily.fromGguf(tensor.name()).orElse(null);
        if (tensor.name().equals(ROPE_FACTORS)) {
          continue;
        } else if (name == null) {
          keep(tensor);
        } else if (family.pairedRows()
            && tensor.name().matches("blk\\.\\d+\\.attn_[qk]\\.(weight|bias)")) {
          long head =
              family
                  .headRows(tensor.name(), tensor.rows(), header.metadata())
                  .orElseThrow(
                      () ->
                          CheckpointException.at(
                              tensor.file(),
                              "tensor %s: %d rows do not divide into the heads that the metadata names"
                                  .formatted(quote(tensor.name()), tensor.rows())));
          add(GgufView.unpaired(name, tensor, head));
        } else {
          add(GgufView.same(name, tensor));
        }
      }
    }

    void vision(GgufHeader header) {
      boolean gated =
          header.tensors().stream().anyMatch(it -> it.name().endsWith(".ffn_gate.weight"));
      Map<String, GgufTensor> attention = new LinkedHashMap<>();
      for (GgufTensor tensor : header.tensors()) {
        Matcher block = GgufFamily.Vision.block(tensor.name());
        if (GgufFamily.Vision.PATCH_FRAMES.contains(tensor.name())) {
          attention.put(tensor.name(), tensor);
        } else if (block.matches() && GgufFamily.Vision.ATTENTION.contains(block.group("word"))) {
          attention.put(tensor.name(), tensor);
        } else {
          GgufFamily.Vision.fromGguf(tensor.name(), gated)
              .ifPresentOrElse(name -> add(GgufView.same(name, tensor)), () -> keep(tensor));
        }
      }
      patches(header, attention);
      fused(attention);
    }

    /** Two frames of a convolution over time, [out, in, height, width] each. */
    private void patches(GgufHeader header, Map<String, GgufTensor> split) {
      List<GgufTensor> frames = taken(split, GgufFamily.Vision.PATCH_FRAMES);
      if (frames.isEmpty()) {
        return;
      }
      List<Long> shape = frames.get(0).shape();
      if (frames.size() != 2 || shape.size() != 4 || !frames.get(1).shape().equals(shape)) {
        throw CheckpointException.at(
            header.metadata().file(),
            "expected two tensors %s of one shape with four extents"
                .formatted(String.join(" and ", GgufFamily.Vision.PATCH_FRAMES)));
      }
      add(
          GgufView.interleaved(
              GgufFamily.Vision.PATCHES,
              frames,
              shape.get(2) * shape.get(3),
              List.of(shape.get(0), shape.get(1), 2L, shape.get(2), shape.get(3))));
    }

    /** Queries, keys and values one below the other. */
    private void fused(Map<String, GgufTensor> split) {
      while (!split.isEmpty()) {
        GgufTensor one = split.values().iterator().next();
        Matcher block = GgufFamily.Vision.block(one.name());
        if (!block.matches()) {
          throw new IllegalStateException(one.name());
        }
        List<String> names =
            GgufFamily.Vision.ATTENTION.stream()
                .map(
                    word ->
                        "v.blk.%s.%s.%s".formatted(block.group("block"), word, block.group("kind")))
                .toList();
        List<GgufTensor> parts = taken(split, names);
        List<Long> inner = one.shape().subList(1, one.shape().size());
        if (parts.size() != 3
            || !parts.stream()
                .allMatch(it -> it.shape().subList(1, it.shape().size()).equals(inner))) {
          throw CheckpointException.at(
              one.file(), "expected tensors %s of one width".formatted(String.join(", ", names)));
        }
        List<Long> shape =
            new ArrayList<>(List.of(parts.stream().mapToLong(GgufTensor::rows).sum()));
        shape.addAll(inner);
        add(
            GgufView.stacked(
                "visual.blocks.%s.attn.qkv.%s".formatted(block.group("block"), block.group("kind")),
                parts,
                shape));
      }
    }

    private static List<GgufTensor> taken(Map<String, GgufTensor> split, List<String> names) {
      List<GgufTensor> taken = new ArrayList<>();
      for (String name : names) {
        GgufTensor tensor = split.remove(name);
        if (tensor != null) {
          taken.add(tensor);
        }
      }
      return taken;
    }

    private void keep(GgufTensor tensor) {
      unnamed.add(tensor);
      add(GgufView.same(tensor.name(), tensor));
    }

    private void add(GgufView view) {
      view.parts().stream()
          .filter(part -> part.type().packed())
          .forEach(part -> unpacked.merge(part.type().name(), 1, Integer::sum));
      views.add(view);
    }

    void noteTypes() {
      if (!unpacked.isEmpty()) {
        notes.add(
            "GGUF: packed numbers are read as float32 (%s); they are as exact as the packing left them, and 'dtype: bfloat16' halves the output"
                .formatted(
                    unpacked.entrySet().stream()
                        .map(it -> it.getValue() + " " + it.getKey())
                        .collect(Collectors.joining(", "))));
      }
      if (!unnamed.isEmpty()) {
        notes.add(
            "GGUF: %d %s no known counterpart in Hugging Face's layout and keep their names, such as '%s'"
                .formatted(
                    unnamed.size(),
                    unnamed.size() == 1 ? "tensor has" : "tensors have",
                    unnamed.get(0).name()));
      }
    }
  }
}
