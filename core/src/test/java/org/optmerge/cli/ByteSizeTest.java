package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "2G, 2147483648",
    "512m, 536870912",
    "1.5GB, 1500000000",
    "4GiB, 4294967296",
    "100, 100",
    "8 kB, 8000",
    "7B, 7"
  })
  void memory_is_read_as_java_reads_it(String text, long bytes) {
    assertThat(new ByteSize.Memory().convert(text)).isEqualTo(new ByteSize(bytes));
  }

  @ParameterizedTest
  @CsvSource({
    "5B, 5000000000",
    "1.5b, 1500000000",
    "500M, 500000000",
    "2G, 2000000000",
    "2GB, 2000000000",
    "1GiB, 1073741824",
    "1000, 1000"
  })
  void a_shard_size_is_read_as_mergekit_reads_it(String text, long bytes) {
    assertThat(new ByteSize.ShardSize().convert(text)).isEqualTo(new ByteSize(bytes));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "G", "two", "-1G", "1e9", "1.G", "2GG"})
  void rejects_what_is_no_size(String text) {
    assertThatThrownBy(() -> new ByteSize.Memory().convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessage("expected a size such as 2G, 512M or 1.5GB, got '%s'", text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0.4", "99999999T"})
  void rejects_nothing_and_too_much(String text) {
    assertThatThrownBy(() -> new ByteSize.Memory().convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessage("expected a size of at least one byte and below 8 EiB, got '%s'", text);
  }
}
