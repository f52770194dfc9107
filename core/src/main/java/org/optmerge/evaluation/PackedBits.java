package org.optmerge.evaluation;

import com.fasterxml.jackson.databind.util.StdConverter;
import java.math.BigInteger;

/**
 * Texts of zeros and ones as files hold them: their number, a colon and the hexadecimal digits of
 * the number they are in binary. A quarter of the length, and still the same text on any machine.
 */
final class PackedBits {
  private PackedBits() {}

  static String pack(String bits) {
    return bits.length() + ":" + new BigInteger("0" + bits, 2).toString(16);
  }

  /**
   * The inverse.
   *
   * @throws IllegalArgumentException if the text is not what {@link #pack} makes
   */
  static String unpack(String packed) {
    int colon = packed.indexOf(':');
    try {
      int length = Integer.parseInt(packed.substring(0, Math.max(0, colon)));
      String bits = new BigInteger(packed.substring(colon + 1), 16).toString(2);
      if (length == 0 && bits.equals("0")) {
        return "";
      }
      if (bits.length() <= length && bits.charAt(0) != '-') {
        return "0".repeat(length - bits.length()) + bits;
      }
    } catch (NumberFormatException e) {
      throw wrong(packed);
    }
    throw wrong(packed);
  }

  private static IllegalArgumentException wrong(String packed) {
    String shown = packed.length() <= 40 ? packed : packed.substring(0, 40) + "…";
    return new IllegalArgumentException(
        "expected packed bits such as '10:3ff', found '%s'".formatted(shown));
  }

  static final class Writer extends StdConverter<String, String> {
    @Override
    public String convert(String bits) {
      return pack(bits);
    }
  }

  static final class Reader extends StdConverter<String, String> {
    @Override
    public String convert(String packed) {
      return unpack(packed);
    }
  }
}
