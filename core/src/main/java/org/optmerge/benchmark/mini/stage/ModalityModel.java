package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.optmerge.benchmark.mini.Color;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.WordVocabulary;
import org.optmerge.model.InternVLConfig;
import org.optmerge.model.OmniConfig;
import org.optmerge.model.OmniModel;
import org.optmerge.model.Tokenizer;

/** Shape, words and prompts of the models of modalities. */
public final class ModalityModel {
  /** Longest text. */
  private static final int POSITIONS = 256;

  /** A slot of the sound in which nothing is played. */
  static final String REST = "rest";

  /** The words; none is spelled. */
  public static final WordVocabulary WORDS =
      new WordVocabulary(
          "the audio-visual miniature",
          Stream.concat(
                  Stream.of(
                      WordVocabulary.PAD,
                      WordVocabulary.USER,
                      WordVocabulary.ASSISTANT,
                      WordVocabulary.END,
                      WordVocabulary.UNKNOWN),
                  StageModality.ALL.stream().flatMap(m -> Stream.of(m.begin(), m.token(), m.end())))
              .toList(),
          Stream.of(
                  StageModality.ALL.stream().map(StageModality::noun),
                  Arrays.stream(
                      """
                      , . ? what color is the sounding instrument where that sounds first last more often how many
                      times does sound which direction move moves and it on look at listen to watch describe yes no A B C
                      0 1 2 3 4
                      """
                          .strip()
                          .split("\\s+")),
                  Stream.of(REST),
                  PretrainedWords.all().stream(),
                  Instrument.ALL.stream().map(Instrument::word),
                  StageScene.COLORS.stream().map(Color::word),
                  Place.ALL.stream().map(Place::word),
                  Direction.ALL.stream().map(Direction::word),
                  PretrainedWords.descriptions().stream())
              .flatMap(tokens -> tokens)
              .toList(),
          false);

  /** Scenes that are encoded at a time. */
  private static final int CHUNK = 256;

  /** Heads of the first layer that look back from the start. */
  private static final int LOOKING_BACK = 2;

  /** The highest frequencies of their positions, which tell neighbours apart. */
  private static final int FREQUENCIES = 4;

  /** Attention falls by about three nats to the neighbours. */
  private static final double BIAS = 5;

  private ModalityModel() {}

  /** A dialogue to which segments and questions are to be added. */
  public static Dialogue dialogue() {
    return new Dialogue(WORDS, POSITIONS);
  }

  /** The language model alone: five layers of width 96. */
  public static OmniConfig language() {
    return new OmniConfig(
        new InternVLConfig.Language(96, 5, 4, 4, 24, 256, WORDS.size(), 1e-6, 10_000, POSITIONS),
        false,
        new TreeMap<>());
  }

  /**
   * Encoder and connector of a modality: two layers of width 48 over an input of 48 × 48. A picture
   * and a film become three tokens a third of the stage, a spectrogram four a slot of the sound.
   */
  public static OmniConfig.Modality modality(StageModality modality) {
    boolean heard = modality == StageModality.AUDIO;
    return new OmniConfig.Modality(
        modality.token(),
        switch (modality) {
          case VISION -> 3;
          case AUDIO -> 1;
          case VIDEO -> StageMedia.FRAMES;
        },
        new InternVLConfig.Vision(
            48, 2, 4, 192, StageMedia.SIDE, heard ? 12 : 8, 1e-6, false, true, false, 0.5),
        heard ? 1 : 2,
        OmniConfig.Connector.LINEAR);
  }

  /**
   * A model with these modalities and random weights, but that the first two heads of the first
   * layer look one and two tokens back from the start: every look-up needs that.
   */
  public static OmniModel initialise(OmniConfig config, long seed) {
    OmniModel model = OmniModel.initialise(config, Tokenizer.of(WORDS.tokenizerJson()), seed);
    InternVLConfig.Language language = config.language();
    int half = language.headWidth() / 2;
    for (String side : List.of("q", "k")) {
      String name = "language_model.model.layers.0.self_attn.%s_proj.bias".formatted(side);
      float[] bias = model.values(name);
      for (int head = 0; head < LOOKING_BACK; head++) {
        for (int i = 0; i < FREQUENCIES; i++) {
          // Turned by the query's distance, the two are alike where the key is that far back.
          double angle =
              side.equals("q")
                  ? 0
                  : (head + 1) * Math.pow(language.ropeTheta(), -i / (double) half);
          bias[2 * half * head + i] = (float) (BIAS * Math.cos(angle));
          bias[2 * half * head + half + i] = (float) (BIAS * Math.sin(angle));
        }
      }
      model.load(name, bias);
    }
    return model;
  }

  /**
   * The features of scenes by a model's encoder, row by row: scenes, tokens, width of a feature.
   *
   * @param modality one that the model has
   */
  public static float[] features(OmniModel model, StageModality modality, List<StageScene> scenes) {
    int size = modality(modality).tokens() * modality(modality).featureWidth();
    float[] all = new float[scenes.size() * size];
    for (int from = 0; from < scenes.size(); from += CHUNK) {
      List<StageScene> chunk = scenes.subList(from, Math.min(scenes.size(), from + CHUNK));
      try (NDManager step = model.manager().newSubManager()) {
        float[] some =
            model
                .features(step, modality.key(), StageMedia.inputs(step, modality, chunk))
                .toFloatArray();
        System.arraycopy(some, 0, all, from * size, some.length);
      }
    }
    return all;
  }
}
