package org.optmerge.benchmark;

import java.util.stream.Stream;

/** A set of questions with a name. */
public interface Benchmark {
  /**
   * The name that commands and result files use, such as {@code mini:chart} or {@code
   * ChartQA_TEST}.
   */
  String name();

  /** How many questions there are. */
  long size();

  /**
   * The questions, always in the same order, read or generated as they are asked for: a large file
   * is never in memory as a whole. The stream is to be closed.
   */
  Stream<Question> questions();
}
