package org.optmerge.merge.plan;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.optmerge.checkpoint.DType;

class ConfigEditsTest {
  private static String edited(byte[] bytes) {
    return new String(bytes, UTF_8);
  }

  @Test
  void changes_types_where_they_stand_and_nothing_else() throws IOException {
    String config =
        "{ \"torch_dtype\" : \"bfloat16\",\n\t\"name\": \"é \\u00e9\", \"eps\": 1.0e-06,"
            + " \"text_config\": {\"dtype\": \"bfloat16\"}, \"kind\": \"bfloat16\"}\n";

    assertThat(edited(ConfigEdits.withDType(config.getBytes(UTF_8), DType.F32)))
        .isEqualTo(
            "{ \"torch_dtype\" : \"float32\",\n\t\"name\": \"é \\u00e9\", \"eps\": 1.0e-06,"
                + " \"text_config\": {\"dtype\": \"float32\"}, \"kind\": \"bfloat16\"}\n");
    byte[] same = config.getBytes(UTF_8);
    assertThat(ConfigEdits.withDType(same, DType.BF16)).isSameAs(same);
  }
}
