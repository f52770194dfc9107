package org.optmerge.metric;

import java.util.Objects;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.python.Cell;
import org.optmerge.python.PythonText;

/**
 * The answer of a model.
 *
 * @param text the answer, as it came out of the file
 * @param number the value where the file held a number and no text, since Python's {@code int}
 *     truncates the one and refuses the other; null for text
 */
@API(status = API.Status.EXPERIMENTAL)
public record Prediction(String text, @Nullable Double number) {
  public Prediction {
    Objects.requireNonNull(text, "Prediction: text");
  }

  /** An answer in words. */
  public Prediction(String text) {
    this(text, null);
  }

  /** A number, with the text that Python gives it. */
  public static Prediction ofNumber(double number) {
    return new Prediction(PythonText.repr(number), number);
  }

  /** A table's cell as an answer: the official code sees numbers where the table holds numbers. */
  public static Prediction of(Cell cell) {
    return switch (cell.kind()) {
      case TEXT, TRUTH -> new Prediction(cell.text());
      case WHOLE, REAL ->
          new Prediction(
              cell.text(),
              Double.valueOf(cell.text().replace("inf", "Infinity").replace("nan", "NaN")));
      case MISSING -> new Prediction(cell.text(), Double.NaN);
    };
  }
}
