package org.optmerge.benchmark.mini.stage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.apiguardian.api.API;
import org.optmerge.base.Workers;
import org.optmerge.benchmark.mini.Dice;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/**
 * A scene as it is seen, heard and filmed: functions of the scene, to the same bits on every JDK.
 *
 * <p>Color is only in the picture, sound only in the sound, movement only in the film; what the
 * three share is which instruments there are.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class StageMedia {
  /** Pixels of a side of the picture and of each frame. */
  public static final int SIDE = StagePicture.SIDE;

  /** Frames of a film. */
  public static final int FRAMES = 4;

  /**
   * Samples from one note to the next: 0.24 s, twelve of the frames that the audio encoder hears.
   */
  public static final int SLOT = 3840;

  /** Samples of a sound, as many as {@link #SIDE} frames need. */
  private static final int SAMPLES = 640 + (SIDE - 1) * 320;

  /** Notes begin up to this many samples late. */
  private static final int LATE = 400;

  /** Samples of a note. */
  private static final int NOTE = 3300;

  /** Pixels an instrument moves from a frame to the next. */
  private static final int PACE = 2;

  /** The level that keeps the loudest note within a 16-bit sample. */
  private static final double LEVEL = .3;

  /** Deviation of the noise that is always there, for a full scale of 1. */
  private static final double NOISE = .008;

  private StageMedia() {}

  /** The picture: the instruments in their colours and places. */
  public static Image picture(StageScene scene) {
    Dice dice = scene.dice("picture");
    StagePicture picture = new StagePicture(dice.between(205, 249));
    for (Player player : scene.players()) {
      int left = 16 * player.place().ordinal() + 2 + dice.between(-1, 1);
      int top = dice.between(3, SIDE - Icon.SIDE - 3);
      picture.draw(
          player.instrument(),
          left,
          top,
          dice.shade(player.color(), 0),
          dice.shade(player.color(), 1),
          dice.shade(player.color(), 2));
    }
    return picture.colored(dice);
  }

  /**
   * The sound: the notes one after another, each of its own pitch and loudness, with noise; 16 bits
   * at 16 kHz.
   */
  public static Audio sound(StageScene scene) {
    Dice dice = scene.dice("sound");
    double[] wave = new double[SAMPLES];
    for (int i = 0; i < scene.notes().size(); i++) {
      Timbre.of(scene.notes().get(i))
          .add(
              wave,
              Audio.SAMPLE_RATE,
              i * SLOT + dice.below(LATE),
              NOTE,
              .9 + .2 * dice.uniform(),
              LEVEL * (.6 + .6 * dice.uniform()),
              dice);
    }
    float[] samples = new float[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
      double level = wave[i] + NOISE * Timbre.hiss(dice);
      samples[i] = Math.max(-32768, Math.min(32767, Math.round(level * 0x1p15))) / 0x1p15f;
    }
    return new Audio(Audio.SAMPLE_RATE, samples);
  }

  /** The view of a scene that a modality gives. */
  public static Media of(StageScene scene, StageModality modality) {
    return switch (modality) {
      case VISION -> picture(scene);
      case AUDIO -> sound(scene);
      case VIDEO -> film(scene);
    };
  }

  /**
   * The inputs of a modality's encoder for some scenes.
   *
   * @return (scenes, channels, side, side); of a spectrogram, rows are bands and columns frames
   */
  static NDArray inputs(NDManager arrays, StageModality modality, List<StageScene> scenes) {
    List<Media> media =
        Workers.map(
            Runtime.getRuntime().availableProcessors(), scenes, scene -> of(scene, modality));
    return ModalityModel.modality(modality).inputs(arrays, media);
  }

  /** The film: the instruments in shades of grey, each moving its way. */
  public static Video film(StageScene scene) {
    Dice dice = scene.dice("film");
    int background = dice.between(190, 249);
    int players = scene.players().size();
    int[] tops = new int[players];
    int[] greys = new int[players];
    for (int i = 0; i < players; i++) {
      tops[i] = dice.between(3, SIDE - Icon.SIDE - 3);
      greys[i] = dice.between(20, 129);
    }
    List<Image> frames = new ArrayList<>();
    for (int f = 0; f < FRAMES; f++) {
      StagePicture frame = new StagePicture(background);
      // Around where it stands: −3, −1, 1, 3 pixels.
      int moved = PACE * f - PACE * (FRAMES - 1) / 2;
      for (int i = 0; i < players; i++) {
        Player player = scene.players().get(i);
        frame.draw(
            player.instrument(),
            3 + 31 * player.filmed().ordinal() / 2 + moved * player.direction().dx(),
            tops[i] + moved * player.direction().dy(),
            greys[i],
            greys[i],
            greys[i]);
      }
      frames.add(frame.grey(dice));
    }
    return new Video(frames);
  }
}
