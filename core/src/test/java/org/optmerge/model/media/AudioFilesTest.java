package org.optmerge.model.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AudioFilesTest {
  private static final int PCM = 1;
  private static final int FLOAT = 3;

  /** A WAV of 100 frames; channel c of frame i is (i − 50) / 100 · (c + 1) / 8. */
  private static byte[] wav(int format, int rate, int bits, int channels, int frames) {
    int size = bits / 8;
    int data = frames * channels * size;
    ByteBuffer file = ByteBuffer.allocate(44 + data).order(ByteOrder.LITTLE_ENDIAN);
    file.put("RIFF".getBytes()).putInt(36 + data).put("WAVEfmt ".getBytes()).putInt(16);
    file.putShort((short) format).putShort((short) channels).putInt(rate);
    file.putInt(rate * channels * size).putShort((short) (channels * size)).putShort((short) bits);
    file.put("data".getBytes()).putInt(data);
    for (int i = 0; i < frames; i++) {
      for (int c = 0; c < channels; c++) {
        double level = (i - 50) / 100.0 * (c + 1) / 8;
        if (format == FLOAT && bits == 64) {
          file.putDouble(level);
        } else if (format == FLOAT) {
          file.putFloat((float) level);
        } else {
          long value = Math.round(level * Math.pow(2, bits - 1)) + (bits == 8 ? 128 : 0);
          for (int b = 0; b < size; b++) {
            file.put((byte) (value >> 8 * b));
          }
        }
      }
    }
    return file.array();
  }

  private static Path resource(String name) {
    return Path.of("src/test/resources/media", name);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 1", "1, 16, 1", "1, 24, 1", "1, 32, 1", "3, 32, 1", "3, 64, 1",
    "1, 8, 2", "1, 16, 2", "1, 24, 2", "1, 32, 2", "3, 32, 2", "1, 16, 6",
  })
  void a_wav_of_any_width_is_the_mean_of_its_channels(int format, int bits, int channels)
      throws IOException {
    Audio audio = AudioFiles.read(wav(format, 8000, bits, channels, 100));

    assertThat(audio.sampleRate()).isEqualTo(8000);
    assertThat(audio.samples()).hasSize(100);
    double mean = (channels + 1) / 16.0;
    double step = format == FLOAT ? 1e-7 : Math.pow(2, -bits) + 1e-7;
    for (int i = 0; i < 100; i++) {
      assertThat((double) audio.samples()[i]).isCloseTo((i - 50) / 100.0 * mean, within(step));
    }
  }

  @Test
  void a_wav_at_8_kHz_becomes_one_at_16_kHz() throws IOException {
    Audio audio = AudioFiles.read(wav(PCM, 8000, 16, 2, 100)).resampled(Audio.SAMPLE_RATE);

    assertThat(audio.sampleRate()).isEqualTo(16_000);
    assertThat(audio.samples()).hasSize(200);
  }

  @Test
  void a_sound_written_as_wav_reads_the_same() throws IOException {
    float[] samples = new float[500];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = (i * 131 % 65_536 - 32_768) / 32_768f;
    }
    Audio audio = new Audio(16_000, samples);

    assertThat(AudioFiles.read(AudioFiles.wav(audio))).isEqualTo(audio);
  }

  @Test
  void samples_beyond_the_full_scale_are_cut_when_written() throws IOException {
    byte[] file = AudioFiles.wav(new Audio(8000, new float[] {-2, 2, 0}));

    assertThat(AudioFiles.read(file).samples()).containsExactly(-1, 32_767 / 32_768f, 0);
  }

  @Test
  void a_flac_of_16_bits_in_stereo_is_exact() throws IOException {
    Audio audio = AudioFiles.read(resource("stereo-8000.flac"));

    assertThat(audio.sampleRate()).isEqualTo(8000);
    assertThat(audio.samples()).hasSize(3000);
    for (int i = 0; i < 3000; i++) {
      // 440 Hz on the left, 700 Hz on the right, each rounded to 16 bits by its coder.
      double left = .4 * Math.sin(2 * Math.PI * 440 * i / 8000);
      double right = .3 * Math.sin(2 * Math.PI * 700 * i / 8000);
      assertThat((double) audio.samples()[i]).isCloseTo((left + right) / 2, within(1.01 / 32_768));
    }
  }

  @Test
  void a_flac_of_24_bits_keeps_them() throws IOException {
    Audio audio = AudioFiles.read(resource("mono-24-bit.flac"));

    assertThat(audio.samples()).hasSize(2000);
    for (int i = 0; i < 2000; i++) {
      assertThat((double) audio.samples()[i]).isCloseTo(twoTones(i), within(2e-7));
    }
  }

  @Test
  void an_mp3_sounds_as_what_was_coded_after_its_coders_delay() throws IOException {
    Audio audio = AudioFiles.read(resource("tone.mp3"));

    assertThat(audio.sampleRate()).isEqualTo(16_000);
    // 17 frames of 576 samples for 8000: the first only describes the file, and 1105 samples are
    // the delays of coder and decoder.
    assertThat(audio.samples()).hasSize(17 * 576);
    double error = 0;
    double power = 0;
    for (int i = 1000; i < 7000; i++) {
      double difference = audio.samples()[i + 576 + 1105] - twoTones(i);
      error += difference * difference;
      power += twoTones(i) * twoTones(i);
    }
    assertThat(error / power).isLessThan(.001);
  }

  private static double twoTones(int i) {
    return .4 * Math.sin(2 * Math.PI * 440 * i / 16_000)
        + .2 * Math.sin(2 * Math.PI * 1250 * i / 16_000 + 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {45, 46, 144, 243})
  void a_truncated_wav_says_how_much_is_missing(int length) {
    byte[] file = Arrays.copyOf(wav(PCM, 16_000, 16, 1, 100), length);

    assertThatThrownBy(() -> AudioFiles.read(file))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "the header promises 100 samples, the file has %d; was it copied whole?",
            (length - 44) / 2);
  }

  @Test
  void a_truncated_flac_is_an_error() throws IOException {
    byte[] whole = Files.readAllBytes(resource("stereo-8000.flac"));
    for (int length : new int[] {10, 40, 500, whole.length / 2, whole.length - 20}) {
      byte[] file = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> AudioFiles.read(file)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void a_wav_of_unknown_length_is_read_to_its_end() throws IOException {
    byte[] file = wav(PCM, 16_000, 16, 1, 100);
    ByteBuffer header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(4, -1).putInt(40, 0x7fff_fff0);

    assertThat(AudioFiles.read(file).samples()).hasSize(100);
  }

  @Test
  void a_wav_without_a_sample_is_an_error() {
    assertThatThrownBy(() -> AudioFiles.read(wav(PCM, 16_000, 16, 1, 0)))
        .isInstanceOf(IOException.class)
        .hasMessage("a sound without a sample");
  }

  @Test
  void a_float_that_is_not_a_number_is_an_error() {
    byte[] file = wav(FLOAT, 16_000, 32, 1, 100);
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putFloat(44 + 4 * 7, Float.NaN);

    assertThatThrownBy(() -> AudioFiles.read(file))
        .isInstanceOf(IOException.class)
        .hasMessage("sample 7 is not a number");
  }

  @Test
  void what_is_no_sound_is_refused_by_name(@TempDir Path folder) throws IOException {
    Path text = Files.writeString(folder.resolve("note.wav"), "not a sound at all, but a text");
    Path empty = Files.createFile(folder.resolve("empty.wav"));

    assertThatThrownBy(() -> AudioFiles.read(text))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("note.wav': 30 bytes that are no sound of a known format");
    assertThatThrownBy(() -> AudioFiles.read(empty))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("empty.wav': 0 bytes that are no sound of a known format");
    assertThatThrownBy(() -> AudioFiles.read(folder.resolve("none.wav")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"stereo-8000.flac", "tone.mp3", "wav"})
  void damage_is_an_error_or_a_sound_but_never_another_exception(String name) throws IOException {
    byte[] whole =
        name.equals("wav") ? wav(PCM, 16_000, 16, 2, 100) : Files.readAllBytes(resource(name));
    SplittableRandom random = new SplittableRandom(7);
    int sounds = 0;
    for (int trial = 0; trial < 200; trial++) {
      byte[] file =
          Arrays.copyOf(whole, trial % 3 == 0 ? random.nextInt(whole.length) : whole.length);
      for (int i = 0; i < 1 + trial % 5 && file.length > 0; i++) {
        file[random.nextInt(trial % 2 == 0 ? Math.min(60, file.length) : file.length)] =
            (byte) random.nextInt();
      }
      try {
        sounds += AudioFiles.read(file).samples().length > 0 ? 1 : 0;
      } catch (IOException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
    assertThat(sounds).isBetween(1, 199);
  }

  @Test
  void a_sound_has_samples_and_a_rate() {
    assertThatThrownBy(() -> new Audio(0, new float[1])).hasMessageContaining("1 samples at 0 Hz");
    assertThatThrownBy(() -> new Audio(8000, new float[0])).hasMessageContaining("0 samples");
    assertThat(new Audio(8000, new float[4000]).seconds()).isEqualTo(.5);
  }
}
