package org.optmerge.model.media;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.stream.IntStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOInvalidTreeException;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Animated GIF through the JDK's reader and writer.
 *
 * @see <a href="https://www.w3.org/Graphics/GIF/spec-gif89a.txt">GIF89a</a>
 */
final class AnimatedGif {
  private static final String FRAME = "javax_imageio_gif_image_1.0";
  private static final String LOOP = "NETSCAPE";

  private static final IndexColorModel GREYS = greys();

  private AnimatedGif() {}

  static Video read(byte[] bytes, int count) throws IOException {
    checkWhole(bytes);
    ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
    try (ImageInputStream stream =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.setInput(stream, false, false);
      int frames = reader.getNumImages(true);
      if (frames < 1) {
        throw new IOException("a GIF without a frame");
      }
      // Logical screen: two little-endian shorts behind the six bytes of the signature.
      Extent.check(number(bytes, 6), number(bytes, 8), bytes.length);
      FrameCanvas canvas = new FrameCanvas(number(bytes, 6), number(bytes, 8));
      Sampled sampled = new Sampled(frames, count);
      for (int i = 0; i < frames; i++) {
        IIOMetadataNode root = (IIOMetadataNode) reader.getImageMetadata(i).getAsTree(FRAME);
        IIOMetadataNode place = child(root, "ImageDescriptor");
        int left = Integer.parseInt(place.getAttribute("imageLeftPosition"));
        int top = Integer.parseInt(place.getAttribute("imageTopPosition"));
        String disposal = child(root, "GraphicControlExtension").getAttribute("disposalMethod");
        FrameCanvas before = disposal.equals("restoreToPrevious") ? canvas.copy() : canvas;
        Extent.check(reader.getWidth(i), reader.getHeight(i), bytes.length);
        BufferedImage frame = reader.read(i);
        canvas.draw(frame, left, top, true);
        sampled.next(canvas::image);
        if (disposal.equals("restoreToBackgroundColor")) {
          canvas.clear(left, top, frame.getWidth(), frame.getHeight());
        }
        canvas = before;
      }
      return sampled.video();
    } finally {
      reader.dispose();
    }
  }

  private static int number(byte[] bytes, int at) {
    return bytes[at] & 0xff | (bytes[at + 1] & 0xff) << 8;
  }

  /** The reader takes what there is of a truncated file for all of it. */
  private static void checkWhole(byte[] bytes) throws IOException {
    int at = 13 + palette(bytes, 10);
    while (at < bytes.length) {
      switch (bytes[at]) {
        case 0x3b -> { // the end
          return;
        }
        case 0x21 -> at = afterBlocks(bytes, at + 2); // an extension
        case 0x2c -> at = afterBlocks(bytes, at + 11 + palette(bytes, at + 9)); // a frame
        default -> throw new IOException("a GIF that is damaged at byte %d".formatted(at));
      }
    }
    throw new IOException("a GIF without an end; was it copied whole?");
  }

  /** Bytes of the palette that a packed field announces. */
  private static int palette(byte[] bytes, int at) throws IOException {
    if (at >= bytes.length) {
      throw new IOException("a GIF without an end; was it copied whole?");
    }
    return bytes[at] < 0 ? 3 << (1 + (bytes[at] & 7)) : 0;
  }

  private static int afterBlocks(byte[] bytes, int first) {
    int at = first;
    while (at < bytes.length && bytes[at] != 0) {
      at += 1 + (bytes[at] & 0xff);
    }
    return at + 1;
  }

  static byte[] write(Video video, int milliseconds) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ImageOutputStream stream = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(stream);
      writer.prepareWriteSequence(null);
      for (Image frame : video.frames()) {
        BufferedImage image = buffered(frame);
        IIOMetadata metadata =
            writer.getDefaultImageMetadata(
                ImageTypeSpecifier.createFromRenderedImage(image), writer.getDefaultWriteParam());
        describe(metadata, milliseconds / 10);
        writer.writeToSequence(new IIOImage(image, null, metadata), null);
      }
      writer.endWriteSequence();
    } catch (IOException e) {
      throw new UncheckedIOException("memory can always be written to", e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  private static void describe(IIOMetadata metadata, int hundredths)
      throws IIOInvalidTreeException {
    IIOMetadataNode root = (IIOMetadataNode) metadata.getAsTree(FRAME);
    // Where the description has a palette, the writer leaves out the image's own.
    if (root.getElementsByTagName("LocalColorTable").item(0) instanceof IIOMetadataNode palette) {
      root.removeChild(palette);
    }
    child(root, "ImageDescriptor").setAttribute("interlaceFlag", "FALSE");
    IIOMetadataNode control = child(root, "GraphicControlExtension");
    control.setAttribute("disposalMethod", "none");
    control.setAttribute("userInputFlag", "FALSE");
    control.setAttribute("transparentColorFlag", "FALSE");
    control.setAttribute("transparentColorIndex", "0");
    control.setAttribute("delayTime", Integer.toString(Math.max(1, hundredths)));
    IIOMetadataNode loop = new IIOMetadataNode("ApplicationExtension");
    loop.setAttribute("applicationID", LOOP);
    loop.setAttribute("authenticationCode", "2.0");
    // One block of the extension: repeat zero times, which is for ever.
    loop.setUserObject(new byte[] {1, 0, 0});
    child(root, "ApplicationExtensions").appendChild(loop);
    metadata.setFromTree(FRAME, root);
  }

  /** A child of a node, which is added if there is none. */
  private static IIOMetadataNode child(IIOMetadataNode root, String name) {
    if (root.getElementsByTagName(name).item(0) instanceof IIOMetadataNode found) {
      return found;
    }
    IIOMetadataNode added = new IIOMetadataNode(name);
    root.appendChild(added);
    return added;
  }

  /** A grey frame as one of 256 greys, so that no value is lost. */
  private static BufferedImage buffered(Image image) {
    if (!isGrey(image)) {
      return ImageFiles.buffered(image);
    }
    BufferedImage result =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_BYTE_INDEXED, GREYS);
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        result.getRaster().setSample(x, y, 0, image.channel(x, y, 0));
      }
    }
    return result;
  }

  private static IndexColorModel greys() {
    byte[] levels = new byte[256];
    for (int i = 0; i < 256; i++) {
      levels[i] = (byte) i;
    }
    return new IndexColorModel(8, 256, levels, levels, levels);
  }

  private static boolean isGrey(Image image) {
    byte[] rgb = image.rgb();
    return IntStream.range(0, rgb.length).allMatch(i -> rgb[i] == rgb[i - i % 3]);
  }
}
