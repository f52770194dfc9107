package org.optmerge.model;

import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.model.media.Media;

/**
 * A question to a model: media, then text, perhaps after earlier turns of the same conversation.
 *
 * <p>A text may say where its media stand, with {@code <image>} for a picture and {@code <video>}
 * for a video, in the order of the media; without them, media stand where the model's chat template
 * puts them.
 *
 * @param media pictures, sounds and videos, in the order in which the model reads them, those of
 *     earlier turns first; may be empty
 * @param text the question, or the text that is to be continued
 * @param form how the two become the model's input
 * @param resolution how finely the model sees the pictures
 * @param earlier turns of the conversation before this one, the first first
 */
@API(status = API.Status.EXPERIMENTAL)
public record Prompt(
    List<Media> media, String text, Form form, Resolution resolution, List<Turn> earlier) {
  /** The form in which a model is asked. */
  public enum Form {
    /** A user's turn in a conversation, as the model's chat template has it. */
    CHAT,
    /**
     * Media and text as they are, without marks of a conversation: the model goes on from there.
     */
    COMPLETION
  }

  /**
   * How finely a model sees pictures. Evaluation kits have limits of their own for each data set;
   * what is 0 is as the model's own files say.
   *
   * @param maxTiles most tiles of a picture, without the thumbnail; for models that cut pictures
   *     into tiles (InternVL)
   * @param minPixels pictures with fewer pixels are enlarged; for models that keep a picture's
   *     proportions (Qwen2-VL, Qwen2.5-VL)
   * @param maxPixels pictures, and frames of videos, with more pixels are shrunk
   */
  public record Resolution(int maxTiles, long minPixels, long maxPixels) {
    /** As the model's own files say. */
    public static final Resolution PUBLISHED = new Resolution(0, 0, 0);

    /**
     * @throws ModelException if a limit is negative, or they are not in order
     */
    public Resolution {
      if (maxTiles < 0
          || minPixels < 0
          || maxPixels < 0
          || maxPixels > 0 && minPixels > maxPixels) {
        throw new ModelException(
            "a prompt's pictures: maxTiles %d, minPixels %d, maxPixels %d; none may be negative, and minPixels no more than maxPixels"
                .formatted(maxTiles, minPixels, maxPixels));
      }
    }

    /** Pictures in so many tiles at most. */
    public static Resolution tiles(int most) {
      return new Resolution(most, 0, 0);
    }

    /** Pictures with so many pixels. */
    public static Resolution pixels(long fewest, long most) {
      return new Resolution(0, fewest, most);
    }

    /**
     * Refuses limits of a kind.
     *
     * @param reason that the model has none of this kind
     */
    void requirePublished(String reason) {
      if (!equals(PUBLISHED)) {
        throw new ModelException(
            "%s; leave maxTiles, minPixels and maxPixels out (are %d, %d and %d)"
                .formatted(reason, maxTiles, minPixels, maxPixels));
      }
    }

    /**
     * This one for a prompt of several pictures that share a number of tiles, as VLMEvalKit divides
     * 64 of them: at least one each.
     */
    public Resolution shared(int pictures, int tiles) {
      return maxTiles == 0
          ? this
          : new Resolution(
              Math.max(1, Math.min(maxTiles, tiles / Math.max(1, pictures))), minPixels, maxPixels);
    }
  }

  /**
   * An earlier turn of a conversation.
   *
   * @param question the user's
   * @param answer the model's
   */
  public record Turn(String question, String answer) {}

  /**
   * Copies the lists.
   *
   * @throws ModelException if a text that is to be continued has earlier turns
   */
  public Prompt {
    media = List.copyOf(media);
    earlier = List.copyOf(earlier);
    if (form == Form.COMPLETION && !earlier.isEmpty()) {
      throw new ModelException("a text that is to be continued has no earlier turns");
    }
  }

  /**
   * A prompt of one turn.
   *
   * @param maxTiles most tiles of a picture; 0: as the model's own files say
   */
  public Prompt(List<Media> media, String text, Form form, int maxTiles) {
    this(media, text, form, Resolution.tiles(maxTiles), List.of());
  }

  /** A prompt of one turn, with pictures as finely as the model's own files say. */
  public Prompt(List<Media> media, String text, Form form) {
    this(media, text, form, Resolution.PUBLISHED, List.of());
  }

  /** A user's question about one medium. */
  public static Prompt of(Media medium, String text) {
    return new Prompt(List.of(medium), text, Form.CHAT);
  }

  /** The same with pictures seen so finely. */
  public Prompt with(Resolution other) {
    return new Prompt(media, text, form, other, earlier);
  }

  /** The same as the next turn of a conversation, whose media come first in {@link #media}. */
  public Prompt after(List<Turn> turns) {
    return new Prompt(media, text, form, resolution, turns);
  }
}
