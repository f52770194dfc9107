package org.optmerge.benchmark.mini;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.optmerge.model.media.Image;

/** Reads images of the miniature from their pixels alone, without knowing how they were drawn. */
final class PixelReader {
  static final int SIDE = 48;

  private final Image image;

  PixelReader(Image image) {
    this.image = image;
  }

  /** Pixels of one colour that hang together. */
  record Blob(Color color, List<int[]> pixels) {
    int left() {
      return pixels.stream().mapToInt(p -> p[0]).min().orElseThrow();
    }

    int top() {
      return pixels.stream().mapToInt(p -> p[1]).min().orElseThrow();
    }

    int right() {
      return pixels.stream().mapToInt(p -> p[0]).max().orElseThrow();
    }

    int bottom() {
      return pixels.stream().mapToInt(p -> p[1]).max().orElseThrow();
    }

    int width() {
      return right() - left() + 1;
    }

    int height() {
      return bottom() - top() + 1;
    }

    private double rowWidth(int row) {
      return pixels.stream().filter(p -> p[1] == top() + row).count() / (double) width();
    }

    /** Told by how wide it is in some of its rows. */
    Shape shape() {
      if (pixels.size() == width() * height()) {
        return Shape.SQUARE;
      }
      if (rowWidth(height() - 1) == 1) {
        return Shape.TRIANGLE;
      }
      double quarter = rowWidth(height() / 4);
      return quarter < .43 ? Shape.CROSS : quarter < .68 ? Shape.DIAMOND : Shape.CIRCLE;
    }

    String look() {
      return color.word() + " " + shape().word();
    }

    double middleX() {
      return (left() + right()) / 2.0;
    }

    double middleY() {
      return (top() + bottom()) / 2.0;
    }
  }

  /** The colour of a pixel, or nothing for all greys but black. */
  Optional<Color> color(int x, int y) {
    int red = image.channel(x, y, 0);
    int green = image.channel(x, y, 1);
    int blue = image.channel(x, y, 2);
    int most = Math.max(red, Math.max(green, blue));
    int least = Math.min(red, Math.min(green, blue));
    if (most < 70) {
      return Optional.of(Color.BLACK);
    }
    if (most - least < 40) {
      return Optional.empty();
    }
    Color nearest = Color.RED;
    double distance = Double.POSITIVE_INFINITY;
    for (Color color : Color.ALL) {
      double d =
          Math.pow(red - color.channel(0), 2)
              + Math.pow(green - color.channel(1), 2)
              + Math.pow(blue - color.channel(2), 2);
      if (d < distance) {
        distance = d;
        nearest = color;
      }
    }
    return Optional.of(nearest);
  }

  /**
   * Whether there is a line of the grey that joins points: darker than grids, lighter than axes.
   */
  boolean hasLine() {
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        int green = image.channel(x, y, 1);
        if (color(x, y).isEmpty() && green > 90 && green < 130) {
          return true;
        }
      }
    }
    return false;
  }

  /** All pixels of each colour within some columns and rows. */
  Map<Color, Blob> byColor(int left, int bottom) {
    Map<Color, Blob> blobs = new EnumMap<>(Color.class);
    for (int y = 0; y <= bottom; y++) {
      for (int x = left; x < SIDE; x++) {
        int[] pixel = {x, y};
        color(x, y)
            .ifPresent(
                color ->
                    blobs
                        .computeIfAbsent(color, any -> new Blob(any, new ArrayList<>()))
                        .pixels()
                        .add(pixel));
      }
    }
    return blobs;
  }

  /** Connected parts of one colour, corners included. */
  List<Blob> blobs() {
    boolean[][] seen = new boolean[SIDE][SIDE];
    List<Blob> blobs = new ArrayList<>();
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        Optional<Color> color = color(x, y);
        if (!seen[y][x] && color.isPresent()) {
          blobs.add(new Blob(color.get(), flood(x, y, color.get(), seen)));
        }
      }
    }
    return blobs;
  }

  private List<int[]> flood(int startX, int startY, Color color, boolean[][] seen) {
    List<int[]> pixels = new ArrayList<>();
    Deque<int[]> open = new ArrayDeque<>();
    open.add(new int[] {startX, startY});
    seen[startY][startX] = true;
    while (!open.isEmpty()) {
      int[] pixel = open.remove();
      pixels.add(pixel);
      for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
          int x = pixel[0] + dx;
          int y = pixel[1] + dy;
          if (x >= 0
              && y >= 0
              && x < SIDE
              && y < SIDE
              && !seen[y][x]
              && color(x, y).filter(color::equals).isPresent()) {
            seen[y][x] = true;
            open.add(new int[] {x, y});
          }
        }
      }
    }
    return pixels;
  }
}
