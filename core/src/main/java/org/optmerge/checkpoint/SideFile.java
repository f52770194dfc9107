package org.optmerge.checkpoint;

import java.nio.file.Path;
import java.util.Set;

/**
 * A file of a model's or adapter's folder that holds weights, or may hold them, beside those that
 * are read.
 *
 * @param file relative to the folder
 * @param kind what it is
 */
public record SideFile(Path file, Kind kind) {
  /** What a file beside the weights is. */
  public enum Kind {
    /** The same weights in another format, or left by an earlier save. */
    COPY("the weights once more, in another format or from an earlier save"),
    /** The state of an optimiser, a random generator, the trainer's arguments. */
    STATE("state of the training, no weights of the model"),
    /** In a folder of an earlier state of the training. */
    EARLIER("an earlier state of the training"),
    /** In a folder that is a model or an adapter by itself. */
    SEPARATE("a model or adapter of its own; name its folder in the recipe if it is wanted"),
    /** A whole model in an adapter's folder. */
    MODEL("a whole model beside an adapter"),
    /** Other tensors, in safetensors. */
    TENSORS("other tensors"),
    /** Weights, or what may be weights, in a format that cannot be read. */
    UNREADABLE("weights in a format that is not read");

    private final String words;

    Kind(String words) {
      this.words = words;
    }

    /** A few words for messages. */
    public String words() {
      return words;
    }
  }

  /** The same file; as a copy if one that is read has its name, up to the ending. */
  SideFile orCopyOf(Set<String> stems) {
    return kind == Kind.UNREADABLE && stems.contains(FolderWeights.stem(file.toString()))
        ? new SideFile(file, Kind.COPY)
        : this;
  }
}
