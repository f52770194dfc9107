package org.optmerge.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.optmerge.base.Sha256;

/** A benchmark in files, whose questions are counted when their number is first asked for. */
abstract class FileBenchmark implements Benchmark {
  private final String name;
  private long size = -1; // guarded by this

  FileBenchmark(String name) {
    this.name = name;
  }

  /** Counts the questions. */
  abstract long count() throws IOException;

  /** The files of the questions, without pictures that lie beside them. */
  abstract List<Path> files();

  /** The questions; one that cannot be asked has a fault. */
  abstract Stream<Question> all();

  @Override
  public final Stream<Question> questions() {
    return all().map(question -> sound(name, question));
  }

  /** A question that can be asked. */
  static Question sound(String benchmark, Question question) {
    question
        .fault()
        .ifPresent(
            fault -> {
              throw new BenchmarkException(
                  "%s, question %s: %s".formatted(benchmark, question.id(), fault));
            });
    return question;
  }

  /** A question as it is, or with the fault that it has no words. */
  static Question withWords(Question question) {
    return question.fault().isEmpty() && question.text().isBlank()
        ? question.withFault("the question is empty")
        : question;
  }

  @Override
  public Stream<Numbered> numbered() {
    long[] next = {0};
    return all().map(question -> new Numbered(next[0]++, question));
  }

  /** The order of rows in which those with one picture follow each other, by its first. */
  static int[] byPicture(List<?> pictures) {
    Map<Object, Integer> first = new HashMap<>();
    int[] begin = new int[pictures.size()];
    for (int row = 0; row < begin.length; row++) {
      Integer before = first.putIfAbsent(pictures.get(row), row);
      begin[row] = before == null ? row : before;
    }
    return IntStream.range(0, begin.length)
        .boxed()
        .sorted(Comparator.comparingInt(row -> begin[row]))
        .mapToInt(row -> row)
        .toArray();
  }

  /** Questions of JSON objects, which are small beside their pictures, by picture. */
  static Stream<Numbered> byPicture(
      Stream<JsonNode> objects,
      Function<JsonNode, List<String>> pictures,
      BiFunction<JsonNode, Integer, Question> read) {
    List<JsonNode> rows;
    try (objects) {
      rows = objects.toList();
    }
    return Arrays.stream(byPicture(rows.stream().map(pictures).toList()))
        .mapToObj(row -> new Numbered(row, read.apply(rows.get(row), row)));
  }

  /** Of the files of the questions; pictures that lie beside them are known by their names. */
  @Override
  public final String digest() {
    return digest(name, files());
  }

  static String digest(String name, List<Path> files) {
    StringBuilder all = new StringBuilder(name);
    try {
      for (Path file : files) {
        all.append('\n').append(Sha256.of(file));
      }
    } catch (IOException e) {
      throw new BenchmarkException("%s: cannot be read: %s".formatted(name, e.getMessage()), e);
    }
    return Sha256.of(all.toString());
  }

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
