package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
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

  /** Methods that need no parameter. */
  private static final String HELPERS =
      """
      def rms_norm(self: __torch__.Model, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        square = torch.mean(torch.mul(x, x), [-1], True)
        return torch.mul(torch.mul(x, torch.rsqrt(torch.add(square, epsilon))), weight)
      def rotate(self: __torch__.Model, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        half = torch.floordiv(torch.size(x, -1), 2)
        return torch.addcmul(torch.mul(x, cos), torch.roll(x, [half], [-1]), sin)
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
      def attend(self: __torch__.Model, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor) -> Tensor:
        if torch.eq(torch.numel(allowed), 0):
          y = torch.scaled_dot_product_attention(q, k, v, None, 0., True)
        else:
          y = torch.scaled_dot_product_attention(q, k, v, allowed, 0., False)
        return y
      """;

  private final Map<String, Method> methods = new LinkedHashMap<>();
  private final TorchScript script;

  ModelScript(List<Method> all) {
    StringBuilder source = new StringBuilder(HELPERS);
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
}
