package org.optmerge.method;

import java.util.regex.Pattern;

/**
 * The output layer of a language model, by the names that families give it.
 *
 * <p>The published code of the methods for matrices leaves {@code lm_head} out, the name in the
 * models that it was run on; under another name it is the same layer.
 */
public final class OutputHead {
  private static final Pattern OTHERS =
      Pattern.compile(
          "(.*\\.)?(embed_out|output_projection)\\.weight"
              + "|((model|language_model|llm|language|transformer|thinker|text_model)\\.)*"
              + "(output|output_layer|ff_out)\\.weight");

  private OutputHead() {}

  /** True if a parameter of that name is an output layer. */
  public static boolean is(String parameter) {
    return parameter.contains("lm_head") || OTHERS.matcher(parameter).matches();
  }
}
