package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

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
}
