package org.optmerge.merge.recipe;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.base.Suggestion;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.composer.Composer;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * A value of a YAML file that knows where it stands. Scalars are read as YAML 1.1 has them, which
 * is what mergekit's reader does; a number that YAML 1.1 takes for text, such as {@code 1e-5},
 * counts as a number where one is expected.
 *
 * <p>What a value expands to is bounded in size and depth, whatever its aliases say.
 */
final class YamlNode {
  /** Larger files are no recipes. */
  static final int MAX_CODE_POINTS = 3_000_000;

  /** Collections within collections. */
  static final int MAX_DEPTH = 40;

  /** Values looked at, each alias counted as often as it is used. */
  static final int MAX_VALUES = 200_000;

  private static final Pattern TRUE = Pattern.compile("yes|Yes|YES|true|True|TRUE|on|On|ON");
  private static final Pattern RADIX =
      Pattern.compile("([-+]?)0(?:b([01_]+)|x([0-9a-fA-F_]+)|([0-7_]+))");
  private static final Pattern DECIMAL =
      Pattern.compile("[-+]?(?:[0-9][0-9_]*\\.?[0-9_]*|\\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?");
  private static final Pattern INFINITE = Pattern.compile("[-+]?\\.(?:inf|Inf|INF)");
  private static final Pattern NAN = Pattern.compile("\\.(?:nan|NaN|NAN)");

  /**
   * What is known of one document while it is read: the number of values that may still be
   * expanded, the nodes that were looked at, and the keys that nobody knows.
   */
  private static final class Budget {
    private final String file;
    private final Set<Node> read = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Unknown> unknown = new ArrayList<>();
    private int left = MAX_VALUES;

    Budget(String file) {
      this.file = file;
    }
  }

  /** A key that is not among those known, its value, and what to say of it. */
  private record Unknown(Node value, RecipeException error) {}

  private final Node node;
  private final Budget budget;
  private final int depth;

  private YamlNode(Node node, Budget budget, int depth) {
    this.node = node;
    this.budget = budget;
    this.depth = depth;
    if (depth > MAX_DEPTH) {
      throw error("nested more than %d deep".formatted(MAX_DEPTH));
    }
    if (--budget.left < 0) {
      throw error(
          String.format(Locale.ROOT, "the recipe expands to more than %,d values", MAX_VALUES));
    }
  }

  /**
   * Reads the documents of a file; those that are empty are passed over.
   *
   * @param file its name, for messages
   * @throws RecipeException if it is not YAML, or empty
   */
  static List<YamlNode> read(String text, String file) {
    LoaderOptions options = new LoaderOptions();
    options.setNestingDepthLimit(MAX_DEPTH);
    options.setCodePointLimit(MAX_CODE_POINTS);
    options.setMaxAliasesForCollections(1000);
    try {
      Composer composer =
          new Composer(
              new ParserImpl(new StreamReader(new StringReader(text)), options),
              new Resolver(),
              options);
      List<YamlNode> documents = new ArrayList<>();
      while (composer.checkNode()) {
        Node root = composer.getNode();
        if (!root.getTag().equals(Tag.NULL)) {
          documents.add(new YamlNode(root, new Budget(file), 0));
        }
      }
      if (documents.isEmpty()) {
        throw new RecipeException(file, Position.START, "the recipe is empty");
      }
      return documents;
    } catch (MarkedYAMLException e) {
      Mark mark = e.getProblemMark() != null ? e.getProblemMark() : e.getContextMark();
      throw new RecipeException(
          file, mark == null ? Position.START : position(mark), "not YAML: " + words(e));
    } catch (YAMLException e) {
      throw new RecipeException(
          file, Position.START, "not YAML: " + String.valueOf(e.getMessage()).strip());
    }
  }

  private static String words(MarkedYAMLException e) {
    String problem = String.valueOf(e.getProblem());
    return e.getContext() == null ? problem : e.getContext() + ", " + problem;
  }

  private static Position position(Mark mark) {
    return new Position(mark.getLine() + 1, mark.getColumn() + 1);
  }

  Position at() {
    return position(node.getStartMark());
  }

  RecipeException error(String problem) {
    return new RecipeException(budget.file, at(), problem);
  }

  boolean isMapping() {
    return node instanceof MappingNode;
  }

  boolean isList() {
    return node instanceof SequenceNode;
  }

  boolean isNull() {
    return node.getTag().equals(Tag.NULL);
  }

  boolean isBoolean() {
    return node.getTag().equals(Tag.BOOL);
  }

  /** True for text that was quoted, or that is neither a number, nor yes or no, nor nothing. */
  boolean isText() {
    return node instanceof ScalarNode && node.getTag().equals(Tag.STR);
  }

  boolean isEmptyList() {
    return node instanceof SequenceNode sequence && sequence.getValue().isEmpty();
  }

  /** The file's name, for messages. */
  String file() {
    return budget.file;
  }

  /** The entries of a list. */
  List<YamlNode> list(String what) {
    if (!(node instanceof SequenceNode sequence)) {
      throw error("%s must be a list, is %s".formatted(what, kind()));
    }
    budget.read.add(node);
    List<YamlNode> entries = new ArrayList<>();
    for (Node entry : sequence.getValue()) {
      entries.add(new YamlNode(entry, budget, depth + 1));
    }
    return entries;
  }

  /**
   * The entries of a mapping, whose keys must be among those known; another may hold an anchor that
   * is used elsewhere, which {@link #requireKnownKeys} finds out at the end.
   */
  Map<String, YamlNode> mapping(String what, Collection<String> known) {
    Map<String, YamlNode> entries = mapping(what);
    if (node instanceof MappingNode mapping) {
      for (NodeTuple tuple : mapping.getValue()) {
        YamlNode key = new YamlNode(tuple.getKeyNode(), budget, depth + 1);
        if (!key.isMerge() && !known.contains(key.key())) {
          String problem =
              "unknown key '%s' in %s%s; known: %s"
                  .formatted(
                      key.key(),
                      what,
                      Suggestion.forWord(key.key(), known),
                      String.join(", ", known));
          budget.unknown.add(new Unknown(tuple.getValueNode(), key.error(problem)));
          entries.remove(key.key());
        }
      }
    }
    for (Map.Entry<String, YamlNode> entry : entries.entrySet()) {
      if (!known.contains(entry.getKey())) {
        throw entry
            .getValue()
            .error(
                "unknown key '%s' in %s%s"
                    .formatted(entry.getKey(), what, Suggestion.forWord(entry.getKey(), known)));
      }
    }
    return entries;
  }

  /**
   * Refuses keys that are not known, once the whole document has been read. One whose value holds
   * an anchor that was read elsewhere is no slip: YAML's only place for it is a key.
   */
  void requireKnownKeys() {
    for (Unknown unknown : budget.unknown) {
      if (!isReadElsewhere(unknown.value())) {
        throw unknown.error();
      }
    }
  }

  /** Refuses keys that are not known and can hold no anchor for others. */
  void requireKnownKeysWithoutAnchors() {
    for (Unknown unknown : budget.unknown) {
      if (!hasAnchor(unknown.value())) {
        throw unknown.error();
      }
    }
  }

  private static boolean hasAnchor(Node value) {
    return value.getAnchor() != null || within(value).anyMatch(YamlNode::hasAnchor);
  }

  private static Stream<Node> within(Node value) {
    if (value instanceof SequenceNode sequence) {
      return sequence.getValue().stream();
    }
    return value instanceof MappingNode mapping
        ? mapping.getValue().stream().map(NodeTuple::getValueNode)
        : Stream.empty();
  }

  private boolean isReadElsewhere(Node value) {
    if (value.getAnchor() != null && budget.read.contains(value)) {
      return true;
    }
    return within(value).anyMatch(this::isReadElsewhere);
  }

  /** The entries of a mapping with any keys, in order; {@code <<} takes in other mappings. */
  Map<String, YamlNode> mapping(String what) {
    if (!(node instanceof MappingNode mapping)) {
      throw error("%s must be a mapping, is %s".formatted(what, kind()));
    }
    budget.read.add(node);
    Map<String, YamlNode> entries = new LinkedHashMap<>();
    Map<String, Position> seen = new LinkedHashMap<>();
    List<YamlNode> taken = new ArrayList<>();
    for (NodeTuple tuple : mapping.getValue()) {
      YamlNode key = new YamlNode(tuple.getKeyNode(), budget, depth + 1);
      YamlNode value = new YamlNode(tuple.getValueNode(), budget, depth + 1);
      if (key.isMerge()) {
        taken.addAll(value.isList() ? value.list("<<") : List.of(value));
        continue;
      }
      Position before = seen.putIfAbsent(key.key(), key.at());
      if (before != null) {
        throw key.error("key '%s' is there twice, first at %s".formatted(key.key(), before));
      }
      entries.put(key.key(), value);
    }
    for (YamlNode other : taken) {
      other.mapping("<<").forEach(entries::putIfAbsent);
    }
    return entries;
  }

  private boolean isMerge() {
    return node.getTag().equals(Tag.MERGE);
  }

  private String key() {
    if (!(node instanceof ScalarNode scalar)) {
      throw error("a key must be text, is %s".formatted(kind()));
    }
    return scalar.getValue();
  }

  /** Text. */
  String text(String what) {
    if (!isText() || value().isBlank()) {
      throw error("%s must be text, is %s%s".formatted(what, kind(), quoteHint()));
    }
    return value();
  }

  private String quoteHint() {
    return node instanceof ScalarNode && !isNull() && !isText() ? "; put it in quotes" : "";
  }

  /** A scalar as written, whatever type it would have, such as the token {@code 1}. */
  String scalarText(String what) {
    if (!(node instanceof ScalarNode)) {
      throw error("%s must be text, is %s".formatted(what, kind()));
    }
    return value();
  }

  /** Yes or no. */
  boolean bool(String what) {
    if (isBoolean()) {
      return TRUE.matcher(value()).matches();
    }
    throw error("%s must be true or false, is %s".formatted(what, kind()));
  }

  /** A whole number. */
  long integer(String what) {
    OptionalDouble number = isText() || isBoolean() ? OptionalDouble.empty() : parse();
    if (number.isEmpty()
        || number.getAsDouble() != Math.rint(number.getAsDouble())
        || Math.abs(number.getAsDouble()) > 1L << 53) {
      throw error("%s must be a whole number, is %s".formatted(what, kind()));
    }
    return (long) number.getAsDouble();
  }

  /** True if {@link #number} would return. */
  boolean isNumber() {
    return !isBoolean() && parse().isPresent();
  }

  /** A finite number. */
  double number(String what) {
    OptionalDouble number = isBoolean() ? OptionalDouble.empty() : parse();
    if (number.isEmpty()) {
      throw error("%s must be a number, is %s".formatted(what, kind()));
    }
    if (!Double.isFinite(number.getAsDouble())) {
      throw error("%s must be a finite number, is %s".formatted(what, value()));
    }
    return number.getAsDouble();
  }

  private OptionalDouble parse() {
    return node instanceof ScalarNode ? parse(value().strip()) : OptionalDouble.empty();
  }

  private OptionalDouble parse(String value) {
    java.util.regex.Matcher radix = RADIX.matcher(value);
    if (!isText() && radix.matches()) {
      int base = radix.group(2) != null ? 2 : radix.group(3) != null ? 16 : 8;
      String digits =
          (radix.group(2) != null
                  ? radix.group(2)
                  : radix.group(3) != null ? radix.group(3) : radix.group(4))
              .replace("_", "");
      if (!digits.isEmpty() && digits.length() <= 12) {
        return OptionalDouble.of(Long.parseLong(radix.group(1) + digits, base));
      }
    }
    if (INFINITE.matcher(value).matches()) {
      return OptionalDouble.of(
          value.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
    }
    if (NAN.matcher(value).matches()) {
      return OptionalDouble.of(Double.NaN);
    }
    return DECIMAL.matcher(value).matches()
        ? OptionalDouble.of(Double.parseDouble(value.replace("_", "")))
        : OptionalDouble.empty();
  }

  /** A scalar as written. */
  String value() {
    budget.read.add(node);
    return node instanceof ScalarNode scalar ? scalar.getValue() : "";
  }

  /** The kind of this value, in words, for messages. */
  String kind() {
    if (node instanceof SequenceNode) {
      return "a list";
    }
    if (node instanceof MappingNode) {
      return "a mapping";
    }
    if (isNull()) {
      return "nothing";
    }
    if (isText()) {
      return value().isBlank() ? "empty" : "'" + value() + "'";
    }
    return "%s (%s)".formatted(value(), tagName());
  }

  private String tagName() {
    String tag = node.getTag().getValue();
    String name = tag.substring(tag.lastIndexOf(':') + 1).toLowerCase(Locale.ROOT);
    return switch (name) {
      case "bool" -> "yes or no";
      case "int" -> "a whole number";
      case "float" -> "a number";
      default -> name;
    };
  }
}
