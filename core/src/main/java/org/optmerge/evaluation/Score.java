package org.optmerge.evaluation;

/**
 * The mean score of some examples.
 *
 * @param name of the group, such as {@code Overall} or {@code test_human}
 * @param interval of the mean, in [0, 1]
 * @param examples how many there are
 */
public record Score(String name, Interval interval, int examples) {}
