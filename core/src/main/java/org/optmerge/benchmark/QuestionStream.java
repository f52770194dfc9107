package org.optmerge.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
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
    return StreamSupport.stream(
            new Spliterators.AbstractSpliterator<T>(
                Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL) {
              @Override
              public boolean tryAdvance(Consumer<? super T> action) {
                try {
                  T next = source.next();
                  if (next != null) {
                    action.accept(next);
                  }
                  return next != null;
                } catch (IOException e) {
                  throw new BenchmarkException(String.valueOf(e.getMessage()), e);
                }
              }
            },
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
