package org.optmerge.benchmark.mini;

/**
 * A question about an image, and the same as a statement.
 *
 * <p>An answer is a word, a number in decimal digits, letters, or a box as four tokens such as
 * {@code <c3> <c4> <c10> <c12>}: left, top, right and bottom in units of two pixels, the last two
 * of the last pixels covered.
 *
 * @param type the kind of question within its task, such as {@code count-color}
 * @param heldOut whether a base model of the instruct family never sees this kind; the others are
 *     elementary
 * @param question as a user asks it, words of {@link CapabilityModel#WORDS} separated by spaces
 * @param answer the only right answer
 * @param statement the key of the statement that says the same without the form of a question: the
 *     statement is the key, a space and the answer
 */
public record ImageQuestion(
    String type, boolean heldOut, String question, String answer, String statement) {
  /**
   * A question whose statement is in the {@link PretrainedWords words of statements}.
   *
   * @param key of the statement, in the words of questions
   */
  static ImageQuestion of(
      String type, boolean heldOut, String question, String answer, String key) {
    return new ImageQuestion(type, heldOut, question, answer, PretrainedWords.key(key));
  }

  /** The text before the answer. */
  String before(Dialogue.Form form) {
    return switch (form) {
      case QUESTION -> Dialogue.asked(question);
      case STATEMENT -> statement;
    };
  }
}
