package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.base.FileErrors;

/**
 * The files of a folder: those that make a checkpoint, and the others.
 *
 * @param folder as given; for a single file, its parent
 * @param weights the safetensors files by name
 * @param index which shard holds which tensor, if there is an index
 * @param others what is not weights, relative to the folder, sorted
 * @param side what else holds weights, relative to the folder, sorted
 */
record CheckpointFiles(
    Path folder,
    List<Path> weights,
    Optional<ShardIndex> index,
    List<Path> others,
    List<SideFile> side) {
  static final String SINGLE = "model.safetensors";

  private static final Pattern NUMBERED =
      Pattern.compile("(?<name>[^/]*[-_.])(?<number>\\d{1,6})-of-(?<count>\\d{1,6})\\.safetensors");

  private static final String SUFFIX = ".safetensors";

  /** Version control and the hub client keep their own copies of the weights here. */
  private static final Set<String> NOT_PART_OF_THE_MODEL = Set.of(".git", ".cache", ".optmerge");

  /** What would hold old weights beside merged ones, or is of no use there. */
  private static final Set<SideFile.Kind> NOT_COPIED =
      Set.of(SideFile.Kind.COPY, SideFile.Kind.STATE, SideFile.Kind.EARLIER);

  private static final Pattern NUMBER = Pattern.compile("-\\d+-of-(\\d+)(?=\\.safetensors$)");

  static final String CONVERT =
      "convert it first, for example in Python: safetensors.torch.save_file("
          + "{k: v.contiguous().clone() for k, v in torch.load(FILE, map_location='cpu', "
          + "weights_only=True).items()}, 'model.safetensors', metadata={'format': 'pt'})";

  /**
   * Finds the files of a checkpoint.
   *
   * @throws CheckpointException if there is none, or more than one, or a file lies elsewhere
   */
  static CheckpointFiles find(Path path, ExternalFiles external) {
    if (!Files.exists(path)) {
      throw CheckpointException.at(path, "no such file or folder");
    }
    try {
      if (!Files.isDirectory(path)) {
        return single(path);
      }
      Contents contents = Contents.of(path, external);
      Path indexFile = path.resolve(ShardIndex.FILE_NAME);
      if (Files.exists(indexFile)) {
        return sharded(path, indexFile, contents, external);
      }
      Path file = path.resolve(SINGLE);
      if (!Files.exists(file)) {
        List<Path> numbered = numbered(path, contents);
        if (!numbered.isEmpty()) {
          numbered.forEach(shard -> checkInside(path, shard, external));
          return contents.without(path, numbered, Optional.empty());
        }
        file = onlyOther(path);
      }
      checkInside(path, file, external);
      return contents.without(path, List.of(file), Optional.empty());
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(path, FileErrors.reason(e)), e);
    }
  }

  /**
   * The files of an adapter's folder: its weights, and the other safetensors files beside them,
   * which hold what was trained whole.
   *
   * @throws CheckpointException if a file lies elsewhere
   */
  static CheckpointFiles ofAdapter(Path folder, Path weights) {
    try {
      Set<Path> files = new TreeSet<>(Contents.of(folder, ExternalFiles.REFUSE).files());
      String name = String.valueOf(weights.getFileName());
      files.remove(Path.of(name));
      List<Path> read = new ArrayList<>(List.of(weights));
      List<SideFile> side = new ArrayList<>();
      for (SideFile file :
          FolderWeights.sort(folder, files, List.of(name), new Repeats(List.of(weights)), true)) {
        if (file.kind() == SideFile.Kind.TENSORS) {
          read.add(folder.resolve(file.file()));
        } else {
          side.add(file);
        }
      }
      Set<String> stems = new TreeSet<>();
      read.forEach(file -> stems.add(FolderWeights.stem(folder.relativize(file).toString())));
      side.replaceAll(file -> file.orCopyOf(stems));
      return new CheckpointFiles(folder, read, Optional.empty(), List.of(), List.copyOf(side));
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(folder, FileErrors.reason(e)), e);
    }
  }

  /** The files of a checkpoint whose weights are in another format. */
  static CheckpointFiles of(Path path, List<Path> weights, ExternalFiles external) {
    if (!Files.isDirectory(path)) {
      // Not its parent, where other models' files may lie.
      return new CheckpointFiles(path, weights, Optional.empty(), List.of(), List.of());
    }
    try {
      return Contents.of(path, external).without(path, weights, Optional.empty());
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(path, FileErrors.reason(e)), e);
    }
  }

  /** True if there is no index though the weights are in several files. */
  boolean numbered() {
    return index.isEmpty()
        && weights.size() > 1
        && weights.stream().allMatch(CheckpointFiles::isNumbered);
  }

  private static boolean isNumbered(Path file) {
    return NUMBERED.matcher(String.valueOf(file.getFileName())).matches();
  }

  /**
   * The weight files that count themselves, where all of them are there; empty if there are none.
   */
  private static List<Path> numbered(Path folder, Contents contents) {
    Map<String, TreeMap<Integer, Path>> sets = new TreeMap<>();
    for (Path file : contents.files()) {
      Matcher name = NUMBERED.matcher(file.toString());
      if (name.matches()) {
        sets.computeIfAbsent(name.group("name") + name.group("count"), key -> new TreeMap<>())
            .put(Integer.parseInt(name.group("number")), folder.resolve(file));
      }
    }
    if (sets.size() != 1) {
      return List.of();
    }
    TreeMap<Integer, Path> shards = sets.values().iterator().next();
    Matcher last = NUMBERED.matcher(String.valueOf(shards.lastEntry().getValue().getFileName()));
    int count = last.matches() ? Integer.parseInt(last.group("count")) : 0;
    for (int number = 1; number <= count; number++) {
      if (!shards.containsKey(number)) {
        throw CheckpointException.at(
            folder,
            "weight file %d of %d is not there, and no %s says what it holds; was the download complete?"
                .formatted(number, count, ShardIndex.FILE_NAME));
      }
    }
    return List.copyOf(shards.values());
  }

  private static CheckpointFiles single(Path file) {
    String name = String.valueOf(file.getFileName());
    if (!name.endsWith(SUFFIX)) {
      throw CheckpointException.at(
          file,
          "expected a folder or a .safetensors file"
              + (name.matches(".*\\.(bin|pt|pth|ckpt)") ? "; " + CONVERT : ""));
    }
    Path parent = file.getParent();
    return new CheckpointFiles(
        parent == null ? Path.of("") : parent,
        List.of(file),
        Optional.empty(),
        List.of(),
        List.of());
  }

  /** A folder may hold its weights in one file of another name. */
  private static Path onlyOther(Path folder) throws IOException {
    List<Path> candidates;
    List<String> names;
    try (Stream<Path> files = Files.list(folder)) {
      names = files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
    if (names.contains(LoraAdapter.CONFIG)) {
      throw CheckpointException.at(
          folder,
          "this is a LoRA adapter (%s), not a whole model; give it as BASE+ADAPTER"
              .formatted(LoraAdapter.CONFIG));
    }
    candidates = names.stream().filter(name -> name.endsWith(SUFFIX)).map(folder::resolve).toList();
    if (candidates.size() == 1) {
      return candidates.get(0);
    }
    if (candidates.size() > 1) {
      throw CheckpointException.at(
          folder,
          "%d .safetensors files, but neither %s nor %s says which belong together: %s"
              .formatted(candidates.size(), SINGLE, ShardIndex.FILE_NAME, some(names, SUFFIX)));
    }
    if (names.stream().anyMatch(name -> name.matches("pytorch_model.*\\.bin"))) {
      throw CheckpointException.at(
          folder,
          "the weights are in pytorch_model.bin, a pickle, which can run code when it is read; "
              + CONVERT);
    }
    if (names.contains("snapshots")) {
      throw CheckpointException.at(
          folder, "this is a model of the hub's cache; give one of its snapshots/REVISION");
    }
    throw CheckpointException.at(
        folder,
        "no weights here: expected %s, or shards with %s".formatted(SINGLE, ShardIndex.FILE_NAME));
  }

  private static String some(List<String> names, String suffix) {
    List<String> matching = names.stream().filter(name -> name.endsWith(suffix)).toList();
    return String.join(", ", matching.subList(0, Math.min(3, matching.size())))
        + (matching.size() > 3 ? ", …" : "");
  }

  private static CheckpointFiles sharded(
      Path folder, Path indexFile, Contents contents, ExternalFiles external) {
    checkInside(folder, indexFile, external);
    ShardIndex index = ShardIndex.read(indexFile);
    Map<String, Path> shards = new TreeMap<>();
    for (Map.Entry<String, String> entry : index.weightMap().entrySet()) {
      String name = entry.getValue();
      if (!shards.containsKey(name)) {
        shards.put(name, shard(folder, indexFile, entry.getKey(), name, external));
      }
    }
    if (shards.isEmpty()) {
      throw CheckpointException.at(indexFile, "weight_map names no tensor");
    }
    if (Files.exists(folder.resolve(SINGLE)) && !shards.containsKey(SINGLE)) {
      throw CheckpointException.at(
          folder,
          "two checkpoints in one folder: %s, and the %d shards of %s; programs differ in which they read, so delete the stale one"
              .formatted(SINGLE, shards.size(), ShardIndex.FILE_NAME));
    }
    addUnnamed(folder, index, contents, shards);
    return contents.without(folder, List.copyOf(shards.values()), Optional.of(index));
  }

  /**
   * Adds shards of the same numbering of which the index names no tensor, as a lost line leaves.
   */
  private static void addUnnamed(
      Path folder, ShardIndex index, Contents contents, Map<String, Path> shards) {
    Set<String> series = new TreeSet<>();
    shards.keySet().forEach(name -> series.add(NUMBER.matcher(name).replaceFirst("-#-of-$1")));
    for (Path file : contents.files()) {
      String name = file.toString();
      if (shards.containsKey(name)
          || !NUMBER.matcher(name).find()
          || !series.contains(NUMBER.matcher(name).replaceFirst("-#-of-$1"))) {
        continue;
      }
      try {
        boolean unnamed =
            SafetensorsHeader.read(folder.resolve(file)).tensors().stream()
                .noneMatch(tensor -> index.weightMap().containsKey(tensor.name()));
        if (unnamed) {
          shards.put(name, folder.resolve(file));
        }
      } catch (CheckpointException | IOException e) {
        // What is no safetensors file is none of the shards, and is told as such.
        continue;
      }
    }
  }

  private static Path shard(
      Path folder, Path indexFile, String tensor, String name, ExternalFiles external) {
    Path relative;
    try {
      relative = Path.of(name);
    } catch (InvalidPathException e) {
      throw new CheckpointException(
          "%s: weight_map puts tensor %s into %s, which is no file name"
              .formatted(indexFile, quote(tensor), quote(name)),
          e);
    }
    if (!name.endsWith(SUFFIX)) {
      throw CheckpointException.at(
          indexFile,
          "weight_map puts tensor %s into %s, which is no .safetensors file"
              .formatted(quote(tensor), quote(name)));
    }
    if (external == ExternalFiles.REFUSE
        && (relative.isAbsolute() || relative.normalize().startsWith(".."))) {
      throw CheckpointException.at(
          indexFile,
          "weight_map puts tensor %s into %s, outside the folder; %s"
              .formatted(quote(tensor), quote(name), ExternalFiles.HINT));
    }
    Path file = folder.resolve(relative);
    if (!Files.exists(file)) {
      throw CheckpointException.at(
          indexFile,
          "weight_map puts tensor %s into %s, which is not there; was the download complete?"
              .formatted(quote(tensor), quote(name)));
    }
    checkInside(folder, file, external);
    return file;
  }

  /**
   * Refuses a file that links lead out of the folder, unless it is one of the hub's cache: there
   * {@code snapshots/REVISION/FILE} is a link to {@code blobs/HASH} of the same model.
   */
  static void checkInside(Path folder, Path file, ExternalFiles external) {
    if (external == ExternalFiles.ALLOW) {
      return;
    }
    Path realFolder;
    Path realFile;
    try {
      realFolder = folder.toRealPath();
      realFile = file.toRealPath();
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(file, FileErrors.reason(e)), e);
    }
    if (realFile.startsWith(realFolder) || inBlobs(realFolder, realFile)) {
      return;
    }
    throw CheckpointException.at(
        file, "is a link to %s, outside the folder; %s".formatted(realFile, ExternalFiles.HINT));
  }

  private static boolean inBlobs(Path realFolder, Path realFile) {
    for (Path at = realFolder; at != null; at = at.getParent()) {
      Path snapshots = at.getParent();
      if (snapshots != null && snapshots.endsWith("snapshots")) {
        return realFile.startsWith(snapshots.resolveSibling("blobs"));
      }
    }
    return false;
  }

  /** Everything in a folder, before it is known which files are the weights. */
  record Contents(Set<Path> files) {
    static Contents of(Path folder, ExternalFiles external) throws IOException {
      Set<Path> files = new TreeSet<>();
      Path root = folder.toRealPath(); // as a folder that is a link would be visited as a file
      Files.walkFileTree(
          root,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes ignored) {
              return NOT_PART_OF_THE_MODEL.contains(String.valueOf(directory.getFileName()))
                      && !directory.equals(root)
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isSymbolicLink()) {
                if (!Files.exists(file)) {
                  throw CheckpointException.at(
                      file, "is a link to a file that is not there; was the download complete?");
                }
                checkInside(root, file, external);
              }
              if (attributes.isOther()
                  || (attributes.isSymbolicLink()
                      && !Files.isRegularFile(file)
                      && !Files.isDirectory(file))) {
                throw CheckpointException.at(
                    file,
                    "is a pipe, a socket or a device; a model has files only, so move it elsewhere");
              }
              files.add(root.relativize(file));
              return FileVisitResult.CONTINUE;
            }
          });
      return new Contents(files);
    }

    CheckpointFiles without(Path folder, List<Path> weights, Optional<ShardIndex> index) {
      Set<Path> rest = new TreeSet<>(files);
      // Both absolute, as a weight file may be where the folder is not.
      Path root = folder.toAbsolutePath();
      List<String> read = new ArrayList<>();
      for (Path weight : weights) {
        Path relative = root.relativize(weight.toAbsolutePath());
        rest.remove(relative);
        read.add(relative.toString());
      }
      if (index.isPresent()) {
        rest.remove(Path.of(ShardIndex.FILE_NAME));
      }
      List<SideFile> side = FolderWeights.sort(root, rest, read, new Repeats(weights), false);
      for (SideFile file : side) {
        if (NOT_COPIED.contains(file.kind())) {
          rest.remove(file.file());
        }
      }
      // What else lies in the folder of an earlier state belongs to that state.
      rest.removeIf(FolderWeights::isOfEarlierState);
      return new CheckpointFiles(folder, weights, index, List.copyOf(rest), List.copyOf(side));
    }
  }

  /**
   * True for a file that is named as an earlier save of the weights would be, and has only tensors
   * that they have as well.
   */
  static final class Repeats implements Predicate<Path> {
    private static final Pattern NAME = Pattern.compile("(adapter_)?model.*\\.safetensors");

    private final List<Path> weights;
    private final Map<String, List<Long>> known = new TreeMap<>();

    Repeats(List<Path> weights) {
      this.weights = weights;
    }

    @Override
    public boolean test(Path file) {
      if (!NAME.matcher(String.valueOf(file.getFileName())).matches()) {
        return false;
      }
      try {
        if (known.isEmpty()) {
          for (Path weight : weights) {
            SafetensorsHeader.read(weight)
                .tensors()
                .forEach(tensor -> known.put(tensor.name(), tensor.shape()));
          }
        }
        return SafetensorsHeader.read(file).tensors().stream()
            .allMatch(tensor -> tensor.shape().equals(known.get(tensor.name())));
      } catch (CheckpointException | IOException e) {
        return true; // no safetensors; what is wrong with the weights, opening them tells
      }
    }
  }
}
