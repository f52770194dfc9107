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
record TensorOutcome(String name, long checksum, int blockBytes, double norm, long nonFinite) {
  /** The most bytes that a block may have. */
  private static final int LARGEST_BLOCK = 64 << 20;

  /** True unless these are no values that a merge writes, as those of a damaged line may be. */
  boolean isPossible() {
    return name != null && blockBytes > 0 && blockBytes <= LARGEST_BLOCK && nonFinite >= 0;
  }
}
