package org.optmerge.model.media;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/**
 * Animated PNG: each frame is taken out as a PNG of its own, which the JDK reads. A PNG that is not
 * animated is a film of one frame.
 *
 * @see <a href="https://www.w3.org/TR/png-3/">Portable Network Graphics, third edition</a>
 */
final class AnimatedPng {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10};
  private static final int MOST_FRAMES = 1_000_000;

  private AnimatedPng() {}

  /** A chunk: four letters and their content. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Chunk(String type, byte[] data) {}

  /** A frame's control chunk and the data that follows it. */
  private record Frame(ByteBuffer control, List<byte[]> data) {
    int number(int at) {
      return control.getInt(at);
    }
  }

  static Video read(byte[] bytes, int count) throws IOException {
    List<Chunk> header = new ArrayList<>();
    List<Frame> frames = new ArrayList<>();
    int promised = frames(chunks(bytes), header, frames);
    if (promised == 0) {
      Image still = ImageFiles.read(bytes);
      Sampled sampled = new Sampled(1, count);
      sampled.next(() -> still);
      return sampled.video();
    }
    if (frames.size() != promised) {
      throw new IOException(
          "%d frames of the %d that the header promises".formatted(frames.size(), promised));
    }
    ByteBuffer size = ByteBuffer.wrap(header.get(0).data);
    Extent.check(size.getInt(0), size.getInt(4), bytes.length);
    for (Frame frame : frames) {
      Extent.check(frame.number(4), frame.number(8), bytes.length);
    }
    return composed(header, frames, count);
  }

  /** Sorts chunks into those of the header and the frames; the number of frames announced. */
  private static int frames(List<Chunk> chunks, List<Chunk> header, List<Frame> frames)
      throws IOException {
    int promised = 0;
    @Nullable Frame frame = null;
    boolean data = false;
    for (Chunk chunk : chunks) {
      switch (chunk.type) {
        case "acTL" -> promised = ByteBuffer.wrap(chunk.data).getInt(0);
        case "fcTL" -> {
          frame = new Frame(ByteBuffer.wrap(chunk.data), new ArrayList<>());
          frames.add(frame);
        }
        case "IDAT" -> {
          data = true;
          // Before the first control chunk it is a picture for viewers that know no animation.
          if (frame != null) {
            frame.data.add(chunk.data);
          }
        }
        case "fdAT" -> {
          if (frame == null) {
            throw new IOException("data of a frame before its description");
          }
          frame.data.add(Arrays.copyOfRange(chunk.data, 4, chunk.data.length));
        }
        default -> {
          if (!data && !chunk.type.equals("IEND")) {
            header.add(chunk);
          }
        }
      }
    }
    if (promised < 0 || promised > MOST_FRAMES) {
      throw new IOException("%d frames".formatted(promised));
    }
    return promised;
  }

  private static Video composed(List<Chunk> header, List<Frame> frames, int count)
      throws IOException {
    ByteBuffer size = ByteBuffer.wrap(header.get(0).data);
    FrameCanvas canvas = new FrameCanvas(size.getInt(0), size.getInt(4));
    Sampled sampled = new Sampled(frames.size(), count);
    for (Frame frame : frames) {
      int left = frame.number(12);
      int top = frame.number(16);
      int disposal = frame.control.get(24);
      FrameCanvas before = disposal == 2 ? canvas.copy() : canvas;
      BufferedImage picture = ImageIO.read(new ByteArrayInputStream(png(header, frame)));
      canvas.draw(picture, left, top, frame.control.get(25) == 1);
      sampled.next(canvas::image);
      if (disposal == 1) {
        canvas.clear(left, top, picture.getWidth(), picture.getHeight());
      }
      canvas = before;
    }
    return sampled.video();
  }

  /** A frame as a file of its own. */
  private static byte[] png(List<Chunk> header, Frame frame) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(SIGNATURE);
    byte[] first = header.get(0).data.clone();
    ByteBuffer.wrap(first).putInt(0, frame.number(4)).putInt(4, frame.number(8));
    write(out, new Chunk("IHDR", first));
    header.subList(1, header.size()).forEach(chunk -> write(out, chunk));
    frame.data.forEach(data -> write(out, new Chunk("IDAT", data)));
    write(out, new Chunk("IEND", new byte[0]));
    return out.toByteArray();
  }

  private static void write(ByteArrayOutputStream out, Chunk chunk) {
    byte[] type = chunk.type.getBytes(StandardCharsets.ISO_8859_1);
    out.writeBytes(ByteBuffer.allocate(4).putInt(chunk.data.length).array());
    out.writeBytes(type);
    out.writeBytes(chunk.data);
    out.writeBytes(ByteBuffer.allocate(4).putInt(checksum(type, chunk.data)).array());
  }

  private static int checksum(byte[] type, byte[] data) {
    CRC32 crc = new CRC32();
    crc.update(type);
    crc.update(data);
    return (int) crc.getValue();
  }

  /** All chunks up to the end, the header's first. */
  private static List<Chunk> chunks(byte[] bytes) throws IOException {
    List<Chunk> chunks = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(bytes).position(SIGNATURE.length);
    while (in.remaining() >= 12) {
      int length = in.getInt();
      byte[] type = new byte[4];
      in.get(type);
      String name = new String(type, StandardCharsets.ISO_8859_1);
      if (length < 0 || length > in.remaining() - 4) {
        break;
      }
      byte[] data = new byte[length];
      in.get(data);
      if (in.getInt() != checksum(type, data)) {
        throw new IOException("a PNG whose chunk %s is damaged".formatted(name));
      }
      chunks.add(new Chunk(name, data));
      if (name.equals("IEND")) {
        if (!chunks.get(0).type.equals("IHDR")) {
          throw new IOException("a PNG that does not begin with its header");
        }
        return chunks;
      }
    }
    throw new IOException("a PNG that ends within a chunk; was it copied whole?");
  }
}
