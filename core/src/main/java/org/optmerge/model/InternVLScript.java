package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.optmerge.linalg.TorchScript;
import org.optmerge.model.ScriptWriter.LowRank;
import org.optmerge.model.ScriptWriter.Method;

/**
 * The computations of an InternVL, as a TorchScript module that is written for its configuration.
 *
 * <p>One call from Java runs a whole model: fewer crossings of the language border, intermediate
 * results that are freed as soon as they can be, and kernels DJL's arrays do not offer (scaled
 * dot-product attention, layer norm, exact GELU, cross-entropy). Gradients flow as through any
 * other operation.
 *
 * <p>Shapes: B sequences, N tokens, T tiles of H × W pixels, d the width.
 *
 * @see <a href="https://arxiv.org/abs/2412.05271">InternVL 2.5, section 2</a>
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2, section 2</a>
 */
final class InternVLScript implements AutoCloseable {
  private static final String NAME = "InternVL";

  /** What needs no parameter. */
  private static final String HELPERS =
      """
      def rms_norm(self: __torch__.InternVL, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        square = torch.mean(torch.mul(x, x), [-1], True)
        return torch.mul(torch.mul(x, torch.rsqrt(torch.add(square, epsilon))), weight)
      def rotate(self: __torch__.InternVL, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        half = torch.floordiv(torch.size(x, -1), 2)
        return torch.addcmul(torch.mul(x, cos), torch.roll(x, [half], [-1]), sin)
      def repeat(self: __torch__.InternVL, x: Tensor, times: int) -> Tensor:
        if torch.eq(times, 1):
          y = x
        else:
          b, h, n, w = torch.size(x, 0), torch.size(x, 1), torch.size(x, 2), torch.size(x, 3)
          wide = torch.expand(torch.unsqueeze(x, 2), [b, h, times, n, w])
          y = torch.reshape(wide, [b, torch.mul(h, times), n, w])
        return y
      def allowed(self: __torch__.InternVL, mask: Tensor) -> Tensor:
        position = torch.sub(torch.cumsum(torch.ones_like(torch.select(mask, 0, 0)), 0), 1)
        query = torch.unsqueeze(position, 1)
        causal = torch.ge(query, position)
        key = torch.unsqueeze(torch.unsqueeze(torch.ne(mask, 0), 1), 1)
        return torch.logical_or(torch.logical_and(key, causal), torch.eq(query, position))
      def allowed_next(self: __torch__.InternVL, mask: Tensor) -> Tensor:
        return torch.unsqueeze(torch.unsqueeze(torch.ne(mask, 0), 1), 1)
      def append(self: __torch__.InternVL, cache: Tensor, x: Tensor, at: int) -> Tensor:
        n = torch.size(x, 2)
        y = torch.copy_(torch.narrow(cache, 2, at, n), x)
        return torch.narrow(cache, 2, 0, torch.add(at, n))
      def attend(self: __torch__.InternVL, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor) -> Tensor:
        if torch.eq(torch.numel(allowed), 0):
          y = torch.scaled_dot_product_attention(q, k, v, None, 0., True)
        else:
          y = torch.scaled_dot_product_attention(q, k, v, allowed, 0., False)
        return y
      """;

  private final InternVLConfig config;
  private final Map<String, LowRank> adapters;
  private final Map<String, Method> methods = new LinkedHashMap<>();
  private final TorchScript script;

  InternVLScript(InternVLConfig config, Map<String, LowRank> adapters) {
    this.config = config;
    this.adapters = adapters;
    add(visionStates());
    add(visualFeatures());
    add(connect());
    add(embed());
    add(decoderStates());
    add(logits());
    add(loss());
    add(begin());
    add(advance());
    StringBuilder source = new StringBuilder(HELPERS);
    methods.values().forEach(method -> source.append(method.source()));
    script = TorchScript.compile(NAME, source.toString());
  }

  private void add(Method method) {
    methods.put(method.name(), method);
  }

  /** Calls a method; the parameters are looked up by name and come last. */
  NDList call(
      NDManager results, String name, Function<String, NDArray> parameters, Object... arguments) {
    Method method = methods.get(name);
    if (method == null) {
      throw new IllegalArgumentException("no method " + name);
    }
    List<Object> all = new ArrayList<>(List.of(arguments));
    all.add(method.arguments(parameters));
    return script.call(results, name, all.toArray());
  }

  @Override
  public void close() {
    script.close();
  }

  private ScriptWriter method(String header) {
    return new ScriptWriter(header, adapters);
  }

  // The vision model.

  /** (T, 3, H, W) to the embedding and the output of every layer, each (T, 1 + patches, d). */
  private Method visionStates() {
    ScriptWriter code = method("vision_states(pixels: Tensor");
    List<String> states = new ArrayList<>();
    states.add(visionEmbedding(code));
    for (int i = 0; i < config.vision().layers(); i++) {
      states.add(visionLayer(code, states.get(i), i));
    }
    return code.finish(NAME, "List[Tensor]", "[%s]".formatted(String.join(", ", states)));
  }

  /** (T, 3, H, W) to (T, tokens, 4d): the selected layer after pixel shuffle. */
  private Method visualFeatures() {
    ScriptWriter code = method("visual_features(pixels: Tensor");
    String x = visionEmbedding(code);
    int last = config.vision().layers() + 1 + config.selectLayer();
    for (int i = 0; i < last; i++) {
      x = visionLayer(code, x, i);
    }
    int s = config.downsample();
    String h = rowsOfPatches(code, 2);
    String w = rowsOfPatches(code, 3);
    code.line("h = torch.floordiv(%s, %d)", h, s);
    code.line("w = torch.floordiv(%s, %d)", w, s);
    String patches = code.let("torch.slice(%s, 1, 1)", x);
    String grid =
        code.let(
            "torch.reshape(%s, [torch.size(pixels, 0), h, %d, w, %d, %d])",
            patches, s, s, config.vision().width());
    // v1 lists the tokens of a tile column by column.
    String blocks =
        code.let(
            "torch.permute(%s, %s)",
            grid, config.transposed() ? "[0, 3, 1, 2, 4, 5]" : "[0, 1, 3, 2, 4, 5]");
    return code.finish(
        NAME,
        "Tensor",
        "torch.reshape(%s, [torch.size(pixels, 0), torch.mul(h, w), %d])"
            .formatted(blocks, config.featureWidth()));
  }

  private String rowsOfPatches(ScriptWriter code, int dimension) {
    return code.let(
        "torch.floordiv(torch.size(pixels, %d), %d)", dimension, config.vision().patch());
  }

  private String visionEmbedding(ScriptWriter code) {
    InternVLConfig.Vision vision = config.vision();
    int width = vision.width();
    int p = vision.patch();
    String embeddings = "vision_model.embeddings.";
    String weight = code.parameter(embeddings + "patch_embedding.weight");
    String bias = code.parameter(embeddings + "patch_embedding.bias");
    String h = rowsOfPatches(code, 2);
    String w = rowsOfPatches(code, 3);
    // A convolution whose stride is its size is one product of matrices.
    String cut =
        code.let("torch.reshape(pixels, [torch.size(pixels, 0), 3, %s, %d, %s, %d])", h, p, w, p);
    String rows =
        code.let(
            "torch.reshape(torch.permute(%s, [0, 2, 4, 1, 3, 5]), [torch.size(pixels, 0), torch.mul(%s, %s), %d])",
            cut, h, w, 3 * p * p);
    String patches =
        code.let(
            "torch.linear(%s, torch.reshape(%s, [%d, %d]), %s)",
            rows, weight, width, 3 * p * p, bias);
    String first =
        code.let(
            "torch.expand(%s, [torch.size(pixels, 0), 1, %d])",
            code.parameter(embeddings + "class_embedding"), width);
    String positions = code.let("%s", code.parameter(embeddings + "position_embedding"));
    int g = vision.grid();
    code.line("if torch.__and__(torch.eq(%s, %d), torch.eq(%s, %d)):", h, g, w, g);
    code.line("  position = %s", positions);
    code.line("else:");
    code.line(
        "  grid = torch.reshape(torch.slice(%s, 1, 1), [1, %d, %d, %d])", positions, g, g, width);
    code.line(
        "  resized = torch.upsample_bicubic2d(torch.permute(grid, [0, 3, 1, 2]), [%s, %s], False, None, None)",
        h, w);
    code.line(
        "  flat = torch.reshape(torch.permute(resized, [0, 2, 3, 1]), [1, torch.mul(%s, %s), %d])",
        h, w, width);
    code.line("  position = torch.cat([torch.slice(%s, 1, 0, 1), flat], 1)", positions);
    return code.let("torch.add(torch.cat([%s, %s], 1), position)", first, patches);
  }

  private String visionLayer(ScriptWriter code, String x, int index) {
    InternVLConfig.Vision vision = config.vision();
    String layer = InternVLConfig.visionLayer(index);
    int width = vision.width();
    String qkv =
        code.linear(visionNorm(code, x, layer + "norm1"), layer + "attn.qkv", vision.qkvBias());
    String q = code.let("torch.narrow(%s, 2, 0, %d)", qkv, width);
    String k = code.let("torch.narrow(%s, 2, %d, %d)", qkv, width, width);
    String v = code.let("torch.narrow(%s, 2, %d, %d)", qkv, 2 * width, width);
    if (vision.qkNorm()) {
      q = rmsNorm(code, q, layer + "attn.q_norm.weight", vision.epsilon());
      k = rmsNorm(code, k, layer + "attn.k_norm.weight", vision.epsilon());
    }
    String y =
        code.let(
            "torch.scaled_dot_product_attention(%s, %s, %s)",
            heads(code, q, vision.heads(), width / vision.heads()),
            heads(code, k, vision.heads(), width / vision.heads()),
            heads(code, v, vision.heads(), width / vision.heads()));
    String attended = code.linear(joined(code, y, width), layer + "attn.proj", true);
    String h = code.let("torch.addcmul(%s, %s, %s)", x, attended, code.parameter(layer + "ls1"));
    String inner = code.linear(visionNorm(code, h, layer + "norm2"), layer + "mlp.fc1", true);
    String outer = code.linear(code.let("torch.gelu(%s)", inner), layer + "mlp.fc2", true);
    return code.let("torch.addcmul(%s, %s, %s)", h, outer, code.parameter(layer + "ls2"));
  }

  private String visionNorm(ScriptWriter code, String x, String name) {
    InternVLConfig.Vision vision = config.vision();
    return vision.rmsNorm()
        ? rmsNorm(code, x, name + ".weight", vision.epsilon())
        : layerNorm(code, x, name, vision.width(), vision.epsilon());
  }

  private static String layerNorm(
      ScriptWriter code, String x, String name, int width, double epsilon) {
    return code.let(
        "torch.layer_norm(%s, [%d], %s, %s, %s)",
        x,
        width,
        code.parameter(name + ".weight"),
        code.parameter(name + ".bias"),
        Double.toString(epsilon));
  }

  private static String rmsNorm(ScriptWriter code, String x, String weight, double epsilon) {
    return code.let(
        "(self).rms_norm(%s, %s, %s, )", x, code.parameter(weight), Double.toString(epsilon));
  }

  /** (B, N, heads · w) to (B, heads, N, w). */
  private static String heads(ScriptWriter code, String x, int heads, int width) {
    return code.let("torch.transpose(torch.unflatten(%s, -1, [%d, %d]), 1, 2)", x, heads, width);
  }

  /** (B, heads, N, w) to (B, N, heads · w). */
  private static String joined(ScriptWriter code, String x, int width) {
    String turned = code.let("torch.transpose(%s, 1, 2)", x);
    return code.let(
        "torch.reshape(%s, [torch.size(%s, 0), torch.size(%s, 1), %d])",
        turned, turned, turned, width);
  }

  // The connector and the input of the decoder.

  private Method connect() {
    ScriptWriter code = method("connect(features: Tensor");
    return code.finish(NAME, "Tensor", connector(code));
  }

  private String connector(ScriptWriter code) {
    // nn.LayerNorm's own epsilon, not the vision model's.
    String normed = layerNorm(code, "features", "mlp1.0", config.featureWidth(), 1e-5);
    String inner = code.let("torch.gelu(%s)", code.linear(normed, "mlp1.1", true));
    return code.linear(inner, "mlp1.3", true);
  }

  private Method embed() {
    ScriptWriter code = method("embed(ids: Tensor, features: Tensor, places: Tensor");
    return code.finish(NAME, "Tensor", embedding(code));
  }

  /** Token embeddings, those at {@code places} of the flattened batch replaced by the features. */
  private String embedding(ScriptWriter code) {
    int width = config.language().width();
    String tokens = code.let("torch.embedding(%s, ids)", code.parameter(InternVLConfig.EMBEDDING));
    code.line("if torch.eq(torch.numel(places), 0):");
    code.line("  embedded = %s", tokens);
    code.line("else:");
    String seen = code.indented(() -> connector(code));
    code.line("  flat = torch.reshape(%s, [-1, %d])", tokens, width);
    code.line("  image = torch.reshape(%s, [-1, %d])", seen, width);
    code.line("  mixed = torch.index_copy(flat, 0, places, image)");
    code.line("  embedded = torch.reshape(mixed, torch.size(%s))", tokens);
    return "embedded";
  }

  // The decoder.

  private static final String CONTEXT = "cos: Tensor, sin: Tensor, mask: Tensor";

  /** Input embeddings to the output of every layer; the last one after the final norm. */
  private Method decoderStates() {
    ScriptWriter code = method("decoder_states(embedded: Tensor, " + CONTEXT);
    List<String> states = new ArrayList<>();
    String x = "embedded";
    states.add(x);
    mask(code);
    int layers = config.language().layers();
    for (int i = 0; i < layers; i++) {
      x = decoderLayer(code, x, i);
      states.add(i == layers - 1 ? finalNorm(code, x) : x);
    }
    return code.finish(NAME, "List[Tensor]", "[%s]".formatted(String.join(", ", states)));
  }

  private Method logits() {
    ScriptWriter code = method("logits(ids: Tensor, features: Tensor, places: Tensor, " + CONTEXT);
    String embedded = embedding(code);
    mask(code);
    String x = decoder(code, embedded, Cache.NONE, all -> all);
    return code.finish(NAME, "Tensor", head(code, finalNorm(code, x)));
  }

  /** Mean cross-entropy over the rows {@code kept} of the flattened batch. */
  private Method loss() {
    ScriptWriter code =
        method(
            "loss(ids: Tensor, features: Tensor, places: Tensor, "
                + CONTEXT
                + ", kept: Tensor, targets: Tensor");
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
                    all, config.language().width()));
    String logits = head(code, finalNorm(code, x));
    return code.finish(NAME, "Tensor", "torch.cross_entropy_loss(%s, targets)".formatted(logits));
  }

  /** The best next token of every sequence, (B); fills the caches, (B, heads, places, w) each. */
  private Method begin() {
    ScriptWriter code =
        method(
            "begin(ids: Tensor, features: Tensor, places: Tensor, "
                + CONTEXT
                + ", caches: List[Tensor]");
    String embedded = embedding(code);
    mask(code);
    code.line("at = 0");
    return code.finish(NAME, "Tensor", best(code, embedded, Cache.BEGIN));
  }

  /** The same after one more token a sequence, (B, 1); the mask is of all tokens up to it. */
  private Method advance() {
    ScriptWriter code = method("advance(ids: Tensor, " + CONTEXT + ", caches: List[Tensor]");
    String embedded =
        code.let("torch.embedding(%s, ids)", code.parameter(InternVLConfig.EMBEDDING));
    code.line("allowed = (self).allowed_next(mask, )");
    code.line("at = torch.sub(torch.size(mask, 1), 1)");
    return code.finish(NAME, "Tensor", best(code, embedded, Cache.CONTINUE));
  }

  private String best(ScriptWriter code, String embedded, Cache cache) {
    String x = decoder(code, embedded, cache, all -> code.let("torch.select(%s, 1, -1)", all));
    return code.let("torch.argmax(%s, -1)", head(code, finalNorm(code, x)));
  }

  /** An empty mask stands for one that hides nothing but the future. */
  private static void mask(ScriptWriter code) {
    code.line("if torch.eq(torch.numel(mask), 0):");
    code.line("  allowed = mask");
    code.line("else:");
    code.line("  allowed = (self).allowed(mask, )");
  }

  private String finalNorm(ScriptWriter code, String x) {
    return rmsNorm(code, x, InternVLConfig.FINAL_NORM, config.language().epsilon());
  }

  private String head(ScriptWriter code, String x) {
    String weight = config.tied() ? InternVLConfig.EMBEDDING : InternVLConfig.HEAD;
    return code.linear(x, weight.substring(0, weight.lastIndexOf('.')), false);
  }

  /** How the keys and values of a layer are used again. */
  private enum Cache {
    /** They are not. */
    NONE,
    /** Kept for the tokens to come. */
    BEGIN,
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
    int layers = config.language().layers();
    for (int i = 0; i < layers; i++) {
      String h = attention(code, x, i, cache);
      x = feedForward(code, i == layers - 1 ? rows.apply(h) : h, i);
    }
    return x;
  }

  /** x plus what it attends to. */
  private String attention(ScriptWriter code, String x, int index, Cache cache) {
    InternVLConfig.Language language = config.language();
    String layer = InternVLConfig.languageLayer(index) + "self_attn.";
    int heads = language.heads();
    int groups = language.keyValueHeads();
    int width = language.headWidth();
    String n =
        rmsNorm(
            code,
            x,
            InternVLConfig.languageLayer(index) + "input_layernorm.weight",
            language.epsilon());
    String q = rotated(code, code.linear(n, layer + "q_proj", true), heads);
    String k = rotated(code, code.linear(n, layer + "k_proj", true), groups);
    String v = heads(code, code.linear(n, layer + "v_proj", true), groups, width);
    if (cache != Cache.NONE) {
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
      y = joined(code, attended, heads * width);
    }
    return code.let("torch.add(%s, %s)", x, code.linear(y, layer + "o_proj", false));
  }

  private String feedForward(ScriptWriter code, String h, int index) {
    String layer = InternVLConfig.languageLayer(index);
    String n =
        rmsNorm(code, h, layer + "post_attention_layernorm.weight", config.language().epsilon());
    String gate = code.let("torch.silu(%s)", code.linear(n, layer + "mlp.gate_proj", false));
    String up = code.linear(n, layer + "mlp.up_proj", false);
    String down =
        code.linear(code.let("torch.mul(%s, %s)", gate, up), layer + "mlp.down_proj", false);
    return code.let("torch.add(%s, %s)", h, down);
  }

  /** (B, N, heads · w) to (B, heads, N, w), rotated by its position. */
  private String rotated(ScriptWriter code, String x, int heads) {
    String split = heads(code, x, heads, config.language().headWidth());
    return code.let("(self).rotate(%s, cos, sin, )", split);
  }
}
