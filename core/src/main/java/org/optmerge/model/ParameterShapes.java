package org.optmerge.model;

import ai.djl.ndarray.types.Shape;
import java.util.SortedMap;
import java.util.TreeMap;

/** Names and shapes of a model's parameters, as they are collected module by module. */
final class ParameterShapes {
  private final SortedMap<String, Shape> all = new TreeMap<>();

  ParameterShapes put(String name, long... extents) {
    all.put(name, new Shape(extents));
    return this;
  }

  /** The weight and, if it has one, the bias of a linear map. */
  ParameterShapes linear(String module, long out, long in, boolean bias) {
    put(module + ".weight", out, in);
    return bias ? put(module + ".bias", out) : this;
  }

  /** The weight of an RMSNorm, or weight and bias of a LayerNorm. */
  ParameterShapes norm(String module, long width, boolean bias) {
    put(module + ".weight", width);
    return bias ? put(module + ".bias", width) : this;
  }

  SortedMap<String, Shape> all() {
    return all;
  }
}
