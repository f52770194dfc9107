package org.optmerge.method;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.ServiceLoader.Provider;
import org.apiguardian.api.API;
import org.optmerge.base.Suggestion;

/**
 * Every merge method that has a name, by its name. The methods come from the {@link
 * MethodProvider}s on the class path: {@link OfficialMethods}, {@link PeerMethods}, {@link
 * MergekitMethods}, those of {@code interference}, and any of a user's own.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class MergeMethods {
  /** All methods: those of the paper in its order, those of its peers, mergekit's, others. */
  public static final List<NamedMethod> ALL =
      collect(
          ServiceLoader.load(MethodProvider.class, MergeMethods.class.getClassLoader()).stream()
              .map(Provider::get)
              .toList());

  private MergeMethods() {}

  /**
   * The methods of all providers, by origin, within it as the providers have them.
   *
   * @throws IllegalStateException if two methods have one name
   */
  static List<NamedMethod> collect(List<MethodProvider> providers) {
    Map<String, MethodProvider> owners = new HashMap<>();
    List<NamedMethod> all = new ArrayList<>();
    for (MethodProvider provider : providers) {
      for (NamedMethod method : provider.methods()) {
        MethodProvider other = owners.put(method.name(), provider);
        if (other != null) {
          throw new IllegalStateException(
              "two merge methods are called '%s', of %s and of %s; rename one"
                  .formatted(
                      method.name(), other.getClass().getName(), provider.getClass().getName()));
        }
        all.add(method);
      }
    }
    all.sort(Comparator.comparing(NamedMethod::origin));
    return List.copyOf(all);
  }

  /** The names, in the order of {@link #ALL}. */
  public static List<String> names() {
    return ALL.stream().map(NamedMethod::name).toList();
  }

  /**
   * A method by its name, or by its full name such as {@code mergekit:ties}. {@code -} and {@code
   * _} may be exchanged where only one method has the name that way.
   *
   * @throws IllegalArgumentException if there is none; the message suggests one
   */
  public static NamedMethod named(String name) {
    return ALL.stream()
        .filter(named -> named.name().equals(name) || named.fullName().equals(name))
        .findFirst()
        .or(() -> ALL.stream().filter(named -> sameWords(named.name(), name)).findFirst())
        .or(() -> ALL.stream().filter(named -> sameWords(named.fullName(), name)).findFirst())
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no merge method '%s'%s; known: %s"
                        .formatted(name, Suggestion.forWord(name, names()), names())));
  }

  /**
   * The other method of the same words, such as mergekit's {@code dare_ties} for the official
   * {@code dare-ties}; empty if there is none.
   */
  public static Optional<NamedMethod> lookAlike(NamedMethod method) {
    return ALL.stream()
        .filter(other -> !other.equals(method) && sameWords(other.name(), method.name()))
        .findFirst();
  }

  /**
   * Says which method an ambiguous name stands for and what the other is called; empty if the name
   * as given leaves no doubt, being unlike any other or having its origin before it.
   *
   * @param given as in the recipe
   */
  public static Optional<String> disambiguation(String given) {
    NamedMethod method = named(given);
    if (given.indexOf(':') >= 0) {
      return Optional.empty();
    }
    return lookAlike(method)
        .map(
            other ->
                "'%s' is %s; the method of %s is called %s"
                    .formatted(
                        method.name(),
                        described(method),
                        other.origin().label(),
                        described(other)));
  }

  private static String described(NamedMethod method) {
    return "%s (%s, λ = %s unless given)"
        .formatted(method.fullName(), method.summary(), method.scaling());
  }

  private static boolean sameWords(String a, String b) {
    return a.replace('-', '_').equals(b.replace('-', '_'));
  }
}
