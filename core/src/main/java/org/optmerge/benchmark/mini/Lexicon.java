package org.optmerge.benchmark.mini;

import java.util.List;

/** The words and numbers that are written on images. */
final class Lexicon {
  /** Words of three to six letters; each letter of the alphabet is in some. */
  static final List<String> WORDS =
      List.of(
          """
          ACE APPLE BAKE BEACH BIRD BOOK BOX BRICK CAFE CHESS CITY CLOUD COZY CUP DANCE DESK DOOR
          EAGLE EARTH EXIT FIELD FISH FLAG FOX GAME GHOST GLASS GOLD HAWK HONEY HOTEL ICE IDEA
          IRON JAZZ JOKER JUDGE KING KITE LAMP LEMON LUCKY MAGIC MAP MILK MOUSE NIGHT NINE OCEAN
          OPEN OWL PAPER PIANO PIZZA QUEEN QUICK QUIZ RADIO RIVER ROBOT SALT SHIP SNOW STAR TAXI
          TIGER TOWER UNIT URBAN VALUE VIDEO VOICE WATER WHEEL YACHT YOUNG ZEBRA ZERO
          """
              .strip()
              .split("\\s+"));

  private Lexicon() {}

  /** A word, or a number of two to four digits. */
  static String any(Dice dice) {
    if (dice.chance(.6)) {
      return dice.pick(WORDS);
    }
    StringBuilder number = new StringBuilder();
    for (int digits = dice.between(2, 4); digits > 0; digits--) {
      number.append(dice.below(10));
    }
    return number.toString();
  }
}
