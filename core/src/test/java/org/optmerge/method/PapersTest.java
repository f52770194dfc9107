package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PapersTest {
  /** mergekit's own; nothing was published. */
  private static final Set<String> UNPUBLISHED = Set.of("passthrough", "arcee_fusion", "nearswap");

  static List<String> methods() {
    return MergeMethods.names();
  }

  @ParameterizedTest
  @MethodSource("methods")
  void every_listed_method_was_published_but_for_those_known_not_to_be(String method) {
    assertThat(Papers.of(method).isPresent()).isEqualTo(!UNPUBLISHED.contains(method));
  }

  @ParameterizedTest
  @CsvSource({
    "dare_ties, 2311.03099", "ties-global, 2306.01708", "optmerge-lora, 2505.19892",
    "wudi, 2503.08099", "swudi, 2606.07289", "model_stock, 2403.19522"
  })
  void a_name_leads_to_its_own_paper(String method, String arxiv) {
    assertThat(Papers.of(method))
        .hasValueSatisfying(paper -> assertThat(paper.url()).endsWith(arxiv));
  }

  @Test
  void a_reader_s_own_method_has_none() {
    assertThat(Papers.of("mine")).isEmpty();
  }
}
