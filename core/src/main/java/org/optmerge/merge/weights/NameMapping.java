package org.optmerge.merge.weights;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.optmerge.checkpoint.Wrappers;

/**
 * The names of one model's tensors in another model's layout: the one change of prefixes under
 * which nearly all names and shapes agree.
 *
 * <p>The search looks at kinds of names, which differ in their numbers only, so it takes time in
 * proportion to the number of tensors.
 *
 * @param names the other model's name by the own one, for those that differ
 * @param rules the changes of prefixes that were found, the longest first
 */
public record NameMapping(Map<String, String> names, List<Rule> rules) {
  /** Nothing is renamed. */
  public static final NameMapping NONE = new NameMapping(Map.of(), List.of());

  /** The part of the tensors of either model that must agree. */
  private static final double NEARLY_ALL = 0.9;

  /** Kinds of names that are looked at; more have models only that are made to have more. */
  private static final int MOST_KINDS = 2000;

  private static final Pattern NUMBER = Pattern.compile("(?<=^|\\.)\\d+(?=\\.|$)");

  /** Components that put one model into another, and no meaning of their own on it. */
  private static final Set<String> WRAPPERS =
      Set.of(
          "model",
          "language_model",
          "text_model",
          "llm",
          "transformer",
          "thinker",
          "backbone",
          "base_model",
          "module",
          "net",
          "inner",
          "lm",
          "vlm",
          "decoder",
          "text_decoder",
          "policy");

  /** Words for what a model has beside its language model. */
  private static final Pattern TOWER =
      Pattern.compile("visual|vision|vit|image|audio|speech|video|token2wav|sam_model|qformer");

  /**
   * A change of the beginning of names.
   *
   * @param from how names of the own model begin; empty: all
   * @param to how they begin in the other model
   */
  public record Rule(String from, String to) {
    @Override
    public String toString() {
      return "'%s' is '%s'".formatted(from, to);
    }
  }

  /** Two changes of prefixes fit equally well. */
  public static final class AmbiguousNamesException extends RuntimeException {
    private static final long serialVersionUID = 1;

    AmbiguousNamesException(String message) {
      super(message);
    }
  }

  public NameMapping {
    names = Collections.unmodifiableMap(new LinkedHashMap<>(names));
    rules = List.copyOf(rules);
  }

  /** True if nothing is renamed. */
  public boolean isNone() {
    return names.isEmpty();
  }

  /** The other model's name of a tensor. */
  public String apply(String own) {
    return names.getOrDefault(own, own);
  }

  /** The rules as a sentence has them. */
  public String describe() {
    return rules.stream().map(Rule::toString).collect(Collectors.joining(", "));
  }

  /** The mapping that a user wrote: the longest prefix that a name has decides. */
  public static NameMapping of(Map<String, String> prefixes, Collection<String> own) {
    List<Rule> rules =
        prefixes.entrySet().stream()
            .map(entry -> new Rule(entry.getKey(), entry.getValue()))
            .sorted(Comparator.comparingInt((Rule rule) -> rule.from().length()).reversed())
            .toList();
    Map<String, String> names = new LinkedHashMap<>();
    for (String name : own) {
      rules.stream()
          .filter(rule -> name.startsWith(rule.from()))
          .findFirst()
          .map(rule -> rule.to() + name.substring(rule.from().length()))
          .filter(renamed -> !renamed.equals(name))
          .ifPresent(renamed -> names.put(name, renamed));
    }
    Map<String, String> taken = new LinkedHashMap<>();
    for (String name : own) {
      String other = taken.put(names.getOrDefault(name, name), name);
      if (other != null) {
        throw new IllegalArgumentException(
            "'rename' gives '%s' and '%s' one name, '%s'"
                .formatted(other, name, names.getOrDefault(name, name)));
      }
    }
    return new NameMapping(names, rules);
  }

  /**
   * Looks for the mapping.
   *
   * @param own names of the one model
   * @param reference names of the other, whose layout counts
   * @param fits whether an own tensor can be a tensor of the other, by its shape
   * @return {@link #NONE} if the names are the same, or no change makes nearly all of them so
   * @throws AmbiguousNamesException if two changes fit equally well
   */
  public static NameMapping search(
      Collection<String> own, Collection<String> reference, BiPredicate<String, String> fits) {
    if (new HashSet<>(reference).containsAll(own)) {
      return NONE;
    }
    Map<String, String> bareOwn = bare(own);
    Map<String, String> bareReference = bare(reference);
    Set<String> free = new LinkedHashSet<>(bareReference.keySet());
    Set<String> left = new LinkedHashSet<>();
    int literal = 0;
    for (String name : bareOwn.keySet()) {
      if (free.remove(name)) {
        literal++;
      } else {
        left.add(name);
      }
    }
    Search search =
        new Search(
            left,
            free,
            own.size(),
            (mine, other) ->
                fits.test(
                    bareOwn.getOrDefault(mine, mine), bareReference.getOrDefault(other, other)));
    search.run(bareReference.keySet());
    int agreeing = literal + search.found.size();
    boolean nearlyAll =
        isNearlyAll(agreeing, own.size()) || isNearlyAll(agreeing, reference.size());
    Map<String, String> names = new LinkedHashMap<>();
    bareOwn.forEach(
        (bare, name) -> {
          String other = search.found.getOrDefault(bare, bare);
          String whole = bareReference.getOrDefault(other, other);
          if (!whole.equals(name)) {
            names.put(name, whole);
          }
        });
    return names.isEmpty() || !nearlyAll ? NONE : new NameMapping(names, search.rules);
  }

  /** True also for all but two, if these are fewer than the others. */
  private static boolean isNearlyAll(int agreeing, int all) {
    return agreeing >= NEARLY_ALL * all || (all - agreeing <= 2 && 2 * agreeing > all);
  }

  /** Names by what they are without what compilers and parallel trainers put into them. */
  private static Map<String, String> bare(Collection<String> names) {
    Map<String, String> bare = new LinkedHashMap<>();
    names.forEach(name -> bare.putIfAbsent(Wrappers.without(name), name));
    if (bare.size() < names.size()) {
      bare.clear();
      names.forEach(name -> bare.put(name, name));
    }
    return bare;
  }

  /** A kind of names, as {@code model.layers.#.mlp.up_proj.weight}. */
  private static String kind(String name) {
    return NUMBER.matcher(name).replaceAll("#");
  }

  private static Set<String> towers(String name) {
    Set<String> found = new LinkedHashSet<>();
    Matcher matcher = TOWER.matcher(name);
    while (matcher.find()) {
      found.add(
          switch (matcher.group()) {
            case "vision", "vit", "image", "sam_model", "qformer" -> "visual";
            case "speech" -> "audio";
            default -> matcher.group();
          });
    }
    return found;
  }

  /** A rule with what speaks for it. */
  private record Candidate(Rule rule, boolean sameTower, Map<String, String> names) {
    int changes() {
      return count(rule.from()) + count(rule.to());
    }

    private static int count(String prefix) {
      return (int) prefix.chars().filter(c -> c == '.').count();
    }

    /** True if both give one name to different tensors, or different names to one. */
    boolean contradicts(Candidate other) {
      if (names.entrySet().stream()
          .anyMatch(
              it -> !it.getValue().equals(other.names.getOrDefault(it.getKey(), it.getValue())))) {
        return true;
      }
      Set<String> targets = new LinkedHashSet<>(names.values());
      return other.names.entrySet().stream()
          .anyMatch(it -> targets.contains(it.getValue()) && !names.containsKey(it.getKey()));
    }
  }

  private static final class Search {
    private final Set<String> left;
    private final Set<String> free;
    private final int all;
    private final BiPredicate<String, String> fits;
    private final Map<String, String> found = new LinkedHashMap<>();
    private final List<Rule> rules = new ArrayList<>();

    /** The rules as they were found, for names that are like those that the rules are for. */
    private final List<Rule> chosen = new ArrayList<>();

    Search(Set<String> left, Set<String> free, int all, BiPredicate<String, String> fits) {
      this.left = left;
      this.free = free;
      this.all = all;
      this.fits = fits;
    }

    void run(Set<String> reference) {
      Map<Rule, Boolean> possible = left.isEmpty() || free.isEmpty() ? Map.of() : rules();
      while (!left.isEmpty() && !free.isEmpty()) {
        List<Candidate> candidates = new ArrayList<>();
        possible.forEach(
            (rule, sameTower) -> {
              Map<String, String> names = names(rule);
              if (!names.isEmpty() && (isPlain(rule) || names.size() >= NEARLY_ALL * all)) {
                candidates.add(new Candidate(rule, sameTower, names));
              }
            });
        if (candidates.isEmpty()) {
          break;
        }
        accept(best(candidates));
      }
      chosen.sort(Comparator.comparingInt((Rule rule) -> rule.from().length()).reversed());
      if (!chosen.isEmpty() && !left.isEmpty()) {
        extend(reference);
      }
      rules.sort(Comparator.comparingInt((Rule rule) -> rule.from().length()).reversed());
    }

    private static Candidate best(List<Candidate> candidates) {
      Comparator<Candidate> better =
          Comparator.comparingInt((Candidate it) -> it.names().size())
              .thenComparing(Candidate::sameTower)
              .thenComparing(Comparator.comparingInt(Candidate::changes).reversed());
      Candidate best = Collections.max(candidates, better);
      Optional<Candidate> rival =
          candidates.stream()
              .filter(it -> it != best && better.compare(it, best) == 0 && it.contradicts(best))
              .findFirst();
      if (rival.isPresent()) {
        throw new AmbiguousNamesException(
            "its names fit in two ways: %s, or %s".formatted(best.rule(), rival.get().rule()));
      }
      return best;
    }

    private void accept(Candidate best) {
      found.putAll(best.names());
      left.removeAll(best.names().keySet());
      best.names().values().forEach(free::remove);
      rules.add(specific(best));
      chosen.add(best.rule());
    }

    /** The rule with all that the names that it is for have in common. */
    private static Rule specific(Candidate chosen) {
      String from = chosen.rule().from();
      List<String> rests =
          chosen.names().keySet().stream().map(name -> name.substring(from.length())).toList();
      String common = rests.get(0);
      for (String rest : rests) {
        while (!rest.startsWith(common)) {
          int dot = common.lastIndexOf('.', common.length() - 2);
          common = dot < 0 ? "" : common.substring(0, dot + 1);
        }
      }
      int number = kind(common).indexOf('#');
      String shown = number < 0 ? common : common.substring(0, number);
      shown = shown.substring(0, shown.lastIndexOf('.') + 1);
      return new Rule(from + shown, chosen.rule().to() + shown);
    }

    /**
     * Gives what the other model does not have its layout too, where it has the modules around it:
     * projections that are stored as one tensor here and as several there.
     */
    private void extend(Set<String> reference) {
      Set<String> blocks = new LinkedHashSet<>();
      reference.forEach(name -> blocks.add(block(name)));
      for (String name : List.copyOf(left)) {
        chosen.stream()
            .filter(rule -> name.startsWith(rule.from()))
            .map(rule -> rule.to() + name.substring(rule.from().length()))
            .filter(renamed -> blocks.contains(block(renamed)) && !reference.contains(renamed))
            .findFirst()
            .ifPresent(
                renamed -> {
                  found.put(name, renamed);
                  left.remove(name);
                });
      }
    }

    /** What a layer has its modules in: a name up to the last component but two. */
    private static String block(String name) {
      String path = name.replaceFirst("\\.(weight|bias)$", "");
      path = path.substring(0, Math.max(0, path.lastIndexOf('.')));
      return path.replaceFirst("\\.experts(\\.\\d+)?$", ".experts");
    }

    private Map<String, String> names(Rule rule) {
      Map<String, String> names = new LinkedHashMap<>();
      Set<String> taken = new LinkedHashSet<>();
      for (String name : left) {
        if (name.startsWith(rule.from())) {
          String renamed = rule.to() + name.substring(rule.from().length());
          if (free.contains(renamed) && fits.test(name, renamed) && taken.add(renamed)) {
            names.put(name, renamed);
          }
        }
      }
      return names;
    }

    private static boolean isPlain(Rule rule) {
      return rule.from().isEmpty()
          || rule.to().isEmpty()
          || (areWrappers(rule.from()) && areWrappers(rule.to()));
    }

    private static boolean areWrappers(String prefix) {
      return WRAPPERS.containsAll(List.of(prefix.split("\\.")));
    }

    /** Every change of prefixes that makes an own kind of names one of the other model's. */
    private Map<Rule, Boolean> rules() {
      Map<String, Set<String>> byEnd = new LinkedHashMap<>();
      kinds(free)
          .forEach(kind -> byEnd.computeIfAbsent(end(kind), k -> new LinkedHashSet<>()).add(kind));
      Map<Rule, Boolean> rules = new LinkedHashMap<>();
      for (String own : kinds(left)) {
        for (String other : byEnd.getOrDefault(end(own), Set.of())) {
          Set<String> ownTowers = towers(own);
          Set<String> otherTowers = towers(other);
          boolean same = ownTowers.equals(otherTowers);
          if (same || ownTowers.isEmpty() || otherTowers.isEmpty()) {
            rule(own, other).ifPresent(rule -> rules.merge(rule, same, Boolean::logicalAnd));
          }
        }
      }
      return rules;
    }

    private static Set<String> kinds(Set<String> names) {
      return names.stream()
          .map(NameMapping::kind)
          .distinct()
          .limit(MOST_KINDS)
          .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** The last two components. */
    private static String end(String kind) {
      int dot = kind.lastIndexOf('.');
      return kind.substring(kind.lastIndexOf('.', dot - 1) + 1);
    }

    private static Optional<Rule> rule(String own, String other) {
      int i = own.length();
      int j = other.length();
      int start = -1;
      while (true) {
        int a = own.lastIndexOf('.', i - 1);
        int b = other.lastIndexOf('.', j - 1);
        if (i <= 0 || j <= 0 || !own.substring(a + 1, i).equals(other.substring(b + 1, j))) {
          break;
        }
        start = a + 1;
        i = a;
        j = b;
      }
      if (start < 0) {
        return Optional.empty();
      }
      String from = own.substring(0, start);
      String to = other.substring(0, other.length() - (own.length() - start));
      boolean named = own.substring(start).matches(".*[A-Za-z_].*\\..*");
      return from.contains("#") || to.contains("#") || !named
          ? Optional.empty()
          : Optional.of(new Rule(from, to));
    }
  }
}
