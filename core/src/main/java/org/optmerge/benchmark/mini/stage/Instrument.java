package org.optmerge.benchmark.mini.stage;

import java.util.List;
import java.util.Locale;

/** What can stand on the stage: the one thing that picture, sound and film all show. */
public enum Instrument {
  /** A disc; a low thump with noise. */
  DRUM,
  /** A rectangle; a few harmonics that fade. */
  PIANO,
  /** A rhombus; many harmonics. */
  GUITAR,
  /** A bar on end; a high tone with vibrato. */
  FLUTE,
  /** A triangle; inharmonic partials. */
  BELL;

  /** All of them, in order. */
  public static final List<Instrument> ALL = List.of(values());

  /** Its name, as questions and answers have it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
