package org.optmerge.checkpoint;

/**
 * A text for regular expressions from a file: one that would go back and forth for ever, as {@code
 * (a+)+b} can, ends with an error.
 */
final class PatientText implements CharSequence {
  /** Looks at a character; a name of a module takes some hundreds. */
  private static final int PATIENCE = 1_000_000;

  private final String text;
  private int looks;

  PatientText(String text) {
    this.text = text;
  }

  @Override
  public char charAt(int index) {
    if (++looks > PATIENCE) {
      throw new CheckpointException(
          "a regular expression of rank_pattern or alpha_pattern takes too long on the module '%s'"
              .formatted(text));
    }
    return text.charAt(index);
  }

  @Override
  public int length() {
    return text.length();
  }

  @Override
  public CharSequence subSequence(int start, int end) {
    return text.subSequence(start, end);
  }

  @Override
  public String toString() {
    return text;
  }
}
