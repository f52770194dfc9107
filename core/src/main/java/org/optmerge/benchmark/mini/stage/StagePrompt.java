package org.optmerge.benchmark.mini.stage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.optmerge.benchmark.mini.Dice;

/**
 * Scenes and questions as token ids.
 *
 * <pre>
 * &lt;img&gt; 16 × &lt;image&gt; &lt;/img&gt; &lt;aud&gt; 16 × &lt;audio&gt; &lt;/aud&gt; &lt;user&gt; question &lt;assistant&gt; answer &lt;end&gt; &lt;user&gt; …
 * &lt;img&gt; drum red left , … &lt;/img&gt; &lt;user&gt; question &lt;assistant&gt; answer &lt;end&gt; …
 * </pre>
 *
 * <p>A segment may be given as features, as textual facts, empty, or not at all.
 */
public final class StagePrompt {
  private final List<Integer> ids = new ArrayList<>();
  private final List<Boolean> loss = new ArrayList<>();

  /** How many tokens there are. */
  public int length() {
    return ids.size();
  }

  /** The tokens. */
  public int[] ids() {
    return ids.stream().mapToInt(id -> id).toArray();
  }

  /** The tokens to be learned, the answers and their ends; {@code ignored} elsewhere. */
  public int[] labels(int ignored) {
    return IntStream.range(0, ids.size()).map(i -> loss.get(i) ? ids.get(i) : ignored).toArray();
  }

  /** A segment whose tokens features take the place of. */
  public StagePrompt features(StageModality modality, int tokens) {
    add(modality.begin(), false);
    Collections.nCopies(tokens, modality.token()).forEach(token -> add(token, false));
    return add(modality.end(), false);
  }

  /** A segment with nothing in it. */
  public StagePrompt empty(StageModality modality) {
    return add(modality.begin() + " " + modality.end(), false);
  }

  /** A segment with what the modality shows, in words. */
  public StagePrompt facts(StageModality modality, StageScene scene, Dice dice) {
    return add(segment(modality, scene, dice), false);
  }

  /** What the modality shows in words, with its marks, as models are tested on it. */
  static String facts(StageModality modality, StageScene scene) {
    return segment(modality, scene, scene.dice("order of the facts"));
  }

  private static String segment(StageModality modality, StageScene scene, Dice dice) {
    return "%s %s %s".formatted(modality.begin(), words(modality, scene, dice), modality.end());
  }

  /** A question without its answer. */
  public StagePrompt question(String text) {
    return add("%s %s %s".formatted(StageVocabulary.USER, text, StageVocabulary.ASSISTANT), false);
  }

  /** A question with its answer. */
  public StagePrompt dialogue(StageQuestion question) {
    return question(question.text()).add(question.answer() + " " + StageVocabulary.END, true);
  }

  /** What a modality shows, told in words: a caption, its instruments in an order of its own. */
  public StagePrompt description(StageModality modality, StageScene scene, Dice dice) {
    return question("describe " + modality.noun())
        .add(words(modality, scene, dice) + " " + StageVocabulary.END, true);
  }

  private StagePrompt add(String text, boolean learned) {
    for (int id : StageVocabulary.encode(text)) {
      ids.add(id);
      loss.add(learned);
    }
    return this;
  }

  /**
   * What a modality shows of a scene, in words. Instruments are in an order drawn at random: it
   * says nothing of their places.
   */
  private static String words(StageModality modality, StageScene scene, Dice dice) {
    if (modality == StageModality.AUDIO) {
      return IntStream.range(0, StageScene.SLOTS)
          .mapToObj(
              slot ->
                  slot < scene.notes().size()
                      ? scene.notes().get(slot).word()
                      : StageVocabulary.REST)
          .collect(Collectors.joining(" "));
    }
    return dice.shuffled(scene.players()).stream()
        .map(player -> told(player, modality))
        .collect(Collectors.joining(" , "));
  }

  /** What a picture or a film says of a player. */
  private static String told(Player player, StageModality modality) {
    String name = player.instrument().word();
    return modality == StageModality.VISION
        ? String.join(" ", name, player.colour().word(), player.place().word())
        : name + " " + player.direction().word();
  }

  /**
   * Several prompts as one batch, padded to the right.
   *
   * @param ids (prompts, length), row by row
   * @param mask 1 where there is a token
   */
  @SuppressWarnings("ArrayRecordComponent") // a carrier of buffers, not compared
  public record Batch(int size, int length, long[] ids, long[] labels, long[] mask) {}

  /** Several prompts as one batch, padded to the right. */
  public static Batch batch(List<StagePrompt> prompts, int ignored) {
    ToIntFunction<StagePrompt> size = StagePrompt::length;
    int length = prompts.stream().mapToInt(size).max().orElse(0);
    int all = prompts.size() * length;
    Batch batch = new Batch(prompts.size(), length, new long[all], new long[all], new long[all]);
    Arrays.fill(batch.ids, StageVocabulary.id(StageVocabulary.PAD));
    Arrays.fill(batch.labels, ignored);
    for (int i = 0; i < prompts.size(); i++) {
      int[] ids = prompts.get(i).ids();
      int[] labels = prompts.get(i).labels(ignored);
      for (int j = 0; j < ids.length; j++) {
        batch.ids[i * length + j] = ids[j];
        batch.labels[i * length + j] = labels[j];
        batch.mask[i * length + j] = 1;
      }
    }
    return batch;
  }
}
