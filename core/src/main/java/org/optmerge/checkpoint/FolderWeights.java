package org.optmerge.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Sorts the files of a folder that are not read: which of them hold weights too, and of what kind.
 *
 * <p>A file is known by its name, and by its first bytes where the name says nothing; it is never
 * opened as a whole, as a pickle runs code when it is read.
 */
final class FolderWeights {
  /** Endings of files that hold no weights, whatever is in them. */
  private static final Set<String> HARMLESS =
      Set.of(
          "json",
          "jsonl",
          "txt",
          "md",
          "rst",
          "py",
          "pyc",
          "jinja",
          "model",
          "tiktoken",
          "yaml",
          "yml",
          "csv",
          "tsv",
          "html",
          "png",
          "jpg",
          "jpeg",
          "gif",
          "webp",
          "svg",
          "wav",
          "mp3",
          "mp4",
          "flac",
          "pdf",
          "vocab",
          "bpe",
          "lock",
          "ipynb",
          "log",
          "sh",
          "toml",
          "cfg",
          "ini",
          "xml",
          "gitattributes",
          "gitignore",
          "part");

  private static final Set<String> WEIGHTS =
      Set.of(
          "bin",
          "pt",
          "pth",
          "ckpt",
          "pkl",
          "pickle",
          "joblib",
          "npz",
          "npy",
          "h5",
          "hdf5",
          "keras",
          "msgpack",
          "distcp",
          "ot",
          "params",
          "pdparams",
          "nemo",
          "mar",
          "th",
          "t7",
          "weights",
          "dduf");

  /** Formats into which finished models are exported; no trainer writes its only copy so. */
  private static final Pattern EXPORTED =
      Pattern.compile(
          "(.*/)?(.*\\.(gguf|ggml|onnx|onnx_data|tflite|mlmodel|llamafile|engine|plan)|ggml-[^/]*\\.bin"
              + "|openvino_[^/]*\\.bin|weight\\.bin|.*\\.onnx\\.data)");

  /** A whole model's weights in another format, or as its first publisher named them. */
  private static final Pattern MODEL_AGAIN =
      Pattern.compile(
          "pytorch_model.*\\.bin(\\.index\\.json)?|.*\\.safetensors\\.index\\.json|tf_model.*"
              + "|flax_model.*|rust_model\\.ot|(.*/)?consolidated.*\\.(pth|safetensors)");

  private static final Pattern WHOLE_MODEL =
      Pattern.compile(
          "model(-\\d+-of-\\d+)?\\.safetensors|model\\.safetensors\\.index\\.json"
              + "|pytorch_model.*\\.bin(\\.index\\.json)?|tf_model.*|flax_model.*");

  /** Folders with what the model was at some time before. */
  private static final Pattern EARLIER =
      Pattern.compile(
          "(.*/)?((tmp-|last-)?checkpoint([-_]\\w+)?|global_step\\w*|(epoch|step|iter)[-_]?\\d+)/.*");

  private static final Pattern STATE =
      Pattern.compile(
          "(.*/)?((optimizer|optim|scheduler|lr_scheduler|scaler|grad_scaler|sampler|rng_state|"
              + "random_states|training_args|trainer_state|dl_state|dataloader)([._-][^/]*)?"
              + "\\.(bin|pt|pth|pkl|pickle|npz|safetensors)|.*optim_states\\.pt"
              + "|(optimizer|optim)([_-][^/]*)?/.*)");

  private static final int MAGIC = 16;

  private FolderWeights() {}

  /**
   * Sorts files.
   *
   * @param root the folder
   * @param files relative to it; those that are not read
   * @param read names of the weight files that are read, relative to the folder
   * @param repeats true for a safetensors file that has only tensors that are read elsewhere
   * @param adapter true if the folder is an adapter's
   * @return those that hold weights, in the same order
   */
  static List<SideFile> sort(
      Path root,
      Collection<Path> files,
      Collection<String> read,
      Predicate<Path> repeats,
      boolean adapter) {
    Set<String> stems =
        read.stream().map(FolderWeights::stem).collect(Collectors.toUnmodifiableSet());
    List<SideFile> sorted = new ArrayList<>();
    for (Path file : files) {
      String name = file.toString().replace('\\', '/');
      String lower = name.toLowerCase(Locale.ROOT);
      if (EARLIER.matcher(lower).matches()) {
        sorted.add(new SideFile(file, SideFile.Kind.EARLIER));
      } else if (STATE.matcher(lower).matches()) {
        sorted.add(new SideFile(file, SideFile.Kind.STATE));
      } else if (EXPORTED.matcher(lower).matches()) {
        sorted.add(new SideFile(file, SideFile.Kind.COPY));
      } else if (adapter && WHOLE_MODEL.matcher(lower).matches()) {
        sorted.add(new SideFile(file, SideFile.Kind.MODEL));
      } else if (MODEL_AGAIN.matcher(lower).matches()) {
        sorted.add(new SideFile(file, SideFile.Kind.COPY));
      } else if (holdsWeights(root.resolve(file), lower)) {
        sorted.add(new SideFile(file, kind(root, file, lower, stems, repeats)));
      }
    }
    return sorted;
  }

  static boolean isOfEarlierState(Path file) {
    return EARLIER.matcher(file.toString().replace('\\', '/').toLowerCase(Locale.ROOT)).matches();
  }

  private static SideFile.Kind kind(
      Path root, Path file, String lower, Set<String> stems, Predicate<Path> repeats) {
    if (isOfItsOwn(root, file)) {
      return SideFile.Kind.SEPARATE;
    }
    if (lower.endsWith(".safetensors")) {
      boolean again = file.getParent() == null && repeats.test(root.resolve(file));
      return again ? SideFile.Kind.COPY : SideFile.Kind.TENSORS;
    }
    return stems.contains(stem(lower)) ? SideFile.Kind.COPY : SideFile.Kind.UNREADABLE;
  }

  /** True if a folder between the file and the root is a model or an adapter by itself. */
  private static boolean isOfItsOwn(Path root, Path file) {
    for (Path at = file.getParent(); at != null; at = at.getParent()) {
      Path folder = root.resolve(at);
      if (Files.exists(folder.resolve("config.json")) || LoraAdapter.isAdapter(folder)) {
        return true;
      }
    }
    return false;
  }

  /** A name without its ending, in lower case. */
  static String stem(String name) {
    String lower = name.replace('\\', '/').toLowerCase(Locale.ROOT);
    int dot = lower.lastIndexOf('.');
    return dot > lower.lastIndexOf('/') ? lower.substring(0, dot) : lower;
  }

  private static boolean holdsWeights(Path file, String lower) {
    int dot = lower.lastIndexOf('.');
    String ending = dot > lower.lastIndexOf('/') ? lower.substring(dot + 1) : "";
    if (WEIGHTS.contains(ending) || ending.equals("safetensors")) {
      return true;
    }
    return !HARMLESS.contains(ending) && !lower.contains("tfevents") && beginsLikeWeights(file);
  }

  /** True for a pickle, torch's or NumPy's archive, HDF5, GGUF or safetensors. */
  private static boolean beginsLikeWeights(Path file) {
    byte[] head;
    try (InputStream in = Files.newInputStream(file)) {
      head = in.readNBytes(MAGIC);
    } catch (IOException e) {
      return true; // it cannot be said that it holds none
    }
    String text = new String(head, StandardCharsets.ISO_8859_1);
    return text.startsWith("PK\u0003\u0004")
        || text.matches("(?s)\u0080[\u0002-\u0005].*")
        || text.startsWith("\u0089HDF")
        || text.startsWith("GGUF")
        || text.startsWith("\u0093NUMPY")
        || text.matches("(?s).{3,6}\u0000{2,5}\\{[\" ].*");
  }
}
