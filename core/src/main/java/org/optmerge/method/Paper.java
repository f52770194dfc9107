package org.optmerge.method;

/**
 * The publication of a merge method.
 *
 * @param citation authors, short title, where and when; the section if it matters
 * @param url its abstract, or where it can be read
 */
public record Paper(String citation, String url) {
  /** Of a method that is described nowhere but in its code. */
  public static final Paper NONE = new Paper("not published", "");
}
