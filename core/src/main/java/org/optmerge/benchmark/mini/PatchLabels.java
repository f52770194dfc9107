package org.optmerge.benchmark.mini;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The figure that the middle of each patch belongs to: 8 × 8 patches of 6 × 6 pixels, row by row.
 * Targets for pretraining the vision model: without them it gets no usable gradient before the
 * language model has learned to look.
 *
 * @param kind 64 indices into {@link #KINDS}; 0 where there is nothing
 * @param color 64 indices into {@link #COLORS}; 0 where there is nothing
 * @param box 64 × 4 distances from the middle of the patch to the left, top, right and bottom of
 *     what it belongs to, divided by 24 pixels; negative if the middle lies a little outside; 0
 *     where there is nothing
 * @param value 64 numbers below {@link #VALUES}: the value of a bar or point (1 to 20), the
 *     twentieths of a slice (2 to 16), an angle in units of 15° (1 to 11), the sides of a polygon
 *     (3 to 8); 0 where there is none
 */
@SuppressWarnings("ArrayRecordComponent") // equality and hash are defined below
public record PatchLabels(int[] kind, int[] color, float[] box, int[] value) {
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
  public static final List<String> COLORS =
      Stream.concat(Stream.of("none"), Color.ALL.stream().map(Color::word)).toList();

  /** Classes of values, no value first. */
  public static final int VALUES = 24;

  /**
   * @throws IllegalArgumentException if an array has not the length of the patches
   */
  public PatchLabels {
    if (kind.length != PATCHES
        || color.length != PATCHES
        || box.length != 4 * PATCHES
        || value.length != PATCHES) {
      throw new IllegalArgumentException(
          "labels are for %d patches; there are %d kinds, %d colours, %d sides of boxes, %d values"
              .formatted(PATCHES, kind.length, color.length, box.length, value.length));
    }
  }

  /** The labels of figures: a patch belongs to that whose box is nearest to its middle. */
  static PatchLabels of(List<? extends Figure> figures) {
    int[] kind = new int[PATCHES];
    int[] color = new int[PATCHES];
    float[] box = new float[4 * PATCHES];
    int[] value = new int[PATCHES];
    double[] distance = new double[PATCHES];
    Arrays.fill(distance, Double.POSITIVE_INFINITY);
    for (Figure figure : figures) {
      int figureKind = Objects.checkIndex(KINDS.indexOf(figure.kind()), KINDS.size());
      PixelBox bounds = figure.box();
      for (int patch = 0; patch < PATCHES; patch++) {
        double x = 6 * (patch % 8) + 3;
        double y = 6 * (patch / 8) + 3;
        if (!figure.claims(x, y) || bounds.distance(x, y) >= distance[patch]) {
          continue;
        }
        distance[patch] = bounds.distance(x, y);
        kind[patch] = figureKind;
        color[patch] = figure.color().ordinal() + 1;
        value[patch] = figure.value();
        box[4 * patch] = (float) ((x - bounds.left()) / 24);
        box[4 * patch + 1] = (float) ((y - bounds.top()) / 24);
        box[4 * patch + 2] = (float) ((bounds.right() + 1 - x) / 24);
        box[4 * patch + 3] = (float) ((bounds.bottom() + 1 - y) / 24);
      }
    }
    return new PatchLabels(kind, color, box, value);
  }

  /** Outputs of a head that reads {@link #targets}. */
  static final int OUTPUTS = KINDS.size() + COLORS.size() + 4 + VALUES;

  /**
   * Weights of the parts of the loss.
   *
   * @param noneWeight of a patch without an object, beside 1 for the others, in the loss of kinds
   * @param color of the loss of colors
   * @param box of the smooth absolute error of the boxes
   * @param boxBeta error below which that is quadratic
   * @param value of the loss of values
   */
  record Weights(
      double noneWeight,
      @JsonProperty("colour") double color,
      double box,
      double boxBeta,
      double value) {}

  /** Kind, color, box and value of each patch of some images, as a head is to read them. */
  static List<LabelHead.Target> targets(List<PatchLabels> images, Weights weights) {
    int count = images.size() * PATCHES;
    int[] kind = new int[count];
    int[] color = new int[count];
    int[] value = new int[count];
    float[] box = new float[4 * count];
    float[] kindShare = new float[count];
    float[] isObject = new float[count];
    float[] isValued = new float[count];
    for (int i = 0; i < images.size(); i++) {
      PatchLabels image = images.get(i);
      System.arraycopy(image.kind, 0, kind, i * PATCHES, PATCHES);
      System.arraycopy(image.color, 0, color, i * PATCHES, PATCHES);
      System.arraycopy(image.value, 0, value, i * PATCHES, PATCHES);
      System.arraycopy(image.box, 0, box, 4 * i * PATCHES, 4 * PATCHES);
    }
    for (int i = 0; i < count; i++) {
      isObject[i] = kind[i] > 0 ? 1 : 0;
      kindShare[i] = kind[i] > 0 ? 1 : (float) weights.noneWeight;
      isValued[i] = value[i] > 0 ? 1 : 0;
    }
    return List.of(
        new LabelHead.Classes(KINDS.size(), kind, kindShare, 1),
        new LabelHead.Classes(COLORS.size(), color, isObject, weights.color),
        new LabelHead.Numbers(4, box, weights.boxBeta, isObject, weights.box),
        new LabelHead.Classes(VALUES, value, isValued, weights.value));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PatchLabels labels
        && Arrays.equals(kind, labels.kind)
        && Arrays.equals(color, labels.color)
        && Arrays.equals(box, labels.box)
        && Arrays.equals(value, labels.value);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(kind) + Arrays.hashCode(color)) + Arrays.hashCode(value);
  }

  @Override
  public String toString() {
    return "PatchLabels[%d of %d patches belong to something]"
        .formatted(Arrays.stream(kind).filter(index -> index > 0).count(), PATCHES);
  }
}
