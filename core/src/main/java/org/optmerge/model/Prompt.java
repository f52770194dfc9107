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
 */
@API(status = API.Status.EXPERIMENTAL)
public record Prompt(List<Media> media, String text, Form form) {
  /** The form in which a model is asked. */
  public enum Form {
    /** A user's turn in a conversation, as the model's chat template has it. */
    CHAT,
    /**
     * Media and text as they are, without marks of a conversation: the model goes on from there.
     */
    COMPLETION
  }

  /** Copies the list. */
  public Prompt {
    media = List.copyOf(media);
  }

  /** A user's question about one medium. */
  public static Prompt of(Media medium, String text) {
    return new Prompt(List.of(medium), text, Form.CHAT);
  }
}
