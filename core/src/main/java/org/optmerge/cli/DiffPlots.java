package org.optmerge.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.internal.chartpart.Chart;
import org.optmerge.analysis.TaskVectorStatistics;
import org.optmerge.report.Plots;

/** The figures of {@code diff --plots}. A class of its own: drawing takes long to load. */
final class DiffPlots {
  private DiffPlots() {}

  /** Draws every figure, as PNG and SVG, and returns the files. */
  static List<Path> draw(TaskVectorStatistics statistics, Path folder) {
    List<Path> files = new ArrayList<>();
    if (statistics.magnitudes().stream().anyMatch(magnitudes -> magnitudes.count() > 0)) {
      save(Plots.magnitudes(statistics), folder, "magnitudes", files);
    }
    save(Plots.normPerLayer(statistics), folder, "norm-per-layer", files);
    if (statistics.experts().size() > 1) {
      save(Plots.cosines(statistics), folder, "cosines", files);
    }
    return files;
  }

  private static void save(Chart<?, ?> chart, Path folder, String name, List<Path> files) {
    Path png = folder.resolve(name + ".png");
    Path svg = folder.resolve(name + ".svg");
    Plots.savePng(chart, png);
    Plots.saveSvg(chart, svg);
    files.add(png);
    files.add(svg);
  }
}
