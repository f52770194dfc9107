package org.optmerge.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkersTest {
  private static final List<Integer> HUNDRED = IntStream.range(0, 100).boxed().toList();

  @Test
  void results_come_in_the_order_of_the_items() {
    List<Integer> squares = HUNDRED.stream().map(it -> it * it).toList();

    assertThat(Workers.map(3, HUNDRED, it -> it * it)).isEqualTo(squares);
    try (Workers workers = Workers.forking(3)) {
      assertThat(workers.map(HUNDRED, it -> it * it)).isEqualTo(squares);
      assertThat(workers.map(List.<Integer>of(), it -> it)).isEmpty();
    }
  }

  @Test
  void as_many_threads_work_as_were_asked_for_and_each_is_prepared() {
    Set<Thread> prepared = ConcurrentHashMap.newKeySet();
    Set<Thread> used = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(3);

    try (Workers workers = Workers.plain(3, "test", () -> prepared.add(Thread.currentThread()))) {
      workers.forEach(
          HUNDRED,
          it -> {
            used.add(Thread.currentThread());
            all.countDown();
            all.await();
          });
    }

    assertThat(used).hasSize(3).isSubsetOf(prepared);
  }

  @Test
  void the_foremost_failure_is_thrown_and_what_has_not_begun_never_begins() {
    AtomicInteger begun = new AtomicInteger();

    assertThatThrownBy(
            () ->
                Workers.map(
                    1,
                    HUNDRED,
                    it -> {
                      begun.incrementAndGet();
                      if (it >= 7) {
                        throw new IllegalStateException("item " + it);
                      }
                      return it;
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("item 7");

    assertThat(begun).hasValue(8);
  }

  @Test
  void a_failure_is_thrown_only_when_the_others_have_ended() {
    CountDownLatch bothAtWork = new CountDownLatch(2);
    AtomicBoolean ended = new AtomicBoolean();

    assertThatThrownBy(
            () ->
                Workers.map(
                    2,
                    List.of(0, 1),
                    it -> {
                      bothAtWork.countDown();
                      bothAtWork.await();
                      if (it == 0) {
                        throw new IOException("disk");
                      }
                      Thread.sleep(50);
                      ended.set(true);
                      return it;
                    }))
        .isInstanceOf(UncheckedIOException.class)
        .hasRootCauseMessage("disk");

    assertThat(ended).isTrue();
  }

  @Test
  void where_asked_for_a_failure_interrupts_the_others_and_is_the_one_thrown() {
    CountDownLatch bothAtWork = new CountDownLatch(2);

    assertThatThrownBy(
            () -> {
              try (Workers workers = Workers.interrupting(2, "test", () -> {})) {
                workers.forEach(
                    List.of(0, 1),
                    it -> {
                      bothAtWork.countDown();
                      bothAtWork.await();
                      if (it == 1) {
                        throw new IllegalStateException("the cause");
                      }
                      Thread.sleep(50_000); // ends by the interruption, with an exception
                    });
              }
            })
        .hasMessage("the cause");
  }

  @Test
  void an_interrupted_caller_stops_the_work_and_stays_interrupted() {
    Thread caller = Thread.currentThread();
    AtomicInteger done = new AtomicInteger();
    try {
      assertThatThrownBy(
              () ->
                  Workers.map(
                      2,
                      HUNDRED,
                      it -> {
                        caller.interrupt();
                        Thread.sleep(20);
                        return done.incrementAndGet();
                      }))
          .isInstanceOf(InterruptedWorkException.class);

      assertThat(caller.isInterrupted()).isTrue();
      assertThat(done.get()).isLessThan(100);
    } finally {
      Thread.interrupted();
    }
  }
}
