package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MergeMethodsTest {
  @Test
  void a_method_is_found_by_its_name() {
    assertThat(MergeMethods.named("ties-global").method()).isEqualTo(Ties.GLOBAL);
    assertThat(MergeMethods.names()).doesNotHaveDuplicates().contains("linear", "weight-average");
  }

  @Test
  void hyphen_and_underscore_are_the_same_where_the_algorithm_is() {
    assertThat(MergeMethods.named("weight_average").name()).isEqualTo("weight-average");
    assertThat(MergeMethods.twin("weight-average")).isEmpty();
  }

  @Test
  void a_misspelt_name_gets_a_suggestion() {
    assertThatThrownBy(() -> MergeMethods.named("linaer"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            "no merge method 'linaer'; did you mean 'linear'?; known: [weight-");
  }

  @Test
  void every_method_says_what_it_does_and_what_its_parameters_mean() {
    assertThat(MergeMethods.ALL)
        .allSatisfy(
            named -> {
              assertThat(named.summary()).isNotBlank().doesNotEndWith(".");
              assertThat(MethodParameters.of(named.method()))
                  .allSatisfy(parameter -> assertThat(parameter.help()).isNotBlank());
            });
  }

  @Test
  void every_method_says_where_it_was_published() {
    assertThat(MergeMethods.ALL)
        .allSatisfy(
            named -> {
              assertThat(named.paper().value()).isNotBlank().doesNotEndWith(".");
              assertThat(named.paper().url()).startsWith("https://");
            });
  }

  @ParameterizedTest
  @CsvSource({
    "dare-ties, 2311.03099", // of the record
    "ties-global, 2306.01708",
    "optmerge-lora, 2505.19892",
    "wudi, 2503.08099",
    "swudi, 2606.07289",
    "model_stock, 2403.19522",
    "weight-average, 2203.05482",
    "tsv-as-published, 2412.00081", // of the constant: the same record as the line above
    "dare_ties, 2311.03099",
    "ties, 2306.01708",
    "della, 2406.11617",
    "breadcrumbs_ties, 2312.06795"
  })
  void a_name_leads_to_its_own_paper(String method, String arxiv) {
    assertThat(MergeMethods.named(method).paper().url())
        .isEqualTo("https://arxiv.org/abs/" + arxiv);
  }

  @Test
  void a_method_without_a_paper_is_told_what_to_add() {
    MergeMethods.Named mine =
        new MergeMethods.Named(
            "mine",
            tau -> tau.manager().zeros(tau.shape()),
            MergeMethods.Origin.OFFICIAL,
            MergeMethods.Base.ORIGIN,
            1,
            "nothing");

    assertThatThrownBy(mine::paper)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("mine: annotate ")
        .hasMessageEndingWith(" with @Paper");
  }
}
