package org.optmerge.python;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PythonLiteralTest {
  private static List<String> list(String text) {
    assertThat(PythonLiteral.list(text)).isPresent();
    return PythonLiteral.texts(text);
  }

  @Test
  void strings_numbers_and_names_are_elements() {
    assertThat(list("['a', \"b's\", 2007, -1.5e3, None,]"))
        .containsExactly("a", "b's", "2007", "-1500.0", "None");
    assertThat(list(" [ ] ")).isEmpty();
    assertThat(list("['a' 'b', ('x', 1), [2]]")).containsExactly("ab", "('x', 1)", "[2]");
  }

  @Test
  void escapes_are_pythons() {
    assertThat(list("['\\n\\t\\\\\\'\\x41\\u00e9\\U0001F600\\101\\q']"))
        .containsExactly("\n\t\\'Aé😀A\\q");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[",
        "a",
        "['a'",
        "['a]",
        "['a', , 'b']",
        "['a'] x",
        "[,]",
        "['a' b]",
        "['\\x4']",
        "['\\U00110000']",
        "[f()]",
        "['a\nb']",
        "(1, 2)",
        "[1 2]",
        "[(1]"
      })
  void anything_else_is_text(String text) {
    assertThat(PythonLiteral.list(text)).isEmpty();
    assertThat(PythonLiteral.texts(text)).containsExactly(text);
  }

  @Test
  void a_tower_of_brackets_is_text() {
    assertThat(PythonLiteral.list("[".repeat(1_000_000))).isEmpty();
    assertThat(PythonLiteral.list("[".repeat(1000) + "]".repeat(1000))).isEmpty();
  }

  @Test
  void any_text_is_read_or_left_alone() {
    Random random = new Random(8);
    String signs = "[](),'\"\\xu01a \n";
    int lists = 0;
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text = new StringBuilder("[");
      for (int length = random.nextInt(8); length > 0; length--) {
        text.append(signs.charAt(random.nextInt(signs.length())));
      }
      lists += PythonLiteral.list(text.append("]").toString()).isPresent() ? 1 : 0;
    }
    assertThat(lists).isBetween(100, 19_000);
  }
}
