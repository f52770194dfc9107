package org.optmerge.benchmark.mini.stage;

import java.util.List;
import org.optmerge.benchmark.mini.Word;

/** An instrument on the stage: the one thing that picture, sound and film all show. */
public enum Instrument implements Word {
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
}
