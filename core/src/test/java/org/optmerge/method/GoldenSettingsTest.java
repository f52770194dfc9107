package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.optmerge.Recorded;
import org.optmerge.method.data.Fisher;
import org.optmerge.method.interference.Aswudi;
import org.optmerge.method.interference.Init;
import org.optmerge.method.interference.RankRule;
import org.optmerge.method.interference.Swudi;

/** How the golden tests read the settings of a recorded case. */
class GoldenSettingsTest {
  private static MergeMethod method(String method, String hyperparameters) throws Exception {
    String json =
        "{'id': 'made-up', 'method': '%s', 'quantity': 'model', 'hyperparameters': %s}"
            .formatted(method, hyperparameters)
            .replace('\'', '"');
    JsonNode recorded = Recorded.tree(new ObjectMapper().readTree(json));
    return GoldenMethodsTest.method(new GoldenCase(Path.of("."), Recorded.object(recorded)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "weight-average | {'seed': 1}",
        "task-arithmetic | {'strategy': 1}",
        "ties | {'mask_rate': 0.8, 'keep_percent': 20}",
        "dare_ta | {'mask_rate': 0.2, 'rescale': true, 'seed': null}",
        "wudi | {'optimizer': 'adam', 'momentum': 0.5}",
        "swudi | {'alignment_rho': 0.5}",
        "aswudi | {'filter_type': 'none', 'wiener_noise_scale': 1}",
        "iwudi-tikhonov | {'filter_type': 'tikhonov', 'output_exp_time': null}",
        "slerp | {'t': 0.3, 'dot_threshold': 0.9995, 'epsilon': 1e-8}",
      })
  void a_setting_that_is_not_known_fails_by_name(String method, String hyperparameters) {
    assertThatThrownBy(() -> method(method, hyperparameters))
        .isInstanceOf(AssertionError.class)
        .hasMessageStartingWith("case 'made-up': unknown settings [")
        .hasMessageEndingWith(hyperparameters.replaceAll(".*'([a-z_]+)'.*", "$1]"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "swudi | {'filter_type': 'wiener'}",
        "swudi | {'exp_time': null}",
        "aswudi | {'init_mode': 'median'}",
        "aswudi | {'min_rank': 1.5}",
        "wudi | {'lr': null}",
        "optmerge-lora | {'rank': 'min(m,n)'}",
        "tsv | {'rank': 'int(min(m,n)/5)'}",
        "svc | {'merged_by': 'ties', 'task_arithmetic_scaling': 1, 'alpha': 1}",
        "ties | {'keep_percent': 20, 'k': 'd - int(d*0.3)'}",
        "fisher | {'coefficients': 'often'}",
      })
  void a_value_that_is_not_known_fails_by_name(String method, String hyperparameters) {
    assertThatThrownBy(() -> method(method, hyperparameters))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("setting '");
  }

  @Test
  void no_ratio_is_no_truncation_as_in_the_published_code() throws Exception {
    assertThat(method("swudi", "{'exp_time': 300, 'truncate_rank_ratio': null}"))
        .isEqualTo(new Swudi(300, 1, Swudi.Filter.EXPONENTIAL, Init.SUM, 1e-8));
    assertThat(method("swudi", "{}")).isEqualTo(Swudi.PUBLISHED);
  }

  @Test
  void aswudi_has_the_published_filter_and_time() throws Exception {
    assertThat(
            method(
                "aswudi",
                "{'auto_rank_method': 'cumvar_0.9', 'filter_type': 'exponential', 'exp_time': 400,"
                    + " 'min_rank': 2.0, 'init_mode': 'mean', 'min_eigenvalue': '1e-6'}"))
        .isEqualTo(
            new Aswudi(
                RankRule.CUMULATIVE_VARIANCE,
                0.9,
                2,
                1,
                1,
                Swudi.Filter.EXPONENTIAL,
                400,
                Init.MEAN,
                1e-6));
    // Nothing flows: the published code does not look at the time.
    assertThat(method("aswudi", "{'filter_type': 'none', 'exp_time': null}"))
        .isEqualTo(Aswudi.PUBLISHED);
  }

  @Test
  void nothing_given_is_equal_coefficients_and_no_task() throws Exception {
    String fisher = "{'coefficients': null, 'normalize_fisher_weight': 'False',";
    assertThat(
            ((Fisher) method("fisher", fisher + "'minimal_fisher_weight': 1e-6}"))
                .coefficients()
                .given())
        .containsExactly(1);
    assertThat(((ElectMaskRescale) method("emr", "{'task': null, 'rescaler': null}")).task())
        .isEmpty();
  }

  @Test
  void a_member_of_a_case_that_is_not_known_fails_by_name() throws Exception {
    Path folder = GoldenMethodsTest.folder();
    JsonNode first =
        new ObjectMapper().readTree(folder.resolve("cases.json").toFile()).path("cases").path(0);
    JsonNode altered = ((ObjectNode) first.deepCopy()).put("transposed", true);
    GoldenCase golden = new GoldenCase(folder, Recorded.object(Recorded.tree(altered)));

    assertThatThrownBy(() -> golden.verify(GoldenMethodsTest.method(golden)))
        .isInstanceOf(AssertionError.class)
        .hasMessage("case '%s': unknown settings [transposed]".formatted(golden.id()));
  }
}
