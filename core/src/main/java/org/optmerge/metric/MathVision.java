package org.optmerge.metric;

import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.PythonArithmetic;
import org.optmerge.python.PythonNumber;
import org.optmerge.python.PythonText;

/**
 * 1 if the extracted answer is the right option, or its value that of the reference. MATH-Vision.
 *
 * <p>Equal are two texts but for case, then two values of Python expressions within 10⁻⁶, then two
 * values of LaTeX formulas. As published, a free-form answer {@code A} equals any number: the
 * official code evaluates it where a variable of this name holds the reference.
 *
 * <p>The reference's field {@code choices} is a Python list, empty for a free-form question.
 *
 * @param inference how an option is found
 * @param latest whether formulas are read as VLMEvalKit does since it took latex2sympy2_extended
 * @see <a href="https://arxiv.org/abs/2402.14804">Wang et al., Measuring Multimodal Mathematical
 *     Reasoning with MATH-Vision, NeurIPS 2024, section 4.1</a>
 */
public record MathVision(OptionInference inference, boolean latest) implements JudgedMetric {
  private static final double TOLERANCE = 1e-6;

  /** As in VLMEvalKit, of a version. */
  public static MathVision of(ScoringProfile profile) {
    return new MathVision(OptionInference.of(profile), profile == ScoringProfile.VLMEVALKIT_LATEST);
  }

  @Override
  public Optional<String> lacking(Reference reference) {
    return reference.lacking(true, "choices");
  }

  @Override
  public double score(Prediction prediction, Reference reference, Steps steps) {
    Map<String, String> options = MathVista.options(reference.field("choices"));
    if (options.isEmpty()) {
      return equal(prediction.text(), reference.answer(), steps) ? 1 : 0;
    }
    Optional<String> chosen = inference.infer(prediction.text(), options, steps);
    return equal(chosen.orElse("False"), reference.answer(), steps) ? 1 : 0;
  }

  @Override
  public Optional<Prediction> prefetch(Prediction prediction, Reference reference) {
    Map<String, String> options = MathVista.options(reference.field("choices"));
    if (!options.isEmpty()) {
      return inference.infer(prediction.text(), options).map(Prediction::new);
    }
    // An empty answer is as good as none.
    return equal(prediction.text(), reference.answer(), Steps.NONE) && !prediction.text().isEmpty()
        ? Optional.of(prediction)
        : Optional.empty();
  }

  /** True if two answers are the same text or the same number. */
  boolean equal(String prediction, String answer) {
    return equal(prediction, answer, Steps.NONE);
  }

  private boolean equal(String prediction, String answer, Steps steps) {
    String given = PythonText.strip(PythonText.lower(prediction));
    String right = PythonText.strip(PythonText.lower(answer));
    if (given.equals(right)) {
      steps.step("equal as text", given);
      return true;
    }
    @Nullable PythonNumber a = PythonArithmetic.evaluate(right, null).orElse(null);
    if (a != null) {
      Optional<PythonNumber> b = PythonArithmetic.evaluate(given, a);
      steps.step("as Python expressions", values(a, b));
      if (b.isPresent() && a.closerThan(TOLERANCE, b.get())) {
        return true;
      }
    }
    a = LatexArithmetic.evaluate(right, null, latest).orElse(null);
    if (a == null) {
      steps.step("the answer is no number", right);
      return false;
    }
    Optional<PythonNumber> b = LatexArithmetic.evaluate(given, a, latest);
    steps.step("as LaTeX formulas", values(a, b));
    return b.isPresent() && a.closerThan(TOLERANCE, b.get());
  }

  private static String values(PythonNumber answer, Optional<PythonNumber> prediction) {
    return "answer %s, prediction %s"
        .formatted(text(answer), prediction.map(MathVision::text).orElse("no number"));
  }

  private static String text(PythonNumber number) {
    return number instanceof PythonNumber.Whole whole
        ? whole.value().toString()
        : PythonText.repr(number.toDouble());
  }
}
