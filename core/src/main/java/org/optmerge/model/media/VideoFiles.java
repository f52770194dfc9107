package org.optmerge.model.media;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.base.Deadline;
import org.optmerge.base.DecoderErrors;
import org.optmerge.base.RegularFiles;

/**
 * Films to frames: a folder of images in the order of their names and of the numbers in them, an
 * animated GIF or PNG, or an MP4 with H.264.
 *
 * <p>All frames of a film have one size. A GIF or PNG's frames are composed as a viewer shows them,
 * on black where nothing is drawn. How long each frame stays does not count: frames are taken by
 * their number.
 */
public final class VideoFiles {
  private static final List<String> IMAGES =
      List.of(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp");

  /** As long as an array can be. */
  private static final int LONGEST = Integer.MAX_VALUE - 16;

  private static final Pattern NUMBER = Pattern.compile("\\d+");

  private VideoFiles() {}

  /**
   * Reads frames at equal distances, the first and the last among them, as {@link Video#sampled}
   * takes them. No more frames than these are held in memory at a time.
   *
   * @param count how many
   * @throws IOException if the film cannot be read, is of no known format, damaged or without a
   *     frame, or if its size changes; the message names the file
   * @throws IllegalArgumentException if the count is not positive
   */
  public static Video read(Path film, int count) throws IOException {
    try {
      return Files.isDirectory(film)
          ? ofFolder(film, count)
          : read(RegularFiles.read(film, LONGEST), count);
    } catch (IOException e) {
      throw e instanceof FileSystemException
          ? e
          : new IOException("'%s': %s".formatted(film, e.getMessage()), e);
    }
  }

  /**
   * Reads the content of a file.
   *
   * @param count how many frames, as above
   * @throws IOException if it is no film of a known format, damaged or without a frame, or if its
   *     size changes
   * @throws IllegalArgumentException if the count is not positive
   */
  public static Video read(byte[] bytes, int count) throws IOException {
    Video.indices(1, count); // refuses a count that is not positive
    try {
      if (has(bytes, 0, "GIF8")) {
        return Deadline.decoded("the film", bytes.length, () -> AnimatedGif.read(bytes, count));
      }
      if (has(bytes, 1, "PNG\r\n")) {
        return Deadline.decoded("the film", bytes.length, () -> AnimatedPng.read(bytes, count));
      }
      if (has(bytes, 4, "ftyp")) {
        return Mp4.read(bytes, count);
      }
    } catch (RuntimeException e) {
      // Decoders meet damage with exceptions of every kind.
      throw new IOException("a damaged film: " + DecoderErrors.words(e), e);
    }
    throw new IOException(
        "%d bytes that are no film of a known format (GIF, PNG, MP4)".formatted(bytes.length));
  }

  private static boolean has(byte[] bytes, int at, String magic) {
    return bytes.length >= at + magic.length()
        && new String(bytes, at, magic.length(), StandardCharsets.ISO_8859_1).equals(magic);
  }

  private static Video ofFolder(Path folder, int count) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files =
          all.filter(VideoFiles::isImage).sorted(Comparator.comparing(VideoFiles::order)).toList();
    }
    if (files.isEmpty()) {
      throw new IOException(
          "a folder without an image; frames end in " + String.join(", ", IMAGES));
    }
    List<Image> frames = new ArrayList<>();
    int last = -1;
    for (int index : Video.indices(files.size(), count)) {
      Image frame =
          index == last ? frames.get(frames.size() - 1) : ImageFiles.read(files.get(index));
      Image first = frames.isEmpty() ? frame : frames.get(0);
      if (frame.width() != first.width() || frame.height() != first.height()) {
        throw new IOException(
            "frame '%s' has %d x %d pixels, the first has %d x %d; resize the frames first"
                .formatted(
                    files.get(index).getFileName(),
                    frame.width(),
                    frame.height(),
                    first.width(),
                    first.height()));
      }
      frames.add(frame);
      last = index;
    }
    return new Video(frames);
  }

  private static boolean isImage(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return IMAGES.stream().anyMatch(name::endsWith);
  }

  /** A name in which numbers have so many digits that 2 comes before 10. */
  private static String order(Path file) {
    return NUMBER
        .matcher(String.valueOf(file.getFileName()))
        .replaceAll(
            number -> "0".repeat(Math.max(0, 20 - number.group().length())) + number.group());
  }

  /**
   * An animated GIF that repeats for ever. Grey frames keep their values; coloured ones are brought
   * to 256 colours each.
   *
   * @param milliseconds how long a frame stays, to a hundredth of a second
   */
  public static byte[] gif(Video video, int milliseconds) {
    return AnimatedGif.write(video, milliseconds);
  }
}
