package org.optmerge.checkpoint.gguf;

/** The kinds of tokens, numbered as in SentencePiece and in GGUF. */
enum TokenType {
  NORMAL,
  UNKNOWN,
  CONTROL,
  USER_DEFINED,
  UNUSED,
  BYTE;

  /** The number in a file. */
  int number() {
    return ordinal() + 1;
  }

  static TokenType of(long number) {
    return number >= 1 && number <= values().length ? values()[(int) number - 1] : NORMAL;
  }
}
