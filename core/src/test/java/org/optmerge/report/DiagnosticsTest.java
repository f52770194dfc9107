package org.optmerge.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.analysis.TaskVectorSpectra;
import org.optmerge.analysis.TaskVectorStatistics;
import org.optmerge.base.Progress;
import org.optmerge.merge.TinyCheckpoint;

class DiagnosticsTest {
  @TempDir private Path folder;

  private Path write(String name, float... weight) throws IOException {
    return new TinyCheckpoint()
        .f32("layers.0.w", List.of(2, 2), weight)
        .writeTo(folder.resolve(name), "{}");
  }

  @Test
  void spectra_become_tables() throws IOException {
    // τ_a = (3 0; 0 3), τ_b = (4 0; 0 0), merged their sum
    Path base = write("base", 0, 0, 0, 0);
    Map<String, Path> experts = new LinkedHashMap<>();
    experts.put("a", write("a", 3, 0, 0, 3));
    experts.put("b", write("b", 4, 0, 0, 0));
    Path merged = write("merged", 7, 0, 0, 3);

    TaskVectorSpectra spectra =
        TaskVectorSpectra.of(base, experts, merged, name -> true, Progress.NONE);

    // sum (7 0; 0 3): (4 0; 0 0)(3 0; 0 3) = 12, 144/18 = 8; (3 0; 0 3)(4 0; 0 0) = 12, 144/16 = 9
    // mean (3.5 0; 0 1.5): (0.5 0; 0 −1.5) · 3, 22.5/18 = 1.25; (−0.5 0; 0 1.5)(4 0; 0 0) = −2, 1/4
    assertThat(Tables.text(Diagnostics.merges(spectra)))
        .isEqualTo(
            """
            tensor      merge   interference  distance from mean  cosine with mean   norm
            layers.0.w  merged        17.000               1.000             1.000  7.616
            layers.0.w  mean           1.500               0.000             1.000  3.808
            layers.0.w  sum           17.000               1.000             1.000  7.616
            """);
    TaskVectorStatistics statistics =
        TaskVectorStatistics.of(base, experts, name -> true, 1, Progress.NONE);
    assertThat(Tables.text(Diagnostics.layers(statistics)))
        .isEqualTo(
            """
            layer     expert   norm
            layers.0  a       4.243
            layers.0  b       4.000
            """);
  }
}
