package org.optmerge.standin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;

/** Tiny data sets in the files of published ones, with pictures drawn here. */
public final class StandInData {
  private StandInData() {}

  /** A picture: stripes and noise, of any size. */
  public static Image picture(int width, int height, long seed) {
    Random random = new Random(seed);
    byte[] rgb = new byte[3 * width * height];
    int[] color = {random.nextInt(256), random.nextInt(256), random.nextInt(256)};
    int stripe = 3 + random.nextInt(9);
    for (int i = 0; i < width * height; i++) {
      boolean dark = (i % width / stripe + i / width / stripe) % 2 == 0;
      for (int channel = 0; channel < 3; channel++) {
        rgb[3 * i + channel] = (byte) (dark ? color[channel] : 255 - random.nextInt(32));
      }
    }
    return new Image(width, height, rgb);
  }

  /**
   * A table of VLMEvalKit: every second question is about the picture of the one before.
   *
   * @param header behind {@code index}, {@code image} and {@code question}
   * @param rows the cells of these columns, row after row
   */
  public static Path table(Path file, String header, List<String> rows) throws IOException {
    List<String> lines = new ArrayList<>();
    lines.add("index\timage\tquestion" + (header.isEmpty() ? "" : "\t" + header));
    for (int i = 0; i < rows.size(); i++) {
      String image =
          i % 2 == 1
              ? Integer.toString(i - 1)
              : Base64.getEncoder()
                  .encodeToString(ImageFiles.png(picture(60 + 13 * i, 40 + 7 * i, i)));
      lines.add("%d\t%s\tWhich one is number %d?\t%s".formatted(i, image, i, rows.get(i)));
    }
    Files.createDirectories(file.getParent());
    return Files.writeString(file, String.join("\n", lines) + "\n");
  }
}
