package org.optmerge.method.interference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MergeMethods;

class InterferenceDescriptionTest {
  private static final List<Long> MATRIX = List.of(8L, 4L);

  private static Map<String, Object> derived(String method) {
    return MergeMethods.named(method).method().derived("layers.0.q_proj.weight", MATRIX);
  }

  /**
   * SGD: the table of the recurrence e_{t+1} = (1.9 − 2ηλ)e_t − 0.9e_{t−1} after 300 steps. Flow: 1
   * − e^{−λt}. Tikhonov: λ/(λ + 0.01), t = 1/0.01. Landweber: 1 − (1 − 0.9λ)^150, t = 0.9 · 150.
   */
  @ParameterizedTest
  @CsvSource({
    "optmerge-lora, 0.582, 0.00580, 0.05664, 0.44729",
    "optmerge-modal, 291, 0.9607, 1, 1",
    "optmerge-flow-10, 10, 0.09516, 0.63212, 0.99995",
    "swudi, 300, 0.95021, 1, 1",
    "iwudi-exponential, 300, 0.95021, 1, 1",
    "iwudi-tikhonov, 100, 0.5, 0.90909, 0.99010",
    "iwudi-landweber, 135, 0.74234, 1, 1"
  })
  void the_time_and_the_filter_of_a_closed_form(
      String method, double time, double atHundredth, double atTenth, double atOne) {
    Map<String, Object> derived = derived(method);

    assertThat((Double) derived.get("effective_time")).isEqualTo(time, within(2e-3 * time));
    assertThat((Double) derived.get("share_at_0.01")).isEqualTo(atHundredth, within(5e-5));
    assertThat((Double) derived.get("share_at_0.1")).isEqualTo(atTenth, within(5e-5));
    assertThat((Double) derived.get("share_at_1")).isEqualTo(atOne, within(5e-5));
    assertThat(derived.keySet())
        .containsExactly("effective_time", "filter", "share_at_0.01", "share_at_0.1", "share_at_1");
  }

  @Test
  void filters_are_put_in_words() {
    assertThat(derived("optmerge-lora"))
        .containsEntry(
            "filter",
            "300 steps of gradient descent at 1.0E-4 with momentum 0.9, in closed form,"
                + " in every direction");
    assertThat(derived("swudi"))
        .containsEntry(
            "filter",
            "1 - exp(-300.0 eigenvalue), gradient flow for that time, in the share 0.65 of the"
                + " directions with the largest eigenvalues; the start in the others");
  }

  @Test
  void a_minimiser_takes_forever_and_arrives() {
    assertThat(derived("aswudi"))
        .containsEntry("effective_time", "infinite")
        .containsEntry("share_at_0.01", 1.0)
        .extractingByKey("filter")
        .asString()
        .startsWith("all the way to the minimiser, ")
        .contains("rank rule participation_sqrt");
  }

  @Test
  void adam_has_no_filter_but_a_reach() {
    // 1e-5 · 300, and 0.01 · 300 in units of the task vectors' root mean square
    assertThat((Double) derived("wudi").get("largest_move")).isEqualTo(3e-3, within(1e-15));
    assertThat((Double) derived("optmerge-full-rel").get("largest_relative_move"))
        .isEqualTo(3, within(1e-12));
    assertThat(derived("wudi").get("filter")).asString().startsWith("none: Adam");
    assertThat(derived("wudi")).doesNotContainKey("effective_time");
  }

  @Test
  void wudi_by_gradient_descent_has_a_time() {
    Map<String, Object> derived =
        new Wudi(Init.SUM, Descent.sgd(1e-4, 0.9, 300)).derived("w", MATRIX);

    assertThat((Double) derived.get("effective_time")).isEqualTo(0.582, within(1e-3));
  }

  @ParameterizedTest
  @ValueSource(strings = {"optmerge-lora", "wudi", "swudi"})
  void what_is_no_matrix_or_the_output_layer_becomes_the_mean(String name) {
    MergeMethod method = MergeMethods.named(name).method();

    assertThat(method.derived("norm.weight", List.of(4L))).containsOnlyKeys("instead");
    for (String head :
        List.of(
            "lm_head.weight",
            "language_model.lm_head.weight",
            "language_model.output.weight",
            "output.weight",
            "embed_out.weight",
            "transformer.output_layer.weight",
            "model.transformer.ff_out.weight")) {
      assertThat(method.derived(head, MATRIX)).as(head).containsOnlyKeys("instead");
    }
    for (String inside :
        List.of(
            "encoder.layer.0.output.weight",
            "model.layers.3.attention.output.weight",
            "model.transformer.blocks.0.ff_out.weight",
            "projector.output.weight")) {
      assertThat(method.derived(inside, MATRIX)).as(inside).doesNotContainKey("instead");
    }
  }

  @Test
  void other_methods_say_nothing() {
    assertThat(derived("ties-global")).isEmpty();
  }
}
