package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.optmerge.model.ScriptWriter.LowRank;
import org.optmerge.model.ScriptWriter.Method;

/**
 * The computations of a decoder that reads text and visual features.
 *
 * <p>Shapes: B sequences, N tokens, d the width.
 *
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2, section 2</a>
 */
final class LanguageMethods {
  private final InternVLConfig.Language language;
  private final LanguageLayout layout;
  private final String prefix;
  private final boolean tied;
  private final Map<String, List<LowRank>> adapters;
  private final Function<ScriptWriter, String> connector;

  /**
   * @param prefix of the parameters' names, such as {@code "language_model."}
   * @param tied true if the embedding is the output head as well
   * @param connector writes what turns {@code features} into rows of the decoder's width
   */
  LanguageMethods(
      InternVLConfig.Language language,
      String prefix,
      boolean tied,
      Map<String, List<LowRank>> adapters,
      Function<ScriptWriter, String> connector) {
    this.language = language;
    this.layout = language.layout();
    this.prefix = prefix;
    this.tied = tied;
    this.adapters = adapters;
    this.connector = connector;
  }

  List<Method> all() {
    return List.of(embed(), decoderStates(), logits(), loss(), begin(), extend(), advance());
  }

  private ScriptWriter method(String header) {
    return new ScriptWriter(header, adapters);
  }

  private String layer(int index) {
    return "%smodel.layers.%d.".formatted(prefix, index);
  }

  private Method embed() {
    ScriptWriter code = method("embed(ids: Tensor, features: Tensor, places: Tensor");
    return code.finish("Tensor", code.wide(embedding(code)));
  }

  /** Token embeddings, those at {@code places} of the flattened batch replaced by the features. */
  private String embedding(ScriptWriter code) {
    int width = language.width();
    String tokens = tokens(code);
    code.line("if torch.eq(torch.numel(places), 0):");
    code.line("  embedded = %s", tokens);
    code.line("else:");
    code.line("  features = (self).own(features, )");
    String seen = code.indented(() -> connector.apply(code));
    code.line("  flat = torch.reshape(%s, [-1, %d])", tokens, width);
    code.line("  image = torch.reshape(%s, [-1, %d])", seen, width);
    code.line("  mixed = torch.index_copy(flat, 0, places, image)");
    code.line("  embedded = torch.reshape(mixed, torch.size(%s))", tokens);
    return "embedded";
  }

  // The decoder.

  private static final String CONTEXT = "cos: Tensor, sin: Tensor, mask: Tensor";
  private static final String BATCH = "ids: Tensor, features: Tensor, places: Tensor, " + CONTEXT;

  /** Input embeddings to the output of every layer; the last one after the final norm. */
  private Method decoderStates() {
    ScriptWriter code = method("decoder_states(embedded: Tensor, " + CONTEXT);
    List<String> states = new ArrayList<>();
    String x = code.let("(self).own(embedded, )");
    states.add("embedded");
    mask(code);
    int layers = language.layers();
    for (int i = 0; i < layers; i++) {
      x = decoderLayer(code, x, i);
      states.add(code.wide(i == layers - 1 ? finalNorm(code, x) : x));
    }
    return code.finish(states);
  }

  private Method logits() {
    ScriptWriter code = method("logits(" + BATCH);
    String embedded = embedding(code);
    mask(code);
    String x = decoder(code, embedded, Cache.NONE, all -> all);
    return code.finish("Tensor", code.wide(head(code, finalNorm(code, x))));
  }

  /** Mean cross-entropy over the rows {@code kept} of the flattened batch. */
  private Method loss() {
    ScriptWriter code = method("loss(" + BATCH + ", kept: Tensor, targets: Tensor");
    String embedded = embedding(code);
    mask(code);
    String x =
        decoder(
            code,
            embedded,
            Cache.NONE,
            all ->
                code.let(
                    "torch.index_select(torch.reshape(%s, [-1, %d]), 0, kept)",
                    all, language.width()));
    String logits = code.wide(head(code, finalNorm(code, x)));
    return code.finish("Tensor", "torch.cross_entropy_loss(%s, targets)".formatted(logits));
  }

  /**
   * The next token's scores, (B, vocabulary), and the keys and values of every layer, (B, heads, N,
   * w) each.
   */
  private Method begin() {
    ScriptWriter code = method("begin(" + BATCH);
    String embedded = embedding(code);
    mask(code);
    code.line("kept = annotate(List[Tensor], [])");
    String scores = next(code, embedded, Cache.BEGIN);
    code.line("results = [%s]", scores);
    code.line("_0 = torch.extend(results, kept)");
    return code.finish("List[Tensor]", "results");
  }

  /** The next token's scores after several more tokens, (B, M); the mask is of all up to them. */
  private Method extend() {
    ScriptWriter code = method("extend(ids: Tensor, " + CONTEXT + ", caches: List[Tensor]");
    String embedded = tokens(code);
    code.line("allowed = (self).allowed_more(mask, torch.size(ids, 1), )");
    code.line("at = torch.sub(torch.size(mask, 1), torch.size(ids, 1))");
    return code.finish("Tensor", next(code, embedded, Cache.EXTEND));
  }

  /** The same after one more token a sequence, (B, 1); the mask is of all tokens up to it. */
  private Method advance() {
    ScriptWriter code = method("advance(ids: Tensor, " + CONTEXT + ", caches: List[Tensor]");
    String embedded = tokens(code);
    code.line("allowed = (self).allowed_next(mask, )");
    code.line("at = torch.sub(torch.size(mask, 1), 1)");
    return code.finish("Tensor", next(code, embedded, Cache.CONTINUE));
  }

  private String tokens(ScriptWriter code) {
    return code.let(
        "(self).own(torch.embedding(%s, ids), )",
        code.stored(prefix + layout.embedding() + ".weight"));
  }

  private String next(ScriptWriter code, String embedded, Cache cache) {
    String x = decoder(code, embedded, cache, all -> code.let("torch.select(%s, 1, -1)", all));
    return code.wide(head(code, finalNorm(code, x)));
  }

  /** An empty mask stands for one that hides nothing but the future. */
  private static void mask(ScriptWriter code) {
    code.line("if torch.eq(torch.numel(mask), 0):");
    code.line("  allowed = mask");
    code.line("else:");
    code.line("  allowed = (self).allowed(mask, )");
  }

  private String finalNorm(ScriptWriter code, String x) {
    return code.rmsNorm(x, prefix + "model.norm.weight", language.epsilon());
  }

  private String head(ScriptWriter code, String x) {
    return code.linear(x, prefix + (tied ? layout.embedding() : layout.head()), false);
  }

  /** The use of the keys and values of a layer. */
  private enum Cache {
    /** They are not. */
    NONE,
    /** Kept for the tokens to come. */
    BEGIN,
    /** Those of more tokens join those kept. */
    EXTEND,
    /** Those of one more token join those kept. */
    CONTINUE
  }

  private String decoderLayer(ScriptWriter code, String x, int index) {
    return feedForward(code, attention(code, x, index, Cache.NONE), index);
  }

  /**
   * The states after all layers, before the final norm.
   *
   * @param rows picks the rows of interest from (B, N, d): after the last attention, each row is on
   *     its own
   */
  private String decoder(
      ScriptWriter code, String embedded, Cache cache, UnaryOperator<String> rows) {
    String x = embedded;
    int layers = language.layers();
    for (int i = 0; i < layers; i++) {
      String h = attention(code, x, i, cache);
      if (i == layers - 1) {
        h = rows.apply(h);
        code.select(rows);
      }
      x = feedForward(code, h, i);
    }
    return x;
  }

  /** x plus what it attends to. */
  private String attention(ScriptWriter code, String x, int index, Cache cache) {
    int heads = language.heads();
    int groups = language.keyValueHeads();
    int width = language.headWidth();
    String n =
        code.rmsNorm(x, layer(index) + layout.attentionNorm() + ".weight", language.epsilon());
    List<String> parts = queriesKeysValues(code, n, layer(index) + layout.attention());
    String q = code.let("(self).rotate(%s, cos, sin, )", parts.get(0));
    String k = code.let("(self).rotate(%s, cos, sin, )", parts.get(1));
    String v = parts.get(2);
    if (cache == Cache.BEGIN) {
      code.line("_%d = torch.append(kept, %s)", 2 * index + 1, k);
      code.line("_%d = torch.append(kept, %s)", 2 * index + 2, v);
    } else if (cache != Cache.NONE) {
      k = code.let("(self).append(caches[%d], %s, at, )", 2 * index, k);
      v = code.let("(self).append(caches[%d], %s, at, )", 2 * index + 1, v);
    }
    String y;
    if (cache == Cache.CONTINUE) {
      // With one query a head, the heads that share keys are the rows of one product.
      String grouped =
          code.let("torch.reshape(%s, [torch.size(%s, 0), %d, -1, %d])", q, q, groups, width);
      String attended = code.let("(self).attend(%s, %s, %s, allowed, )", grouped, k, v);
      y = code.let("torch.reshape(%s, [torch.size(%s, 0), 1, %d])", attended, q, heads * width);
    } else {
      int shared = heads / groups;
      String attended =
          code.let(
              "(self).attend(%s, (self).repeat(%s, %d, ), (self).repeat(%s, %d, ), allowed, )",
              q, k, shared, v, shared);
      y = code.joined(attended, heads * width);
    }
    return code.let(
        "torch.add(%s, %s)",
        x, code.linear(y, layer(index) + layout.attentionOutput(), language.outputBias()));
  }

  private String feedForward(ScriptWriter code, String h, int index) {
    String layer = layer(index);
    String n = code.rmsNorm(h, layer + layout.feedForwardNorm() + ".weight", language.epsilon());
    return code.let(
        "torch.add(%s, %s)",
        h, code.gated(n, layer + layout.gate(), layer + layout.up(), layer + layout.down(), false));
  }

  /** (B, N, d) to queries, keys and values, each (B, heads, N, w). */
  private List<String> queriesKeysValues(ScriptWriter code, String n, String attention) {
    int heads = language.heads();
    int groups = language.keyValueHeads();
    int width = language.headWidth();
    boolean bias = language.inputBias();
    if (!layout.isFused()) {
      return List.of(
          code.heads(code.linear(n, attention + "q_proj", bias), heads, width),
          code.heads(code.linear(n, attention + "k_proj", bias), groups, width),
          code.heads(code.linear(n, attention + "v_proj", bias), groups, width));
    }
    // Group by group: its heads of queries, then its keys, then its values.
    int shared = heads / groups;
    String all =
        code.let(
            "torch.unflatten(%s, -1, [%d, %d, %d])",
            code.linear(n, attention, bias), groups, shared + 2, width);
    String queries = code.let("torch.flatten(torch.narrow(%s, 3, 0, %d), 2, 3)", all, shared);
    return List.of(
        code.let("torch.transpose(%s, 1, 2)", queries),
        code.let("torch.transpose(torch.select(%s, 3, %d), 1, 2)", all, shared),
        code.let("torch.transpose(torch.select(%s, 3, %d), 1, 2)", all, shared + 1));
  }
}
