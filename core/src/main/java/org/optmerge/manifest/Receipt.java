package org.optmerge.manifest;

import com.fasterxml.jackson.databind.DeserializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.AtomicFiles;
import org.optmerge.base.Json;

/**
 * The record of what was fetched into a folder, and from where: {@code optmerge-fetch.json} beside
 * the files.
 *
 * @param manifest its name
 * @param commits of each repository, the commit that its files are of
 * @param complete true if all that the manifest names was fetched, not a part of it
 * @param files what is there
 */
record Receipt(String manifest, Map<String, String> commits, boolean complete, List<Entry> files) {
  static final String NAME = "optmerge-fetch.json";

  Receipt {
    commits = commits == null ? Map.of() : new LinkedHashMap<>(commits);
    // An entry that does not say of what it is, as a damaged one, is of nothing.
    files =
        files == null
            ? List.of()
            : files.stream()
                .filter(entry -> entry != null && entry.path != null && entry.sha256 != null)
                .toList();
  }

  /**
   * One file.
   *
   * @param path relative to the folder
   * @param url without its query
   * @param sha256 of what was received
   * @param verified by which published checksum; null if there was none
   * @param modified milliseconds since 1970: a file with another time was changed since
   * @param unpackedInto for an archive, the folder its content is in; the archive is gone
   */
  record Entry(
      String path,
      String url,
      long bytes,
      String sha256,
      @Nullable String verified,
      long modified,
      @Nullable String unpackedInto) {
    /** The same archive when its content is there. */
    Entry unpacked(String into) {
      return new Entry(path, url, bytes, sha256, verified, modified, into);
    }
  }

  static Optional<Receipt> of(Path folder) {
    Path file = folder.resolve(NAME);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.ofNullable(
          Json.snakeCase()
              .readerFor(Receipt.class)
              .without(
                  DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                  DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
              .readValue(Files.readAllBytes(file)));
    } catch (IOException e) {
      // A damaged receipt tells nothing; files are then looked at themselves.
      return Optional.empty();
    }
  }

  Optional<Entry> find(String path) {
    return files.stream().filter(entry -> entry.path().equals(path)).findFirst();
  }

  /** The same with one file more, or again. */
  Receipt with(Entry entry) {
    List<Entry> entries = new ArrayList<>(files);
    entries.removeIf(other -> other.path().equals(entry.path()));
    entries.add(entry);
    return new Receipt(manifest, commits, complete, entries);
  }

  /** The same, of all that the manifest names. */
  Receipt completed() {
    return new Receipt(manifest, commits, true, files);
  }

  void writeTo(Path folder) throws IOException {
    AtomicFiles.write(
        folder.resolve(NAME),
        Json.snakeCase().writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
  }
}
