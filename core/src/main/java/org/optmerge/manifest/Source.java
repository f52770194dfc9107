package org.optmerge.manifest;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonValue;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An origin of files of a manifest. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Source.WebFile.class, name = "file"),
  @JsonSubTypes.Type(value = Source.Hub.class, name = "huggingface"),
  @JsonSubTypes.Type(value = Source.ByHand.class, name = "by-hand")
})
public sealed interface Source {
  /**
   * One file at an address.
   *
   * @param url http or https
   * @param path where it goes, relative to the manifest's folder
   * @param bytes its size; null if not published
   * @param sha256 hexadecimal; null if not published
   * @param md5 hexadecimal; null if not published; used only where there is no SHA-256
   * @param checksumSource who publishes the checksum, or {@code not published}
   * @param unpackInto for an archive: the folder that its content goes into, relative to the
   *     manifest's; null for a file that stays as it is
   */
  record WebFile(
      URI url,
      String path,
      @Nullable Long bytes,
      @Nullable String sha256,
      @Nullable String md5,
      String checksumSource,
      @Nullable String unpackInto)
      implements Source {
    public WebFile {
      Objects.requireNonNull(url, "file: url");
      if (!"https".equals(url.getScheme()) && !"http".equals(url.getScheme())) {
        throw new IllegalArgumentException(
            "file: url must be http or https, is '%s'".formatted(url));
      }
      SafePath.check(path);
      Objects.requireNonNull(checksumSource, "file: checksum_source");
      checkHexadecimal("sha256", sha256, 64);
      checkHexadecimal("md5", md5, 32);
      if (sha256 == null && md5 == null && !checksumSource.equals("not published")) {
        throw new IllegalArgumentException(
            "file '%s': without a checksum, checksum_source is 'not published', not '%s'"
                .formatted(path, checksumSource));
      }
      if (unpackInto != null) {
        SafePath.check(unpackInto);
        Archives.Format.of(path);
      }
    }

    private static void checkHexadecimal(String what, @Nullable String value, int digits) {
      if (value != null && !value.matches("[0-9a-f]{%d}".formatted(digits))) {
        throw new IllegalArgumentException(
            "file: %s must be %d lower-case hexadecimal digits, is '%s'"
                .formatted(what, digits, value));
      }
    }
  }

  /**
   * A repository of the Hugging Face hub, which is asked for the files, their lengths and
   * checksums.
   *
   * @param repository {@code owner/name}
   * @param repositoryType model or data set
   * @param revision a branch, a tag or a commit; a commit makes it reproducible
   * @param include patterns of paths ({@code *} within a folder, {@code **} across); empty: all
   * @param exclude patterns of paths that are left out though included
   */
  record Hub(
      String repository,
      RepositoryType repositoryType,
      String revision,
      List<String> include,
      List<String> exclude)
      implements Source {
    /** The kinds of repositories of the hub. */
    public enum RepositoryType {
      MODEL,
      DATASET;

      @JsonValue
      @Override
      public String toString() {
        return name().toLowerCase(Locale.ROOT);
      }
    }

    public Hub {
      if (!repository.matches("[\\w.-]+/[\\w.-]+")) {
        throw new IllegalArgumentException(
            "huggingface: repository must be 'owner/name', is '%s'".formatted(repository));
      }
      Objects.requireNonNull(repositoryType, "huggingface: repository_type");
      if (!revision.matches("[\\w./-]+") || revision.contains("..")) {
        throw new IllegalArgumentException(
            "huggingface: '%s' is no branch, tag or commit".formatted(revision));
      }
      include = List.copyOf(include);
      exclude = List.copyOf(exclude);
    }
  }

  /**
   * Files that a person has to get: behind a form, or on a page without stable addresses.
   *
   * @param url where to begin
   * @param instructions what to do
   * @param files what will then be there, relative to the manifest's folder
   */
  record ByHand(URI url, String instructions, List<String> files) implements Source {
    public ByHand {
      Objects.requireNonNull(url, "by-hand: url");
      Objects.requireNonNull(instructions, "by-hand: instructions");
      files = List.copyOf(files);
      files.forEach(SafePath::check);
    }
  }
}
