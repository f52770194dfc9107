package org.optmerge.checkpoint;

import java.util.regex.Pattern;

/** The names of modules without what compilers and parallel trainers put around them. */
public final class Wrappers {
  private static final Pattern ANYWHERE =
      Pattern.compile(
          "(?<=^|\\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module"
              + "|_flat_param_wrapped)\\.");

  private static final Pattern LEADING = Pattern.compile("^(module\\.)+");

  private Wrappers() {}

  /** The name without them. */
  public static String without(String name) {
    boolean plain = !name.startsWith("_") && !name.contains("._") && !name.startsWith("module.");
    return plain ? name : LEADING.matcher(ANYWHERE.matcher(name).replaceAll("")).replaceFirst("");
  }
}
