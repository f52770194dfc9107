package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Token ids of what a model is given and what it is to answer.
 *
 * <pre>
 * &lt;img&gt; 16 × &lt;IMG_CONTEXT&gt; &lt;/img&gt; &lt;user&gt; question &lt;assistant&gt; answer &lt;end&gt; &lt;user&gt; …
 * &lt;img&gt; 16 × &lt;IMG_CONTEXT&gt; &lt;/img&gt; key answer &lt;end&gt; key answer &lt;end&gt; …
 * &lt;img&gt; drum red left , … &lt;/img&gt; &lt;user&gt; question &lt;assistant&gt; answer &lt;end&gt; …
 * </pre>
 */
public final class Dialogue {
  /** The form in which a fact is put. */
  public enum Form {
    /** A user asks, an assistant answers. */
    QUESTION,
    /** A key and a value: what a base model is pretrained on. */
    STATEMENT
  }

  private final WordVocabulary words;
  private final int most;
  private final List<Integer> ids = new ArrayList<>();
  private final BitSet learned = new BitSet();

  /**
   * An empty dialogue.
   *
   * @param most tokens that it may have
   */
  public Dialogue(WordVocabulary words, int most) {
    this.words = words;
    this.most = most;
  }

  /**
   * Adds what the model is given.
   *
   * @throws IllegalArgumentException if that makes the dialogue too long, or a word is unknown
   */
  public Dialogue given(String text) {
    int[] tokens = words.encode(text);
    if (ids.size() + tokens.length > most) {
      throw new IllegalArgumentException(
          "a prompt has at most %d tokens; '%s' is too long".formatted(most, text));
    }
    IntStream.of(tokens).forEach(ids::add);
    return this;
  }

  /** Adds a question without its answer. */
  public Dialogue question(String text) {
    return given(asked(text));
  }

  /** A question between its marks, as {@link #question} gives it. */
  public static String asked(String text) {
    return "%s %s %s".formatted(WordVocabulary.USER, text, WordVocabulary.ASSISTANT);
  }

  /** Adds an answer and its end, each token of which is to be predicted from those before it. */
  public Dialogue answer(String text) {
    int from = ids.size();
    given(text + " " + WordVocabulary.END);
    learned.set(from, ids.size());
    return this;
  }

  /** True if something given and its answer can still be added. */
  boolean hasRoom(String given, String answer) {
    return ids.size() + words.encode(given).length + words.encode(answer).length + 1 <= most;
  }

  /** The number of tokens. */
  public int length() {
    return ids.size();
  }

  /** The tokens. */
  public int[] ids() {
    return ids.stream().mapToInt(id -> id).toArray();
  }

  /** Targets of a cross entropy: the answers and their ends; {@code ignored} elsewhere. */
  public int[] labels(int ignored) {
    return IntStream.range(0, ids.size()).map(i -> learned.get(i) ? ids.get(i) : ignored).toArray();
  }

  /** The id that fills shorter rows. */
  int pad() {
    return words.id(WordVocabulary.PAD);
  }
}
