package org.optmerge.checkpoint.gguf;

import java.util.Arrays;
import java.util.Optional;

/**
 * The ways in which byte-level tokenizers cut a text into words before pairs are merged: llama.cpp
 * knows them by name, {@code tokenizer.json} by regular expression.
 */
enum PreTokenizer {
  QWEN2(
      "qwen2",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r"
          + "\\n"
          + "\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r"
          + "\\n"
          + "]*|\\s*[\\r"
          + "\\n"
          + "]+|\\s+(?!\\S)|\\s+"),
  LLAMA_BPE(
      "llama-bpe",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r"
          + "\\n"
          + "\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r"
          + "\\n"
          + "]*|\\s*[\\r"
          + "\\n"
          + "]+|\\s+(?!\\S)|\\s+"),
  GPT_2(
      "gpt-2",
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

  private final String name;
  private final String pattern;

  PreTokenizer(String name, String pattern) {
    this.name = name;
    this.pattern = pattern;
  }

  /** {@code tokenizer.ggml.pre}. */
  String ggufName() {
    return name;
  }

  /** The regular expression of {@code tokenizer.json}. */
  String pattern() {
    return pattern;
  }

  static Optional<PreTokenizer> named(String name) {
    String plain = name.equals("llama3") || name.equals("llama-v3") ? "llama-bpe" : name;
    return Arrays.stream(values()).filter(it -> it.name.equals(plain)).findFirst();
  }

  static Optional<PreTokenizer> of(String pattern) {
    return Arrays.stream(values()).filter(it -> it.pattern.equals(pattern)).findFirst();
  }
}
