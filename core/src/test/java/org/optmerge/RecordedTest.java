package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecordedTest {
  private static Recorded recorded(String json) throws IOException {
    return Recorded.object(Recorded.tree(new ObjectMapper().readTree(json.replace('\'', '"'))));
  }

  @Test
  void members_that_nobody_has_read_are_named_with_their_paths() throws IOException {
    Recorded json =
        recorded("{'a': 1, 'b': {'c': 2, 'd': null}, 'e': [{'f': 3}, {'g': 4}], 'h': {'i': 5}}");
    assertThat(json.unread()).containsExactly("a", "b", "e", "h");

    assertThat(json.path("a").asInt()).isEqualTo(1);
    assertThat(json.path("b").path("c").asInt()).isEqualTo(2);
    assertThat(json.path("e").path(1).path("g").asInt()).isEqualTo(4);
    json.passOver("h", "absent");

    assertThat(json.unread()).containsExactly("b.d", "e[0].f");
    assertThatThrownBy(() -> json.requireAllRead("case 'x'"))
        .hasMessage("case 'x': unknown settings [b.d, e[0].f]");
  }

  @Test
  void a_copy_of_the_whole_counts_as_reading_all_of_it() throws IOException {
    Recorded json = recorded("{'a': {'b': [{'c': 1}]}}");

    assertThat(json.whole()).isEqualTo(new ObjectMapper().readTree("{\"a\":{\"b\":[{\"c\":1}]}}"));
    assertThat(json.unread()).isEmpty();
  }

  @Test
  void numbers_and_flags_are_read_as_python_reads_them() throws IOException {
    Recorded json = recorded("{'a': 40.0, 'b': '1e-5', 'c': 'True', 'd': 0, 'e': 'Sum'}");

    assertThat(json.integer("a")).isEqualTo(40);
    assertThat(json.number("b")).isEqualTo(1e-5);
    assertThat(json.flag("c")).isTrue();
    assertThat(json.flag("d")).isFalse();
    assertThat(json.word("e")).isEqualTo("sum");
    assertThat(json.number("absent", 2)).isEqualTo(2);
    assertThat(json.choice("absent", 3, Map.of("sum", 4))).isEqualTo(3);
    assertThat(json.choice("e", 3, Map.of("sum", 4))).isEqualTo(4);
  }

  @Test
  void a_value_of_the_wrong_kind_is_an_error_and_null_is_no_default() throws IOException {
    Recorded json = recorded("{'a': null, 'b': 2.5, 'c': 'often', 'd': true}");

    assertThatThrownBy(() -> json.number("a", 3))
        .hasMessage("setting 'a' must be a number, is null");
    assertThatThrownBy(() -> json.number("absent"))
        .hasMessage("setting 'absent' must be a number, is missing");
    assertThatThrownBy(() -> json.integer("b"))
        .hasMessage("setting 'b' must be a whole number, is 2.5");
    assertThatThrownBy(() -> json.flag("c"))
        .hasMessage("setting 'c' must be true or false, is \"often\"");
    assertThatThrownBy(() -> json.number("d")).hasMessage("setting 'd' must be a number, is true");
    assertThatThrownBy(() -> json.choice("c", Map.of("never", 0)))
        .hasMessage("setting 'c' is 'often'; known: [never]");
    assertThatThrownBy(() -> json.mustBe("c", "never", "always"))
        .hasMessage("setting 'c' is \"often\"; known: [never, always]");
  }
}
