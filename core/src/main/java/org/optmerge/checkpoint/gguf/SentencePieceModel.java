package org.optmerge.checkpoint.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The pieces of a SentencePiece model, {@code tokenizer.model}: a protocol buffer whose field 1
 * repeats pieces of text (1), score (2) and type (3).
 *
 * @see <a
 *     href="https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto">sentencepiece_model.proto</a>
 */
record SentencePieceModel(List<Piece> pieces) {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  /** A token with its logarithmic probability or rank. */
  record Piece(String text, float score, TokenType type) {}

  /**
   * Reads a model's pieces; other settings are passed over.
   *
   * @throws IllegalArgumentException if it is no such file
   */
  static SentencePieceModel parse(byte[] bytes) {
    List<Piece> pieces = new ArrayList<>();
    Fields fields = new Fields(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    while (fields.next()) {
      if (fields.number == 1 && fields.wire == BYTES) {
        pieces.add(piece(fields.message()));
      } else {
        fields.skip();
      }
    }
    return new SentencePieceModel(pieces);
  }

  private static Piece piece(ByteBuffer message) {
    String text = "";
    float score = 0;
    TokenType type = TokenType.NORMAL;
    Fields fields = new Fields(message);
    while (fields.next()) {
      if (fields.number == 1 && fields.wire == BYTES) {
        text = StandardCharsets.UTF_8.decode(fields.message()).toString();
      } else if (fields.number == 2 && fields.wire == FIXED32) {
        score = fields.buffer.getFloat();
      } else if (fields.number == 3 && fields.wire == VARINT) {
        type = TokenType.of(fields.varint());
      } else {
        fields.skip();
      }
    }
    return new Piece(text, score, type);
  }

  /** Fields of a message in turn. */
  private static final class Fields {
    final ByteBuffer buffer;
    int number;
    int wire;

    Fields(ByteBuffer buffer) {
      this.buffer = buffer;
    }

    boolean next() {
      if (!buffer.hasRemaining()) {
        return false;
      }
      long tag = varint();
      number = (int) (tag >>> 3);
      wire = (int) (tag & 7);
      return true;
    }

    long varint() {
      long value = 0;
      for (int shift = 0; shift < 64 && buffer.hasRemaining(); shift += 7) {
        byte next = buffer.get();
        value |= (next & 0x7fL) << shift;
        if (next >= 0) {
          return value;
        }
      }
      throw new IllegalArgumentException("a number does not end");
    }

    ByteBuffer message() {
      long length = varint();
      if (length < 0 || length > buffer.remaining()) {
        throw new IllegalArgumentException("a field is longer than the file");
      }
      ByteBuffer inner =
          buffer.slice(buffer.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
      buffer.position(buffer.position() + (int) length);
      return inner;
    }

    void skip() {
      switch (wire) {
        case VARINT -> varint();
        case BYTES -> message();
        case FIXED32, FIXED64 -> {
          int width = wire == FIXED32 ? 4 : 8;
          if (buffer.remaining() < width) {
            throw new IllegalArgumentException("the file ends inside a field");
          }
          buffer.position(buffer.position() + width);
        }
        default -> throw new IllegalArgumentException("a field of unknown kind " + wire);
      }
    }
  }

  /** The model as a file: byte-pair encoding with bytes to fall back on, as Llama's. */
  byte[] bytes(boolean spacePrefix) {
    Message model = new Message();
    for (Piece piece : pieces) {
      Message message = new Message();
      message.bytes(1, piece.text.getBytes(StandardCharsets.UTF_8));
      message.fixed(2, piece.score);
      message.number(3, piece.type.number());
      model.bytes(1, message.out.toByteArray());
    }
    Message trainer = new Message();
    trainer.number(3, 2); // byte-pair encoding
    trainer.number(4, pieces.size());
    trainer.number(35, 1); // bytes to fall back on
    model.bytes(2, trainer.out.toByteArray());
    Message normalizer = new Message();
    normalizer.bytes(1, "identity".getBytes(StandardCharsets.UTF_8));
    normalizer.number(3, spacePrefix ? 1 : 0);
    normalizer.number(4, 0); // white space is kept
    normalizer.number(5, 1); // and written as U+2581
    model.bytes(3, normalizer.out.toByteArray());
    return model.out.toByteArray();
  }

  private static final class Message {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void number(int field, long value) {
      varint((long) field << 3 | VARINT);
      varint(value);
    }

    void fixed(int field, float value) {
      varint((long) field << 3 | FIXED32);
      byte[] four = new byte[4];
      ByteBuffer.wrap(four).order(ByteOrder.LITTLE_ENDIAN).putFloat(value);
      out.writeBytes(four);
    }

    void bytes(int field, byte[] value) {
      varint((long) field << 3 | BYTES);
      varint(value.length);
      out.writeBytes(value);
    }

    private void varint(long value) {
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        out.write((int) (rest & 0x7f | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }
  }
}
