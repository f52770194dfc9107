package org.optmerge.merge.random;

import java.util.List;

/**
 * Numbers that somebody trained.
 *
 * @param what for messages
 * @param names each of which, in a notice, says which numbers are meant
 * @param file in which they are
 */
record Trained(String what, List<String> names, String file) {
  /** The same in another file. */
  Trained in(String other) {
    return new Trained(what, names, other);
  }

  boolean isNamedIn(String text) {
    return text.contains(file)
            && !file.equals("model.safetensors")
            && !file.equals("adapter_model.safetensors")
        || names.stream().anyMatch(text::contains);
  }
}
