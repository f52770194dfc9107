package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.method.NamedMethod.Origin;

class MergeMethodsTest {
  @Test
  void a_method_is_found_by_its_name() {
    assertThat(MergeMethods.named("ties-global").method()).isEqualTo(Ties.GLOBAL);
    assertThat(MergeMethods.names()).doesNotHaveDuplicates().contains("linear", "weight-average");
  }

  @Test
  void hyphen_and_underscore_are_the_same_where_the_algorithm_is() {
    assertThat(MergeMethods.named("weight_average").name()).isEqualTo("weight-average");
    assertThat(MergeMethods.lookAlike(MergeMethods.named("weight-average"))).isEmpty();
  }

  @Test
  void a_misspelt_name_gets_a_suggestion() {
    assertThatThrownBy(() -> MergeMethods.named("linaer"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            "no merge method 'linaer'; did you mean 'linear'?; known: [weight-");
  }

  @Test
  void every_method_is_described_in_full() {
    assertThat(MergeMethods.ALL)
        .allSatisfy(
            named -> {
              assertThat(List.of(named.summary(), named.formula(), named.use(), named.pinnedBy()))
                  .allSatisfy(text -> assertThat(text).isNotBlank().doesNotEndWith("."));
              assertThat(named.paper().citation()).isNotBlank().doesNotEndWith(".");
              assertThat(named.paper().url()).startsWith("https://");
              assertThat(named.parameters())
                  .allSatisfy(parameter -> assertThat(parameter.help()).isNotBlank());
            });
  }

  /** Recorded cases and test classes that a description names are there. */
  @Test
  void what_pins_a_method_is_there() throws Exception {
    Set<String> known = new TreeSet<>();
    for (JsonNode golden : cases("/golden/methods/cases.json")) {
      known.add(golden.path("method").asText());
    }
    for (JsonNode golden : cases("/golden/mergekit/cases.json")) {
      known.add(golden.path("method").asText());
    }
    for (NamedMethod named : MergeMethods.ALL) {
      List<String> pins =
          Pattern.compile("`([^`]+)`")
              .matcher(named.pinnedBy())
              .results()
              .map(m -> m.group(1))
              .toList();
      assertThat(pins).as(named.name()).isNotEmpty();
      for (String pin : pins) {
        if (!known.contains(pin)) {
          assertThat(
                  Stream.of("", "interference.")
                      .map(
                          place ->
                              "/org/optmerge/method/" + place.replace('.', '/') + pin + ".class")
                      .map(MergeMethodsTest.class::getResource))
              .as(named.name() + ": " + pin)
              .anyMatch(Objects::nonNull);
        }
      }
    }
  }

  private static JsonNode cases(String resource) throws IOException {
    return new ObjectMapper().readTree(MergeMethodsTest.class.getResource(resource)).path("cases");
  }

  @Test
  void a_full_name_leaves_no_doubt() {
    assertThat(MergeMethods.ALL)
        .allSatisfy(
            named -> {
              assertThat(MergeMethods.named(named.fullName())).isSameAs(named);
              assertThat(MergeMethods.disambiguation(named.fullName())).isEmpty();
            });
    assertThat(MergeMethods.named("mergekit:ties")).isSameAs(MergeMethods.named("ties"));
    assertThat(MergeMethods.named("mergekit:dare-ties")).isSameAs(MergeMethods.named("dare_ties"));
  }

  @ParameterizedTest
  @CsvSource({
    "dare-ties, official:dare-ties, mergekit:dare_ties",
    "dare_ties, mergekit:dare_ties, official:dare-ties",
    "model-stock, fusion_bench:model-stock, mergekit:model_stock",
    "model_stock, mergekit:model_stock, fusion_bench:model-stock",
    "task-arithmetic, official:task-arithmetic, mergekit:task_arithmetic",
    "task_arithmetic, mergekit:task_arithmetic, official:task-arithmetic"
  })
  void a_name_like_another_says_which_it_is_and_what_the_other_is_called(
      String given, String own, String other) {
    assertThat(MergeMethods.named(given).fullName()).isEqualTo(own);
    assertThat(MergeMethods.disambiguation(given))
        .hasValueSatisfying(
            text -> assertThat(text).startsWith("'%s' is ".formatted(given)).contains(own, other));
  }

  @Test
  void a_provider_brings_methods_and_may_not_take_a_name() {
    MethodProvider own =
        () ->
            NamedMethod.list(
                NamedMethod.of(Origin.OWN, "first", tau -> tau.vectors().get(0).dense())
                    .summary("the first expert")
                    .formula("Δ = τ_1"));
    MethodProvider thief =
        () ->
            NamedMethod.list(
                NamedMethod.of(Origin.OWN, "tsv", new WeightAverage())
                    .summary("the mean")
                    .formula("Δ = mean"));

    assertThat(MergeMethods.collect(List.of(own, new OfficialMethods())))
        .extracting(NamedMethod::name)
        .startsWith("weight-average")
        .endsWith("first");
    assertThatThrownBy(() -> MergeMethods.collect(List.of(new OfficialMethods(), thief)))
        .hasMessageStartingWith("two merge methods are called 'tsv', of org.optmerge.method.Off");
    assertThatThrownBy(() -> NamedMethod.of(Origin.OWN, "x", new Tsv()).build())
        .hasMessage("merge method 'x': give a summary and a formula, one line each");
  }

  @ParameterizedTest
  @CsvSource({
    "dare-ties, 2311.03099",
    "ties-global, 2306.01708",
    "optmerge-lora, 2505.19892",
    "wudi, 2503.08099",
    "swudi, 2606.07289",
    "model_stock, 2403.19522",
    "weight-average, 2203.05482",
    "tsv-as-published, 2412.00081",
    "dare_ties, 2311.03099",
    "ties, 2306.01708",
    "della, 2406.11617",
    "breadcrumbs_ties, 2312.06795"
  })
  void a_name_leads_to_its_own_paper(String method, String arxiv) {
    assertThat(MergeMethods.named(method).paper().url())
        .isEqualTo("https://arxiv.org/abs/" + arxiv);
  }
}
