package org.optmerge.manifest;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A set of questions of a manifest, and the way it is read.
 *
 * @param name how commands call it, as its evaluation kit does; unique among all manifests
 * @param split such as {@code val}
 * @param examples how many questions there are; null if unknown
 * @param kit the evaluation kit that defines it
 * @param loader how its files are read
 */
public record BenchmarkEntry(
    String name, String split, @Nullable Long examples, Kit kit, Loader loader) {
  public BenchmarkEntry {
    Objects.requireNonNull(name, "benchmark: name");
    Objects.requireNonNull(split, "benchmark: split");
    Objects.requireNonNull(kit, "benchmark: kit");
    Objects.requireNonNull(loader, "benchmark: loader");
  }

  /** The evaluation kits of the paper. */
  public enum Kit {
    VLMEVALKIT("VLMEvalKit"),
    LMMS_EVAL("lmms-eval"),
    INTERNVL("InternVL"),
    MODELCOMPOSE("ModelCompose");

    private final String label;

    Kit(String label) {
      this.label = label;
    }

    @JsonValue
    @Override
    public String toString() {
      return label;
    }
  }

  /**
   * The way files become examples.
   *
   * @param format what the files are
   * @param files paths or patterns, relative to the manifest's folder; read in the order of their
   *     names
   * @param columns which column (or key of a JSON object) holds what: {@code id}, {@code question},
   *     {@code answers}, {@code image}, {@code type}, {@code bbox}; what is left out has the name
   *     that the format usually has
   * @param explode a column with lists: each element gives an example of its own; null: none
   * @param media for formats that name images by path: the folder they are in; null: the manifest's
   * @param images for formats that name images by key: the table they are in; null: none
   */
  public record Loader(
      Format format,
      List<String> files,
      Map<String, String> columns,
      @Nullable String explode,
      @Nullable String media,
      @Nullable ImageTable images) {
    public Loader {
      Objects.requireNonNull(format, "loader: format");
      files = List.copyOf(files);
      if (files.isEmpty()) {
        throw new IllegalArgumentException("loader: files must name at least one file");
      }
      files.forEach(SafePath::check);
      columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
      if (media != null) {
        SafePath.check(media);
      }
    }
  }

  /**
   * Images in files of their own, found by a key.
   *
   * @param files Parquet files, paths or patterns
   * @param key the column with the key in these files
   * @param image the column with the image in these files
   * @param reference the column of the questions that holds the key
   */
  public record ImageTable(List<String> files, String key, String image, String reference) {
    public ImageTable {
      files = List.copyOf(files);
      files.forEach(SafePath::check);
    }
  }

  /** The formats that are read. */
  public enum Format {
    /** A header, tab-separated cells, images in base64 (VLMEvalKit). */
    VLMEVALKIT_TSV("vlmevalkit-tsv"),
    /** Apache Parquet, images as bytes in a column (Hugging Face). */
    PARQUET("parquet"),
    /** One JSON object a line, images in a folder (InternVL, Qwen-VL). */
    JSON_LINES("jsonl"),
    /** One JSON array of objects, images in a folder. */
    JSON_ARRAY("json"),
    /** One JSON array of conversations about media in a folder (ModelCompose, LLaVA). */
    CONVERSATIONS("conversations");

    private final String label;

    Format(String label) {
      this.label = label;
    }

    @JsonValue
    @Override
    public String toString() {
      return label;
    }
  }
}
