package org.optmerge.method;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Suggestion;

/**
 * The hyperparameters of a method as a recipe sees them: the components of its record, in {@code
 * snake_case}, those of records inside it in the same namespace.
 *
 * <p>{@code seed} components come from the run, {@link FixedByName} components and the {@link
 * MergeMethod.Operand} from the method's name; none of them is a parameter.
 */
public final class MethodParameters {
  private MethodParameters() {}

  /** The kind of values that a parameter takes. */
  public enum Kind {
    NUMBER("a number"),
    INTEGER("an integer"),
    BOOLEAN("true or false"),
    CHOICE("one of a few words");

    private final String expected;

    Kind(String expected) {
      this.expected = expected;
    }

    /** In words, for messages. */
    public String expected() {
      return expected;
    }
  }

  /**
   * One parameter.
   *
   * @param name in {@code snake_case}, as in recipes
   * @param kind what values it takes
   * @param perModel true if each model may have its own
   * @param defaultValue a {@code Double}, {@code Long}, {@code Boolean} or {@code String}, a {@code
   *     List<Double>} if models differ; empty if it has none
   * @param required true if it must be given
   * @param choices the words, if {@code kind} is {@link Kind#CHOICE}
   * @param help one line, possibly empty
   */
  public record Parameter(
      String name,
      Kind kind,
      boolean perModel,
      Optional<Object> defaultValue,
      boolean required,
      List<String> choices,
      String help) {
    public Parameter {
      choices = List.copyOf(choices);
    }

    /** The values allowed, in words. */
    public String expected() {
      return kind == Kind.CHOICE ? "one of " + choices : kind.expected();
    }
  }

  /** The parameters of a method; none if it is not a record. */
  public static List<Parameter> of(MergeMethod method) {
    Map<String, Parameter> found = new LinkedHashMap<>();
    if (method instanceof Record settings) {
      collect(settings, found);
    }
    return List.copyOf(found.values());
  }

  /**
   * The method with other values.
   *
   * @param name the method's name, for messages
   * @param defaults an instance with the defaults
   * @param values by parameter name: a {@code Number}, {@code Boolean} or {@code String}; for a
   *     per-model parameter also a {@code List} with a number for each model. {@code seed} sets
   *     every seed and is ignored by methods without.
   * @throws ParameterException if a name is unknown, a value is of the wrong type or out of range;
   *     the message names the parameter, what was expected and what came
   */
  public static MergeMethod bind(String name, MergeMethod defaults, Map<String, ?> values) {
    try {
      return rebuilt(name, defaults, values);
    } catch (ParameterException e) {
      throw e.of(name); // a record knows itself by another name than the list does
    }
  }

  private static MergeMethod rebuilt(String name, MergeMethod defaults, Map<String, ?> values) {
    List<String> known = of(defaults).stream().map(Parameter::name).toList();
    for (String key : values.keySet()) {
      if (!known.contains(key) && !key.equals("seed")) {
        throw new ParameterException(
            name,
            key,
            "no parameter '%s'%s; known: %s".formatted(key, Suggestion.forWord(key, known), known));
      }
    }
    return defaults instanceof Record settings
        ? (MergeMethod) rebuild(name, settings, values)
        : defaults;
  }

  /** {@link #bind(String, MergeMethod, Map)} for a method that messages call as its record does. */
  public static MergeMethod bind(MergeMethod defaults, Map<String, ?> values) {
    return rebuilt(defaults.getClass().getSimpleName(), defaults, values);
  }

  /** {@code dropRate} becomes {@code drop_rate}. */
  static String snakeCase(String component) {
    return component.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
  }

  private static boolean isParameter(RecordComponent component) {
    return !component.isAnnotationPresent(FixedByName.class)
        && component.getType() != MergeMethod.Operand.class
        && !isSeed(component);
  }

  private static boolean isSeed(RecordComponent component) {
    return component.getName().equals("seed") && component.getType() == long.class;
  }

  private static void collect(Record settings, Map<String, Parameter> found) {
    for (RecordComponent component : settings.getClass().getRecordComponents()) {
      Object value = read(settings, component);
      if (value instanceof Record inner) {
        collect(inner, found);
      } else if (isParameter(component)) {
        Parameter parameter = describe(component, value);
        if (found.put(parameter.name(), parameter) != null) {
          throw new IllegalStateException(
              "%s: two components are called %s".formatted(settings, parameter.name()));
        }
      }
    }
  }

  private static Parameter describe(RecordComponent component, @Nullable Object value) {
    ParameterDoc doc = component.getAnnotation(ParameterDoc.class);
    Class<?> type = component.getType();
    boolean perModel = type == PerModel.class;
    boolean required = component.isAnnotationPresent(Required.class) && value == null;
    return new Parameter(
        snakeCase(component.getName()),
        kind(component),
        perModel,
        Optional.ofNullable(plain(value)),
        required,
        type.isEnum() ? words(type) : List.of(),
        doc == null ? "" : doc.value());
  }

  private static Kind kind(RecordComponent component) {
    Class<?> type = component.getType();
    if (type == PerModel.class || isDouble(type) || type == OptionalDouble.class) {
      return Kind.NUMBER;
    } else if (type == int.class || type == long.class || type == OptionalInt.class) {
      return Kind.INTEGER;
    } else if (type == boolean.class) {
      return Kind.BOOLEAN;
    } else if (type.isEnum()) {
      return Kind.CHOICE;
    }
    throw new IllegalStateException(
        "component %s of %s has type %s, which no recipe can give"
            .formatted(component.getName(), component.getDeclaringRecord(), type));
  }

  /** A nullable component is one that must be given. */
  private static boolean isDouble(Class<?> type) {
    return type == double.class || type == Double.class;
  }

  private static @Nullable Object plain(@Nullable Object value) {
    if (value instanceof PerModel given) {
      List<Double> all = Arrays.stream(given.given()).boxed().toList();
      return given.count().isPresent() ? all : all.get(0);
    } else if (value instanceof Integer number) {
      return number.longValue();
    } else if (value instanceof OptionalDouble number) {
      return number.isPresent() ? number.getAsDouble() : null;
    } else if (value instanceof OptionalInt number) {
      return number.isPresent() ? (long) number.getAsInt() : null;
    } else if (value instanceof Enum<?> word) {
      return word(word);
    }
    return value;
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static List<String> words(Class<?> type) {
    return Arrays.stream(type.getEnumConstants())
        .map(constant -> word((Enum<?>) constant))
        .toList();
  }

  private static Record rebuild(String name, Record settings, Map<String, ?> values) {
    RecordComponent[] components = settings.getClass().getRecordComponents();
    Object[] arguments = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      RecordComponent component = components[i];
      Object current = read(settings, component);
      String parameter = snakeCase(component.getName());
      if (current instanceof Record inner) {
        arguments[i] = rebuild(name, inner, values);
      } else if (isSeed(component) && values.get("seed") instanceof Number seed) {
        arguments[i] = seed.longValue();
      } else if (isParameter(component) && values.get(parameter) != null) {
        arguments[i] = convert(name, component, parameter, values.get(parameter));
      } else {
        arguments[i] = current;
      }
    }
    try {
      Class<?>[] types =
          Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      Constructor<? extends Record> constructor = settings.getClass().getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot make a " + settings.getClass(), e);
    }
  }

  private static Object convert(
      String name, RecordComponent component, String parameter, @Nullable Object value) {
    Class<?> type = component.getType();
    if (type == PerModel.class) {
      if (value instanceof Number number) {
        return PerModel.each(number.doubleValue());
      } else if (value instanceof List<?> list && !list.isEmpty()) {
        List<Double> numbers = new ArrayList<>();
        for (Object element : list) {
          if (!(element instanceof Number number)) {
            throw wrong(name, parameter, "a number for each model", value);
          }
          numbers.add(number.doubleValue());
        }
        return PerModel.of(numbers);
      } else if (value instanceof PerModel given) {
        return given;
      }
      throw wrong(name, parameter, "a number, or one for each model", value);
    } else if (type == boolean.class) {
      if (value instanceof Boolean) {
        return value;
      }
      // mergekit's recipes also write flags as 0 and 1.
      if (value instanceof Number flag && (flag.doubleValue() == 0 || flag.doubleValue() == 1)) {
        return flag.doubleValue() == 1;
      }
    } else if (type.isEnum()) {
      for (Object constant : type.getEnumConstants()) {
        if (word((Enum<?>) constant).equals(value)) {
          return constant;
        }
      }
      throw wrong(name, parameter, "one of " + words(type), value);
    } else if (value instanceof Number number) {
      double real = number.doubleValue();
      if (isDouble(type)) {
        return real;
      } else if (type == OptionalDouble.class) {
        return OptionalDouble.of(real);
      } else if (real == Math.rint(real) && Math.abs(real) <= Integer.MAX_VALUE) {
        if (type == OptionalInt.class) {
          return OptionalInt.of((int) real);
        } else if (type == int.class) {
          return (int) real;
        }
        return (long) real;
      }
    }
    throw wrong(name, parameter, kind(component).expected(), value);
  }

  private static ParameterException wrong(
      String name, String parameter, String expected, @Nullable Object value) {
    String came =
        value instanceof String text
            ? "'" + text + "'"
            : value instanceof List<?> list
                ? list.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"))
                : String.valueOf(value);
    return new ParameterException(
        name, parameter, "%s must be %s, is %s".formatted(parameter, expected, came));
  }

  private static @Nullable Object read(Record settings, RecordComponent component) {
    try {
      component.getAccessor().setAccessible(true);
      return component.getAccessor().invoke(settings);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
