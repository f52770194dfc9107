package org.optmerge.speed;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniImage;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;

/** One image of the miniature with its questions and labels; the median bears a busy machine. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
public class MiniGeneratorBenchmark {
  @Param({"VQA", "GEOMETRY", "CHART", "OCR", "GROUNDING", "COMBINED"})
  public MiniTask task;

  private final MiniGenerator generator = new MiniGenerator(MiniGenerator.SEED);
  private int index;

  @Benchmark
  public MiniImage generate() {
    return generator.generate(MiniSplit.TEST, task, index++);
  }
}
