package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class IndexedColorsTest {
  @Test
  void few_colours_are_kept_as_they_are() {
    BufferedImage image = new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 256; i++) {
      image.setRGB(i % 16, i / 16, i * 0x010203);
    }

    BufferedImage indexed = IndexedColors.of(image);

    for (int i = 0; i < 256; i++) {
      assertThat(indexed.getRGB(i % 16, i / 16)).isEqualTo(image.getRGB(i % 16, i / 16));
    }
  }

  @Test
  void a_rare_colour_becomes_the_nearest_of_the_frequent_ones() {
    BufferedImage image = new BufferedImage(2 * 256 + 1, 1, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 2 * 256; i++) {
      image.setRGB(i, 0, (i % 256) * 0x010000);
    }
    image.setRGB(2 * 256, 0, 0x800003); // once, where each of the reds is twice

    assertThat(IndexedColors.of(image).getRGB(2 * 256, 0) & 0xFFFFFF).isEqualTo(0x800000);
  }

  @Test
  void a_chart_changes_by_less_than_can_be_seen_and_takes_less_than_two_thirds() {
    var chart = Plots.methods("Two methods", "points", Map.of("tsv", 1.0, "wudi", 2.0));
    BufferedImage image = Plots.image(chart, 2);

    BufferedImage indexed = IndexedColors.of(image);

    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 20_000; i++) {
      int x = random.nextInt(image.getWidth());
      int y = random.nextInt(image.getHeight());
      for (int shift = 0; shift <= 16; shift += 8) {
        int before = image.getRGB(x, y) >> shift & 0xFF;
        int after = indexed.getRGB(x, y) >> shift & 0xFF;
        assertThat(Math.abs(before - after)).isLessThan(40);
      }
    }
    assertThat(Plots.png(indexed).length).isLessThan(Plots.png(image).length * 2 / 3);
  }
}
