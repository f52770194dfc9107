package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.optmerge.method.MethodParameters.Kind;
import org.optmerge.method.MethodParameters.Parameter;

class MethodParametersTest {
  private static final MergeMethod LINEAR = new Linear(null, true);
  private static final MergeMethod DARE_TIES = MergeMethods.named("dare_ties").method();

  @Test
  void parameters_are_the_components_of_the_record_in_snake_case() {
    assertThat(MethodParameters.of(LINEAR))
        .containsExactly(
            new Parameter(
                "weight",
                Kind.NUMBER,
                true,
                Optional.empty(),
                true,
                List.of(),
                "weight of each model"),
            new Parameter(
                "normalize",
                Kind.BOOLEAN,
                false,
                Optional.of(true),
                false,
                List.of(),
                "divide by the sum of the weights"));
  }

  @Test
  void what_follows_from_the_name_is_no_parameter() {
    assertThat(MethodParameters.of(Ties.GLOBAL))
        .extracting(Parameter::name)
        .containsExactly("mask_rate", "merge_function");
  }

  @Test
  void a_lambda_has_no_parameters() {
    MergeMethod first = tau -> tau.vectors().get(0).dense();

    assertThat(MethodParameters.of(first)).isEmpty();
    assertThat(MethodParameters.bind(first, Map.of())).isSameAs(first);
  }

  @Test
  void binding_replaces_what_is_given_and_keeps_the_rest() {
    assertThat(MethodParameters.bind(LINEAR, Map.of("weight", List.of(0.6, 0.4))))
        .isEqualTo(new Linear(PerModel.of(0.6, 0.4), true));
    assertThat(MethodParameters.bind(LINEAR, Map.of("weight", 1, "normalize", false)))
        .isEqualTo(new Linear(PerModel.each(1), false));
    assertThat(MethodParameters.bind(Ties.GLOBAL, Map.of("merge_function", "sum")))
        .isEqualTo(
            new Ties(Ties.Scope.GLOBAL, 0.8, Ties.Rounding.DROPPED_DOWN, Ties.MergeFunction.SUM));
  }

  @Test
  void required_parameters_that_are_missing_are_named() {
    assertThat(MethodParameters.of(LINEAR))
        .filteredOn(Parameter::required)
        .extracting(Parameter::name)
        .containsExactly("weight");
    assertThat(MethodParameters.of(MethodParameters.bind(LINEAR, Map.of("weight", 1))))
        .noneMatch(Parameter::required);
  }

  @Test
  void an_error_knows_method_parameter_and_model() {
    assertThatThrownBy(
            () -> MethodParameters.bind("dare_ties", DARE_TIES, Map.of("density", List.of(0.5, 2))))
        .isInstanceOfSatisfying(
            ParameterException.class,
            e -> {
              assertThat(e.method()).isEqualTo("dare_ties");
              assertThat(e.parameter()).isEqualTo("density");
              assertThat(e.model()).hasValue(2);
            })
        .hasMessage("dare_ties: density of model 2 must be in [0, 1], is 2.0");
    assertThatThrownBy(() -> MethodParameters.bind("linear", LINEAR, Map.of("normalize", "yes")))
        .isInstanceOfSatisfying(ParameterException.class, e -> assertThat(e.model()).isEmpty());
  }

  @Test
  void errors_name_the_parameter_what_was_expected_and_what_came() {
    assertThatThrownBy(() -> MethodParameters.bind("linear", LINEAR, Map.of("wieght", 1)))
        .hasMessage(
            "linear: no parameter 'wieght'; did you mean 'weight'?; known: [weight, normalize]");
    assertThatThrownBy(() -> MethodParameters.bind("linear", LINEAR, Map.of("weight", "much")))
        .hasMessage("linear: weight must be a number, or one for each model, is 'much'");
    assertThatThrownBy(() -> MethodParameters.bind("linear", LINEAR, Map.of("normalize", "yes")))
        .hasMessage("linear: normalize must be true or false, is 'yes'");
    assertThatThrownBy(
            () -> MethodParameters.bind("linear", LINEAR, Map.of("weight", List.of(0.5, "x"))))
        .hasMessage("linear: weight must be a number for each model, is [0.5, x]");
    assertThatThrownBy(
            () -> MethodParameters.bind("ties-global", Ties.GLOBAL, Map.of("mask_rate", 1.5)))
        .hasMessage("ties-global: mask_rate must be in [0, 1), is 1.5");
    assertThatThrownBy(
            () -> MethodParameters.bind("ties-global", Ties.GLOBAL, Map.of("merge_function", "x")))
        .hasMessage("ties-global: merge_function must be one of [mean, sum, max], is 'x'");
  }
}
