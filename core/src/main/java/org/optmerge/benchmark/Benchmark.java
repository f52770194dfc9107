package org.optmerge.benchmark;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.optmerge.base.Sha256;
import org.optmerge.model.Decoding;
import org.optmerge.model.media.Audio;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.Video;

/** A set of questions with a name. */
@API(status = API.Status.EXPERIMENTAL)
public interface Benchmark {
  /**
   * The name that commands and result files use, such as {@code mini:chart} or {@code
   * ChartQA_TEST}.
   */
  String name();

  /** The number of questions. */
  long size();

  /**
   * The questions, always in the same order, read or generated as they are asked for: a large file
   * is never in memory as a whole. The stream is to be closed.
   */
  Stream<Question> questions();

  /**
   * A question with its place among {@link #questions}.
   *
   * @param number from 0
   */
  record Numbered(long number, Question question) {}

  /**
   * All questions for a long run: those about one picture follow each other where the benchmark can
   * tell, and one that cannot be asked is there with a {@linkplain Question#fault fault} instead of
   * ending the stream. The stream is to be closed.
   */
  default Stream<Numbered> numbered() {
    AtomicLong next = new AtomicLong();
    return questions().map(question -> new Numbered(next.getAndIncrement(), question));
  }

  /** The columns of the table that it is read from, in order; empty if that is no table. */
  default List<String> columns() {
    return List.of();
  }

  /** Most tokens of an answer, with its end. */
  default int answerTokens() {
    return Decoding.DEFAULT.maxNewTokens();
  }

  /**
   * A SHA-256 of all that is asked and what counts as right, by which results are known to be of
   * the same questions. Reads every question unless the benchmark knows better.
   */
  default String digest() {
    MessageDigest digest = Sha256.begin();
    try (Stream<Question> questions = questions()) {
      questions.forEachOrdered(
          question -> {
            update(digest, question.id(), question.group(), question.type(), question.text());
            update(digest, question.answers().toString(), question.fields().toString());
            question.media().forEach(medium -> update(digest, medium));
          });
    }
    return Sha256.hex(digest.digest());
  }

  private static void update(MessageDigest digest, String... texts) {
    for (String text : texts) {
      digest.update(text.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
    }
  }

  private static void update(MessageDigest digest, Media medium) {
    if (medium instanceof Image image) {
      update(digest, "image %d %d".formatted(image.width(), image.height()));
      digest.update(image.rgb());
    } else if (medium instanceof Audio audio) {
      update(digest, "audio %d".formatted(audio.sampleRate()));
      ByteBuffer samples = ByteBuffer.allocate(Float.BYTES * audio.samples().length);
      samples.asFloatBuffer().put(audio.samples());
      digest.update(samples);
    } else if (medium instanceof Video video) {
      update(digest, "video %d".formatted(video.frames().size()));
      video.frames().forEach(frame -> update(digest, frame));
    }
  }
}
