package org.optmerge.benchmark.mini.stage;

import java.util.List;
import java.util.Locale;

/** What can stand on the stage: the one thing that picture, sound and film all show. */
public enum Instrument {
  /** With two sticks; a low thump with noise. */
  DRUM,
  /** With keys and two legs; four harmonics that fade. */
  PIANO,
  /** On end; eight harmonics that fade slowly. */
  GUITAR,
  /** Aslant, with holes; a high tone with vibrato. */
  FLUTE,
  /** With its clapper; three inharmonic partials. */
  BELL;

  /** All of them, in order. */
  public static final List<Instrument> ALL = List.of(values());

  /** Its name, as questions and answers have it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
