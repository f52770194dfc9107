package org.optmerge.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/** Values of JSON as the texts that Python makes of them. A missing value is never a word. */
public final class JsonTexts {
  private JsonTexts() {}

  /** A text, number or truth value; empty for nothing, an array or an object. */
  public static Optional<String> optional(JsonNode value) {
    if (value.isTextual()) {
      return Optional.of(value.textValue());
    }
    if (value.isIntegralNumber()) {
      return Optional.of(value.bigIntegerValue().toString());
    }
    if (value.isNumber()) {
      return Optional.of(PythonText.repr(value.doubleValue()));
    }
    if (value.isBoolean()) {
      return Optional.of(value.booleanValue() ? "True" : "False");
    }
    return Optional.empty();
  }

  /**
   * The text of a field.
   *
   * @param kit whose file it is
   * @throws PredictionFileException if it is none; names the kit and the field
   */
  public static String scalar(Path file, String kit, String place, String field, JsonNode value) {
    return optional(value)
        .orElseThrow(
            () ->
                new PredictionFileException(
                    "%s: %s: \"%s\" of %s must be a text, is %s"
                        .formatted(file, place, field, kit, Json.describe(value.asToken()))));
  }

  /**
   * The texts of a field that is one text or a list of texts; none if it is null or not there.
   *
   * @throws PredictionFileException if it is something else
   */
  public static List<String> list(
      Path file, String kit, String place, String field, JsonNode value) {
    List<String> texts = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(
          element -> {
            if (!element.isNull()) {
              texts.add(scalar(file, kit, place, field, element));
            }
          });
    } else if (!value.isNull() && !value.isMissingNode()) {
      texts.add(scalar(file, kit, place, field, value));
    }
    return texts;
  }

  /** A value as Python writes it; a text without quotes, but with them inside a list. */
  public static String python(JsonNode value) {
    return PythonLiteral.text(object(value));
  }

  private static @Nullable Object object(JsonNode value) {
    if (value.isArray()) {
      List<@Nullable Object> list = new ArrayList<>();
      value.forEach(element -> list.add(object(element)));
      return list;
    }
    if (value.isNull()) {
      return null;
    }
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    if (value.isIntegralNumber()) {
      return value.bigIntegerValue();
    }
    return value.isNumber()
        ? (Object) value.doubleValue()
        : value.isTextual() ? value.textValue() : value.toString();
  }

  /** An id: numbers as numbers, so that 7 and 7.0 are one, and texts as they are. */
  public static Optional<String> id(JsonNode value) {
    return value.isNumber() ? Optional.of(number(value)) : optional(value);
  }

  private static String number(JsonNode value) {
    return value.isIntegralNumber() || !Double.isFinite(value.doubleValue())
        ? optional(value).orElse("")
        : id(value.doubleValue());
  }

  /** A number as an id. */
  public static String id(double value) {
    return Double.isFinite(value)
        ? new BigDecimal(value).stripTrailingZeros().toPlainString().equals("0")
            ? "0"
            : new BigDecimal(PythonText.repr(value)).stripTrailingZeros().toPlainString()
        : PythonText.repr(value);
  }
}
