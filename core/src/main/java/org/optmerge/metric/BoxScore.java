package org.optmerge.metric;

import java.util.Arrays;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/**
 * The overlap of a box in an answer with the reference box. RefCOCO, RefCOCO+ and RefCOCOg.
 *
 * <p>The reference's fields are {@code bbox}, four numbers in a Python list, and for InternVL,
 * whose references are in pixels, {@code height} and {@code width}.
 *
 * @param format how the box is read
 * @param measure what is scored
 * @see <a href="https://arxiv.org/abs/1608.00272">Yu et al., Modeling Context in Referring
 *     Expressions, ECCV 2016, section 5</a>
 */
@API(status = API.Status.EXPERIMENTAL)
public record BoxScore(BoxFormat format, Measure measure) implements Metric {
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

  /** The box as it is compared: normalised, and in pixels for InternVL. */
  public Box predicted(Prediction prediction, Reference reference) {
    Box box = format.parse(prediction.text());
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

  private double overlap(Box predicted, Box right, Steps steps) {
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
    List<Double> sides =
        PythonLiteral.list(text)
            .map(
                list ->
                    list.stream()
                        .filter(Number.class::isInstance)
                        .map(side -> ((Number) side).doubleValue())
                        .toList())
            .orElse(List.of());
    if (sides.size() != 4) {
      throw new MetricException("the reference's bbox is no list of four numbers: " + text);
    }
    return new Box(sides.get(0), sides.get(1), sides.get(2), sides.get(3));
  }

  /** The field {@code bbox} of four sides. */
  public static String field(double... sides) {
    return Arrays.stream(sides).mapToObj(PythonText::repr).toList().toString();
  }
}
