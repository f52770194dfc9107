package org.optmerge.benchmark;

import java.io.IOException;

/** A benchmark in files, whose questions are counted when their number is first asked for. */
abstract class FileBenchmark implements Benchmark {
  private final String name;
  private long size = -1; // guarded by this

  FileBenchmark(String name) {
    this.name = name;
  }

  /** Counts the questions. */
  abstract long count() throws IOException;

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final synchronized long size() {
    if (size < 0) {
      try {
        size = count();
      } catch (IOException e) {
        throw new BenchmarkException(String.valueOf(e.getMessage()), e);
      }
    }
    return size;
  }
}
