package org.optmerge.metric;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The accuracy of MUSIC-AVQA by type of question, pooled within audio, visual and audio-visual, as
 * its authors print it.
 *
 * @see <a href="https://arxiv.org/abs/2203.14072">Li et al., Learning to Answer Questions in
 *     Dynamic Audio-Visual Scenarios, CVPR 2022, Table 3</a>
 */
public final class MusicAvqaTypes {
  /** Modality, then type, to the words printed; in the order printed. */
  private static final Map<String, Map<String, String>> LINES = lines();

  private MusicAvqaTypes() {}

  /** Whether the authors know a type, such as {@code Audio/Counting}. */
  public static boolean isKnown(String modality, String type) {
    return LINES.getOrDefault(modality, Map.of()).containsKey(type);
  }

  /**
   * One scored question.
   *
   * @param modality {@code Audio}, {@code Visual} or {@code Audio-Visual}
   * @param type such as {@code Counting}
   * @param correct whether it was answered right
   */
  public record Item(String modality, String type, boolean correct) {}

  /**
   * Percent right for every type, modality and over all, by the words that the authors print.
   *
   * @throws MetricException if a type or modality is unknown
   * @throws ArithmeticException if a type has no question: there is no accuracy of nothing
   */
  public static Map<String, Double> percentages(List<Item> items) {
    return percentages(items, false);
  }

  /** As {@link #percentages(List)}, without the types that have no question. */
  public static Map<String, Double> presentPercentages(List<Item> items) {
    return percentages(items, true);
  }

  private static Map<String, Double> percentages(List<Item> items, boolean presentOnly) {
    for (Item item : items) {
      if (!isKnown(item.modality, item.type)) {
        throw new MetricException(
            "MUSIC-AVQA has no questions of type '%s' about '%s'"
                .formatted(item.type, item.modality));
      }
    }
    Map<String, List<Item>> groups = new LinkedHashMap<>();
    LINES.forEach(
        (modality, types) -> {
          List<Item> pooled = items.stream().filter(i -> i.modality.equals(modality)).toList();
          types.forEach(
              (type, words) ->
                  groups.put(words, pooled.stream().filter(i -> i.type.equals(type)).toList()));
          groups.put((modality.equals("Audio-Visual") ? "AV" : modality) + " Accuracy", pooled);
        });
    groups.put("Overall Accuracy", items);
    Map<String, Double> percentages = new LinkedHashMap<>();
    groups.forEach(
        (words, members) -> {
          if (!presentOnly || !members.isEmpty()) {
            percentages.put(words, percent(words, members));
          }
        });
    return percentages;
  }

  private static double percent(String what, List<Item> items) {
    if (items.isEmpty()) {
      throw new ArithmeticException(what + ": no questions of this type");
    }
    return 100.0 * items.stream().filter(Item::correct).count() / items.size();
  }

  private static Map<String, Map<String, String>> lines() {
    Map<String, Map<String, String>> lines = new LinkedHashMap<>();
    Map<String, String> audio = new LinkedHashMap<>();
    audio.put("Counting", "Audio Counting Accuracy");
    audio.put("Comparative", "Audio Cmp Accuracy");
    lines.put("Audio", audio);
    Map<String, String> visual = new LinkedHashMap<>();
    visual.put("Counting", "Visual Counting Accuracy");
    visual.put("Location", "Visual Loc Accuracy");
    lines.put("Visual", visual);
    Map<String, String> both = new LinkedHashMap<>();
    both.put("Existential", "AV Ext Accuracy");
    both.put("Counting", "AV counting Accuracy");
    both.put("Location", "AV Loc Accuracy");
    both.put("Comparative", "AV Cmp Accuracy");
    both.put("Temporal", "AV Temporal Accuracy");
    lines.put("Audio-Visual", both);
    return lines;
  }
}
