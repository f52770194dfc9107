package org.optmerge.benchmark.mini;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apiguardian.api.API;
import org.optmerge.metric.Metric;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;
import org.optmerge.metric.Steps;

/**
 * The metric of the miniature's capabilities: boxes must share half of their union; all else must
 * be equal but for letter case and spaces. A number may differ by the share that the field {@code
 * tolerance} says, 5 % for charts (relaxed accuracy, Methani et al., PlotQA, WACV 2020).
 */
@API(status = API.Status.EXPERIMENTAL)
public record CapabilityMetric() implements Metric {
  /** The field with the share by which a number may differ. */
  public static final String TOLERANCE = "tolerance";

  /** The share of their union that two boxes must have in common. */
  static final double OVERLAP = .5;

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    return correct(reference, prediction.text()) ? 1 : 0;
  }

  /** Part of what results are known by: not to be changed with the name of the class. */
  @Override
  public String toString() {
    return "capabilities";
  }

  private static boolean correct(Reference reference, String prediction) {
    Optional<PixelBox> box = PixelBox.ofAnswer(reference.answer());
    if (box.isPresent()) {
      return PixelBox.ofAnswer(prediction)
          .filter(other -> box.get().overlap(other) >= OVERLAP)
          .isPresent();
    }
    String expected = normalised(reference.answer());
    String given = normalised(prediction);
    if (expected.equals(given)) {
      return true;
    }
    String tolerance = reference.fields().get(TOLERANCE);
    Optional<Integer> number = number(expected);
    return tolerance != null
        && number.isPresent()
        && number(given)
            .filter(
                value ->
                    Math.abs(value - number.get())
                        <= Double.parseDouble(tolerance) * Math.abs(number.get()))
            .isPresent();
  }

  /** Case and spaces do not matter, and characters may be spelt. */
  private static String normalised(String text) {
    List<String> tokens = Arrays.asList(text.strip().split("\\s+"));
    return WordVocabulary.joined(tokens).toLowerCase(Locale.ROOT);
  }

  private static Optional<Integer> number(String text) {
    return text.matches("\\d{1,6}") ? Optional.of(Integer.valueOf(text)) : Optional.empty();
  }
}
