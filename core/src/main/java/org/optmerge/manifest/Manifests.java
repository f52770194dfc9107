package org.optmerge.manifest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.optmerge.base.FileErrors;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;
import org.optmerge.base.Suggestion;

/** A collection of manifests, found by name. */
public final class Manifests {
  /** A manifest has a few thousand bytes. */
  private static final int LONGEST = 16 << 20;

  /** A class of ours or of Java's in a message of the reader's. */
  private static final String CLASS_NAME = "`?(?:[a-z]\\w*\\.)+(?:\\w+\\$)*(\\w+)`?";

  private final List<Manifest> all;
  private final Map<String, Manifest> byName = new LinkedHashMap<>();
  private final Map<String, BenchmarkEntry> benchmarks = new LinkedHashMap<>();

  /** Names in lower case, and as they are written: two kits may differ in case only. */
  private final Map<String, Set<String>> spellings = new LinkedHashMap<>();

  private Manifests(List<Manifest> all) {
    this.all =
        all.stream().sorted(Comparator.comparing(manifest -> lowerCase(manifest.name()))).toList();
    for (Manifest manifest : this.all) {
      put(manifest.name(), manifest);
      manifest.aliases().forEach(alias -> put(alias, manifest));
    }
    for (Manifest manifest : this.all) {
      for (BenchmarkEntry benchmark : manifest.benchmarks()) {
        if (benchmarks.put(benchmark.name(), benchmark) != null) {
          throw new ManifestException("two benchmarks are called '%s'".formatted(benchmark.name()));
        }
        if (byName.get(benchmark.name()) != manifest) {
          put(benchmark.name(), manifest);
        }
      }
    }
  }

  private void put(String name, Manifest manifest) {
    Manifest other = byName.put(name, manifest);
    if (other != null) {
      throw new ManifestException(
          "'%s' names both manifest %s and manifest %s"
              .formatted(name, other.name(), manifest.name()));
    }
    spellings.computeIfAbsent(lowerCase(name), key -> new LinkedHashSet<>()).add(name);
  }

  /** These manifests. */
  public static Manifests of(List<Manifest> manifests) {
    return new Manifests(manifests);
  }

  /** True if this build of the library has manifests in it. */
  public static boolean areShipped() {
    return Manifests.class.getResource("/data-manifests/") != null;
  }

  /** The manifests that come with this library: those of {@code data-manifests}. */
  public static Manifests shipped() {
    URL folder = Manifests.class.getResource("/data-manifests/");
    if (folder == null) {
      throw new ManifestException("this build of the library has no manifests in it");
    }
    try {
      URI uri = folder.toURI();
      if (!uri.getScheme().equals("jar")) {
        return in(Path.of(uri));
      }
      try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
        return in(jar.getPath("/data-manifests"));
      }
    } catch (URISyntaxException e) {
      throw new IllegalStateException("the class path's own address is not one", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The folder of a data folder that holds manifests of one's own. */
  public static final String OWN = "manifests";

  /**
   * The manifests that come with this library, and those in the folder {@value #OWN} of a data
   * folder, which stand in place of shipped ones of the same name.
   */
  public static Manifests of(DataFolder data) {
    Path folder = data.root().resolve(OWN);
    Manifests shipped = shipped();
    if (!Files.isDirectory(folder)) {
      return shipped;
    }
    Map<String, Manifest> all = new LinkedHashMap<>();
    shipped.all.forEach(manifest -> all.put(manifest.name(), manifest));
    in(folder).all.forEach(manifest -> all.put(manifest.name(), manifest));
    return new Manifests(List.copyOf(all.values()));
  }

  /** All manifests ({@code *.json}) of a folder. */
  public static Manifests in(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return new Manifests(
          files
              .filter(file -> file.toString().endsWith(".json"))
              .sorted()
              .map(Manifests::read)
              .toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads one manifest.
   *
   * @throws ManifestException if a field is missing, unknown or wrong; the message says which
   */
  public static Manifest read(Path file) {
    try {
      return parse(RegularFiles.readText(file, LONGEST), String.valueOf(file));
    } catch (IOException e) {
      throw new ManifestException(
          "%s: cannot be read: %s".formatted(file, FileErrors.reason(e)), e);
    }
  }

  static Manifest parse(String json, String where) {
    try {
      Manifest manifest = Json.snakeCase().readValue(json, Manifest.class);
      if (manifest == null) {
        throw new ManifestException("%s: is null, not a manifest".formatted(where));
      }
      return manifest;
    } catch (JsonMappingException e) {
      String path =
          e.getPath().stream()
              .map(step -> step.getFieldName() != null ? step.getFieldName() : "" + step.getIndex())
              .collect(Collectors.joining("."));
      Throwable cause = e.getCause();
      String reason =
          cause instanceof IllegalArgumentException || cause instanceof NullPointerException
              ? String.valueOf(cause.getMessage())
              : Json.firstLine(e.getOriginalMessage()).replaceAll(CLASS_NAME, "$1");
      throw new ManifestException(
          "%s: %s%s".formatted(where, path.isEmpty() ? "" : path + ": ", reason), e);
    } catch (JsonProcessingException e) {
      throw new ManifestException(
          "%s: line %d: %s".formatted(where, e.getLocation().getLineNr(), e.getOriginalMessage()),
          e);
    }
  }

  /** All manifests, by name. */
  public List<Manifest> all() {
    return all;
  }

  /**
   * The manifest that is called so, by its name, an alias, or one of its benchmarks; if none is
   * spelt so, the one that differs in case only.
   */
  public Optional<Manifest> find(String name) {
    return Optional.ofNullable(byName.get(spelling(name)));
  }

  /** The benchmark that is called so; if none is spelt so, the one that differs in case only. */
  public Optional<BenchmarkEntry> findBenchmark(String name) {
    return Optional.ofNullable(benchmarks.get(spelling(name)));
  }

  private String spelling(String name) {
    Set<String> known = spellings.getOrDefault(lowerCase(name), Set.of());
    return byName.containsKey(name) || known.size() != 1 ? name : known.iterator().next();
  }

  /** A suggestion for a name that is not known: {@code "; did you mean 'x'?"} or nothing. */
  public String suggestion(String name) {
    return Suggestion.forWord(name, names());
  }

  /** Every name that {@link #find} knows, as written in the manifests; for completion. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    for (Manifest manifest : all) {
      names.add(manifest.name());
      names.addAll(manifest.aliases());
      manifest.benchmarks().forEach(benchmark -> names.add(benchmark.name()));
    }
    return names.stream().distinct().toList();
  }

  /** The names of the benchmarks, as written. */
  public List<String> benchmarkNames() {
    return benchmarks.values().stream().map(BenchmarkEntry::name).toList();
  }

  /** Manifests that have every one of these words in a name, the title or the description. */
  public List<Manifest> search(List<String> words) {
    List<String> wanted = words.stream().map(Manifests::lowerCase).toList();
    return all.stream()
        .filter(manifest -> wanted.stream().allMatch(text(manifest)::contains))
        .toList();
  }

  private static String text(Manifest manifest) {
    List<String> texts = new ArrayList<>(manifest.aliases());
    texts.addAll(
        List.of(
            manifest.name(),
            manifest.title(),
            manifest.description(),
            manifest.kind().toString(),
            manifest.licence().name()));
    manifest.benchmarks().forEach(benchmark -> texts.add(benchmark.name()));
    return lowerCase(String.join("\n", texts));
  }

  private static String lowerCase(String name) {
    return name.toLowerCase(Locale.ROOT);
  }
}
