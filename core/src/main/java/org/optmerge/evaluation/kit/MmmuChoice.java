package org.optmerge.evaluation.kit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.python.PythonText;

/** The option that a response to MMMU names, as its authors' script finds it. */
final class MmmuChoice {
  private static final int SHORT = 5;

  private MmmuChoice() {}

  /**
   * The letter: the last in brackets, else the last as a word, else in a longer response that of
   * the option whose text comes last.
   *
   * @param sample has {@code all_choices} and {@code index2ans}
   * @return empty if there is none, where the script guesses
   */
  static String parsed(String response, ObjectNode sample) {
    String text = response;
    for (char mark : ",.!?;:'".toCharArray()) {
      text = stripped(text, mark);
    }
    text = " " + text + " ";
    List<String> choices = new ArrayList<>();
    sample.path("all_choices").forEach(choice -> choices.add(choice.asText()));
    Map<String, Integer> found = places(text, choices, "(%s)");
    if (found.isEmpty()) {
      found = places(text, choices, " %s ");
    }
    if (found.isEmpty() && PythonText.split(text).size() > SHORT) {
      String lower = PythonText.lower(text);
      for (var option : sample.path("index2ans").properties()) {
        int at = lower.lastIndexOf(PythonText.lower(option.getValue().asText()));
        if (at >= 0) {
          found.put(option.getKey(), at);
        }
      }
    }
    String last = "";
    int latest = -1;
    for (Map.Entry<String, Integer> choice : found.entrySet()) {
      if (choice.getValue() > latest) {
        last = choice.getKey();
        latest = choice.getValue();
      }
    }
    return last;
  }

  private static Map<String, Integer> places(String text, List<String> choices, String form) {
    Map<String, Integer> places = new LinkedHashMap<>();
    for (String choice : choices) {
      int at = text.lastIndexOf(form.formatted(choice));
      if (at >= 0) {
        places.put(choice, at);
      }
    }
    return places;
  }

  private static String stripped(String text, char mark) {
    int from = 0;
    int to = text.length();
    while (from < to && text.charAt(from) == mark) {
      from++;
    }
    while (to > from && text.charAt(to - 1) == mark) {
      to--;
    }
    return text.substring(from, to);
  }
}
