package org.optmerge.taskvector;

/**
 * A piece of the task vectors of one parameter.
 *
 * @param start index of the first entry in the flattened parameter
 * @param length entries in this block
 * @param tau {@code tau[t][i]} is entry {@code start + i} of task vector t; arrays may be longer
 *     than {@code length}; a reader must not keep or change them
 */
public record Block(long start, int length, float[][] tau) {}
