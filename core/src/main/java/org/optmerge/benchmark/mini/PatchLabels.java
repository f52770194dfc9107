package org.optmerge.benchmark.mini;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the middle of each patch belongs to: 8 × 8 patches of 6 × 6 pixels, row by row. Targets for
 * pretraining the vision model: without them it gets no usable gradient before the language model
 * has learned to look.
 *
 * @param kind 64 indices into {@link #KINDS}; 0 where there is nothing
 * @param colour 64 indices into {@link #COLOURS}; 0 where there is nothing
 * @param box 64 × 4 distances from the middle of the patch to the left, top, right and bottom of
 *     what it belongs to, divided by 24 pixels; negative if the middle lies a little outside; 0
 *     where there is nothing
 * @param value 64 numbers below {@link #VALUES}: the value of a bar or point (1 to 20), the
 *     twentieths of a slice (2 to 16), an angle in units of 15° (1 to 11), the sides of a polygon
 *     (3 to 8); 0 where there is none
 */
@SuppressWarnings("ArrayRecordComponent") // equality and hash are defined below
public record PatchLabels(int[] kind, int[] colour, float[] box, int[] value) {
  /** Patches of an image. */
  public static final int PATCHES = 64;

  /** The names of the kinds: none, shapes, characters, and the parts of charts and geometry. */
  public static final List<String> KINDS =
      Stream.of(
              Stream.of("none"),
              Shape.ALL.stream().map(Shape::word),
              Glyph.ALL.stream().map(glyph -> String.valueOf(glyph.character())),
              Stream.of("bar", "point", "slice", "angle", "rectangle", "polygon"))
          .flatMap(names -> names)
          .toList();

  /** The names of the colours, none first. */
  public static final List<String> COLOURS =
      Stream.concat(Stream.of("none"), Colour.ALL.stream().map(Colour::word)).toList();

  /** Classes of values, no value first. */
  public static final int VALUES = 24;

  /**
   * @throws IllegalArgumentException if an array has not the length of the patches
   */
  public PatchLabels {
    if (kind.length != PATCHES
        || colour.length != PATCHES
        || box.length != 4 * PATCHES
        || value.length != PATCHES) {
      throw new IllegalArgumentException(
          "labels are for %d patches; there are %d kinds, %d colours, %d sides of boxes, %d values"
              .formatted(PATCHES, kind.length, colour.length, box.length, value.length));
    }
  }

  /** The labels of figures: a patch belongs to that whose box is nearest to its middle. */
  static PatchLabels of(List<? extends Figure> figures) {
    int[] kind = new int[PATCHES];
    int[] colour = new int[PATCHES];
    float[] box = new float[4 * PATCHES];
    int[] value = new int[PATCHES];
    double[] distance = new double[PATCHES];
    Arrays.fill(distance, Double.POSITIVE_INFINITY);
    for (Figure figure : figures) {
      int figureKind = KINDS.indexOf(figure.kind());
      Box bounds = figure.box();
      for (int patch = 0; patch < PATCHES; patch++) {
        double x = 6 * (patch % 8) + 3;
        double y = 6 * (patch / 8) + 3;
        if (!figure.claims(x, y) || bounds.distance(x, y) >= distance[patch]) {
          continue;
        }
        distance[patch] = bounds.distance(x, y);
        kind[patch] = figureKind;
        colour[patch] = figure.colour().ordinal() + 1;
        value[patch] = figure.value();
        box[4 * patch] = (float) ((x - bounds.left()) / 24);
        box[4 * patch + 1] = (float) ((y - bounds.top()) / 24);
        box[4 * patch + 2] = (float) ((bounds.right() + 1 - x) / 24);
        box[4 * patch + 3] = (float) ((bounds.bottom() + 1 - y) / 24);
      }
    }
    return new PatchLabels(kind, colour, box, value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PatchLabels labels
        && Arrays.equals(kind, labels.kind)
        && Arrays.equals(colour, labels.colour)
        && Arrays.equals(box, labels.box)
        && Arrays.equals(value, labels.value);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(kind) + Arrays.hashCode(colour)) + Arrays.hashCode(value);
  }

  @Override
  public String toString() {
    return "PatchLabels[%d of %d patches belong to something]"
        .formatted(Arrays.stream(kind).filter(index -> index > 0).count(), PATCHES);
  }
}
