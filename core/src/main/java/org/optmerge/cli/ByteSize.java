package org.optmerge.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * An amount of bytes, such as {@code 2G}, {@code 512M}, {@code 1.5GB} or {@code 4GiB}.
 *
 * @param bytes at least 1
 */
record ByteSize(long bytes) {
  private static final Pattern SYNTAX =
      Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmgtb]?)(i?b)?", Pattern.CASE_INSENSITIVE);

  ByteSize {
    if (bytes < 1) {
      throw new IllegalArgumentException("a size must be at least 1 byte, is " + bytes);
    }
  }

  /** As for {@code java -Xmx}: K, M, G are powers of 1024; KB, MB, GB are powers of 1000. */
  static final class Memory implements ITypeConverter<ByteSize> {
    @Override
    public ByteSize convert(String text) {
      return parse(text, 1024);
    }
  }

  /** As mergekit reads it: K, M and B (or G) are powers of 1000, and so are KB, MB, GB. */
  static final class ShardSize implements ITypeConverter<ByteSize> {
    @Override
    public ByteSize convert(String text) {
      // mergekit's B is a billion, and it has no suffix for bytes.
      return parse(text.matches("[\\d.]+[bB]") ? text.replaceAll("[bB]$", "G") : text, 1000);
    }
  }

  private static ByteSize parse(String text, int bareUnit) {
    Matcher matcher = SYNTAX.matcher(text.strip());
    if (!matcher.matches()) {
      throw new TypeConversionException(
          "expected a size such as 2G, 512M or 1.5GB, got '%s'".formatted(text));
    }
    String letter = matcher.group(2).toLowerCase(Locale.ROOT);
    String suffix = matcher.group(3);
    int exponent = letter.isEmpty() ? 0 : Math.max(0, " kmgt".indexOf(letter));
    int unit = suffix == null ? bareUnit : suffix.length() == 2 ? 1024 : 1000;
    BigDecimal bytes =
        new BigDecimal(matcher.group(1))
            .multiply(BigDecimal.valueOf(unit).pow(exponent))
            .setScale(0, RoundingMode.DOWN);
    if (bytes.signum() <= 0 || bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
      throw new TypeConversionException(
          "expected a size of at least one byte and below 8 EiB, got '%s'".formatted(text));
    }
    return new ByteSize(bytes.longValueExact());
  }
}
