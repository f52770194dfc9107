package org.optmerge.checkpoint.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.RegularFiles;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.ExternalFiles;
import org.optmerge.checkpoint.WeightFormat;
import org.optmerge.checkpoint.WeightStore;

/**
 * GGUF as a format of checkpoints: one file, the parts of a divided one, or a folder that has a
 * model and perhaps its vision part ({@code mmproj}) and no other weights.
 */
public final class GgufFormat implements WeightFormat {
  static final String SUFFIX = ".gguf";

  private static final Pattern PART =
      Pattern.compile("(?<stem>.*)-(?<part>\\d{5})-of-(?<parts>\\d{5})\\.gguf");

  /** The service loader's way to make one. */
  public GgufFormat() {}

  @Override
  public Optional<WeightStore> open(Path path, ExternalFiles external) {
    try {
      if (Files.isDirectory(path)) {
        return inFolder(path).map(files -> open(path, files, external));
      }
      if (!Files.isRegularFile(path) || !isGguf(path)) {
        return Optional.empty();
      }
      Path folder = path.toAbsolutePath().getParent();
      return Optional.of(
          open(folder == null ? path : folder, List.of(together(path)), ExternalFiles.ALLOW));
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(path, e), e);
    }
  }

  private static boolean isGguf(Path path) {
    return String.valueOf(path.getFileName()).endsWith(SUFFIX);
  }

  /** The files of a folder whose weights are GGUF: for each model, its parts in order. */
  private static Optional<List<List<Path>>> inFolder(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.sorted().toList();
    }
    boolean other =
        files.stream()
            .map(file -> String.valueOf(file.getFileName()))
            .anyMatch(
                name ->
                    name.endsWith(".safetensors")
                        || name.endsWith(".safetensors.index.json")
                        || name.equals("adapter_config.json"));
    Map<String, List<Path>> models = new TreeMap<>();
    for (Path file : files) {
      if (isGguf(file)) {
        Matcher part = PART.matcher(file.getFileName().toString());
        String key =
            part.matches()
                ? part.group("stem") + "-of-" + part.group("parts")
                : file.getFileName().toString();
        models.computeIfAbsent(key, name -> new ArrayList<>()).add(file);
      }
    }
    if (other || models.isEmpty()) {
      return Optional.empty();
    }
    List<List<Path>> found = new ArrayList<>();
    for (List<Path> parts : models.values()) {
      found.add(together(parts.get(0)));
    }
    return Optional.of(found);
  }

  /** All parts of the file that one part belongs to, in their order. */
  private static List<Path> together(Path file) {
    Matcher part = PART.matcher(String.valueOf(file.getFileName()));
    if (!part.matches()) {
      return List.of(file);
    }
    int parts = Integer.parseInt(part.group("parts"));
    List<Path> files = new ArrayList<>();
    for (int i = 1; i <= parts; i++) {
      Path one =
          file.resolveSibling("%s-%05d-of-%05d.gguf".formatted(part.group("stem"), i, parts));
      if (!Files.isRegularFile(one)) {
        throw CheckpointException.at(
            one, "part %d of %d is not there; was the download complete?".formatted(i, parts));
      }
      files.add(one);
    }
    if (files.isEmpty()) {
      throw CheckpointException.at(file, "is named as a part of none");
    }
    return files;
  }

  @SuppressWarnings("MustBeClosedChecker")
  private static WeightStore open(Path folder, List<List<Path>> models, ExternalFiles external) {
    Map<Path, FileChannel> channels = new LinkedHashMap<>();
    try {
      @Nullable GgufHeader language = null;
      @Nullable GgufHeader vision = null;
      for (List<Path> parts : models) {
        for (Path part : parts) {
          external.check(folder, part);
          channels.put(part, FileChannel.open(RegularFiles.required(part)));
        }
        GgufHeader header = header(parts, channels);
        if (isVision(header)) {
          vision = one(folder, vision, header, models);
        } else {
          language = one(folder, language, header, models);
        }
      }
      float[] factors = ropeFactors(language, channels);
      return new GgufStore(channels, GgufContents.of(language, vision, factors));
    } catch (IOException e) {
      close(channels);
      throw new CheckpointException("%s: cannot be read: %s".formatted(folder, e), e);
    } catch (RuntimeException | Error e) {
      close(channels);
      throw e;
    }
  }

  private static void close(Map<Path, FileChannel> channels) {
    for (FileChannel channel : channels.values()) {
      try {
        channel.close();
      } catch (IOException ignored) {
        // Nothing was written, so nothing can be lost.
      }
    }
  }

  private static GgufHeader one(
      Path folder, @Nullable GgufHeader known, GgufHeader header, List<List<Path>> models) {
    if (known != null) {
      throw CheckpointException.at(
          folder,
          "several models in GGUF: %s; give one of these files"
              .formatted(
                  models.stream()
                      .map(parts -> String.valueOf(parts.get(0).getFileName()))
                      .collect(Collectors.joining(", "))));
    }
    return header;
  }

  /** The headers of all parts as one. */
  private static GgufHeader header(List<Path> parts, Map<Path, FileChannel> channels) {
    List<GgufMetadata> metadata = new ArrayList<>();
    Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    for (Path part : parts) {
      @Nullable FileChannel channel = channels.get(part);
      if (channel == null) {
        throw new IllegalStateException(part.toString());
      }
      GgufHeader header = GgufHeader.read(part, channel);
      metadata.add(header.metadata());
      for (GgufTensor tensor : header.tensors()) {
        GgufTensor other = tensors.put(tensor.name(), tensor);
        if (other != null) {
          throw CheckpointException.at(
              part, "tensor '%s' is in %s as well".formatted(tensor.name(), other.file()));
        }
      }
    }
    GgufMetadata all = GgufMetadata.union(metadata);
    long count = all.whole("split.count").orElse(1L);
    long expected = all.whole("split.tensors.count").orElse((long) tensors.size());
    if (count != parts.size() && count > 1 || expected != tensors.size()) {
      throw CheckpointException.at(
          parts.get(0),
          "is part of a model of %d files with %d tensors; %d files have %d"
              .formatted(count, expected, parts.size(), tensors.size()));
    }
    String type = all.text("general.type").orElse("model");
    if (type.equals("adapter") || type.equals("imatrix")) {
      throw CheckpointException.at(
          parts.get(0),
          "holds no model but an %s; adapters are read in PEFT's layout only".formatted(type));
    }
    if (tensors.isEmpty()) {
      throw CheckpointException.at(parts.get(0), "has no tensors");
    }
    return new GgufHeader(all, List.copyOf(tensors.values()));
  }

  private static boolean isVision(GgufHeader header) {
    GgufMetadata metadata = header.metadata();
    if (!metadata.text(GgufContents.ARCHITECTURE).orElse("").equals(GgufContents.VISION)) {
      return false;
    }
    String projector = projector(metadata);
    if (!projector.equals("qwen2vl_merger") && !projector.equals("qwen2.5vl_merger")) {
      throw CheckpointException.at(
          metadata.file(),
          "is a vision part of kind '%s', whose names are not known; known are qwen2vl_merger and qwen2.5vl_merger"
              .formatted(projector));
    }
    return true;
  }

  /** The kind of a vision part. */
  static String projector(GgufMetadata metadata) {
    return metadata
        .text("clip.projector_type")
        .or(() -> metadata.text("clip.vision.projector_type"))
        .orElse("");
  }

  private static float[] ropeFactors(@Nullable GgufHeader language, Map<Path, FileChannel> channels)
      throws IOException {
    GgufTensor tensor =
        language == null ? null : GgufContents.find(language, GgufContents.ROPE_FACTORS);
    if (tensor == null || tensor.type() != GgmlType.F32 || tensor.size() > 1 << 16) {
      return new float[0];
    }
    FileChannel channel = channels.get(tensor.file());
    ByteBuffer bytes = ByteBuffer.allocate((int) tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    while (channel != null && bytes.hasRemaining()) {
      if (channel.read(bytes, tensor.offset() + bytes.position()) < 0) {
        break;
      }
    }
    float[] factors = new float[(int) tensor.size()];
    bytes.flip().asFloatBuffer().get(factors, 0, bytes.remaining() / Float.BYTES);
    return factors;
  }
}
