package org.optmerge.evaluation.kit;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.optmerge.metric.Box;
import org.optmerge.metric.BoxFormat;
import org.optmerge.metric.BoxScore;
import org.optmerge.python.Cell;
import org.optmerge.python.PandasTable;
import org.optmerge.python.PythonText;

/** The reference boxes of VLMEvalKit's RefCOCO tables, in pixels. */
final class VlmEvalKitBoxes {
  private static final List<List<String>> CORNERS =
      List.of(List.of("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"), List.of("x1", "y1", "x2", "y2"));
  private static final double LARGEST_SHARE = 1.5;

  private final PandasTable table;

  /** The column in which a box stands as a text. */
  private final String column;

  /** Whether all boxes of that column are shares of the sides; found when it is first asked. */
  private @Nullable Boolean shares;

  VlmEvalKitBoxes(PandasTable table) {
    this.table = table;
    this.column = table.has("answer") ? "answer" : "bbox";
  }

  /** Puts {@code bbox}, {@code width} and {@code height} into the fields of a row. */
  void reference(int row, Map<String, String> fields) {
    double width = side(row, "width");
    double height = side(row, "height");
    fields.put("width", PythonText.repr(width));
    fields.put("height", PythonText.repr(height));
    Optional<Box> box = corners(row);
    if (box.isEmpty()) {
      box = written(row, width, height);
    }
    box.ifPresent(
        found ->
            fields.put(
                "bbox", BoxScore.field(found.left(), found.top(), found.right(), found.bottom())));
  }

  /** A side of the picture; 1 where it is not known, as in VLMEvalKit. */
  private double side(int row, String name) {
    double side = number(table.column(name).get(row));
    return side > 0 ? side : 1;
  }

  private Optional<Box> corners(int row) {
    for (List<String> names : CORNERS) {
      if (names.stream().allMatch(table::has)) {
        double[] sides =
            names.stream().mapToDouble(name -> number(table.column(name).get(row))).toArray();
        Box box = new Box(sides[0], sides[1], sides[2], sides[3]);
        if (Double.isFinite(sides[0] + sides[1] + sides[2] + sides[3])) {
          return Optional.of(box);
        }
      }
    }
    return Optional.empty();
  }

  /** A box that stands as a text in the column with the answer: shares if all of them are. */
  private Optional<Box> written(int row, double width, double height) {
    Optional<Box> box = BoxFormat.VLMEVALKIT.read(table.column(column).get(row).text());
    return allShares()
        ? box.map(
            found ->
                new Box(
                    found.left() * width,
                    found.top() * height,
                    found.right() * width,
                    found.bottom() * height))
        : box;
  }

  private boolean allShares() {
    if (shares == null) {
      shares =
          table.column(column).stream()
              .flatMap(cell -> BoxFormat.VLMEVALKIT.read(cell.text()).stream())
              .allMatch(VlmEvalKitBoxes::inShares);
    }
    return shares;
  }

  private static boolean inShares(Box box) {
    return Math.max(
            Math.max(Math.abs(box.left()), Math.abs(box.top())),
            Math.max(Math.abs(box.right()), Math.abs(box.bottom())))
        <= LARGEST_SHARE;
  }

  private static double number(Cell cell) {
    return cell.missing() ? Double.NaN : PythonText.parseFloat(cell.text()).orElse(Double.NaN);
  }
}
