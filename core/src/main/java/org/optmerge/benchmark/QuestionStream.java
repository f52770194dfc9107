package org.optmerge.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** A stream over something that is read step by step and closed at the end. */
final class QuestionStream {
  /** Gives one after the other, then null. */
  interface Source<T> extends AutoCloseable {
    @Nullable T next() throws IOException;

    @Override
    void close() throws IOException;
  }

  private QuestionStream() {}

  static <T> Stream<T> of(Source<T> source) {
    Iterator<T> iterator =
        new Iterator<>() {
          private @Nullable T ahead;
          private boolean ended;

          @Override
          public boolean hasNext() {
            if (ahead == null && !ended) {
              try {
                ahead = source.next();
              } catch (IOException e) {
                throw new BenchmarkException(String.valueOf(e.getMessage()), e);
              }
              ended = ahead == null;
            }
            return !ended;
          }

          @Override
          public T next() {
            if (!hasNext() || ahead == null) {
              throw new NoSuchElementException();
            }
            T next = ahead;
            ahead = null;
            return next;
          }
        };
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(
                iterator, Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(
            () -> {
              try {
                source.close();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
  }
}
