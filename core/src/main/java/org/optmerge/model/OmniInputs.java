package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.optmerge.base.Workers;
import org.optmerge.model.audio.FilterBank;
import org.optmerge.model.audio.LogMel;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;
import org.optmerge.model.vision.BicubicResize;

/** Inputs of an omni model's encoders: media as squares of numbers around zero. */
final class OmniInputs {
  private OmniInputs() {}

  /**
   * The filter bank of sounds: 40 ms every 20 ms, to 4 kHz, with mean and deviation of the
   * audio-visual miniature's sounds.
   *
   * @param bands as many as the encoder's input has rows
   */
  static FilterBank filterBank(int bands) {
    return new FilterBank(Audio.SAMPLE_RATE, 640, 320, bands, 40, 4000, .97, 17.2, 3.0);
  }

  /**
   * Refuses a sound that is too long or too short; frames that it lacks at its end are silence.
   *
   * @param side frames that the encoder hears
   */
  static void requireFits(Media medium, int side) {
    if (medium instanceof Audio audio) {
      double samples = Math.ceil(audio.seconds() * Audio.SAMPLE_RATE);
      int frames = filterBank(side).frames((int) Math.min(samples, Integer.MAX_VALUE));
      if (frames < 1 || frames > side) {
        throw new ModelException(
            String.format(
                Locale.ROOT,
                "a sound of %.2f s has %d frames of 40 ms, the model hears 1 to %d; %s",
                audio.seconds(),
                frames,
                side,
                frames < 1 ? "lengthen it" : "cut it"));
      }
    }
  }

  static NDArray of(NDManager arrays, OmniConfig.Modality modality, List<? extends Media> media) {
    int side = modality.encoder().imageSize();
    int plane = side * side;
    int size = modality.channels() * plane;
    float[] all = new float[media.size() * size];
    Workers.map(
        Runtime.getRuntime().availableProcessors(),
        IntStream.range(0, media.size()).boxed().toList(),
        i -> {
          Media medium = media.get(i);
          if (medium instanceof Image image) {
            picture(BicubicResize.resize(image, side, side), all, i * size);
          } else if (medium instanceof Audio audio) {
            sound(audio, side, all, i * size);
          } else {
            video(((Video) medium).sampled(modality.channels()), side, all, i * size);
          }
          return true;
        });
    return arrays.create(all, new Shape(media.size(), modality.channels(), side, side));
  }

  private static void picture(Image image, float[] all, int at) {
    byte[] rgb = image.rgb();
    int plane = rgb.length / 3;
    for (int p = 0; p < plane; p++) {
      for (int c = 0; c < 3; c++) {
        all[at + c * plane + p] = centred(rgb[3 * p + c] & 0xff);
      }
    }
  }

  private static void sound(Audio audio, int side, float[] all, int at) {
    LogMel square = filterBank(side).of(audio.resampled(Audio.SAMPLE_RATE)).withFrames(side);
    for (int frame = 0; frame < side; frame++) {
      for (int band = 0; band < side; band++) {
        all[at + band * side + frame] = square.value(frame, band);
      }
    }
  }

  private static void video(Video video, int side, float[] all, int at) {
    int plane = side * side;
    for (int f = 0; f < video.frames().size(); f++) {
      byte[] rgb = BicubicResize.resize(video.frames().get(f), side, side).rgb();
      for (int p = 0; p < plane; p++) {
        int sum = (rgb[3 * p] & 0xff) + (rgb[3 * p + 1] & 0xff) + (rgb[3 * p + 2] & 0xff);
        all[at + f * plane + p] = centred(sum / 3);
      }
    }
  }

  private static float centred(int level) {
    return level / 127.5f - 1;
  }
}
