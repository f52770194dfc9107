package org.optmerge.python;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.fuzz.Sandbox;

/** Any text as a literal, a number and arithmetic of Python. */
class PythonFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/answers.dict";
  private static final Sandbox BOX = Sandbox.open();

  static Stream<byte[]> literals() {
    return Stream.of(
            "['a', \"b\", 1, 2.5e3, True, None, (1, 2), {'k': [1]}]",
            "[b'x', r'\\n', 0x1f, 1_000, 1j, -3, +4, '\\N{DASH}']",
            "((('''a''')))")
        .map(text -> text.getBytes(UTF_8));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("literals")
  @FuzzTest
  void literal(byte[] data) throws Exception {
    String text = new String(data, UTF_8);
    BOX.holds(
        data,
        () ->
            PythonLiteral.list(text)
                .ifPresent(list -> list.forEach(value -> PythonLiteral.text(value))));
  }

  static Stream<byte[]> sums() {
    return Stream.of("1 + 2*3**4 // 5 % 6 - -7", "(a+1)/2", "2**-1", "10**20", "1e5*0x1f", "٥+½")
        .map(text -> text.getBytes(UTF_8));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("sums")
  @FuzzTest
  void arithmetic(byte[] data) throws Exception {
    String text = new String(data, UTF_8);
    BOX.holds(
        data,
        () -> {
          PythonArithmetic.evaluate(text, null);
          PythonText.parseFloat(text);
          PythonText.parseInt(text);
          PythonText.split(text);
          PythonText.lower(text);
          PythonText.upper(text);
        });
  }
}
