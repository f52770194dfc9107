package org.optmerge.checkpoint.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.base.ProtocolMessage;
import org.optmerge.base.ProtocolMessage.Wire;

/**
 * The pieces of a SentencePiece model, {@code tokenizer.model}: a protocol buffer whose field 1
 * repeats pieces of text (1), score (2) and type (3).
 *
 * @see <a
 *     href="https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto">sentencepiece_model.proto</a>
 */
record SentencePieceModel(List<Piece> pieces) {
  private static final int VARINT = 0;
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
    ProtocolMessage model = new ProtocolMessage(bytes);
    while (model.next()) {
      if (model.field() == 1 && model.wire() == Wire.BYTES) {
        pieces.add(piece(model.message()));
      }
    }
    return new SentencePieceModel(pieces);
  }

  private static Piece piece(ProtocolMessage message) {
    String text = "";
    float score = 0;
    TokenType type = TokenType.NORMAL;
    while (message.next()) {
      if (message.field() == 1 && message.wire() == Wire.BYTES) {
        text = new String(message.bytes(), StandardCharsets.UTF_8);
      } else if (message.field() == 2 && message.wire() == Wire.FIXED32) {
        score = Float.intBitsToFloat((int) message.number());
      } else if (message.field() == 3 && message.wire() == Wire.NUMBER) {
        type = TokenType.of(message.number());
      }
    }
    return new Piece(text, score, type);
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
