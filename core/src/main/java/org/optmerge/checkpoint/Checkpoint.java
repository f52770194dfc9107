package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.FileErrors;
import org.optmerge.base.FileIdentity;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;

/**
 * A folder in Hugging Face layout, opened for reading: {@code model.safetensors}, or shards with
 * {@code model.safetensors.index.json}, or one safetensors file of another name. A single {@code
 * .safetensors} file works too, and so does any {@link WeightFormat}, such as GGUF.
 *
 * <p>Opening reads and checks every header, never the data. Reading is positional and safe from
 * several threads. A thread that is interrupted while it reads closes the file for all, as file
 * channels do: to stop work, use a flag.
 *
 * <p>Data is read, not mapped: on a machine where a page used for the first time costs more than
 * its transfer, one buffer used again and again is the faster way, and memory stays flat.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Checkpoint implements AutoCloseable {
  /** Large enough for the disk, small enough to be still in the cache when it is widened. */
  private static final int BUFFER_BYTES = 256 << 10;

  private static final ThreadLocal<ByteBuffer> BUFFER =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BUFFER_BYTES));

  private static final String CONFIG = "config.json";

  private final CheckpointFiles files;
  private final @Nullable WeightStore store;
  private final Map<Path, FileChannel> channels = new LinkedHashMap<>();
  private final Map<Path, FileIdentity> opened = new LinkedHashMap<>();
  private final Map<Path, Map<String, String>> metadata = new LinkedHashMap<>();
  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
  private final List<String> indexNotes = new ArrayList<>();
  private List<TensorInfo> inOrder = List.of();

  private Checkpoint(CheckpointFiles files, @Nullable WeightStore store) {
    this.files = files;
    this.store = store;
  }

  /**
   * Opens and checks a folder, whose files must lie in it.
   *
   * @throws CheckpointException if anything about it is not as the format demands; the message
   *     names the file
   */
  public static Checkpoint open(Path folder) {
    return open(folder, ExternalFiles.REFUSE);
  }

  /**
   * Opens and checks a folder.
   *
   * @param external what to do where an index or a link leads out of the folder
   * @throws CheckpointException if anything about it is not as the format demands; the message
   *     names the file
   */
  public static Checkpoint open(Path folder, ExternalFiles external) {
    WeightStore store = WeightFormat.find(folder, external).orElse(null);
    return store != null
        ? open(folder, store, external)
        : open(CheckpointFiles.find(folder, external));
  }

  /** Opens and checks files that belong together. */
  static Checkpoint open(CheckpointFiles files) {
    Checkpoint checkpoint = new Checkpoint(files, null);
    try {
      checkpoint.openFiles();
    } catch (RuntimeException | Error e) {
      checkpoint.close();
      throw e;
    }
    return checkpoint;
  }

  private static Checkpoint open(Path path, WeightStore store, ExternalFiles external) {
    try {
      CheckpointFiles files = CheckpointFiles.of(path, store.weightFiles(), external);
      Checkpoint checkpoint = new Checkpoint(files, store);
      for (TensorInfo tensor : store.tensors()) {
        checkpoint.tensors.put(tensor.name(), tensor);
      }
      for (Path file : store.weightFiles()) {
        checkpoint.metadata.put(file, Map.of());
        checkpoint.opened.put(file, FileIdentity.near(file));
      }
      checkpoint.inOrder = store.tensors();
      return checkpoint;
    } catch (IOException e) {
      store.close();
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(path, FileErrors.reason(e)), e);
    } catch (RuntimeException | Error e) {
      store.close();
      throw e;
    }
  }

  private void openFiles() {
    Map<String, String> chosen = files.index().map(ShardIndex::weightMap).orElse(Map.of());
    List<String> copies = new ArrayList<>();
    for (Path file : files.weights()) {
      try {
        FileChannel channel = FileChannel.open(RegularFiles.required(file));
        channels.put(file, channel);
        opened.put(file, FileIdentity.near(file));
        SafetensorsHeader header = SafetensorsHeader.read(file, channel);
        metadata.put(file, header.metadata());
        for (TensorInfo tensor : header.tensors()) {
          TensorInfo other = tensors.put(tensor.name(), tensor);
          if (other != null) {
            Path wanted = files.folder().resolve(chosen.getOrDefault(tensor.name(), ""));
            if (!wanted.equals(file) && !wanted.equals(other.file())) {
              throw CheckpointException.at(
                  file,
                  "tensor %s is in %s as well; move the file that is not wanted out of the folder"
                      .formatted(quote(tensor.name()), other.file()));
            }
            copies.add(tensor.name());
            if (wanted.equals(other.file())) {
              tensors.put(tensor.name(), other);
            }
          }
        }
      } catch (IOException e) {
        throw new CheckpointException(
            "%s: cannot be read: %s".formatted(file, FileErrors.reason(e)), e);
      }
    }
    if (!copies.isEmpty()) {
      indexNotes.add(
          "%d tensors, such as %s, are in two weight files; %s decides for %s"
              .formatted(
                  copies.size(),
                  quote(copies.get(0)),
                  ShardIndex.FILE_NAME,
                  quote(chosen.getOrDefault(copies.get(0), ""))));
    }
    if (files.numbered()) {
      indexNotes.add(
          "there is no %s; the %d numbered weight files are complete and are read"
              .formatted(ShardIndex.FILE_NAME, files.weights().size()));
    }
    files.index().ifPresent(this::compare);
    inOrder = List.copyOf(tensors.values());
  }

  /** Notes where index and headers do not say the same: the headers are right. */
  private void compare(ShardIndex index) {
    List<String> nowhere = new ArrayList<>();
    List<String> elsewhere = new ArrayList<>();
    index
        .weightMap()
        .forEach(
            (name, shard) -> {
              TensorInfo tensor = tensors.get(name);
              if (tensor == null) {
                nowhere.add(name);
              } else if (!tensor.file().equals(files.folder().resolve(shard))) {
                elsewhere.add(name);
              }
            });
    List<String> unnamed = new ArrayList<>(tensors.keySet());
    unnamed.removeAll(index.weightMap().keySet());
    note(nowhere, "is named by %s and is in no weight file");
    note(elsewhere, "is in another weight file than %s says");
    note(unnamed, "is in a weight file and is not named by %s, and is read all the same");
  }

  private void note(List<String> names, String what) {
    if (!names.isEmpty()) {
      indexNotes.add(
          "tensor %s %s%s"
              .formatted(
                  quote(names.get(0)),
                  what.formatted(ShardIndex.FILE_NAME),
                  names.size() > 1 ? " (and %d more tensors)".formatted(names.size() - 1) : ""));
    }
  }

  /**
   * Refuses weight files whose index is missing, incomplete or stale.
   *
   * @throws CheckpointException if it is
   */
  public void requireIndex() {
    if (!indexNotes.isEmpty()) {
      throw CheckpointException.at(
          files.folder().resolve(ShardIndex.FILE_NAME),
          "%s; repair the index, or leave out --strict-index"
              .formatted(String.join("; ", indexNotes)));
    }
  }

  /** The folder that was opened; for a single file its parent, for a GGUF file that file. */
  public Path folder() {
    return files.folder();
  }

  /** The weight files, with what told them from others when they were opened. */
  public Map<Path, FileIdentity> opened() {
    return Collections.unmodifiableMap(opened);
  }

  /** All tensors, shard by shard, in the order of their offsets. */
  public List<TensorInfo> tensors() {
    return inOrder;
  }

  /** One tensor, if present. */
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * The safetensors files, sorted by name: numbered shards are in their order, which the index,
   * sorted by tensor, is not.
   */
  public List<Path> weightFiles() {
    return files.weights();
  }

  /**
   * Everything in the folder that is not weights or their index, relative to the folder, sorted.
   *
   * <p>Left out are the folders {@code .git} and {@code .cache}, where version control and the hub
   * client keep their own, and those of {@link #sideFiles()} that hold the weights once more or the
   * state of a training: a copy beside merged weights would hold the old ones.
   */
  public List<Path> otherFiles() {
    return files.others();
  }

  /** What else in the folder holds weights; none of it is read. Sorted. */
  public List<SideFile> sideFiles() {
    return files.side();
  }

  /**
   * Files that the folder lacks and whose content the weight files hold, by name: config.json and
   * the tokenizer of a GGUF file. Empty for safetensors.
   */
  public Map<String, byte[]> derivedFiles() {
    if (store == null) {
      return Map.of();
    }
    Map<String, byte[]> derived = new LinkedHashMap<>(store.derivedFiles());
    files.others().forEach(file -> derived.remove(file.toString()));
    return derived;
  }

  /**
   * A file of the model that is not weights, such as tokenizer.json: from the folder, or derived.
   *
   * @throws CheckpointException if it is there but cannot be read
   */
  public Optional<byte[]> file(String name) {
    byte[] derived = derivedFiles().get(name);
    Path file = files.folder().resolve(name);
    if (derived != null || !Files.isRegularFile(file)) {
      return Optional.ofNullable(derived);
    }
    try {
      return Optional.of(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(file, FileErrors.reason(e)), e);
    }
  }

  /** What a reader ought to know of how the weights are read, one sentence each. */
  public List<String> notes() {
    return store == null ? List.copyOf(indexNotes) : store.notes();
  }

  /** {@code config.json}, if it is there and is a JSON object. */
  public Optional<JsonNode> config() {
    byte[] derived = derivedFiles().get(CONFIG);
    if (derived != null) {
      try {
        return Optional.of(Json.plain().readTree(derived));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    Path file = files.folder().resolve(CONFIG);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Json.object(file, CheckpointException::new));
    } catch (CheckpointException e) {
      return Optional.empty();
    }
  }

  /**
   * Output heads that are not stored, as the configuration says {@code tie_word_embeddings} and the
   * input embedding serves for them: the name the head would have, such as {@code lm_head.weight},
   * and the embedding's. Empty if there is none, or the head is stored.
   */
  public Map<String, String> tied() {
    return config()
        .map(config -> Collections.unmodifiableMap(TiedWeights.find(config, tensors.keySet())))
        .orElse(Map.of());
  }

  /**
   * The reason why a tensor must not be averaged with others: it is quantised, or belongs to one
   * that is, or holds no real numbers. Empty if it may be merged.
   *
   * @return a sentence that names the tensor and says what to do
   */
  public Optional<String> whyNotMergeable(TensorInfo tensor) {
    return Quantisation.whyNotMergeable(tensor, this::find);
  }

  /** The {@code __metadata__} of a weight file. */
  public Map<String, String> metadata(Path weightFile) {
    Map<String, String> found = metadata.get(weightFile);
    if (found == null) {
      throw new IllegalArgumentException(
          "%s is not a weight file of %s".formatted(weightFile, files.folder()));
    }
    return found;
  }

  /**
   * Reads elements, widened to {@code float}.
   *
   * @param first index of the first element in the flattened tensor
   * @param target receives {@code length} values from index 0 on
   * @throws CheckpointException if the type is not floating or the file cannot be read
   * @throws IndexOutOfBoundsException if the tensor does not have these elements
   */
  public void read(TensorInfo tensor, long first, int length, float[] target) {
    checkRange(tensor, first, length, tensor.size());
    if (target.length < length) {
      throw new IndexOutOfBoundsException(
          "tensor '%s': %d elements do not fit an array of %d"
              .formatted(tensor.name(), length, target.length));
    }
    ByteBuffer buffer = BUFFER.get();
    int width = tensor.dtype().bytes();
    int most = BUFFER_BYTES / width;
    for (int done = 0; done < length; ) {
      int count = Math.min(most, length - done);
      buffer.clear().limit(count * width);
      readFully(tensor, (first + done) * width, buffer);
      FloatCodec.widen(tensor.dtype(), buffer.flip(), target, done, count);
      done += count;
    }
  }

  /**
   * Reads stored bytes from {@code offset} within the tensor until {@code target} has none
   * remaining.
   *
   * @throws CheckpointException if the file cannot be read
   * @throws IndexOutOfBoundsException if the tensor does not have these bytes
   */
  public void readBytes(TensorInfo tensor, long offset, ByteBuffer target) {
    checkRange(tensor, offset, target.remaining(), tensor.bytes());
    readFully(tensor, offset, target);
  }

  private static void checkRange(TensorInfo tensor, long first, int length, long size) {
    if (first < 0 || length < 0 || first > size - length) {
      throw new IndexOutOfBoundsException(
          "tensor '%s': %d from %d on of %d".formatted(tensor.name(), length, first, size));
    }
  }

  private FileChannel channel(TensorInfo tensor) {
    FileChannel channel = channels.get(tensor.file());
    if (channel == null) {
      throw new IllegalArgumentException(
          "tensor '%s' is of %s, which is not a weight file of %s"
              .formatted(tensor.name(), tensor.file(), files.folder()));
    }
    return channel;
  }

  private void readFully(TensorInfo tensor, long offset, ByteBuffer target) {
    if (store != null) {
      store.readBytes(tensor, offset, target);
      return;
    }
    FileChannel channel = channel(tensor);
    try {
      long position = tensor.offset() + offset;
      while (target.hasRemaining()) {
        int read = channel.read(target, position);
        if (read < 0) {
          throw CheckpointException.at(
              tensor.file(),
              "tensor %s: the file ends at byte %d; it has become shorter since it was opened"
                  .formatted(quote(tensor.name()), position));
        }
        position += read;
      }
    } catch (ClosedChannelException e) {
      throw new CheckpointException(
          "%s: tensor %s: the checkpoint is closed".formatted(tensor.file(), quote(tensor.name())),
          e);
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: tensor %s: cannot be read: %s"
              .formatted(tensor.file(), quote(tensor.name()), e.getMessage()),
          e);
    }
  }

  /** Closes the files; reading is an error from now on. */
  @Override
  public void close() {
    if (store != null) {
      store.close();
    }
    for (FileChannel channel : channels.values()) {
      try {
        channel.close();
      } catch (IOException ignored) {
        // Nothing was written, so nothing can be lost.
      }
    }
  }
}
