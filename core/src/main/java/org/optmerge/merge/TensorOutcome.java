package org.optmerge.merge;

/**
 * The record of a finished tensor: enough to trust it after an interruption, and what provenance
 * records of it.
 *
 * @param name the tensor
 * @param checksum CRC-32C over the CRC-32Cs of its blocks
 * @param blockBytes bytes of one such block in the output
 * @param norm Frobenius norm of what was added to the base, λ·τ (of the merged weight itself where
 *     there is no base); 0 for a copy
 * @param nonFinite NaN and infinite values written
 */
record TensorOutcome(String name, long checksum, int blockBytes, double norm, long nonFinite) {}
