package org.optmerge.model.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.jcodec.codecs.h264.H264Decoder;
import org.jcodec.codecs.h264.H264Utils;
import org.jcodec.codecs.h264.io.model.NALUnit;
import org.jcodec.codecs.h264.io.model.NALUnitType;
import org.jcodec.codecs.h264.io.model.SeqParameterSet;
import org.jcodec.codecs.h264.io.model.VUIParameters;
import org.jcodec.common.Codec;
import org.jcodec.common.DemuxerTrack;
import org.jcodec.common.io.ByteBufferSeekableByteChannel;
import org.jcodec.common.logging.Logger;
import org.jcodec.common.model.ColorSpace;
import org.jcodec.common.model.Packet;
import org.jcodec.common.model.Picture;
import org.jcodec.containers.mp4.demuxer.MP4Demuxer;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Deadline;

/**
 * MP4 with H.264 of 8 bits through JCodec. A rotation that the file asks of a viewer is not carried
 * out; sound is not read.
 */
final class Mp4 {
  static {
    // Without a sink of its own the library would write its warnings to the standard output.
    Logger.addSink(message -> {});
  }

  /** The names of codecs that are common but not read: H.265, AV1, VP9, MPEG-4 part 2. */
  private static final List<String> OTHERS = List.of("hvc1", "hev1", "av01", "vp09", "mp4v");

  /** For a frame: data that is damaged can keep the decoder busy for ever. */
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static final long MOST_PIXELS = 50_000_000;

  /** Stands for a frame that was not decoded yet. */
  private static final Image NOT_YET = new Image(1, 1, new byte[3]);

  private Mp4() {}

  static Video read(byte[] bytes, int count) throws IOException {
    String whole = new String(bytes, StandardCharsets.ISO_8859_1);
    for (String codec : OTHERS) {
      // The library would only say that this is no track of a film.
      if (whole.contains(codec) && !whole.contains("avc1")) {
        throw new IOException("an MP4 of codec %s; only H.264 is read".formatted(codec));
      }
    }
    byte[] file = Mp4Boxes.checked(bytes);
    long[] times = Deadline.decoded("the index of the film", file.length, () -> times(file));
    if (times.length == 0) {
      throw new IOException("an MP4 without a frame; fragmented files are not read");
    }
    // Frames come in the order in which they are decoded, which need not be that of their times.
    Arrays.sort(times);
    int[] wanted = Video.indices(times.length, count);
    Map<Long, Image> frames = new HashMap<>();
    for (int index : wanted) {
      frames.put(times[index], NOT_YET);
    }
    decode(file, frames);
    List<Image> inOrder = new ArrayList<>();
    for (int index : wanted) {
      Image frame = frames.getOrDefault(times[index], NOT_YET);
      Sampled.checkSize(inOrder, frame);
      inOrder.add(frame);
    }
    return new Video(inOrder);
  }

  private static long[] times(byte[] bytes) throws IOException {
    DemuxerTrack track = track(bytes);
    LongStream.Builder times = LongStream.builder();
    for (Packet packet = track.nextFrame(); packet != null; packet = track.nextFrame()) {
      times.add(packet.getPts());
    }
    return times.build().toArray();
  }

  private static DemuxerTrack track(byte[] bytes) throws IOException {
    DemuxerTrack track =
        MP4Demuxer.createMP4Demuxer(
                ByteBufferSeekableByteChannel.readFromByteBuffer(ByteBuffer.wrap(bytes)))
            .getVideoTrack();
    if (track == null) {
      throw new IOException("an MP4 without pictures");
    }
    Codec codec = track.getMeta().getCodec();
    if (codec != Codec.H264) {
      throw new IOException(
          "an MP4 of codec %s; only H.264 is read".formatted(codec == null ? "unknown" : codec));
    }
    return track;
  }

  /** Decodes all frames, since each needs those before it, and keeps those at the given times. */
  private static void decode(byte[] bytes, Map<Long, Image> frames) throws IOException {
    DemuxerTrack track = track(bytes);
    ByteBuffer parameters = track.getMeta().getCodecPrivate();
    SeqParameterSet sequence = sequence(parameters.duplicate());
    H264Decoder decoder = H264Decoder.createH264DecoderFromCodecPrivate(parameters.duplicate());
    int width = 16 * (sequence.picWidthInMbsMinus1 + 1);
    int height = 16 * SeqParameterSet.getPicHeightInMbs(sequence);
    if ((long) width * height > MOST_PIXELS) {
      throw new IOException("frames of %d x %d pixels".formatted(width, height));
    }
    byte[][] planes = Picture.create(width, height, ColorSpace.YUV420J).getData();
    int number = 0;
    try (Deadline deadline = new Deadline(LIMIT)) {
      for (Packet packet = track.nextFrame(); packet != null; packet = track.nextFrame()) {
        ByteBuffer data = packet.getData();
        String name = "frame %d".formatted(number++);
        @Nullable Picture picture = deadline.within(name, () -> decoder.decodeFrame(data, planes));
        if (picture == null) {
          throw new IOException(name + " cannot be decoded");
        }
        frames.computeIfPresent(packet.getPts(), (time, none) -> image(picture, sequence));
      }
    }
  }

  private static SeqParameterSet sequence(ByteBuffer parameters) throws IOException {
    for (ByteBuffer unit : H264Utils.splitFrame(parameters)) {
      if (NALUnit.read(unit).type == NALUnitType.SPS) {
        SeqParameterSet sequence = SeqParameterSet.read(unit);
        if (sequence.chromaFormatIdc != ColorSpace.YUV420J
            || sequence.bitDepthLumaMinus8 != 0
            || sequence.bitDepthChromaMinus8 != 0) {
          throw new IOException("an MP4 of other than 8 bits with chroma at half size (4:2:0)");
        }
        return sequence;
      }
    }
    throw new IOException("an MP4 that does not describe its pictures");
  }

  /**
   * Pixels of a picture; chroma is repeated, not interpolated.
   *
   * @see <a href="https://www.itu.int/rec/T-REC-H.264">ITU-T H.264, annex E.2.1: range and matrix,
   *     limited and BT.601 if the file says nothing</a>
   */
  private static Image image(Picture picture, SeqParameterSet sequence) {
    @Nullable VUIParameters usability = sequence.vuiParams;
    boolean full = usability != null && usability.videoFullRangeFlag;
    boolean bt709 = usability != null && usability.matrixCoefficients == 1;
    double red = bt709 ? .2126 : .299;
    double blue = bt709 ? .0722 : .114;
    double black = full ? 0 : 16;
    double luma = 255.0 / (full ? 255 : 219);
    double chroma = 255.0 / (full ? 255 : 224);
    int left = picture.getStartX();
    int top = picture.getStartY();
    int width = picture.getCroppedWidth();
    int height = picture.getCroppedHeight();
    byte[] rgb = new byte[3 * width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        // The library keeps levels less 128.
        double bright = luma * (level(picture, 0, left + x, top + y) + 128 - black);
        double u = chroma * level(picture, 1, (left + x) / 2, (top + y) / 2);
        double v = chroma * level(picture, 2, (left + x) / 2, (top + y) / 2);
        double r = bright + 2 * (1 - red) * v;
        double b = bright + 2 * (1 - blue) * u;
        int at = 3 * (y * width + x);
        rgb[at] = clip(r);
        rgb[at + 1] = clip((bright - red * r - blue * b) / (1 - red - blue));
        rgb[at + 2] = clip(b);
      }
    }
    return new Image(width, height, rgb);
  }

  private static int level(Picture picture, int plane, int x, int y) {
    return picture.getPlaneData(plane)[y * picture.getPlaneWidth(plane) + x];
  }

  private static byte clip(double level) {
    return (byte) Math.max(0, Math.min(255, Math.round(level)));
  }
}
