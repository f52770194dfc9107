package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureStoreTest {
  @TempDir private Path folder;

  @Test
  void what_was_put_is_there_again_rounded_to_float16() {
    Path file = folder.resolve("made/features.f16");
    try (FeatureStore store = new FeatureStore(file, 3, 2)) {
      store.put(2, new float[] {9, 1.0f + 0x1p-12f, -65504}, 1);
      assertThat(store.has(2)).isTrue();
      assertThat(store.has(1)).isFalse();
    }
    try (FeatureStore store = new FeatureStore(file, 3, 2)) {
      float[] into = new float[4];
      store.get(2, into, 1);
      assertThat(into).containsExactly(0, 1, -65504, 0);
      assertThat(store.has(0)).isFalse();
    }
  }
}
