package org.optmerge.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.model.DecoderModel.View;

/**
 * Prompts that are read together: one, or several about the same media, whose common beginning is
 * read once.
 *
 * @param shared ids that they begin with alike, all media among them; 0 for a prompt by itself
 * @param prompts at least one
 */
record PromptUnit(int shared, List<Asked> prompts) {
  /** A shorter beginning is not worth a step of its own. */
  private static final int WORTH = 32;

  PromptUnit {
    prompts = List.copyOf(prompts);
  }

  /**
   * A prompt as token ids.
   *
   * @param index among all prompts
   * @param media in the order of the text
   * @param ids of its tokens
   * @param text the place after the last token of a medium
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Asked(int index, List<View> media, long[] ids, int text) {
    int length() {
      return ids.length;
    }
  }

  int longest() {
    return prompts.stream().mapToInt(Asked::length).max().orElseThrow();
  }

  /** What comes after the common beginning. */
  List<long[]> rests() {
    return prompts.stream()
        .map(asked -> Arrays.copyOfRange(asked.ids, shared, asked.ids.length))
        .toList();
  }

  /**
   * Prompts, those about the same media together.
   *
   * @param most prompts of a unit
   * @return from short to long
   */
  static List<PromptUnit> of(List<Asked> all, int most) {
    List<PromptUnit> units = new ArrayList<>();
    Map<List<View>, List<Asked>> byMedia = new LinkedHashMap<>();
    for (Asked asked : all) {
      byMedia.computeIfAbsent(asked.media, media -> new ArrayList<>()).add(asked);
    }
    for (List<Asked> same : byMedia.values()) {
      int shared = shared(same);
      if (shared == 0) {
        same.forEach(asked -> units.add(new PromptUnit(0, List.of(asked))));
      } else {
        for (int from = 0; from < same.size(); from += most) {
          List<Asked> some = same.subList(from, Math.min(from + most, same.size()));
          units.add(new PromptUnit(some.size() == 1 ? 0 : shared, some));
        }
      }
    }
    units.sort(Comparator.comparingInt(PromptUnit::longest));
    return units;
  }

  /** The length of the common beginning that is worth to be read once; 0 if there is none. */
  private static int shared(List<Asked> same) {
    long[] first = same.get(0).ids;
    int shared = first.length - 1;
    int text = 0;
    for (Asked asked : same) {
      int differs = Arrays.mismatch(first, asked.ids);
      shared = Math.min(shared, differs < 0 ? first.length - 1 : differs);
      shared = Math.min(shared, asked.ids.length - 1);
      text = Math.max(text, asked.text);
    }
    return same.size() > 1 && shared >= Math.max(WORTH, text) ? shared : 0;
  }

  /**
   * Units that are decoded together.
   *
   * @param most prompts of a batch; a unit has no more
   */
  static List<List<PromptUnit>> batches(List<PromptUnit> units, int most) {
    List<List<PromptUnit>> batches = new ArrayList<>();
    int count = most;
    for (PromptUnit unit : units) {
      count += unit.prompts.size();
      if (count > most) {
        batches.add(new ArrayList<>());
        count = unit.prompts.size();
      }
      batches.get(batches.size() - 1).add(unit);
    }
    return batches;
  }
}
