package org.optmerge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.optmerge.benchmark.Question;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.AudioFiles;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;
import org.optmerge.model.media.VideoFiles;
import org.optmerge.report.ContactSheet;
import org.optmerge.report.Plots;

/**
 * The files of {@code examples --sheet} and {@code --media}. A class of its own: drawing takes long
 * to load.
 */
final class ExampleSheet {
  /** The time that a frame of a film stays, in milliseconds. */
  private static final int FRAME = 250;

  private ExampleSheet() {}

  static void draw(String title, List<Question> examples, int columns, Path file) {
    Plots.savePng(ContactSheet.of(title, examples, columns), file);
  }

  /**
   * Writes pictures as PNG, sounds as WAV and films as GIF, named by their examples.
   *
   * @return how many files
   */
  static int export(List<Question> examples, Path folder) throws IOException {
    Files.createDirectories(folder);
    int files = 0;
    for (Question example : examples) {
      for (Media media : example.media()) {
        if (media instanceof Image image) {
          Files.write(folder.resolve(example.id() + ".png"), ImageFiles.png(image));
        } else if (media instanceof Audio audio) {
          Files.write(folder.resolve(example.id() + ".wav"), AudioFiles.wav(audio));
        } else if (media instanceof Video video) {
          Files.write(folder.resolve(example.id() + ".gif"), VideoFiles.gif(video, FRAME));
        }
        files++;
      }
    }
    return files;
  }
}
