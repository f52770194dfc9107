package org.optmerge.metric;

import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.optmerge.python.PythonText;

/**
 * Training targets of the Grounding expert: {@code [0.47, 0.07, 0.97, 0.92]} becomes {@code
 * <|box_start|>(470,70),(970,920)<|box_end|>}, the form of Qwen2-VL.
 *
 * @see <a
 *     href="https://github.com/WalkerWorldPeace/MLLMerging/blob/5f8a458/LLaMA-Factory/grounding.py">MLLMerging,
 *     grounding.py</a>
 */
final class GroundingTarget {
  private static final String NUMBER = "(\\p{Nd}++\\.\\p{Nd}++)";

  /** Nothing in it can be matched in two ways, so nothing is tried twice. */
  private static final Pattern BOX =
      Pattern.compile(
          "\\[%2$s,%1$s%2$s,%1$s%2$s,%1$s%2$s\\]".formatted(PythonText.SPACE + "*+", NUMBER));

  private GroundingTarget() {}

  /** The text with every box of four decimal fractions in thousandths, cut and not rounded. */
  static String of(String text) {
    return BOX.matcher(text)
        .replaceAll(
            box ->
                Matcher.quoteReplacement(
                    "<|box_start|>(%s,%s),(%s,%s)<|box_end|>"
                        .formatted(
                            thousandths(box.group(1)),
                            thousandths(box.group(2)),
                            thousandths(box.group(3)),
                            thousandths(box.group(4)))));
  }

  private static String thousandths(String number) {
    double value = PythonText.parseFloat(number).orElseThrow() * 1000;
    return Double.isInfinite(value) ? "inf" : new BigDecimal(value).toBigInteger().toString();
  }
}
