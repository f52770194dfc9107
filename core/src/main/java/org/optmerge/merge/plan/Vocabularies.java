package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.taskvector.RowMap;
import org.optmerge.taskvector.RowMap.Row;
import org.optmerge.taskvector.Weight;

/**
 * The vocabularies of a merge's models, and that of its output.
 *
 * <p>With a tokenizer asked for, every model's rows are put in the order of the output's tokens
 * first, and then merged. A token that a model lacks has there, in this order: the row that the
 * recipe chooses; that of the only model that has it; the base's; the mean of those that have it; a
 * row of zeros. Rows that pad the vocabulary are the mean of the model's rows.
 *
 * <p>Without one, rows are merged by their number. Vocabularies may then differ in padding only:
 * what one model alone has is merged from it, with a notice; where tokenizers show that tokens
 * would be lost the merge is refused.
 */
final class Vocabularies {
  /** A model that brings a weight to a tensor. */
  record Member(InputModel model, Weight weight) {}

  /** The advice where vocabularies differ. */
  static final String ADVICE =
      "'tokenizer_source: base' merges by token and keeps the base's, 'union' keeps all";

  private static final Set<String> CROPPING_BEFORE_0_1_5 =
      Set.of("linear", "slerp", "nuslerp", "model_stock", "arcee_fusion");

  private final Recipe recipe;
  private final PlanFindings findings;
  private final VocabularyTensors tensors = new VocabularyTensors();
  private final Map<InputModel, Optional<TokenVocabulary>> read = new HashMap<>();
  private final boolean crops;
  private @Nullable InputModel donor;
  private @Nullable TokenVocabulary output;
  private @Nullable ModelFiles source;
  private final Map<InputModel, ModelFiles> files = new HashMap<>();

  Vocabularies(Recipe recipe, String method, PlanFindings findings) {
    this.recipe = recipe;
    this.findings = findings;
    this.crops =
        recipe.mergekit().truncate()
            || (recipe.mergekit().version() == Recipe.MergekitVersion.V0_1_4
                && CROPPING_BEFORE_0_1_5.contains(method));
  }

  /**
   * Decides about the output's tokens, or says where the models' differ.
   *
   * @param chosen the folder of the model whose tokenizer the recipe names; null: none
   */
  void open(InputModel donorModel, List<InputModel> models, @Nullable Path chosen) {
    donor = donorModel;
    Recipe.Tokenizer asked = recipe.tokenizer();
    if (asked == null) {
      models.forEach(model -> compare(donorModel, model));
      return;
    }
    Optional<TokenVocabulary> own = vocabulary(donorModel);
    if (own.isEmpty()) {
      findings.problem(
          asked.at(),
          "'%s' has no tokenizer.json with a vocabulary, so rows cannot be moved by token; leave the tokenizer out"
              .formatted(donorModel.name()));
      return;
    }
    for (InputModel model : models) {
      if (vocabulary(model).isEmpty()) {
        findings.warning(
            "'%s' has no tokenizer.json with a vocabulary; its rows are taken for the tokens of '%s'"
                .formatted(model.name(), donorModel.name()));
      }
    }
    ModelFiles from = files(donorModel);
    TokenVocabulary tokens = own.get();
    if (chosen != null && !chosen.equals(folder(donorModel))) {
      from = ModelFiles.of(chosen);
      for (InputModel model : models) {
        from = folder(model).equals(chosen) ? files(model) : from;
      }
      Optional<TokenVocabulary> other = TokenVocabulary.read(from);
      if (other.isEmpty()) {
        findings.problem(
            asked.at(), "'%s' has no tokenizer.json with a vocabulary".formatted(asked.source()));
        return;
      }
      tokens = other.get();
      for (InputModel model : models) {
        if (folder(model).equals(chosen)) {
          tokens = stripped(model, tokens);
        }
      }
    } else {
      tokens = stripped(donorModel, tokens);
    }
    source = from;
    Map<String, Integer> ids = new LinkedHashMap<>(tokens.ids());
    Map<String, ObjectNode> added = new LinkedHashMap<>(tokens.added());
    if (asked.source().equals(Recipe.Tokenizer.UNION)) {
      addAll(models, tokens, ids, added);
    }
    for (String token : asked.tokens().keySet()) {
      if (!ids.containsKey(token)) {
        add(token, TokenVocabulary.describe(token, 0, false), ids, added);
      }
    }
    output = new TokenVocabulary(ids, added);
  }

  /** First the words of all models, then what each of them has added, as mergekit does. */
  private void addAll(
      List<InputModel> models,
      TokenVocabulary tokens,
      Map<String, Integer> ids,
      Map<String, ObjectNode> added) {
    for (boolean ofAdded : new boolean[] {false, true}) {
      for (InputModel model : models) {
        TokenVocabulary other = vocabulary(model).map(all -> below(model, all)).orElse(tokens);
        for (String token : other.without(tokens)) {
          ObjectNode described = other.added().get(token);
          if (!ids.containsKey(token) && ofAdded == (described != null)) {
            add(
                token,
                described == null
                    ? TokenVocabulary.describe(token, 0, false)
                    : described.deepCopy(),
                ids,
                added);
          }
        }
      }
    }
  }

  private static void add(
      String token, ObjectNode described, Map<String, Integer> ids, Map<String, ObjectNode> added) {
    int id = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
    described.put("id", id);
    ids.put(token, id);
    added.put(token, described);
  }

  /** The tokens of a model that its embedding has rows for. */
  private TokenVocabulary stripped(InputModel model, TokenVocabulary tokens) {
    TokenVocabulary kept = below(model, tokens);
    if (kept.ids().size() < tokens.ids().size()) {
      findings.warning(
          "'%s' has no rows for %d of its tokens, such as '%s'; they are left out of the tokenizer"
              .formatted(
                  model.name(),
                  tokens.ids().size() - kept.ids().size(),
                  tokens.without(kept).get(0)));
    }
    return kept;
  }

  private TokenVocabulary below(InputModel model, TokenVocabulary tokens) {
    OptionalLong rows = tensors.rows(model);
    return rows.isPresent() ? tokens.below(rows.getAsLong()) : tokens;
  }

  private static Path folder(InputModel model) {
    return Objects.requireNonNull(model.folders().get(model.name()));
  }

  /** The model's files beside its weights: its adapter's, if that has its own tokenizer. */
  private ModelFiles files(InputModel model) {
    return files.computeIfAbsent(
        model,
        key -> {
          ModelFiles own = ModelFiles.of(folder(key));
          return !key.adapters().isEmpty() && own.has(TokenVocabulary.FILE)
              ? own
              : ModelFiles.of(key.checkpoint());
        });
  }

  private Optional<TokenVocabulary> vocabulary(InputModel model) {
    return read.computeIfAbsent(model, key -> TokenVocabulary.read(files(key)));
  }

  /** Says where the tokens of a model are not the rows of the base's. */
  private void compare(InputModel base, InputModel model) {
    if (model == base || sameFile(base, model)) {
      return;
    }
    Optional<TokenVocabulary> own = vocabulary(base);
    Optional<TokenVocabulary> other = vocabulary(model);
    if (own.isEmpty() || other.isEmpty()) {
      return;
    }
    Optional<String> moved = own.get().firstMoved(other.get());
    List<String> more = other.get().without(own.get());
    if (moved.isPresent()) {
      findings.warning(
          "token '%s' is row %d in '%s' and row %d in '%s'; rows are merged by their number; %s"
              .formatted(
                  moved.get(),
                  own.get().ids().get(moved.get()),
                  base.name(),
                  other.get().ids().get(moved.get()),
                  model.name(),
                  ADVICE));
    } else if (!more.isEmpty()) {
      findings.warning(
          "the output has the tokenizer of '%s', which lacks %d tokens of '%s', such as '%s'; %s"
              .formatted(base.name(), more.size(), model.name(), more.get(0), ADVICE));
    }
  }

  private boolean sameFile(InputModel base, InputModel model) {
    Path one = files(base).folder().resolve(TokenVocabulary.FILE);
    Path other = files(model).folder().resolve(TokenVocabulary.FILE);
    try {
      return Files.isRegularFile(one)
          && Files.isRegularFile(other)
          && Files.mismatch(one, other) < 0;
    } catch (IOException e) {
      return false;
    }
  }

  // ---- rows

  boolean isVocabulary(InputModel model, String tensor, List<Long> shape) {
    return tensors.isOne(model, tensor, shape);
  }

  /** True if rows go by token. */
  boolean moves() {
    return output != null;
  }

  /** True if vocabularies are cut to the shortest. */
  boolean crops() {
    return crops && output == null;
  }

  /** The output's tokens and the folder of the tokenizer that they come from, if rows move. */
  Optional<TokenizerFiles> files() {
    TokenVocabulary tokens = output;
    return tokens == null || source == null || donor == null
        ? Optional.empty()
        : Optional.of(new TokenizerFiles(tokens, source, files(donor)));
  }

  /** The change of token ids from the donor's settings to the output's, if rows move. */
  Optional<TokenIds> tokenIds() {
    TokenVocabulary tokens = output;
    InputModel from = donor;
    return tokens == null || from == null
        ? Optional.empty()
        : vocabulary(from)
            .map(own -> new TokenIds(own, tokens, tensors.rows(from), findings::notice));
  }

  /** The tokens that one of two models has in rows that the other does not have. */
  List<String> inRowsFrom(long first, InputModel one, InputModel other) {
    Optional<TokenVocabulary> a = vocabulary(one);
    Optional<TokenVocabulary> b = vocabulary(other);
    if (a.isEmpty() || b.isEmpty()) {
      return List.of();
    }
    Set<String> tokens = new LinkedHashSet<>();
    a.get().without(b.get().below(first)).stream()
        .filter(token -> a.get().ids().getOrDefault(token, 0) >= first)
        .forEach(tokens::add);
    b.get().without(a.get().below(first)).stream()
        .filter(token -> b.get().ids().getOrDefault(token, 0) >= first)
        .forEach(tokens::add);
    return List.copyOf(tokens);
  }

  /**
   * The weights of a vocabulary tensor with their rows in the order of the output's tokens, or cut
   * to the shortest.
   *
   * @param members the models that bring one, in order; a model may be there twice
   */
  List<Weight> align(String tensor, List<Member> members) {
    if (crops()) {
      long rows = members.stream().mapToLong(it -> it.weight().shape().get(0)).min().orElse(0);
      return members.stream().map(it -> Weight.Part.firstRows(it.weight(), rows)).toList();
    }
    Map<InputModel, Member> distinct = new LinkedHashMap<>();
    members.forEach(member -> distinct.putIfAbsent(member.model(), member));
    List<Member> models = List.copyOf(distinct.values());
    Map<InputModel, Weight> aligned = new HashMap<>();
    RowSources sources = sources(models);
    for (int m = 0; m < models.size(); m++) {
      aligned.put(models.get(m).model(), aligned(tensor, models, m, sources));
    }
    return members.stream()
        .map(member -> Objects.requireNonNull(aligned.get(member.model())))
        .toList();
  }

  /**
   * Rows of all models by the output's tokens.
   *
   * @param own for each model the row of each token, -1 where it has none
   * @param instead for each token the rows whose mean stands in where a model has none
   * @param forced for each token whether they replace what models have
   */
  private record RowSources(List<int[]> own, List<List<Row>> instead, boolean[] forced) {}

  private RowSources sources(List<Member> models) {
    TokenVocabulary tokens = Objects.requireNonNull(output);
    int count = tokens.rows();
    List<int[]> own = models.stream().map(model -> rows(model, tokens)).toList();
    List<List<Row>> instead = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      instead.add(List.of());
    }
    boolean[] forced = new boolean[count];
    Map<String, Recipe.Token> chosen = Objects.requireNonNull(recipe.tokenizer()).tokens();
    int base = -1;
    for (int m = 0; m < models.size(); m++) {
      base = recipe.base() != null && models.get(m).model() == donor ? m : base;
    }
    for (Map.Entry<String, Integer> token : tokens.ids().entrySet()) {
      int row = token.getValue();
      Recipe.Token choice = chosen.get(token.getKey());
      if (choice != null) {
        forced[row] = choice.force();
        instead.set(row, chosen(token.getKey(), choice, row, models, own));
        continue;
      }
      List<Row> present = new ArrayList<>();
      for (int m = 0; m < models.size(); m++) {
        if (own.get(m)[row] >= 0) {
          present.add(new Row(m, own.get(m)[row]));
        }
      }
      instead.set(
          row,
          present.size() > 1 && base >= 0 && own.get(base)[row] >= 0
              ? List.of(new Row(base, own.get(base)[row]))
              : present);
    }
    return new RowSources(own, instead, forced);
  }

  /** The row of each of the output's tokens in a model, -1 where it has none. */
  private int[] rows(Member member, TokenVocabulary tokens) {
    TokenVocabulary own =
        vocabulary(member.model())
            .or(() -> donor == null ? Optional.empty() : vocabulary(donor))
            .orElse(tokens);
    int[] rows = new int[tokens.rows()];
    long limit = member.weight().shape().get(0);
    Arrays.fill(rows, -1);
    tokens
        .ids()
        .forEach(
            (token, id) -> {
              int row = own.ids().getOrDefault(token, -1);
              rows[id] = row < limit ? row : -1;
            });
    return rows;
  }

  /** The row that the recipe chooses for a token. */
  private List<Row> chosen(
      String token, Recipe.Token choice, int id, List<Member> models, List<int[]> own) {
    Recipe.Model named = choice.model();
    if (named == null) {
      return List.of();
    }
    for (int m = 0; m < models.size(); m++) {
      Member member = models.get(m);
      if (!member.model().name().equals(named.text())) {
        continue;
      }
      int row =
          choice.like() == null
              ? choice.id() >= 0 ? choice.id() : own.get(m)[id]
              : vocabulary(member.model())
                  .map(tokens -> tokens.ids().getOrDefault(choice.like(), -1))
                  .orElse(-1);
      if (row < 0 || row >= member.weight().shape().get(0)) {
        findings.problem(
            choice.at(),
            "token '%s': model '%s' has no %s"
                .formatted(
                    token,
                    named.text(),
                    choice.id() >= 0
                        ? "row %d".formatted(choice.id())
                        : "token '%s'".formatted(choice.like() == null ? token : choice.like())));
        return List.of();
      }
      return List.of(new Row(m, row));
    }
    findings.problem(
        choice.at(),
        "token '%s': model '%s' is none of the models that are merged, or has no embedding; name one of them"
            .formatted(token, named.text()));
    return List.of();
  }

  private Weight aligned(String tensor, List<Member> models, int m, RowSources sources) {
    Member member = models.get(m);
    int filled = sources.instead().size();
    int multiple = Objects.requireNonNull(recipe.tokenizer()).padToMultipleOf();
    int count = Math.multiplyExact((filled + multiple - 1) / multiple, multiple);
    RowMap map = new RowMap(count, filled);
    boolean same = member.weight().shape().get(0) == count && count == filled;
    for (int row = 0; row < filled; row++) {
      int own = sources.own().get(m)[row];
      if (own >= 0 && !sources.forced()[row]) {
        map.set(row, place(new Row(m, own), m));
        same &= own == row;
      } else {
        int current = m;
        map.setMean(
            row, sources.instead().get(row).stream().map(it -> place(it, current)).toList());
        same = false;
      }
    }
    if (same) {
      return member.weight();
    }
    List<Weight> from = new ArrayList<>(models.stream().map(Member::weight).toList());
    from.add(0, from.remove(m));
    List<Long> shape = new ArrayList<>(member.weight().shape());
    shape.set(0, (long) count);
    for (Weight weight : from) {
      if (!weight
          .shape()
          .subList(1, weight.shape().size())
          .equals(shape.subList(1, shape.size()))) {
        findings.problem(
            recipe.method().at(),
            "tensor '%s': rows of %s and %s entries are not of one kind"
                .formatted(tensor, shape, weight.shape()));
        return member.weight();
      }
    }
    return new Weight.Gathered(from, map, shape);
  }

  /** A row by the order in which a model's own weight comes first. */
  private static Row place(Row row, int own) {
    int matrix = row.matrix() == own ? 0 : row.matrix() < own ? row.matrix() + 1 : row.matrix();
    return new Row(matrix, row.row());
  }
}
