package org.optmerge.model.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.optmerge.base.Sha256;
import org.optmerge.model.media.Image;
import org.optmerge.model.vision.ClipPreprocessing.ChannelLevels;

class ClipPreprocessingTest {
  private static final int SIDE = 24;

  /** The pictures of {@code record_clip.py}. */
  private static Image picture(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++) {
          rgb[3 * (y * width + x) + c] = (byte) (x * 7 + y * 13 + c * 50 + x * y % 31 * 5);
        }
      }
    }
    return new Image(width, height, rgb);
  }

  @Test
  void pictures_are_those_of_the_published_processor() throws IOException {
    JsonNode cases;
    try (InputStream in =
        ClipPreprocessingTest.class.getResourceAsStream("/recorded-models/clip.json")) {
      cases = new ObjectMapper().readTree(in);
    }
    assertThat(cases).hasSizeGreaterThan(10);
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      for (JsonNode recorded : cases) {
        ClipPreprocessing clip =
            new ClipPreprocessing(
                SIDE, SIDE, recorded.path("padded").asBoolean(), ChannelLevels.CLIP);
        Image seen =
            clip.prepared(picture(recorded.path("width").asInt(), recorded.path("height").asInt()));
        assertThat(Sha256.hex(Sha256.begin().digest(seen.rgb())))
            .as(recorded.toString())
            .isEqualTo(recorded.path("sha256").asText());
        float[] pixels = clip.pixels(manager, List.of(seen)).toFloatArray();
        for (Map.Entry<String, JsonNode> pixel : recorded.path("pixels").properties()) {
          assertThat(pixels[Integer.parseInt(pixel.getKey())])
              .isEqualTo((float) pixel.getValue().asDouble());
        }
      }
    }
  }

  @Test
  void what_cannot_be_cut_out_is_refused() {
    assertThatThrownBy(() -> new ClipPreprocessing(20, 24, true, ChannelLevels.CLIP))
        .hasMessageContaining("24 pixels cannot be cut out of a side of 20");
    assertThatThrownBy(() -> new ChannelLevels(List.of(.5, .5, .5), List.of(.5, 0., .5)))
        .hasMessageContaining("three positive deviations");
  }
}
