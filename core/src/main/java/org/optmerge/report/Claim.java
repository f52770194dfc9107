package org.optmerge.report;

import org.apiguardian.api.API;

/**
 * A claim of a notebook. A notebook whose claim does not hold fails, for its reader and in every
 * test.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class Claim {
  private Claim() {}

  /**
   * States a claim.
   *
   * @param claim a sentence, with its number
   * @param holds whether it does
   * @return the sentence, to be shown under the cell
   * @throws AssertionError if it does not hold
   */
  public static String holds(String claim, boolean holds) {
    if (!holds) {
      throw new AssertionError("does not hold: " + claim);
    }
    return "holds: " + claim;
  }
}
