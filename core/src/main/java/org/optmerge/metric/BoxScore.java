package org.optmerge.metric;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/**
 * The overlap of a box in an answer with the reference box. RefCOCO, RefCOCO+ and RefCOCOg.
 *
 * <p>The reference's fields are {@code bbox}, four numbers in a Python list, and for InternVL and
 * VLMEvalKit, whose references are in pixels, {@code height} and {@code width}.
 *
 * @param format how the box is read
 * @param measure what is scored
 * @see <a href="https://arxiv.org/abs/1608.00272">Yu et al., Modeling Context in Referring
 *     Expressions, ECCV 2016, section 5</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record BoxScore(BoxFormat format, Measure measure) implements Metric {
  private static final double LARGEST_SHARE = 1.5;
  private static final double MILLE = 1000;

  /** The quantity that is scored. */
  public sealed interface Measure {}

  /**
   * 1 if the overlap is at least this much.
   *
   * @param threshold such as 0.5
   */
  public record OverlapAtLeast(double threshold) implements Measure {}

  /** The overlap itself. */
  public record Overlap() implements Measure {}

  /** 1 if the centre of the predicted box lies in the reference box. */
  public record CentreInside() implements Measure {}

  /** Accuracy at an overlap of one half, which the tables report. */
  public static BoxScore accuracy(BoxFormat format) {
    return new BoxScore(format, new OverlapAtLeast(0.5));
  }

  @Override
  public Optional<String> lacking(Reference reference) {
    Optional<Box> box = sides(reference.fields().getOrDefault("bbox", ""));
    if (box.isEmpty()) {
      return Optional.of("a reference box of four numbers");
    }
    boolean shares = format == BoxFormat.LMMS_EVAL || format == BoxFormat.LMMS_EVAL_FORK;
    if (shares && Math.max(box.get().right(), box.get().bottom()) > LARGEST_SHARE) {
      return Optional.of("a reference box in shares of the picture's sides");
    }
    return format == BoxFormat.INTERNVL || format == BoxFormat.VLMEVALKIT
        ? reference.lacking(false, "height", "width")
        : Optional.empty();
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    Box predicted = predicted(prediction, reference);
    Box right = reference(reference);
    steps.step("box in the answer", predicted);
    steps.step("reference box", right);
    if (measure instanceof CentreInside) {
      return predicted.centreIn(right) ? 1 : 0;
    }
    double overlap = overlap(predicted, right, steps);
    steps.step("intersection over union", overlap);
    if (measure instanceof OverlapAtLeast least) {
      return overlap >= least.threshold ? 1 : 0;
    }
    return Math.min(1, Math.max(0, overlap));
  }

  /**
   * What is odd about the box of an answer: none can be read, or it lies outside of the picture, as
   * pixels do where shares or per mille are expected.
   *
   * @return empty if nothing is
   */
  public Optional<String> remark(Prediction prediction, Reference reference) {
    if (format.read(prediction.text()).isEmpty()) {
      return Optional.of("no box can be read in the answer, counts as wrong");
    }
    Box box = predicted(prediction, reference);
    boolean inPixels = format == BoxFormat.INTERNVL || format == BoxFormat.VLMEVALKIT;
    double right = inPixels ? number(reference, "width") : 1;
    double bottom = inPixels ? number(reference, "height") : 1;
    boolean outside =
        Math.max(box.left(), box.right()) > LARGEST_SHARE * right
            || Math.max(box.top(), box.bottom()) > LARGEST_SHARE * bottom;
    return outside
        ? Optional.of(
            "the box lies outside of the picture: are its numbers pixels, where the rule expects"
                + " shares or per mille?")
        : Optional.empty();
  }

  /** The box as it is compared: normalised, and in pixels for InternVL and VLMEvalKit. */
  public Box predicted(Prediction prediction, Reference reference) {
    Box box = format.parse(prediction.text());
    if (format == BoxFormat.VLMEVALKIT) {
      return inPixels(box, number(reference, "width"), number(reference, "height"));
    }
    if (format != BoxFormat.INTERNVL) {
      return box;
    }
    float width = (float) number(reference, "width");
    float height = (float) number(reference, "height");
    return new Box(
        (float) box.left() * width,
        (float) box.top() * height,
        (float) box.right() * width,
        (float) box.bottom() * height);
  }

  /**
   * The overlap as the official code has it: not bounded for boxes whose corners are in the wrong
   * order; 0 where the union is zero.
   */
  public double overlap(Prediction prediction, Reference reference) {
    return overlap(predicted(prediction, reference), reference(reference), Steps.NONE);
  }

  /**
   * VLMEvalKit's pixels: numbers up to 1.5 are shares of the sides, up to 1000 per mille of them,
   * else pixels already; within the picture, corners in order.
   */
  public static Box inPixels(Box box, double width, double height) {
    double[] sides = {box.left(), box.top(), box.right(), box.bottom()};
    double largest = Arrays.stream(sides).map(Math::abs).max().orElse(0);
    for (int k = 0; k < sides.length; k++) {
      double length = k % 2 == 0 ? width : height;
      if (largest <= LARGEST_SHARE) {
        sides[k] *= length;
      } else if (largest <= MILLE) {
        sides[k] = sides[k] / MILLE * length;
      }
      sides[k] = Math.min(Math.max(sides[k], 0), length);
    }
    return new Box(
        Math.min(sides[0], sides[2]),
        Math.min(sides[1], sides[3]),
        Math.max(sides[0], sides[2]),
        Math.max(sides[1], sides[3]));
  }

  private double overlap(Box predicted, Box right, Steps steps) {
    if (format == BoxFormat.VLMEVALKIT) {
      return predicted.positiveOverlap(right);
    }
    if (format == BoxFormat.INTERNVL) {
      float overlap = predicted.floatOverlap(right);
      return Float.isNaN(overlap) ? 0 : overlap;
    }
    try {
      return right.overlap(predicted);
    } catch (ArithmeticException e) {
      // The official code stops here; a box without area is merely wrong.
      steps.step("no overlap", e.getMessage());
      return 0;
    }
  }

  private static double number(Reference reference, String name) {
    String text = reference.field(name);
    return PythonText.parseFloat(text)
        .orElseThrow(
            () ->
                new MetricException("the reference's %s is no number: '%s'".formatted(name, text)));
  }

  private static Box reference(Reference reference) {
    String text = reference.field("bbox");
    return sides(text)
        .orElseThrow(
            () -> new MetricException("the reference's bbox is no list of four numbers: " + text));
  }

  private static Optional<Box> sides(String text) {
    List<Double> sides =
        PythonLiteral.list(text)
            .map(
                list ->
                    list.stream()
                        .filter(Number.class::isInstance)
                        .map(side -> ((Number) side).doubleValue())
                        .filter(Double::isFinite)
                        .toList())
            .orElse(List.of());
    return sides.size() == 4
        ? Optional.of(new Box(sides.get(0), sides.get(1), sides.get(2), sides.get(3)))
        : Optional.empty();
  }

  /** The field {@code bbox} of four sides. */
  public static String field(double... sides) {
    return Arrays.stream(sides).mapToObj(PythonText::repr).toList().toString();
  }
}
