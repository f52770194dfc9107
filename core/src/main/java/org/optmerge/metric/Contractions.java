package org.optmerge.metric;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The contractions that the VQA evaluators put apostrophes into, such as {@code dont} to {@code
 * don't}: 120 keys, regenerated from the words that they stand for.
 */
final class Contractions {
  /** With one apostrophe: the key is the word without it. */
  private static final List<String> ONCE =
      List.of(
          ("ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd"
                  + " he's how'd how'll how's I'm I've isn't it'd it'll ma'am mightn't might've"
                  + " mustn't must've needn't not've o'clock oughtn't shan't should've shouldn't"
                  + " somebody'll somebody's someone'd someone'll someone's something'd something'll"
                  + " that's there'd there're there's they'd they'll they're they've 'twas wasn't"
                  + " we've weren't what'll what're what's what've when's where'd where's where've"
                  + " who'd who'll who's who've why'll why're why's won't would've wouldn't y'all"
                  + " you'd you'll you're you've")
              .split(" "));

  /** With several: one key for each apostrophe left out. */
  private static final List<String> REPEATEDLY =
      List.of(
          ("couldn't've hadn't've he'd've I'd've it'd've mightn't've she'd've shouldn't've"
                  + " somebody'd've someone'd've something'd've there'd've they'd've we'd've who'd've"
                  + " wouldn't've y'all'll you'd've 'ow's'at y'all'd've")
              .split(" "));

  /** By code points, with keys in capitals that lower-cased text never has. */
  static final SortedMap<String, String> TABLE = table();

  private Contractions() {}

  private static SortedMap<String, String> table() {
    SortedMap<String, String> table = new TreeMap<>();
    for (String word : ONCE) {
      table.put(word.replace("'", ""), word);
    }
    for (String word : REPEATEDLY) {
      for (int i = word.indexOf('\''); i >= 0; i = word.indexOf('\'', i + 1)) {
        table.put(word.substring(0, i) + word.substring(i + 1), word);
      }
    }
    // As published: two that change nothing, and one the wrong way round.
    table.put("let's", "let's");
    table.put("she's", "she's");
    table.put("somebody'd", "somebodyd");
    return Collections.unmodifiableSortedMap(table);
  }
}
