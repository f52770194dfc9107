package org.optmerge.method;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Where a merge method was published, for {@code optmerge methods}. On a method's record, or on a
 * constant of it that stands for a method with a publication of its own; read by {@link
 * MergeMethods.Named#paper()}.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.FIELD})
public @interface Paper {
  /** Authors, short title, where and when; the section if it matters. */
  String value();

  /** Its abstract, or where it can be read. */
  String url();
}
