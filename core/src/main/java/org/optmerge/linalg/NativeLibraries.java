package org.optmerge.linalg;

import ai.djl.ndarray.NDManager;
import ai.djl.util.Platform;
import ai.djl.util.Utils;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.FileErrors;
import org.optmerge.base.FileIdentity;
import org.optmerge.base.OptMergeException;
import org.optmerge.base.Trees;

/**
 * The engine's and the tokenizers' native libraries, which are unpacked into the user's folder at
 * their first use. One that a power cut or a full disk has left there in part ends the process when
 * it is loaded, at every start; so each is compared with its jar before, once, and later with what
 * it was then.
 */
public final class NativeLibraries {
  /** The tensor engine. */
  public static final String ENGINE = "pytorch";

  /** The tokenizers. */
  public static final String TOKENIZERS = "tokenizers";

  private static final String CHECKED = "optmerge-checked.txt";

  private static final Set<String> SOUND = new HashSet<>();

  private NativeLibraries() {}

  /** A manager of arrays of the engine, whose libraries are sound. */
  public static NDManager newManager() {
    require(ENGINE);
    return NDManager.newBaseManager(null, "PyTorch");
  }

  /**
   * Makes sure that libraries can be loaded: those that are unpacked are as in their jar, or else
   * are removed to be unpacked again, and there is room for those that are not.
   *
   * @param family {@link #ENGINE} or {@link #TOKENIZERS}
   * @throws OptMergeException if there is no room, or what is damaged cannot be removed
   */
  public static void require(String family) {
    synchronized (SOUND) {
      if (SOUND.contains(family)) {
        return;
      }
      Path folder = Utils.getEngineCacheDir(family);
      try {
        Packed packed = packed(family);
        List<Path> unpacked = unpacked(folder, packed);
        for (Path version : unpacked) {
          if (!isSound(version, packed)) {
            Trees.delete(version);
          }
        }
        if (unpacked.stream().noneMatch(Files::exists)) {
          requireRoom(folder, packed.libraries);
        }
      } catch (IOException e) {
        throw new LinearAlgebraException(
            "the native libraries in %s cannot be checked: %s; delete that folder, it is made again"
                .formatted(folder, FileErrors.reason(e)),
            e);
      }
      SOUND.add(family);
    }
  }

  /**
   * The libraries of a family in their jars.
   *
   * @param version with which the names of their folders begin
   * @param libraries by name
   * @param later those that are unpacked when the others have been loaded
   */
  private record Packed(
      String version, Map<String, ZipEntry> libraries, Map<String, ZipEntry> later) {}

  private static Packed packed(String family) throws IOException {
    Packed packed = new Packed("", new LinkedHashMap<>(), new LinkedHashMap<>());
    String platform = Platform.detectPlatform(family).getClassifier();
    ClassLoader loader = NativeLibraries.class.getClassLoader();
    Enumeration<URL> all = loader.getResources("native/lib/" + family + ".properties");
    while (all.hasMoreElements()) {
      Properties properties = new Properties();
      URL url = all.nextElement();
      try (InputStream in = url.openStream()) {
        properties.load(in);
      }
      packed =
          new Packed(properties.getProperty("version", "").strip(), packed.libraries, packed.later);
      String flavor = properties.getProperty("flavor", "cpu");
      String listed = properties.getProperty("libraries");
      for (String name : (listed == null ? System.mapLibraryName(family) : listed).split(",")) {
        put(
            loader.getResource(
                listed == null
                    ? "native/lib/%s/%s/%s".formatted(platform, flavor, name)
                    : "%s/%s/%s/%s".formatted(family, flavor, platform, name)),
            name,
            packed.libraries);
      }
    }
    URL binding = loader.getResource("jnilib/" + family + ".properties");
    if (binding != null) {
      Properties properties = new Properties();
      try (InputStream in = binding.openStream()) {
        properties.load(in);
      }
      String version = properties.getProperty("jni_version", "").strip().replaceFirst(".*-", "");
      String name = System.mapLibraryName("djl_torch");
      put(
          loader.getResource("jnilib/%s/cpu/%s".formatted(platform, name)),
          version + "-" + name,
          packed.later);
    }
    return packed;
  }

  private static void put(@Nullable URL library, String name, Map<String, ZipEntry> all)
      throws IOException {
    if (library != null && library.openConnection() instanceof JarURLConnection jar) {
      all.put(name, jar.getJarEntry());
    }
  }

  /** The folders of this version. */
  private static List<Path> unpacked(Path folder, Packed packed) throws IOException {
    List<Path> unpacked = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> versions = Files.list(folder)) {
        versions
            .filter(it -> String.valueOf(it.getFileName()).startsWith(packed.version + "-"))
            .forEach(unpacked::add);
      }
    }
    return unpacked;
  }

  /** True if every library is there with its jar's content. */
  private static boolean isSound(Path version, Packed packed) throws IOException {
    Path marker = version.resolve(CHECKED);
    Map<String, ZipEntry> all = new LinkedHashMap<>(packed.libraries);
    packed.later.forEach(
        (name, entry) -> {
          if (Files.exists(version.resolve(name))) {
            all.put(name, entry);
          }
        });
    StringBuilder now = new StringBuilder();
    for (String name : all.keySet()) {
      Path library = version.resolve(name);
      if (!Files.isRegularFile(library)) {
        return false;
      }
      now.append(name).append(' ').append(FileIdentity.near(library)).append('\n');
    }
    if (Files.isRegularFile(marker) && Files.readString(marker).contentEquals(now)) {
      return true;
    }
    for (Map.Entry<String, ZipEntry> entry : all.entrySet()) {
      Path library = version.resolve(entry.getKey());
      if (Files.size(library) != entry.getValue().getSize()
          || crc(library) != entry.getValue().getCrc()) {
        return false;
      }
    }
    try {
      AtomicFiles.write(marker, now.toString());
    } catch (IOException e) {
      return true; // compared again at the next start
    }
    return true;
  }

  private static long crc(Path file) throws IOException {
    CRC32 crc = new CRC32();
    byte[] block = new byte[1 << 18];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(block); read >= 0; read = in.read(block)) {
        crc.update(block, 0, read);
      }
    }
    return crc.getValue();
  }

  private static void requireRoom(Path folder, Map<String, ZipEntry> packed) throws IOException {
    Path existing = folder.toAbsolutePath();
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    long bytes = packed.values().stream().mapToLong(ZipEntry::getSize).sum();
    long free = Files.getFileStore(existing).getUsableSpace();
    if (free < bytes) {
      throw new LinearAlgebraException(
          String.format(
              Locale.ROOT,
              "the native libraries of '%s' (%,d bytes) are unpacked into %s at their first use, where %,d bytes are free; make room there, or set DJL_CACHE_DIR to a folder with room",
              folder.getFileName(),
              bytes,
              folder,
              free));
    }
  }
}
