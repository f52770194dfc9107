package org.optmerge.merge;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;
import org.apiguardian.api.API;

/**
 * The fate of every tensor of every input: nothing is dropped without a row here.
 *
 * @param rows one row for each (model, tensor) that is not simply merged or copied, and totals for
 *     those that are
 */
@API(status = API.Status.EXPERIMENTAL)
public record Coverage(@JsonValue List<Row> rows) {
  /**
   * A fate shared by some tensors of one model.
   *
   * @param model as the recipe names it
   * @param fate {@code merged}, {@code copied from base}, {@code not in base}, {@code tied} …
   * @param tensors how many
   * @param bytes their size
   * @param examples up to three names
   */
  public record Row(String model, String fate, int tensors, long bytes, List<String> examples) {
    /** True if nothing of it is in the output: a tensor that is left out, or a file not read. */
    @JsonIgnore
    public boolean isLeftOut() {
      return fate.startsWith("left out")
          || fate.startsWith("not used")
          || fate.startsWith("file not read")
          || fate.contains("low-rank change: left out")
          || fate.contains("low-rank change: not used");
    }
  }

  public Coverage {
    rows = List.copyOf(rows);
  }
}
