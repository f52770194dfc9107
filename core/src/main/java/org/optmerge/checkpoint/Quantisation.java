package org.optmerge.checkpoint;

import static org.optmerge.checkpoint.CheckpointException.quote;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Tells weights from numbers that stand for weights only together with other tensors.
 *
 * <p>Goes by element type and by the names that the known formats give to scales: block-scaled FP8
 * (DeepSeek), compressed-tensors, GPTQ, AWQ, bitsandbytes, MXFP4.
 */
final class Quantisation {
  private static final String CONVERT = "; save the model dequantised, in bfloat16, and merge that";

  /** Names of scales and offsets, appended to the name of the weight. */
  private static final List<String> AFTER_WEIGHT =
      List.of(
          "_scale_inv",
          "_scale",
          "_scale_2",
          "_scales",
          "_zero_point",
          "_global_scale",
          ".absmax",
          ".quant_map",
          ".nested_absmax",
          ".nested_quant_map");

  /** Names of scales and offsets, appended to the name of the module. */
  private static final List<String> AFTER_MODULE =
      List.of(
          ".input_scale",
          ".output_scale",
          ".scale_weight",
          ".scale_input",
          ".scale",
          ".scales",
          ".qzeros",
          ".g_idx",
          ".SCB",
          ".k_scale",
          ".v_scale");

  /** Names of the numbers themselves, in place of {@code .weight}. */
  private static final List<String> PACKED = List.of(".qweight", ".weight_packed");

  private Quantisation() {}

  /**
   * The reason why a tensor must not be averaged with others.
   *
   * @param find the other tensors of its checkpoint, null where there is none of a name
   */
  static Optional<String> whyNotMergeable(
      TensorInfo tensor, Function<String, Optional<TensorInfo>> find) {
    String name = tensor.name();
    String subject = "tensor %s ".formatted(quote(name));
    Optional<TensorInfo> weight = weightScaledBy(name, find);
    if (weight.isPresent()) {
      return Optional.of(
          subject
              + "belongs to the quantised weight %s (%s), which has no meaning without it%s"
                  .formatted(
                      quote(weight.get().name()), weight.get().dtype().torchName(), CONVERT));
    }
    if (!quantised(tensor)) {
      return Optional.empty();
    }
    String type = tensor.dtype() == DType.OTHER ? tensor.type() : tensor.dtype().torchName();
    Optional<String> scale = scaleOf(name, find);
    if (scale.isPresent()) {
      return Optional.of(
          subject
              + "is quantised (%s): its values have no meaning without %s%s"
                  .formatted(type, quote(scale.get()), CONVERT));
    }
    if (tensor.dtype().isFloating()) {
      return Optional.of(
          subject
              + "is %s without a scale beside it, so the size of its values is not known%s"
                  .formatted(type, CONVERT));
    }
    return Optional.of(
        PACKED.stream().anyMatch(name::endsWith)
            ? subject + "holds packed numbers (%s), not weights%s".formatted(type, CONVERT)
            : subject
                + "holds %s, not real numbers, so it can be copied but not merged".formatted(type));
  }

  /** True for types that hold weights only in codes. */
  private static boolean quantised(TensorInfo tensor) {
    return switch (tensor.dtype()) {
      case F64, F32, F16, BF16 -> false;
      default -> true;
    };
  }

  private static String module(String weight) {
    return Stream.concat(PACKED.stream(), Stream.of(".weight"))
        .filter(weight::endsWith)
        .map(suffix -> weight.substring(0, weight.length() - suffix.length()))
        .findFirst()
        .orElse(weight);
  }

  private static Optional<String> scaleOf(
      String weight, Function<String, Optional<TensorInfo>> find) {
    String module = module(weight);
    // compressed-tensors: x.weight_packed has x.weight_scale; MXFP4: x_blocks has x_scales.
    String plain =
        weight.endsWith("_blocks") ? weight.substring(0, weight.length() - 7) : module + ".weight";
    return Stream.of(
            AFTER_WEIGHT.stream().map(suffix -> weight + suffix),
            AFTER_WEIGHT.stream().map(suffix -> plain + suffix),
            AFTER_MODULE.stream().map(suffix -> module + suffix))
        .flatMap(Function.identity())
        .filter(name -> !name.equals(weight) && find.apply(name).isPresent())
        .findFirst();
  }

  /** The quantised weight that a tensor of this name scales, if there is one. */
  private static Optional<TensorInfo> weightScaledBy(
      String name, Function<String, Optional<TensorInfo>> find) {
    Stream<String> byWeight =
        AFTER_WEIGHT.stream()
            .filter(name::endsWith)
            .map(suffix -> name.substring(0, name.length() - suffix.length()))
            .flatMap(
                weight ->
                    Stream.of(weight, weight + ".weight", weight + "_packed", weight + "_blocks"));
    Stream<String> byModule =
        AFTER_MODULE.stream()
            .filter(name::endsWith)
            .map(suffix -> name.substring(0, name.length() - suffix.length()))
            .flatMap(
                module ->
                    Stream.concat(Stream.of(".weight"), PACKED.stream())
                        .map(suffix -> module + suffix));
    return Stream.concat(byWeight, byModule)
        .filter(weight -> !weight.equals(name))
        .map(find)
        .flatMap(Optional::stream)
        .filter(Quantisation::quantised)
        .findFirst();
  }
}
