package org.optmerge.model.media;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Arrays;
import javax.sound.sampled.AudioFileFormat;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioFormat.Encoding;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import javax.sound.sampled.UnsupportedAudioFileException;
import org.optmerge.base.Deadline;
import org.optmerge.base.DecoderErrors;
import org.optmerge.base.RegularFiles;

/**
 * Sound files to samples: WAV (8 to 32 bits, floats, µ-law and A-law), AIFF and AU by the JDK, FLAC
 * and MP3 by plug-ins of {@code javax.sound.sampled}, and whatever else a plug-in on the class path
 * can read.
 *
 * <p>Several channels become their mean. The rate stays that of the file: {@link Audio#resampled}
 * changes it. Samples of n bits are divided by 2^(n − 1), so that all reach the same full scale;
 * floats are taken as they are, also beyond it. An MP3 keeps the silence with which its coder began
 * and ended.
 */
public final class AudioFiles {
  /** A sound of more samples is refused; 16 kHz for more than three hours. */
  private static final long MOST_SAMPLES = 200_000_000;

  /** Bytes of a sound; with 16 bits, all of its samples in four channels. */
  private static final int MOST_BYTES = 1_600_000_000;

  private static final int BLOCK = 1 << 16;

  /** Decoders may give nothing a few times before they give more. */
  private static final int MOST_EMPTY = 1000;

  /** As long as an array can be. */
  private static final int LONGEST = Integer.MAX_VALUE - 16;

  /** The signature, a block's header and the block that every FLAC begins with. */
  private static final int FLAC_HEADER = 4 + 4 + 34;

  private AudioFiles() {}

  /**
   * Reads a file.
   *
   * @throws IOException if it cannot be read, is no sound of a known format, or a damaged,
   *     truncated or empty one; the message names the file
   */
  public static Audio read(Path file) throws IOException {
    try {
      return read(RegularFiles.read(file, LONGEST));
    } catch (IOException e) {
      throw e instanceof FileSystemException
          ? e
          : new IOException("'%s': %s".formatted(file, e.getMessage()), e);
    }
  }

  /**
   * Reads the content of a file.
   *
   * @throws IOException if it is no sound of a known format, or a damaged, truncated or empty one
   */
  public static Audio read(byte[] file) throws IOException {
    return Deadline.decoded("the sound", file.length, () -> decode(file));
  }

  private static Audio decode(byte[] file) throws IOException {
    byte[] bytes = starts(file, "fLaC") ? withoutTags(file) : file;
    try (AudioInputStream stored = open(bytes)) {
      AudioFormat format = stored.getFormat();
      long promised = promised(bytes, stored);
      if (promised * format.getChannels() > MOST_SAMPLES) {
        throw new IOException("a sound of %d samples is too long".formatted(promised));
      }
      if (isPlain(format)) {
        return mono(content(stored), format, promised);
      }
      AudioFormat decoded = decoded(format);
      try (AudioInputStream plain = AudioSystem.getAudioInputStream(decoded, stored)) {
        return mono(content(plain), decoded, promised);
      }
    } catch (RuntimeException e) {
      // Decoders meet damage with exceptions of every kind.
      throw new IOException("a damaged sound: " + DecoderErrors.words(e), e);
    }
  }

  /**
   * A FLAC without its tags and pictures: the plug-in sets aside whatever memory a damaged one asks
   * for.
   *
   * @see <a href="https://www.rfc-editor.org/rfc/rfc9639#section-8">RFC 9639, section 8</a>
   */
  private static byte[] withoutTags(byte[] file) throws IOException {
    int at = FLAC_HEADER;
    boolean last = file.length > 4 && file[4] < 0;
    while (!last && at + 4 <= file.length) {
      last = file[at] < 0;
      at += 4 + (ByteBuffer.wrap(file).getInt(at) & 0xffffff);
    }
    if (at > file.length || file.length < FLAC_HEADER || (file[4] & 0x7f) != 0) {
      throw new IOException("a FLAC whose header is damaged; was it copied whole?");
    }
    // The plug-in expects a second block: one of no padding.
    byte[] bytes = Arrays.copyOf(file, FLAC_HEADER + 4 + file.length - at);
    bytes[4] = 0;
    ByteBuffer.wrap(bytes).putInt(FLAC_HEADER, 0x8100_0000);
    System.arraycopy(file, at, bytes, FLAC_HEADER + 4, file.length - at);
    return bytes;
  }

  private static byte[] content(AudioInputStream stream) throws IOException {
    // A stream of frames gives nothing, for ever, to whoever asks for less than one.
    int frame = Math.max(1, stream.getFormat().getFrameSize());
    byte[] block = new byte[Math.max(1, BLOCK / frame) * frame];
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    try {
      int nothing = 0;
      for (int read = stream.read(block); read >= 0; read = stream.read(block)) {
        nothing = read == 0 ? nothing + 1 : 0;
        if (nothing > MOST_EMPTY) {
          break; // what is promised and not there is told below
        }
        content.write(block, 0, read);
        if (content.size() > MOST_BYTES) {
          throw new IOException("a sound of more than %d bytes is too long".formatted(MOST_BYTES));
        }
      }
      return content.toByteArray();
    } catch (IOException e) {
      throw new IOException("a damaged sound: " + e, e);
    }
  }

  private static AudioInputStream open(byte[] bytes) throws IOException {
    try {
      return AudioSystem.getAudioInputStream(
          new BufferedInputStream(new ByteArrayInputStream(bytes)));
    } catch (UnsupportedAudioFileException | EOFException e) {
      throw new IOException(
          "%d bytes that are no sound of a known format (WAV, AIFF, AU, FLAC, MP3)"
              .formatted(bytes.length),
          e);
    }
  }

  /** Samples of each channel that the file says it has; −1 if it does not say. */
  private static long promised(byte[] bytes, AudioInputStream stored) {
    // The plug-in for FLAC does not pass on the number; it is 36 bits of the first block.
    if (starts(bytes, "fLaC") && bytes.length >= 26) {
      long total = (ByteBuffer.wrap(bytes, 18, 8).getLong()) & 0xf_ffff_ffffL;
      return total == 0 ? -1 : total;
    }
    // A WAV that was written to a pipe could not know its length, and has the greatest.
    if (starts(bytes, "RIFF")
        && stored.getFrameLength() * stored.getFormat().getFrameSize() >= 0x7fff_0000L) {
      return -1;
    }
    return stored.getFrameLength() == AudioSystem.NOT_SPECIFIED ? -1 : stored.getFrameLength();
  }

  private static boolean starts(byte[] bytes, String magic) {
    return bytes.length >= magic.length()
        && new String(bytes, 0, magic.length(), StandardCharsets.US_ASCII).equals(magic);
  }

  private static boolean isPlain(AudioFormat format) {
    Encoding encoding = format.getEncoding();
    return encoding.equals(Encoding.PCM_SIGNED)
        || encoding.equals(Encoding.PCM_UNSIGNED)
        || encoding.equals(Encoding.PCM_FLOAT);
  }

  private static AudioFormat decoded(AudioFormat format) {
    // What a coder of 8 bits on a logarithmic scale, or of a spectrum, has to say fits into 16.
    int bits = Math.max(16, format.getSampleSizeInBits());
    return new AudioFormat(
        Encoding.PCM_SIGNED,
        format.getSampleRate(),
        bits,
        format.getChannels(),
        format.getChannels() * bits / 8,
        format.getSampleRate(),
        false);
  }

  private static Audio mono(byte[] bytes, AudioFormat format, long promised) throws IOException {
    int size = format.getSampleSizeInBits() / 8;
    int channels = format.getChannels();
    if (size < 1 || size > 8 || channels < 1 || 8 * size != format.getSampleSizeInBits()) {
      throw new IOException("samples of %d bits".formatted(format.getSampleSizeInBits()));
    }
    int frames = bytes.length / (size * channels);
    if (promised > frames) {
      throw new IOException(
          "the header promises %d samples, the file has %d; was it copied whole?"
              .formatted(promised, frames));
    }
    if (frames == 0) {
      throw new IOException("a sound without a sample");
    }
    int rate = Math.round(format.getSampleRate());
    if (rate < 1) {
      throw new IOException("a sound of %s samples a second".formatted(format.getSampleRate()));
    }
    ByteBuffer buffer =
        ByteBuffer.wrap(bytes)
            .order(format.isBigEndian() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    float[] samples = new float[frames];
    for (int i = 0; i < frames; i++) {
      double sum = 0;
      for (int c = 0; c < channels; c++) {
        sum += sample(buffer, (i * channels + c) * size, size, format);
      }
      samples[i] = (float) (sum / channels);
      if (!Float.isFinite(samples[i])) {
        throw new IOException("sample %d is not a number".formatted(i));
      }
    }
    return new Audio(rate, samples);
  }

  private static double sample(ByteBuffer buffer, int at, int size, AudioFormat format)
      throws IOException {
    if (format.getEncoding().equals(Encoding.PCM_FLOAT)) {
      return switch (size) {
        case 4 -> buffer.getFloat(at);
        case 8 -> buffer.getDouble(at);
        default -> throw new IOException("floats of %d bytes".formatted(size));
      };
    }
    if (size > 4) {
      throw new IOException("samples of %d bytes".formatted(size));
    }
    int value = 0;
    for (int b = 0; b < size; b++) {
      // From the highest byte down.
      int from = format.isBigEndian() ? b : size - 1 - b;
      value = value << 8 | buffer.get(at + from) & 0xff;
    }
    int spare = Integer.SIZE - 8 * size;
    boolean unsigned = format.getEncoding().equals(Encoding.PCM_UNSIGNED);
    int signed = (value << spare) ^ (unsigned ? Integer.MIN_VALUE : 0);
    return signed / 0x1p31;
  }

  /** A WAV file of 16 bits; samples beyond the full scale are cut. */
  public static byte[] wav(Audio audio) {
    ByteBuffer samples =
        ByteBuffer.allocate(2 * audio.samples().length).order(ByteOrder.LITTLE_ENDIAN);
    for (float sample : audio.samples()) {
      int value = Math.round(sample * 0x1p15f);
      samples.putShort((short) Math.max(Short.MIN_VALUE, Math.min(Short.MAX_VALUE, value)));
    }
    AudioFormat format = new AudioFormat(audio.sampleRate(), 16, 1, true, false);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try (AudioInputStream stream =
        new AudioInputStream(
            new ByteArrayInputStream(samples.array()), format, audio.samples().length)) {
      AudioSystem.write(stream, AudioFileFormat.Type.WAVE, file);
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be written to", e);
    }
    return file.toByteArray();
  }
}
