package org.optmerge.checkpoint.gguf;

import static org.optmerge.checkpoint.CheckpointException.quote;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.Progress;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.TensorInfo;

/**
 * Writes a model in Hugging Face's layout as GGUF files that llama.cpp loads: the language model
 * with its settings and tokenizer, and beside it the vision part of a Qwen2-VL, which llama.cpp
 * takes as {@code --mmproj}.
 *
 * <p>As llama.cpp's own converter has it, vectors stay float32, and matrices whose rows are no
 * whole blocks are float16 where Q8_0 is asked for.
 */
public final class GgufExport {
  /** The types that weights can be written in. */
  public enum Type {
    F32(GgmlType.F32, 0),
    F16(GgmlType.F16, 1),
    BF16(GgmlType.BF16, 32),
    Q8_0(GgmlType.Q8_0, 7);

    private final GgmlType ggml;

    /** {@code general.file_type}. */
    private final int fileType;

    Type(GgmlType ggml, int fileType) {
      this.ggml = ggml;
      this.fileType = fileType;
    }
  }

  /**
   * What is asked for.
   *
   * @param type null: bfloat16 if most of the weights are, else float16
   * @param pre the name of the pre-tokenizer, where it is not known by its expression
   * @param tokenizer whether the tokenizer is written
   * @param force whether files that are there are replaced
   */
  public record Options(
      @Nullable Type type, @Nullable String pre, boolean tokenizer, boolean force) {}

  /**
   * What was written.
   *
   * @param files the language model, then the vision part, if there is one
   * @param type of most weights
   * @param tensors in all files
   * @param bytes of these
   * @param notes what a user should know, one sentence each
   */
  public record Result(List<Path> files, Type type, int tensors, long bytes, List<String> notes) {}

  private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d{1,9})\\.");

  private final Checkpoint model;
  private final Options options;
  private final Type type;
  private final JsonNode config;
  private final JsonNode language;
  private final GgufFamily family;
  private final List<String> notes = new ArrayList<>();
  private final GgufWriter writer = new GgufWriter();
  private @Nullable GgufWriter vision;

  private GgufExport(Checkpoint model, Options options) {
    this.model = model;
    this.options = options;
    this.type = options.type() != null ? options.type() : ownType(model);
    this.config = model.config().orElseGet(Json::object);
    this.language = config.path("text_config").isObject() ? config.path("text_config") : config;
    String modelType = config.path("model_type").asText("");
    this.family =
        GgufFamily.ofModelType(modelType)
            .orElseThrow(
                () ->
                    error(
                        "config.json has model_type %s; known are llama, qwen2, qwen3, qwen2_vl, qwen2_5_vl"
                            .formatted(quote(modelType))));
  }

  /**
   * Writes the files.
   *
   * @param folder a checkpoint
   * @param out the language model's file; the vision part's is beside it, its name begins with
   *     {@code mmproj-}
   * @throws CheckpointException if the model cannot be written whole; then no file is left
   */
  public static Result run(Path folder, Path out, Options options, Progress progress) {
    try (Checkpoint model = Checkpoint.open(folder)) {
      return new GgufExport(model, options).run(out, progress);
    }
  }

  private Result run(Path out, Progress progress) {
    requireWhole();
    for (TensorInfo tensor : model.tensors()) {
      if (!tensor.name().endsWith("rotary_emb.inv_freq")) {
        add(tensor);
      }
    }
    new GgufSettings(family, config, language, model).addTo(writer, notes);
    header(writer, out, "model");
    if (options.tokenizer()) {
      new TokenizerMetadata(model, Math.toIntExact(embedding().shape().get(0)), options.pre())
          .addTo(writer);
    }
    List<Path> files = new ArrayList<>(List.of(out));
    List<GgufWriter> writers = new ArrayList<>(List.of(writer));
    if (vision != null) {
      files.add(out.resolveSibling("mmproj-" + out.getFileName()));
      writers.add(vision);
      new VisionSettings(config, language, model).addTo(vision);
      header(vision, out, "mmproj");
    }
    for (Path file : files) {
      if (!options.force() && Files.exists(file)) {
        throw CheckpointException.at(file, "is there already; --force replaces it");
      }
    }
    long bytes = writers.stream().mapToLong(GgufWriter::bytes).sum();
    progress.started("writing", bytes, Progress.BYTES);
    writeAll(files, writers, progress);
    progress.finished();
    return new Result(
        files, type, writers.stream().mapToInt(GgufWriter::tensors).sum(), bytes, notes);
  }

  /** Both files or none. */
  private static void writeAll(List<Path> files, List<GgufWriter> writers, Progress progress) {
    int done = 0;
    try {
      for (; done < files.size(); done++) {
        writers.get(done).write(files.get(done), progress::advanced);
      }
    } catch (RuntimeException | Error e) {
      for (Path file : files.subList(0, done)) {
        try {
          Files.deleteIfExists(file);
        } catch (IOException second) {
          e.addSuppressed(second);
        }
      }
      throw e;
    }
  }

  /** All layers that config.json counts, with a head or the embedding for one. */
  private void requireWhole() {
    int layers = language.path("num_hidden_layers").asInt(0);
    Set<Integer> there = new TreeSet<>();
    for (TensorInfo tensor : model.tensors()) {
      Matcher layer = LAYER.matcher(published(tensor.name()));
      if (layer.lookingAt()) {
        there.add(Integer.parseInt(layer.group(1)));
      }
    }
    for (int i = 0; i < Math.max(layers, there.size()); i++) {
      if (!there.contains(i) || i >= layers) {
        throw error(
            "config.json counts %d layers, the weights have %d".formatted(layers, there.size()));
      }
    }
    if (!isTied() && model.find("lm_head.weight").isEmpty()) {
      throw error(
          "has no 'lm_head.weight', and config.json does not say tie_word_embeddings; llama.cpp"
              + " would take the embedding for it");
    }
    long rows = embedding().shape().get(0);
    long expected = language.path("vocab_size").asLong(config.path("vocab_size").asLong(rows));
    if (rows != expected) {
      throw error(
          "the embedding has %d rows, config.json's vocab_size is %d".formatted(rows, expected));
    }
  }

  private TensorInfo embedding() {
    return model
        .find("model.embed_tokens.weight")
        .or(() -> model.find("model.language_model.embed_tokens.weight"))
        .orElseThrow(() -> error("has no 'model.embed_tokens.weight'"));
  }

  private void header(GgufWriter file, Path out, String kind) {
    String name = String.valueOf(out.getFileName());
    file.text("general.type", kind);
    file.text("general.name", name.replaceFirst("\\.gguf$", ""));
    file.whole("general.file_type", type.fileType);
    if (type == Type.Q8_0) {
      file.whole("general.quantization_version", 2);
    }
  }

  private static Type ownType(Checkpoint model) {
    long brain =
        model.tensors().stream()
            .filter(it -> it.dtype() == DType.BF16)
            .mapToLong(TensorInfo::size)
            .sum();
    long all = model.tensors().stream().mapToLong(TensorInfo::size).sum();
    return brain > all / 2 ? Type.BF16 : Type.F16;
  }

  private CheckpointException error(String problem) {
    return CheckpointException.at(model.folder(), problem);
  }

  /** Names since transformers 4.52 are those of before, with the model's parts in it. */
  private static String published(String name) {
    return name.replaceFirst("^model\\.language_model\\.", "model.")
        .replaceFirst("^model\\.visual\\.", "visual.");
  }

  private void add(TensorInfo tensor) {
    model
        .whyNotMergeable(tensor)
        .ifPresent(
            reason -> {
              throw error(reason);
            });
    String name = published(tensor.name());
    if (name.startsWith("visual.") && family == GgufFamily.QWEN2_VL) {
      GgufWriter file = vision == null ? new GgufWriter() : vision;
      vision = file;
      addVision(file, tensor, name);
      return;
    }
    String gguf =
        GgufFamily.toGguf(name)
            .orElseThrow(
                () ->
                    error(
                        "tensor %s has no name in llama.cpp's '%s'"
                            .formatted(quote(tensor.name()), family.architecture())));
    if (name.equals("lm_head.weight") && isTied()) {
      requireTied(tensor);
      return;
    }
    GgufView.Order order = element -> new GgufView.Run(0, element, tensor.size() - element);
    if (family.pairedRows() && gguf.matches("blk\\.\\d+\\.attn_[qk]\\.(weight|bias)")) {
      order = paired(tensor, gguf.contains("attn_q"));
    }
    put(writer, gguf, tensor, tensor.shape(), order);
  }

  private boolean isTied() {
    return config.path("tie_word_embeddings").asBoolean(false)
        || language.path("tie_word_embeddings").asBoolean(false);
  }

  /** A head that config.json calls tied is not used by any loader. */
  private void requireTied(TensorInfo head) {
    TensorInfo embedding = embedding();
    if (embedding.dtype() != head.dtype()
        || !embedding.shape().equals(head.shape())
        || !isEqual(embedding, head)) {
      throw error(
          "config.json says tie_word_embeddings, yet %s is stored and differs from the embedding; set it to false to use the head, or delete the head"
              .formatted(quote(head.name())));
    }
  }

  private boolean isEqual(TensorInfo one, TensorInfo other) {
    ByteBuffer a = ByteBuffer.allocate(1 << 16);
    ByteBuffer b = ByteBuffer.allocate(1 << 16);
    for (long at = 0; at < one.bytes(); at += a.capacity()) {
      int length = (int) Math.min(a.capacity(), one.bytes() - at);
      model.readBytes(one, at, a.clear().limit(length));
      model.readBytes(other, at, b.clear().limit(length));
      if (!a.flip().equals(b.flip())) {
        return false;
      }
    }
    return true;
  }

  /** Row 2 j + s of a head of the file is row j + s half heads of the model. */
  private GgufView.Order paired(TensorInfo tensor, boolean queries) {
    long heads = language.path("num_attention_heads").asLong(0);
    long count = queries ? heads : language.path("num_key_value_heads").asLong(heads);
    long rows = tensor.shape().get(0);
    if (count <= 0 || rows % (2 * count) != 0) {
      throw error(
          "tensor %s: %d rows do not divide into the %d heads of config.json"
              .formatted(quote(tensor.name()), rows, count));
    }
    long head = rows / count;
    long width = tensor.size() / rows;
    return element -> {
      long row = element / width;
      long inHead = row % head;
      long from = row - inHead + inHead % 2 * (head / 2) + inHead / 2;
      return new GgufView.Run(0, from * width + element % width, width - element % width);
    };
  }

  private void addVision(GgufWriter file, TensorInfo tensor, String name) {
    if (name.equals(GgufFamily.Vision.PATCHES)) {
      frames(file, tensor);
      return;
    }
    if (name.contains(".attn.qkv.")) {
      thirds(file, tensor, name);
      return;
    }
    String gguf =
        GgufFamily.Vision.toGguf(name)
            .orElseThrow(
                () ->
                    error(
                        "tensor %s has no name in llama.cpp's vision part of Qwen2-VL"
                            .formatted(quote(tensor.name()))));
    put(file, gguf, tensor, tensor.shape(), it -> new GgufView.Run(0, it, tensor.size() - it));
  }

  /** A convolution over two frames is one for each. */
  private void frames(GgufWriter file, TensorInfo tensor) {
    List<Long> shape = tensor.shape();
    if (shape.size() != 5 || shape.get(2) != 2) {
      throw error(
          "tensor %s has shape %s; llama.cpp has convolutions over two frames only"
              .formatted(quote(tensor.name()), shape));
    }
    long pixels = shape.get(3) * shape.get(4);
    for (int frame = 0; frame < 2; frame++) {
      int own = frame;
      put(
          file,
          GgufFamily.Vision.PATCH_FRAMES.get(frame),
          tensor,
          List.of(shape.get(0), shape.get(1), shape.get(3), shape.get(4)),
          element ->
              new GgufView.Run(
                  0,
                  (element / pixels * 2 + own) * pixels + element % pixels,
                  pixels - element % pixels));
    }
  }

  private void thirds(GgufWriter file, TensorInfo tensor, String name) {
    long rows = tensor.shape().get(0);
    if (rows % 3 != 0) {
      throw error("tensor %s: %d rows are no thirds".formatted(quote(tensor.name()), rows));
    }
    List<Long> shape = new ArrayList<>(tensor.shape());
    shape.set(0, rows / 3);
    long size = tensor.size() / 3;
    for (int third = 0; third < 3; third++) {
      long begin = third * size;
      put(
          file,
          name.replaceFirst("visual\\.blocks\\.", "v.blk.")
              .replace("attn.qkv", GgufFamily.Vision.ATTENTION.get(third)),
          tensor,
          shape,
          element -> new GgufView.Run(0, begin + element, size - element));
    }
  }

  private void put(
      GgufWriter file, String name, TensorInfo tensor, List<Long> shape, GgufView.Order order) {
    long row = shape.get(shape.size() - 1);
    GgmlType wanted = type.ggml;
    GgmlType written =
        shape.size() == 1 || name.endsWith("_norm.weight")
            ? GgmlType.F32
            : row % wanted.blockSize() == 0 ? wanted : GgmlType.F16;
    float[] run = new float[1 << 15];
    file.tensor(
        name,
        written,
        shape,
        (first, length, target) -> {
          for (int done = 0; done < length; ) {
            GgufView.Run next = order.at(first + done);
            int count = (int) Math.min(Math.min(run.length, length - done), next.length());
            model.read(tensor, next.from(), count, run);
            System.arraycopy(run, 0, target, done, count);
            done += count;
          }
        });
  }
}
