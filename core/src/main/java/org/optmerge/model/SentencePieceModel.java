package org.optmerge.model;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.base.ProtocolMessage;

/**
 * A {@code tokenizer.model} of SentencePiece: its pieces, and how texts are normalised before they
 * are cut. The file is a protocol buffer; fields that do not matter here are skipped.
 *
 * @param pieces by id
 * @param type of the algorithm
 * @param byteFallback true if characters that no piece has become pieces of their bytes
 * @param addDummyPrefix true if a text gets a blank before it
 * @param removeExtraBlanks true if blanks around a text, and all but one between words, go
 * @param charactersMap compiled rules by which characters are replaced; empty if they are not
 * @see <a href="https://arxiv.org/abs/1808.06226">Kudo and Richardson, SentencePiece, 2018</a>
 */
@SuppressWarnings("ArrayRecordComponent") // passed on at once, never compared
record SentencePieceModel(
    List<Piece> pieces,
    Type type,
    boolean byteFallback,
    boolean addDummyPrefix,
    boolean removeExtraBlanks,
    byte[] charactersMap) {
  /** The algorithms that cut a text. */
  enum Type {
    UNIGRAM,
    BPE
  }

  /** The kinds of pieces, numbered as in the file from 1 on. */
  enum Kind {
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE
  }

  /**
   * A piece.
   *
   * @param text with {@code ▁} for a blank
   * @param score the better, the earlier it is made
   */
  record Piece(String text, float score, Kind kind) {}

  /**
   * Reads the file.
   *
   * @throws ModelException if it is no such file, or its algorithm is neither BPE nor unigram
   */
  static SentencePieceModel of(byte[] file) {
    try {
      return read(new ProtocolMessage(file));
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new ModelException("not a SentencePiece model: " + e.getMessage(), e);
    }
  }

  private static SentencePieceModel read(ProtocolMessage model) {
    List<Piece> pieces = new ArrayList<>();
    Type type = Type.UNIGRAM;
    boolean byteFallback = false;
    boolean addDummyPrefix = true;
    boolean removeExtraBlanks = true;
    byte[] charactersMap = new byte[0];
    while (model.next()) {
      switch (model.field()) {
        case 1 -> pieces.add(piece(model.message()));
        case 2 -> {
          ProtocolMessage trainer = model.message();
          while (trainer.next()) {
            if (trainer.field() == 3) {
              type = type(trainer.number());
            } else if (trainer.field() == 35) {
              byteFallback = trainer.number() != 0;
            }
          }
        }
        case 3 -> {
          ProtocolMessage normalizer = model.message();
          while (normalizer.next()) {
            switch (normalizer.field()) {
              case 2 -> charactersMap = normalizer.bytes();
              case 3 -> addDummyPrefix = normalizer.number() != 0;
              case 4 -> removeExtraBlanks = normalizer.number() != 0;
              default -> {
                // Names and rules in words: the compiled rules say it all.
              }
            }
          }
        }
        default -> {
          // Tests and rules for decoding, which published models lack.
        }
      }
    }
    if (pieces.isEmpty()) {
      throw new ModelException("not a SentencePiece model: it has no pieces");
    }
    return new SentencePieceModel(
        pieces, type, byteFallback, addDummyPrefix, removeExtraBlanks, charactersMap);
  }

  private static Type type(long number) {
    if (number != 1 && number != 2) {
      throw new ModelException(
          "a SentencePiece model of type %d; known: unigram (1) and BPE (2)".formatted(number));
    }
    return number == 1 ? Type.UNIGRAM : Type.BPE;
  }

  private static Piece piece(ProtocolMessage message) {
    String text = "";
    float score = 0;
    Kind kind = Kind.NORMAL;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> text = new String(message.bytes(), StandardCharsets.UTF_8);
        case 2 -> score = Float.intBitsToFloat((int) message.number());
        case 3 -> kind = Kind.values()[(int) message.number() - 1];
        default -> {
          // Nothing else is known of a piece.
        }
      }
    }
    return new Piece(text, score, kind);
  }
}
