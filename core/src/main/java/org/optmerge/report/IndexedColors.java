package org.optmerge.report;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Charts as images of at most 256 colours: half the bytes of a file. A chart has few colours but
 * for the edges of letters and lines, whose in-between shades are taken to the nearest that is
 * kept.
 */
final class IndexedColors {
  private static final int MOST = 256;

  private IndexedColors() {}

  /** The picture in its 256 most frequent colours. */
  static BufferedImage of(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    int[] pixels = image.getRGB(0, 0, width, height, null, 0, width);
    Map<Integer, Integer> counts = new HashMap<>();
    for (int pixel : pixels) {
      counts.merge(pixel & 0xFFFFFF, 1, Integer::sum);
    }
    List<Integer> kept =
        counts.entrySet().stream()
            .sorted(
                Map.Entry.<Integer, Integer>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .limit(MOST)
            .map(Map.Entry::getKey)
            .toList();
    byte[][] channels = new byte[3][kept.size()];
    Map<Integer, Integer> places = new HashMap<>();
    for (int i = 0; i < kept.size(); i++) {
      places.put(kept.get(i), i);
      for (int c = 0; c < 3; c++) {
        channels[c][i] = (byte) channel(kept.get(i), c);
      }
    }
    BufferedImage indexed =
        new BufferedImage(
            width,
            height,
            BufferedImage.TYPE_BYTE_INDEXED,
            new IndexColorModel(8, kept.size(), channels[0], channels[1], channels[2]));
    int[] row = new int[width];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        row[x] =
            places.computeIfAbsent(pixels[y * width + x] & 0xFFFFFF, color -> nearest(color, kept));
      }
      indexed.getRaster().setPixels(0, y, width, 1, row);
    }
    return indexed;
  }

  private static int nearest(int color, List<Integer> kept) {
    int best = 0;
    int least = Integer.MAX_VALUE;
    for (int i = 0; i < kept.size(); i++) {
      int distance = 0;
      for (int c = 0; c < 3; c++) {
        int difference = channel(color, c) - channel(kept.get(i), c);
        distance += difference * difference;
      }
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }

  private static int channel(int color, int number) {
    return color >> (16 - 8 * number) & 0xFF;
  }
}
