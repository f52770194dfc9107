package org.optmerge.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VqaAccuracyTest {
  @Test
  void contractions_are_the_published_table() throws Exception {
    StringBuilder table = new StringBuilder();
    Contractions.TABLE.forEach((key, value) -> table.append(key + "\t" + value + "\n"));
    byte[] hash =
        MessageDigest.getInstance("SHA-256")
            .digest(table.toString().getBytes(StandardCharsets.UTF_8));

    assertThat(Contractions.TABLE).hasSize(120);
    assertThat(HexFormat.of().formatHex(hash))
        .isEqualTo("f7e93e52d4cd2e370d30e576bfe54d4437e95fd593cec197817e9e388c46659f");
  }

  @Test
  void normalises_as_worked_out_by_hand() {
    // The comma in 1,000 makes every mark go without a space; 1,000.50 keeps its period.
    assertThat(VqaNormaliser.VLMEVALKIT.normalise("A dog, the Cat's 1,000.50 one none."))
        .isEqualTo("dog cat's 1000.50 1 0");
    assertThat(VqaNormaliser.VLMEVALKIT.normalise(".".repeat(40))).isEqualTo(".".repeat(8));
    assertThat(VqaNormaliser.VLMEVALKIT.normalise("3.5 4. 5.")).isEqualTo("3.5 4 5");
    assertThat(VqaNormaliser.VLMEVALKIT_LATEST.normalise("3.5 4. 5.")).isEqualTo("3.5 4. 5.");
    assertThat(VqaNormaliser.EVAL_AI.normalise("It's a violin, dont"))
        .isEqualTo("it 's violin don't");
  }

  @ParameterizedTest
  @CsvSource({"0,0", "1,0.3", "2,0.6", "3,0.9", "4,1", "10,1"})
  void grows_with_the_number_of_people_who_agree(int agree, double expected) {
    List<String> answers =
        Stream.concat(
                Collections.nCopies(agree, "dog").stream(),
                Collections.nCopies(10 - agree, "cat").stream())
            .toList();

    double score =
        VqaAccuracy.of(ScoringProfile.OPTMERGE_FORK)
            .score(new Prediction("A dog."), new Reference(answers, Map.of()));

    assertThat(score).isCloseTo(expected, within(1e-12));
  }

  @Test
  void no_answer_is_no_reference() {
    assertThatThrownBy(() -> VqaAccuracy.LMMS_EVAL.score(new Prediction("x"), Reference.of()))
        .isInstanceOf(MetricException.class)
        .hasMessage("VQA accuracy: the reference has no answer");
  }
}
