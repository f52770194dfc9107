package org.optmerge.model;

import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.model.media.Media;

/**
 * A question to a model: media, then text.
 *
 * @param media pictures, sounds and videos, in the order in which the model reads them; may be
 *     empty
 * @param text the question, or the text that is to be continued
 * @param form how the two become the model's input
 * @param maxTiles most tiles that a model which cuts pictures makes of one; 0: as its {@code
 *     config.json} says. Other models have no use for it
 */
@API(status = API.Status.EXPERIMENTAL)
public record Prompt(List<Media> media, String text, Form form, int maxTiles) {
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
   * Copies the list.
   *
   * @throws ModelException if the number of tiles is negative
   */
  public Prompt {
    media = List.copyOf(media);
    if (maxTiles < 0) {
      throw new ModelException("a picture has at least one tile, not " + maxTiles);
    }
  }

  /** Pictures are cut as the model's {@code config.json} says. */
  public Prompt(List<Media> media, String text, Form form) {
    this(media, text, form, 0);
  }

  /** A user's question about one medium. */
  public static Prompt of(Media medium, String text) {
    return new Prompt(List.of(medium), text, Form.CHAT);
  }
}
