package org.optmerge.merge.plan;

import java.util.Collections;
import java.util.List;
import org.optmerge.merge.weights.InputModel;

/**
 * One tensor of the output and where its values come from.
 *
 * @param tensor its name in the output
 * @param slice whose models are merged
 * @param reference the model whose tensor says type and shape: the base, if there is one
 * @param read that tensor's name
 * @param names the tensor's name in each input
 * @param fraction how deep the tensor is, 0 to 1
 */
record Target(
    String tensor,
    OpenSlice slice,
    InputModel reference,
    String read,
    List<String> names,
    double fraction) {
  Target {
    names = List.copyOf(names);
  }

  /** A tensor that has the same name everywhere. */
  static Target of(String tensor, OpenSlice slice, InputModel reference, double fraction) {
    List<String> names = Collections.nCopies(slice.inputs().size(), tensor);
    return new Target(tensor, slice, reference, tensor, names, fraction);
  }
}
