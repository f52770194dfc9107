package org.optmerge.benchmark.mini.stage;

import java.util.List;
import java.util.Locale;
import org.apiguardian.api.API;

/** The views of a scene that a model may be given. */
@API(status = API.Status.EXPERIMENTAL)
public enum StageModality {
  /** The picture: colours and places. */
  VISION("picture", "<image>", "img"),
  /** The sound: which instruments are played, how often, in which order. */
  AUDIO("audio", "<audio>", "aud"),
  /** The film: where instruments move. */
  VIDEO("film", "<video>", "vid");

  /** All of them, in order. */
  public static final List<StageModality> ALL = List.of(values());

  private final String noun;
  private final String token;
  private final String mark;

  StageModality(String noun, String token, String mark) {
    this.noun = noun;
    this.token = token;
    this.mark = mark;
  }

  /** As parameters and commands name it: {@code vision}, {@code audio}, {@code video}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The name for people: {@code picture}, {@code audio}, {@code film}. */
  public String noun() {
    return noun;
  }

  /** The token that a feature takes the place of. */
  public String token() {
    return token;
  }

  /** Before its tokens or facts. */
  public String begin() {
    return "<%s>".formatted(mark);
  }

  /** After its tokens or facts. */
  public String end() {
    return "</%s>".formatted(mark);
  }

  /** A segment with something between its bounds; blank for an empty one. */
  public String segment(String inside) {
    return String.join(" ", begin(), inside, end());
  }

  /** A segment whose tokens features take the place of. */
  public String features(int tokens) {
    return segment((token + " ").repeat(tokens));
  }
}
