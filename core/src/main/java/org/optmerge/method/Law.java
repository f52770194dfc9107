package org.optmerge.method;

/** A property that every merge method is tested for, unless it is listed as an exception. */
public enum Law {
  /** Permuting the experts, with their parameters, leaves the result. */
  PERMUTATION("order"),
  /** Twice the inputs give twice the result. */
  SCALE("scale"),
  /** The negative inputs give the negative result. */
  SIGN("sign"),
  /** Of one input nothing but that input comes, if nothing is dropped. */
  SINGLE("single");

  private final String label;

  Law(String label) {
    this.label = label;
  }

  /** In one word, for tables. */
  public String label() {
    return label;
  }
}
