package org.optmerge.benchmark.mini;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Questions and statements about an image as token ids.
 *
 * <pre>
 * &lt;img&gt; 16 × &lt;IMG_CONTEXT&gt; &lt;/img&gt; &lt;user&gt; question &lt;assistant&gt; answer &lt;end&gt; &lt;user&gt; …
 * &lt;img&gt; 16 × &lt;IMG_CONTEXT&gt; &lt;/img&gt; key answer &lt;end&gt; key answer &lt;end&gt; …
 * </pre>
 *
 * <p>No more than {@link #LENGTH} tokens; what would not fit is left out, as a whole.
 */
public final class MiniPrompt {
  /** Most tokens of a prompt or conversation. */
  public static final int LENGTH = 64;

  /** Visual tokens of an image. */
  public static final int IMAGE_TOKENS = 16;

  /** Most tokens of an answer with its end: what a model is to be given room for. */
  public static final int ANSWER = 8;

  /** How the same facts are put. */
  public enum Form {
    /** A user asks, an assistant answers. */
    QUESTION,
    /** A key and a value: what a base model is pretrained on. */
    STATEMENT
  }

  /**
   * A training example.
   *
   * @param ids the tokens
   * @param loss true for each token the model is to predict from those before it: the answers and
   *     their ends
   */
  @SuppressWarnings("ArrayRecordComponent") // a carrier of buffers, not compared
  public record Conversation(int[] ids, boolean[] loss) {
    /**
     * @throws IllegalArgumentException if the arrays differ in length
     */
    public Conversation {
      if (ids.length != loss.length) {
        throw new IllegalArgumentException(
            "%d tokens, but %d marks of loss".formatted(ids.length, loss.length));
      }
    }

    /**
     * The targets of a cross entropy: the id of each token with loss, {@code ignored} elsewhere.
     */
    public int[] labels(int ignored) {
      return IntStream.range(0, ids.length).map(i -> loss[i] ? ids[i] : ignored).toArray();
    }
  }

  private MiniPrompt() {}

  /** An image and what precedes the answer to a question about it. */
  public static int[] prompt(MiniQuestion question, Form form) {
    Tokens tokens = new Tokens();
    tokens.add(before(question, form), false);
    return tokens.conversation().ids();
  }

  /** An image and a question in the user's own words. */
  public static int[] prompt(String question) {
    Tokens tokens = new Tokens();
    tokens.add(asked(question), false);
    return tokens.conversation().ids();
  }

  /** An image and all that is asked about it, in the given form. */
  public static Conversation conversation(MiniImage image, Form form) {
    return conversation(image.questions(), form);
  }

  /**
   * An image and questions about it, in the given form; those that no longer fit are left out.
   *
   * @param questions such as the elementary ones of an image; may be empty
   */
  public static Conversation conversation(List<MiniQuestion> questions, Form form) {
    Tokens tokens = new Tokens();
    for (MiniQuestion question : questions) {
      String before = before(question, form);
      String answer = question.answer() + " " + MiniVocabulary.END;
      if (tokens.fits(before, answer)) {
        tokens.add(before, false);
        tokens.add(answer, true);
      }
    }
    return tokens.conversation();
  }

  private static String before(MiniQuestion question, Form form) {
    return switch (form) {
      case QUESTION -> asked(question.question());
      case STATEMENT -> question.statement();
    };
  }

  private static String asked(String question) {
    return "%s %s %s".formatted(MiniVocabulary.USER, question, MiniVocabulary.ASSISTANT);
  }

  /** Tokens after an image. */
  private static final class Tokens {
    private final int[] ids = new int[LENGTH];
    private final boolean[] loss = new boolean[LENGTH];
    private int length;

    Tokens() {
      add(MiniVocabulary.IMAGE_START, false);
      Arrays.fill(
          ids, length, length + IMAGE_TOKENS, MiniVocabulary.id(MiniVocabulary.IMAGE_CONTEXT));
      length += IMAGE_TOKENS;
      add(MiniVocabulary.IMAGE_END, false);
    }

    boolean fits(String before, String answer) {
      return length + MiniVocabulary.encode(before).length + MiniVocabulary.encode(answer).length
          <= LENGTH;
    }

    void add(String text, boolean learned) {
      int[] tokens = MiniVocabulary.encode(text);
      if (length + tokens.length > LENGTH) {
        throw new IllegalArgumentException(
            "a prompt has at most %d tokens; '%s' is too long".formatted(LENGTH, text));
      }
      System.arraycopy(tokens, 0, ids, length, tokens.length);
      Arrays.fill(loss, length, length + tokens.length, learned);
      length += tokens.length;
    }

    Conversation conversation() {
      return new Conversation(Arrays.copyOf(ids, length), Arrays.copyOf(loss, length));
    }
  }
}
