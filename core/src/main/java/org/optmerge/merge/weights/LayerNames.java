package org.optmerge.merge.weights;

import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The layers of a model, found from the names of its tensors alone: {@code
 * model.layers.3.mlp.up_proj.weight} is in layer 3 of the stack {@code model.layers}. Each stack
 * (vision tower, language model, encoder, decoder …) has its own count.
 *
 * <p>A name's stack is the first path component that is a number, if the numbers with that prefix
 * are those of a stack: the component before is one of the words that models use for it, or they
 * run from 0 without a gap and some suffix is there in every one of them. So the experts of a layer
 * and the entries of a projector are not taken for layers.
 */
public final class LayerNames {
  private static final Set<String> STACK_WORDS =
      Set.of("layers", "layer", "h", "blocks", "block", "resblocks");

  /**
   * The place of a tensor.
   *
   * @param stack the prefix before the number
   * @param layer the number
   * @param suffix what follows it
   */
  public record Place(String stack, int layer, String suffix) {}

  private static final class Candidate {
    private final BitSet numbers = new BitSet();
    private final Map<String, Integer> suffixes = new LinkedHashMap<>();

    boolean isStack(String prefix) {
      int count = numbers.cardinality();
      String word = prefix.substring(prefix.lastIndexOf('.') + 1);
      return STACK_WORDS.contains(word)
          || (count >= 2
              && numbers.length() == count
              && suffixes.values().stream().anyMatch(times -> times == count));
    }
  }

  private final Map<String, Place> places = new LinkedHashMap<>();
  private final Map<String, Integer> counts = new LinkedHashMap<>();

  public LayerNames(Collection<String> names) {
    Map<String, Place> open = new LinkedHashMap<>();
    names.forEach(name -> next(name, 0).ifPresent(place -> open.put(name, place)));
    while (!open.isEmpty()) {
      Map<String, Candidate> candidates = new LinkedHashMap<>();
      for (Place place : open.values()) {
        Candidate candidate = candidates.computeIfAbsent(place.stack(), key -> new Candidate());
        candidate.numbers.set(place.layer());
        candidate.suffixes.merge(place.suffix(), 1, Integer::sum);
      }
      candidates.entrySet().removeIf(entry -> !entry.getValue().isStack(entry.getKey()));
      Map<String, Place> stillOpen = new LinkedHashMap<>();
      open.forEach(
          (name, place) -> {
            if (candidates.containsKey(place.stack())) {
              places.put(name, place);
              counts.merge(place.stack(), place.layer() + 1, Math::max);
            } else {
              next(name, name.length() - place.suffix().length())
                  .ifPresent(other -> stillOpen.put(name, other));
            }
          });
      open.clear();
      open.putAll(stillOpen);
    }
  }

  /** The first number among the path components from {@code from} on. */
  private static Optional<Place> next(String name, int from) {
    int start = from;
    while (start < name.length()) {
      int end = name.indexOf('.', start);
      if (end < 0) {
        return Optional.empty();
      }
      if (start > 0 && end - start <= 6 && isNumber(name, start, end)) {
        return Optional.of(
            new Place(
                name.substring(0, start - 1),
                Integer.parseInt(name.substring(start, end)),
                name.substring(end + 1)));
      }
      start = end + 1;
    }
    return Optional.empty();
  }

  private static boolean isNumber(String name, int start, int end) {
    for (int i = start; i < end; i++) {
      if (name.charAt(i) < '0' || name.charAt(i) > '9') {
        return false;
      }
    }
    return end > start;
  }

  /** The place of a tensor; empty if it is in no layer. */
  public Optional<Place> place(String name) {
    return Optional.ofNullable(places.get(name));
  }

  /** Number of layers of each stack. */
  public Map<String, Integer> counts() {
    return Collections.unmodifiableMap(counts);
  }

  /**
   * The depth of a tensor: 0 in the first layer of its stack, 1 in the last or only one, and 0 for
   * what is in no layer, embedding, final norm and output head alike, as in mergekit.
   */
  public double fraction(String name) {
    Place place = places.get(name);
    return place == null ? 0 : fraction(place.layer(), counts.getOrDefault(place.stack(), 1));
  }

  /** Layer {@code index} of {@code count}. */
  public static double fraction(int index, int count) {
    return count <= 1 ? 1 : (double) index / (count - 1);
  }
}
