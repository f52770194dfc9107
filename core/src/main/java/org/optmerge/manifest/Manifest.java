package org.optmerge.manifest;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The record of a published checkpoint or data set: what it is, who says so, where it is, and how
 * it is read. One JSON file in {@code data-manifests}; its README explains the fields.
 *
 * @param name how commands call it; unique
 * @param kind what it is
 * @param title one line
 * @param description what is in it and what the paper uses it for
 * @param aliases further names it is found by, such as its name on a hub
 * @param paper where it was introduced; null if nowhere
 * @param homepage null if it has none
 * @param licence on what terms it may be used
 * @param citation BibTeX, or how its authors ask to be cited; null if unknown
 * @param folder where its files go, relative to the data folder
 * @param bytes the size of all of it; null if not published
 * @param sources where its files come from; empty for a mere description
 * @param benchmarks the sets of questions it holds
 * @param unverified JSON pointers to those fields that come from memory or inference, not from a
 *     source that was read
 * @param notes what else one has to know
 */
public record Manifest(
    String name,
    Kind kind,
    String title,
    String description,
    List<String> aliases,
    @Nullable Paper paper,
    @Nullable String homepage,
    Licence licence,
    @Nullable String citation,
    String folder,
    @Nullable Long bytes,
    List<Source> sources,
    List<BenchmarkEntry> benchmarks,
    List<String> unverified,
    List<String> notes) {

  /** The kinds of things that a manifest describes. */
  public enum Kind {
    /** Weights of a whole model. */
    CHECKPOINT,
    /** Weights that are added to those of another model. */
    ADAPTER,
    /** Questions to evaluate with. */
    BENCHMARK,
    /** Examples to train on. */
    TRAINING_DATA;

    @JsonValue
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * A publication.
   *
   * @param venue where and when, such as {@code ICLR 2026}; null if unpublished
   */
  public record Paper(String title, @Nullable String venue, @Nullable String url) {
    public Paper {
      Objects.requireNonNull(title, "paper: title");
    }
  }

  /**
   * Terms of use.
   *
   * @param name an SPDX identifier where there is one, or {@code not stated}
   * @param url the text, or the page that names it; null if there is none
   * @param note what the name leaves open, such as the terms of the images; null if nothing
   */
  public record Licence(String name, @Nullable String url, @Nullable String note) {
    public Licence {
      Objects.requireNonNull(name, "licence: name");
    }
  }

  /** Copies the lists and checks what every manifest must have. */
  public Manifest {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(description, "description");
    Objects.requireNonNull(licence, "licence");
    SafePath.check(folder);
    if (name.isBlank() || !name.matches("[A-Za-z0-9][A-Za-z0-9._+-]*")) {
      throw new IllegalArgumentException(
          "a manifest's name has letters, digits, '.', '_', '+' and '-' only, is '%s'"
              .formatted(name));
    }
    aliases = List.copyOf(aliases);
    sources = List.copyOf(sources);
    benchmarks = List.copyOf(benchmarks);
    unverified = List.copyOf(unverified);
    notes = List.copyOf(notes);
  }

  /** True if there is something that can be fetched without a person's help. */
  public boolean isFetchable() {
    return sources.stream().anyMatch(source -> !(source instanceof Source.ByHand));
  }
}
