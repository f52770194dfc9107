package org.optmerge.model;

import java.util.ArrayList;
import java.util.List;
import org.optmerge.model.ScriptWriter.Method;

/**
 * The computations of a vision transformer with layer scale, of inputs with any channels.
 *
 * <p>Shapes: T inputs of H × W pixels, d the width.
 *
 * @see <a href="https://arxiv.org/abs/2010.11929">Dosovitskiy et al., ViT, ICLR 2021, section 3</a>
 */
final class VitMethods {
  private final InternVLConfig.Vision vision;
  private final String prefix;
  private final int channels;

  /**
   * @param prefix of the parameters' names, such as {@code "vision_model."}
   */
  VitMethods(InternVLConfig.Vision vision, String prefix, int channels) {
    this.vision = vision;
    this.prefix = prefix;
    this.channels = channels;
  }

  /** The embedding and the output of every layer, each (T, 1 + patches, d). */
  Method states(ScriptWriter code) {
    List<String> states = new ArrayList<>(List.of(embedding(code)));
    for (int i = 0; i < vision.layers(); i++) {
      states.add(layer(code, states.get(i), i));
    }
    return code.finish(states.stream().map(code::wide).toList());
  }

  /** The number of patches along a dimension of the pixels. */
  private String rowsOfPatches(ScriptWriter code, int dimension) {
    return code.let("torch.floordiv(torch.size(pixels, %d), %d)", dimension, vision.patch());
  }

  /**
   * (T, channels, H, W) to (T, patches, channels · p²): a convolution whose stride is its size is
   * one product of matrices.
   */
  static String patches(ScriptWriter code, int channels, int p) {
    code.line("rows = torch.floordiv(torch.size(pixels, 2), %d)", p);
    code.line("columns = torch.floordiv(torch.size(pixels, 3), %d)", p);
    String cut =
        code.let(
            "torch.reshape(pixels, [torch.size(pixels, 0), %d, rows, %d, columns, %d])",
            channels, p, p);
    return code.let(
        "torch.reshape(torch.permute(%s, [0, 2, 4, 1, 3, 5]), [torch.size(pixels, 0),"
            + " torch.mul(rows, columns), %d])",
        cut, channels * p * p);
  }

  /** (T, channels, H, W) to (T, 1 + patches, d). */
  private String embedding(ScriptWriter code) {
    code.line("pixels = (self).own(pixels, )");
    int width = vision.width();
    int p = vision.patch();
    String embeddings = prefix + "embeddings.";
    String weight = code.parameter(embeddings + "patch_embedding.weight");
    String bias = code.parameter(embeddings + "patch_embedding.bias");
    String h = rowsOfPatches(code, 2);
    String w = rowsOfPatches(code, 3);
    String rows = patches(code, channels, p);
    String patches =
        code.let(
            "torch.linear(%s, torch.reshape(%s, [%d, %d]), %s)",
            rows, weight, width, channels * p * p, bias);
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
        "  resized = torch.upsample_bicubic2d((self).wide(torch.permute(grid, [0, 3, 1, 2]), ),"
            + " [%s, %s], False, None, None)",
        h, w);
    code.line(
        "  flat = torch.reshape(torch.permute((self).own(resized, ), [0, 2, 3, 1]),"
            + " [1, torch.mul(%s, %s), %d])",
        h, w, width);
    code.line("  position = torch.cat([torch.slice(%s, 1, 0, 1), flat], 1)", positions);
    return code.let("torch.add(torch.cat([%s, %s], 1), position)", first, patches);
  }

  /** One layer, (T, 1 + patches, d) to the same. */
  private String layer(ScriptWriter code, String x, int index) {
    String layer = prefix + "encoder.layers.%d.".formatted(index);
    int width = vision.width();
    String qkv = code.linear(norm(code, x, layer + "norm1"), layer + "attn.qkv", vision.qkvBias());
    String q = code.let("torch.narrow(%s, 2, 0, %d)", qkv, width);
    String k = code.let("torch.narrow(%s, 2, %d, %d)", qkv, width, width);
    String v = code.let("torch.narrow(%s, 2, %d, %d)", qkv, 2 * width, width);
    if (vision.qkNorm()) {
      q = code.rmsNorm(q, layer + "attn.q_norm.weight", vision.epsilon());
      k = code.rmsNorm(k, layer + "attn.k_norm.weight", vision.epsilon());
    }
    String y =
        code.let(
            "torch.scaled_dot_product_attention(%s, %s, %s)",
            code.heads(q, vision.heads(), width / vision.heads()),
            code.heads(k, vision.heads(), width / vision.heads()),
            code.heads(v, vision.heads(), width / vision.heads()));
    String attended = code.linear(code.joined(y, width), layer + "attn.proj", true);
    String h = code.let("torch.addcmul(%s, %s, %s)", x, attended, code.parameter(layer + "ls1"));
    String inner = code.linear(norm(code, h, layer + "norm2"), layer + "mlp.fc1", true);
    String outer = code.linear(code.let("torch.gelu(%s)", inner), layer + "mlp.fc2", true);
    return code.let("torch.addcmul(%s, %s, %s)", h, outer, code.parameter(layer + "ls2"));
  }

  /**
   * The states of some patches, s × s of them side by side: (T, tokens, s² · d).
   *
   * @param layers that the states go through
   * @param s patches in each direction that become one token
   * @param transposed true to list the tokens of an input column by column
   */
  Method features(ScriptWriter code, int layers, int s, boolean transposed) {
    String x = embedding(code);
    for (int i = 0; i < layers; i++) {
      x = layer(code, x, i);
    }
    String h = rowsOfPatches(code, 2);
    String w = rowsOfPatches(code, 3);
    code.line("h = torch.floordiv(%s, %d)", h, s);
    code.line("w = torch.floordiv(%s, %d)", w, s);
    String patches = code.let("torch.slice(%s, 1, 1)", x);
    String grid =
        code.let(
            "torch.reshape(%s, [torch.size(pixels, 0), h, %d, w, %d, %d])",
            patches, s, s, vision.width());
    String blocks =
        code.let(
            "torch.permute(%s, %s)",
            grid, transposed ? "[0, 3, 1, 2, 4, 5]" : "[0, 1, 3, 2, 4, 5]");
    return code.finish(
        "Tensor",
        "(self).wide(torch.reshape(%s, [torch.size(pixels, 0), torch.mul(h, w), %d]), )"
            .formatted(blocks, s * s * vision.width()));
  }

  private String norm(ScriptWriter code, String x, String name) {
    return vision.rmsNorm()
        ? code.rmsNorm(x, name + ".weight", vision.epsilon())
        : code.layerNorm(x, name, vision.width(), vision.epsilon());
  }
}
