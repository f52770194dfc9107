package org.optmerge.report;

import static java.util.Map.entry;

import java.awt.BasicStroke;
import java.awt.Color;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * One colour for each task and each merge method, the same in every figure.
 *
 * <p>The tasks' colours differ in lightness as well as in hue, so that a figure printed in grey can
 * be read; lines have markers and dashes of their own besides. A name that is not listed takes a
 * colour that depends on the name alone, unless another series of the figure has it already.
 */
final class Palette {
  /** Text and axes. */
  static final Color INK = new Color(0x24, 0x29, 0x2F);

  /** Labels that matter less. */
  static final Color MUTED = new Color(0x57, 0x60, 0x6A);

  /** Grid lines. */
  static final Color GRID = new Color(0xE4, 0xE7, 0xEB);

  private static final Color GREY = new Color(0x8A, 0x93, 0x9D);
  private static final Color RED = new Color(0xC9, 0x3C, 0x4B);

  private static final Map<String, Color> TASKS =
      Map.ofEntries(
          entry("vqa", new Color(0x1B, 0x4F, 0x8F)),
          entry("ocr", new Color(0xB8, 0x40, 0x5E)),
          entry("geometry", new Color(0x2E, 0x9E, 0x83)),
          entry("grounding", new Color(0x9A, 0x86, 0xD6)),
          entry("chart", new Color(0xF0, 0xA6, 0x3A)),
          entry("combined", new Color(0x6B, 0x4A, 0x2F)),
          entry("vision", new Color(0x2F, 0x6F, 0xB3)),
          entry("audio", new Color(0xE0, 0x8A, 0x2C)),
          entry("video", new Color(0x4C, 0xAE, 0x8C)),
          entry("base", GREY),
          entry("mixture", INK));

  /** By the first of these prefixes that a name has, written with hyphens. */
  private static final List<Map.Entry<String, Color>> METHODS =
      List.of(
          entry("base", GREY),
          entry("mixture", INK),
          entry("expert", new Color(0xC3, 0xCA, 0xD2)),
          entry("optmerge", RED),
          entry("swudi", new Color(0xE0, 0x7B, 0x54)),
          entry("aswudi", new Color(0xE0, 0x7B, 0x54)),
          entry("iwudi", new Color(0xE0, 0x7B, 0x54)),
          entry("wudi", new Color(0xF0, 0xA6, 0x3A)),
          entry("weight-average", new Color(0x6F, 0x7F, 0x91)),
          entry("linear", new Color(0x6F, 0x7F, 0x91)),
          entry("task-arithmetic", new Color(0x2F, 0x6F, 0xB3)),
          entry("ties", new Color(0x2E, 0x9E, 0x83)),
          entry("ta-w/-dare", new Color(0x8C, 0xC4, 0xA8)), // as the paper's tables have it
          entry("dare", new Color(0x8C, 0xC4, 0xA8)),
          entry("della", new Color(0x5F, 0xB0, 0xA0)),
          entry("breadcrumbs", new Color(0x9D, 0xA8, 0x4B)),
          entry("magmax", new Color(0xB9, 0xB3, 0x5A)),
          entry("tsv", new Color(0x7E, 0x67, 0xC4)),
          entry("iso", new Color(0xB5, 0x7E, 0xC9)),
          entry("slerp", new Color(0x5F, 0xA8, 0xD3)),
          entry("nuslerp", new Color(0x5F, 0xA8, 0xD3)),
          entry("multislerp", new Color(0x5F, 0xA8, 0xD3)),
          entry("karcher", new Color(0x7F, 0xC0, 0xE0)),
          entry("model-stock", new Color(0xA5, 0x7B, 0x5B)),
          entry("passthrough", GREY));

  private static final List<Color> OTHERS =
      List.of(
          new Color(0x1B, 0x4F, 0x8F),
          new Color(0xF0, 0xA6, 0x3A),
          new Color(0x2E, 0x9E, 0x83),
          new Color(0xA6, 0x42, 0x8F),
          new Color(0x9A, 0x86, 0xD6),
          new Color(0x6B, 0x4A, 0x2F),
          new Color(0x5F, 0xA8, 0xD3),
          new Color(0x9D, 0xA8, 0x4B));

  private static final List<Marker> MARKERS =
      List.of(
          SeriesMarkers.CIRCLE,
          SeriesMarkers.SQUARE,
          SeriesMarkers.TRIANGLE_UP,
          SeriesMarkers.DIAMOND,
          SeriesMarkers.TRIANGLE_DOWN,
          SeriesMarkers.CROSS);

  private static final List<float[]> DASHES =
      List.of(
          new float[0],
          new float[] {7, 3},
          new float[] {2, 3},
          new float[] {8, 3, 2, 3},
          new float[] {12, 4});

  private Palette() {}

  /** A colour for each expert or task, in the order of the names. */
  public static List<Color> ofTasks(List<String> names) {
    return colors(names, name -> TASKS.get(plain(name)));
  }

  /**
   * A colour for each merge method, in the order of the names; methods of one family share a hue,
   * and each further one in a figure is lighter.
   */
  public static List<Color> ofMethods(List<String> names) {
    return colors(
        names,
        name ->
            METHODS.stream()
                .filter(method -> plain(name).startsWith(method.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(null));
  }

  static Marker marker(int series) {
    return MARKERS.get(series % MARKERS.size());
  }

  static BasicStroke line(int series) {
    float[] dash = DASHES.get(series % DASHES.size());
    return dash.length == 0
        ? new BasicStroke(2f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND)
        : new BasicStroke(2f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10f, dash, 0f);
  }

  /** The perceived lightness of a colour, from 0 (black) to 255 (white): Rec. 601 luma. */
  static double lightness(Color color) {
    return 0.299 * color.getRed() + 0.587 * color.getGreen() + 0.114 * color.getBlue();
  }

  private static List<Color> colors(List<String> names, Function<String, @Nullable Color> listed) {
    Set<Color> taken = new HashSet<>();
    for (String name : names) {
      Color own = listed.apply(name);
      if (own != null) {
        taken.add(own);
      }
    }
    List<Color> colors = new ArrayList<>();
    Map<Color, Set<String>> families = new HashMap<>();
    for (String name : names) {
      Color own = listed.apply(name);
      Color color;
      if (own == null) {
        color = free(name, taken);
      } else {
        Set<String> family = families.computeIfAbsent(own, hue -> new HashSet<>());
        color = lighter(own, family.contains(plain(name)) ? 0 : family.size());
        family.add(plain(name));
      }
      taken.add(color);
      colors.add(color);
    }
    return List.copyOf(colors);
  }

  private static Color free(String name, Set<Color> taken) {
    int first = Math.floorMod(plain(name).hashCode(), OTHERS.size());
    for (int i = 0; i < OTHERS.size(); i++) {
      Color color = OTHERS.get((first + i) % OTHERS.size());
      if (!taken.contains(color)) {
        return color;
      }
    }
    return OTHERS.get(first);
  }

  /**
   * Nearer to white with each step, but never so near that it could not be seen on it; what is
   * light stays.
   */
  private static Color lighter(Color color, int steps) {
    double share = lightness(color) > 180 ? 0 : 0.65 * (1 - Math.pow(0.65, steps));
    return new Color(
        mixed(color.getRed(), share),
        mixed(color.getGreen(), share),
        mixed(color.getBlue(), share));
  }

  private static int mixed(int value, double white) {
    return (int) Math.round(value + white * (255 - value));
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace('_', '-').replace(' ', '-');
  }
}
