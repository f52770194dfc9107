package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.optmerge.linalg.StoredTensors;
import org.optmerge.linalg.TorchScript;
import org.optmerge.model.ScriptWriter.Method;

/**
 * The computations of a model, as a TorchScript module that is written for its configuration.
 *
 * <p>One call from Java runs a whole model: fewer crossings of the language border, intermediate
 * results that are freed as soon as they can be, and kernels DJL's arrays do not offer (scaled
 * dot-product attention, layer norm, exact GELU, cross-entropy). Gradients flow as through any
 * other operation.
 */
final class ModelScript implements AutoCloseable {
  private static final String NAME = ScriptWriter.MODULE;

  /**
   * Methods that need no parameter. {@code grow} gives keys and values, (B, heads, places, w) each,
   * room for as many more places as {@code more} has. {@code placed} puts keys or values of several
   * sequences into one tensor: {@code places} has for each part how many copies it takes of how
   * many places, {@code ends} the place after the last of them and the number of all.
   */
  private static final String HELPERS =
      """
      def repeat(self: __torch__.Model, x: Tensor, times: int) -> Tensor:
        if torch.eq(times, 1):
          y = x
        else:
          b, h, n, w = torch.size(x, 0), torch.size(x, 1), torch.size(x, 2), torch.size(x, 3)
          wide = torch.expand(torch.unsqueeze(x, 2), [b, h, times, n, w])
          y = torch.reshape(wide, [b, torch.mul(h, times), n, w])
        return y
      def allowed(self: __torch__.Model, mask: Tensor) -> Tensor:
        position = torch.sub(torch.cumsum(torch.ones_like(torch.select(mask, 0, 0)), 0), 1)
        query = torch.unsqueeze(position, 1)
        causal = torch.ge(query, position)
        key = torch.unsqueeze(torch.unsqueeze(torch.ne(mask, 0), 1), 1)
        return torch.logical_or(torch.logical_and(key, causal), torch.eq(query, position))
      def allowed_next(self: __torch__.Model, mask: Tensor) -> Tensor:
        return torch.unsqueeze(torch.unsqueeze(torch.ne(mask, 0), 1), 1)
      def append(self: __torch__.Model, cache: Tensor, x: Tensor, at: int) -> Tensor:
        n = torch.size(x, 2)
        y = torch.copy_(torch.narrow(cache, 2, at, n), x)
        return torch.narrow(cache, 2, 0, torch.add(at, n))
      def grow(self: __torch__.Model, caches: List[Tensor], more: Tensor) -> List[Tensor]:
        grown = annotate(List[Tensor], [])
        for i in range(torch.len(caches)):
          x = caches[i]
          b, h, n, w = torch.size(x, 0), torch.size(x, 1), torch.size(x, 2), torch.size(x, 3)
          y = torch.new_empty(x, [b, h, torch.add(n, torch.size(more, 0)), w])
          _0 = torch.copy_(torch.narrow(y, 2, 0, n), x)
          _1 = torch.append(grown, y)
        return grown
      def placed(self: __torch__.Model, parts: List[Tensor], places: Tensor, ends: Tensor) -> Tensor:
        end = int(torch.select(ends, 0, 0))
        room = int(torch.select(ends, 0, 1))
        rows = 0
        for i in range(torch.len(parts)):
          copies = int(torch.select(torch.select(places, 0, i), 0, 0))
          rows = torch.add(rows, torch.mul(copies, torch.size(parts[i], 0)))
        first = parts[0]
        y = torch.new_zeros(first, [rows, torch.size(first, 1), room, torch.size(first, 3)])
        row = 0
        for i in range(torch.len(parts)):
          copies = int(torch.select(torch.select(places, 0, i), 0, 0))
          n = int(torch.select(torch.select(places, 0, i), 0, 1))
          x = torch.narrow(parts[i], 2, 0, n)
          count = torch.mul(copies, torch.size(x, 0))
          z = torch.narrow(torch.narrow(y, 0, row, count), 2, torch.sub(end, n), n)
          _0 = torch.copy_(z, torch.expand(x, [count, torch.size(x, 1), n, torch.size(x, 3)]))
          row = torch.add(row, count)
        return y
      def allowed_more(self: __torch__.Model, mask: Tensor, n: int) -> Tensor:
        position = torch.sub(torch.cumsum(torch.ones_like(torch.select(mask, 0, 0)), 0), 1)
        query = torch.unsqueeze(torch.narrow(position, 0, torch.sub(torch.size(mask, 1), n), n), 1)
        key = torch.unsqueeze(torch.unsqueeze(torch.ne(mask, 0), 1), 1)
        return torch.logical_and(key, torch.ge(query, position))
      def attend_apart(self: __torch__.Model, q: Tensor, k: Tensor, v: Tensor, counts: Tensor) -> Tensor:
        n = torch.size(counts, 0)
        if torch.eq(n, 1):
          y = torch.scaled_dot_product_attention(q, k, v)
        else:
          parts = annotate(List[Tensor], [])
          at = 0
          for i in range(n):
            count = int(torch.select(counts, 0, i))
            a, b, c = torch.narrow(q, 2, at, count), torch.narrow(k, 2, at, count), torch.narrow(v, 2, at, count)
            _0 = torch.append(parts, torch.scaled_dot_product_attention(a, b, c))
            at = torch.add(at, count)
          y = torch.cat(parts, 2)
        return y
      def attend(self: __torch__.Model, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor) -> Tensor:
        if torch.eq(torch.numel(allowed), 0):
          y = torch.scaled_dot_product_attention(q, k, v, None, 0., True)
        else:
          y = torch.scaled_dot_product_attention(q, k, v, allowed, 0., False)
        return y
      """;

  /** Arithmetic in the type of the arrays that come, float32. */
  private static final String FLOAT32 =
      """
      def own(self: __torch__.Model, x: Tensor) -> Tensor:
        return x
      def wide(self: __torch__.Model, x: Tensor) -> Tensor:
        return x
      def linear(self: __torch__.Model, x: Tensor, w: Tensor, s: Tensor, b: Optional[Tensor]) -> Tensor:
        return torch.linear(x, w, b)
      def rms_norm(self: __torch__.Model, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        square = torch.mean(torch.mul(x, x), [-1], True)
        return torch.mul(torch.mul(x, torch.rsqrt(torch.add(square, epsilon))), weight)
      def rotate(self: __torch__.Model, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        half = torch.floordiv(torch.size(x, -1), 2)
        return torch.addcmul(torch.mul(x, cos), torch.roll(x, [half], [-1]), sin)
      """;

  /** Arithmetic in a type of its own; norms and rotations in float32, as the reference has them. */
  private static final String OTHER =
      """
      def own(self: __torch__.Model, x: Tensor) -> Tensor:
        return torch.to(x, TYPE)
      def wide(self: __torch__.Model, x: Tensor) -> Tensor:
        return torch.to(x, 6)
      def rms_norm(self: __torch__.Model, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        y = torch.to(x, 6)
        square = torch.mean(torch.mul(y, y), [-1], True)
        normed = torch.mul(y, torch.rsqrt(torch.add(square, epsilon)))
        return torch.mul(torch.to(normed, TYPE), weight)
      def rotate(self: __torch__.Model, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        y = torch.to(x, 6)
        half = torch.floordiv(torch.size(y, -1), 2)
        turned = torch.addcmul(torch.mul(y, cos), torch.roll(y, [half], [-1]), sin)
        return torch.to(turned, TYPE)
      """;

  /** Products with weights of the arithmetic's type. */
  private static final String PLAIN =
      """
      def linear(self: __torch__.Model, x: Tensor, w: Tensor, s: Tensor, b: Optional[Tensor]) -> Tensor:
        return torch.linear(x, w, b)
      """;

  /**
   * Some rows of a weight at a time in the activations' type, so few that they stay in the
   * processor's cache; all in the same place, so that memory does not go to pieces.
   */
  private static final String BY_PARTS =
      """
      def by_parts(self: __torch__.Model, x: Tensor, w: Tensor) -> Tensor:
        rows, columns = torch.size(w, 0), torch.size(w, 1)
        most = torch.add(torch.floordiv(VALUES, columns), 1)
        room = torch.new_empty(x, [ops.prim.min(rows, most), columns])
        parts = annotate(List[Tensor], [])
        for i in range(torch.floordiv(torch.add(rows, torch.sub(most, 1)), most)):
          first = torch.mul(i, most)
          some = torch.slice(w, 0, first, torch.add(first, most))
          part = torch.copy_(torch.narrow(room, 0, 0, torch.size(some, 0)), some)
          _0 = torch.append(parts, torch.linear(x, part, None))
        return torch.cat(parts, -1)
      """
          .replace("VALUES", Integer.toString(1 << 20));

  /**
   * Products with weights of eight bits whose rows have scales: a few rows of activations by the
   * engine's own kernel, which reads whole blocks, more with weights that are widened some rows at
   * a time.
   */
  private static final String EIGHT_BITS =
      """
      def linear(self: __torch__.Model, x: Tensor, w: Tensor, s: Tensor, b: Optional[Tensor]) -> Tensor:
        rows, columns = torch.size(w, 0), torch.size(w, 1)
        if torch.eq(torch.numel(s), 0):
          y = torch.linear(x, w, b)
        else:
          flat = torch.reshape(x, [-1, columns])
          whole = torch.__and__(torch.eq(torch.remainder(rows, 32), 0), torch.eq(torch.remainder(columns, 32), 0))
          if torch.__and__(torch.le(torch.size(flat, 0), 4), whole):
            z = torch._weight_int8pack_mm(torch.contiguous(flat), w, s)
          else:
            z = torch.mul((self).by_parts(flat, w, ), s)
          shape = torch.slice(torch.size(x), 0, -1)
          y0 = torch.reshape(z, torch.add(shape, [rows]))
          if torch.__isnot__(b, None):
            y = torch.add(y0, unchecked_cast(Tensor, b))
          else:
            y = y0
        return y
      """;

  /** Products with weights of any type, which are widened. */
  private static final String WIDENING =
      """
      def linear(self: __torch__.Model, x: Tensor, w: Tensor, s: Tensor, b: Optional[Tensor]) -> Tensor:
        y = (self).by_parts(x, w, )
        if torch.__isnot__(b, None):
          c = unchecked_cast(Tensor, b)
          z = torch.add(y, torch.to(c, 6))
        else:
          z = y
        return z
      """;

  private static String arithmetic(Precision precision) {
    return switch (precision) {
      case BFLOAT16 -> PLAIN + OTHER.replace("TYPE", type(StoredTensors.Type.BFLOAT16));
      case INT8 -> BY_PARTS + EIGHT_BITS + OTHER.replace("TYPE", type(StoredTensors.Type.BFLOAT16));
      case FLOAT32_MAPPED ->
          BY_PARTS + WIDENING + OTHER.replace("TYPE", type(StoredTensors.Type.FLOAT32));
      default -> FLOAT32;
    };
  }

  private static String type(StoredTensors.Type type) {
    return Long.toString(type.code());
  }

  private final Map<String, Method> methods = new LinkedHashMap<>();
  private final TorchScript script;

  /**
   * @param precision of the arithmetic
   */
  ModelScript(List<Method> all, Precision precision) {
    StringBuilder source = new StringBuilder(arithmetic(precision)).append(HELPERS);
    for (Method method : all) {
      methods.put(method.name(), method);
      source.append(method.source());
    }
    script = TorchScript.compile(NAME, source.toString());
  }

  /** Calls a method; the parameters are looked up by name and come last. */
  NDList call(
      NDManager results, String name, Function<String, NDArray> parameters, Object... arguments) {
    Method method = methods.get(name);
    if (method == null) {
      // One of those above.
      return script.call(results, name, arguments);
    }
    List<Object> all = new ArrayList<>(List.of(arguments));
    all.add(method.arguments(parameters));
    return script.call(results, name, all.toArray());
  }

  /** Names of weights that are factors of products. */
  Set<String> factors() {
    Set<String> scaled = new HashSet<>();
    for (Method method : methods.values()) {
      for (String name : method.parameters()) {
        if (name.endsWith(ScriptWriter.SCALES)) {
          scaled.add(name.substring(0, name.length() - ScriptWriter.SCALES.length()));
        }
      }
    }
    return scaled;
  }

  @Override
  public void close() {
    script.close();
  }
}
