package org.optmerge.model;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Abilities of this machine's processor, as far as Linux says them. */
final class Processor {
  /** Instructions that multiply bfloat16 numbers, on x86 and on ARM. */
  private static final Set<String> BFLOAT16 = Set.of("avx512_bf16", "amx_bf16", "bf16");

  private Processor() {}

  /** The machine's memory in bytes, or what a container may use of it. */
  static long memory() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : Long.MAX_VALUE;
  }

  /** True if the processor multiplies bfloat16 numbers itself; false too where nothing says so. */
  static boolean multipliesBfloat16() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return multipliesBfloat16(lines.toList());
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  /** The same by what {@code /proc/cpuinfo} says. */
  static boolean multipliesBfloat16(List<String> description) {
    return description.stream()
        .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
        .flatMap(line -> Arrays.stream(line.split("\\s+")))
        .anyMatch(BFLOAT16::contains);
  }
}
