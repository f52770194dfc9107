package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.optmerge.model.media.Image;

class FeatureCacheTest {
  private static final int ENTRY = 3 + 4 * 2;

  private static Image image(int level) {
    return new Image(1, 1, new byte[] {(byte) level, 0, 0});
  }

  @Test
  void equal_media_of_one_encoder_share_their_features() {
    FeatureCache cache = new FeatureCache(1000);
    cache.keep("a", image(1), new float[] {1, 2});

    assertThat(cache.find("a", image(1))).containsExactly(1, 2);
    assertThat(cache.find("a", image(2))).isNull();
    assertThat(cache.find("b", image(1))).isNull();
    assertThat(cache.bytes()).isEqualTo(ENTRY);
  }

  @Test
  void a_full_cache_keeps_what_it_has_of_the_same_encoder() {
    FeatureCache cache = new FeatureCache(2 * ENTRY);
    for (int i = 0; i < 5; i++) {
      cache.keep("a", image(i), new float[] {i, i});
    }

    assertThat(cache.bytes()).isEqualTo(2 * ENTRY);
    assertThat(cache.find("a", image(1))).containsExactly(1, 1);
    assertThat(cache.find("a", image(2))).isNull();
  }

  @Test
  void features_of_other_encoders_make_room() {
    FeatureCache cache = new FeatureCache(2 * ENTRY);
    cache.keep("a", image(1), new float[] {1, 1});
    cache.keep("a", image(2), new float[] {2, 2});
    cache.keep("b", image(1), new float[] {3, 3});

    assertThat(cache.find("a", image(1))).isNull();
    assertThat(cache.find("a", image(2))).containsExactly(2, 2);
    assertThat(cache.find("b", image(1))).containsExactly(3, 3);
    assertThat(cache.bytes()).isEqualTo(2 * ENTRY);
  }
}
