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
  /** The words printed for a type, in the order printed. */
  private record Line(String modality, String type, String words) {}

  private static final List<Line> LINES =
      List.of(
          new Line("Audio", "Counting", "Audio Counting Accuracy"),
          new Line("Audio", "Comparative", "Audio Cmp Accuracy"),
          new Line("Visual", "Counting", "Visual Counting Accuracy"),
          new Line("Visual", "Location", "Visual Loc Accuracy"),
          new Line("Audio-Visual", "Existential", "AV Ext Accuracy"),
          new Line("Audio-Visual", "Counting", "AV counting Accuracy"),
          new Line("Audio-Visual", "Location", "AV Loc Accuracy"),
          new Line("Audio-Visual", "Comparative", "AV Cmp Accuracy"),
          new Line("Audio-Visual", "Temporal", "AV Temporal Accuracy"));

  private MusicAvqaTypes() {}

  /** True if the authors know a type, such as {@code Audio/Counting}. */
  public static boolean isKnown(String modality, String type) {
    return LINES.stream()
        .anyMatch(line -> line.modality.equals(modality) && line.type.equals(type));
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
    for (String modality : List.of("Audio", "Visual", "Audio-Visual")) {
      List<Item> pooled = items.stream().filter(i -> i.modality.equals(modality)).toList();
      for (Line line : LINES) {
        if (line.modality.equals(modality)) {
          groups.put(line.words, pooled.stream().filter(i -> i.type.equals(line.type)).toList());
        }
      }
      groups.put((modality.equals("Audio-Visual") ? "AV" : modality) + " Accuracy", pooled);
    }
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
}
