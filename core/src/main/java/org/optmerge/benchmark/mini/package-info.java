/**
 * The miniature benchmark: images of 48 × 48 pixels and questions about them, drawn from a seed,
 * for the five capabilities of the paper and a sixth set that needs two at once.
 *
 * <p>{@link org.optmerge.benchmark.mini.MiniGenerator} draws an image, {@link
 * org.optmerge.benchmark.mini.Dialogue} writes its questions as tokens of {@link
 * org.optmerge.benchmark.mini.WordVocabulary}, {@link org.optmerge.benchmark.mini.CapabilityMetric}
 * judges an answer, {@link org.optmerge.benchmark.mini.CapabilityBenchmark} is all of it as a
 * benchmark.
 */
@NullMarked
package org.optmerge.benchmark.mini;

import org.jspecify.annotations.NullMarked;
