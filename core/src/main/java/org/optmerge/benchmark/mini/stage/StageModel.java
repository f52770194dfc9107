package org.optmerge.benchmark.mini.stage;

import java.util.TreeMap;
import org.optmerge.model.InternVLConfig;
import org.optmerge.model.OmniConfig;
import org.optmerge.model.OmniModel;
import org.optmerge.model.Tokenizer;

/** The shape of the audio-visual miniature's models. */
public final class StageModel {
  /** Longest text. */
  private static final int POSITIONS = 256;

  private StageModel() {}

  /** The language model alone: four layers of width 96. */
  public static OmniConfig language() {
    return new OmniConfig(
        new InternVLConfig.Language(
            96, 4, 4, 4, 24, 256, StageVocabulary.size(), 1e-6, 10_000, POSITIONS),
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
        StageInputs.channels(modality),
        new InternVLConfig.Vision(
            48, 2, 4, 192, StageMedia.SIDE, heard ? 12 : 8, 1e-6, false, true, false, 0.5),
        heard ? 1 : 2,
        OmniConfig.Connector.LINEAR);
  }

  /** A model with these modalities and random weights. */
  public static OmniModel initialise(OmniConfig config, long seed) {
    return OmniModel.initialise(config, Tokenizer.of(StageVocabulary.tokenizerJson()), seed);
  }
}
