package org.optmerge.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.method.MergeMethod.Operand;

/**
 * Small matrices merged by mergekit itself in float32: base, a and c, and a second set with c2 in
 * the place of c. Weights are 0.6 and 0.4 unless stated.
 */
class MergekitMethodsTest {
  private static final List<Long> SHAPE = List.of(2L, 3L);
  private static final float[] BASE = {.1f, .2f, .3f, .4f, .5f, .6f};
  private static final float[] A = {.11f, .14f, .33f, .38f, .55f, .64f};
  private static final float[] C = {.05f, .22f, .36f, .43f, .46f, .61f};
  private static final float[] C2 = {.13f, .16f, .36f, .37f, .58f, .66f};
  private static final Map<String, Object> WEIGHTS = Map.of("weight", List.of(0.6, 0.4));

  static Stream<Arguments> cases() {
    return Stream.of(
        weights("linear", WEIGHTS, A, C, ".086000 .172000 .342000 .400000 .514000 .628000"),
        weights(
            "linear",
            Map.of("weight", 0.6, "normalize", false),
            A,
            C,
            ".096000 .216000 .414000 .486000 .606000 .750000"),
        weights(
            "slerp", Map.of("t", 0.35), A, C, ".089213 .168451 .341380 .398531 .519805 .631104"),
        weights(
            "slerp", Map.of("t", 0.35), A, C2, ".117018 .147023 .340553 .376558 .560587 .647100"),
        weights("nuslerp", WEIGHTS, A, C, ".086222 .172479 .342929 .401090 .515372 .629691"),
        weights(
            "nuslerp",
            with("nuslerp_flatten", false),
            A,
            C,
            ".086525 .173135 .344201 .400545 .514687 .628846"),
        weights(
            "nuslerp",
            Map.of("weight", List.of(0.6, 0.4), "nuslerp_flatten", false, "nuslerp_row_wise", true),
            A,
            C,
            ".086272 .172828 .342135 .401338 .516372 .628245"),
        changes("nuslerp", WEIGHTS, C, ".075134 .159127 .367953 .402214 .518222 .643088"),
        changes("nuslerp", WEIGHTS, C2, ".118360 .147057 .342820 .375541 .563192 .648919"),
        weights("multislerp", WEIGHTS, A, C, ".085888 .172966 .343152 .401437 .514928 .629610"),
        changes("multislerp", WEIGHTS, C, ".078115 .156230 .365655 .400000 .521885 .643770"),
        changes("multislerp", WEIGHTS, C2, ".117263 .144277 .341535 .375728 .562388 .648543"),
        weights("karcher", Map.of(), A, C, ".079866 .181029 .346209 .406511 .505942 .626669"),
        weights("karcher", Map.of(), A, C2, ".119867 .149885 .344896 .375318 .565023 .650173"),
        arguments(
            "karcher",
            Map.of(),
            Operand.WEIGHTS,
            new float[][] {A, C, BASE},
            ".086791 .187615 .330624 .404523 .504206 .617922"),
        changes("task_arithmetic", WEIGHTS, C, ".086 .172 .342 .4 .514 .628"),
        changes("task_arithmetic", with("lambda", .5), C, ".093 .186 .321 .4 .507 .614"),
        changes("ties", with("density", .5), C, ".050 .140 .360 .400 .550 .640"),
        changes("ties", with("density", .5), C2, ".100 .140 .360 .400 .562 .648"),
        changes("ties", WEIGHTS, C, ".050 .140 .342 .380 .550 .628"),
        changes(
            "ties",
            Map.of("weight", List.of(0.6, 0.4), "density", .5, "normalize", false),
            C,
            ".080 .164 .324 .400 .530 .624"),
        changes(
            "ties",
            Map.of("weight", List.of(0.6, 0.4), "density", .5, "rescale", true),
            C,
            ".030 .116 .384 .400 .570 .656"),
        changes(
            "ties",
            Map.of("weight", List.of(0.6, 0.4), "density", .5, "rescale", true),
            C2,
            ".100 .116 .390 .400 .590 .6696"),
        changes("breadcrumbs", breadcrumbs(), C, ".080 .200 .318 .412 .514 .624"),
        changes("breadcrumbs", breadcrumbs(), C2, ".100 .184 .342 .400 .530 .648"),
        changes("breadcrumbs_ties", breadcrumbs(), C, ".080 .200 .318 .412 .530 .624"),
        changes("dare_ties", WEIGHTS, C, ".080 .164 .342 .388 .530 .628"),
        changes("model_stock", Map.of(), C, ".112 .212 .273 .397 .497 .585"),
        changes("model_stock", Map.of(), C2, ".119216 .151959 .343237 .375979 .562453 .648041"),
        changes(
            "model_stock",
            Map.of("filter_wise", true),
            C,
            ".099282 .199282 .301616 .381975 .481975 .509875"),
        changes(
            "model_stock",
            Map.of("filter_wise", true),
            C2,
            ".118373 .154068 .341339 .375006 .564983 .649987"),
        changes("sce", Map.of(), C, ".050 .140 .345 .430 .550 .625"),
        changes("sce", Map.of(), C2, ".123027 .153027 .349540 .373487 .569540 .653027"),
        changes("sce", Map.of("select_topk", .5), C, ".050 .140 .300 .400 .550 .600"),
        changes("ram", Map.of("epsilon", .015), C, ".050 .180 .345 .405 .505 .640"),
        changes("ramplus_tl", Map.of("epsilon", .015), C, ".049 .180 .345 .405 .505 .6408"),
        changes(
            "ramplus_tl",
            Map.of("epsilon", .015),
            C2,
            ".130600 .150000 .345000 .375000 .565000 .650000"),
        arguments(
            "passthrough",
            Map.of("scale", .5),
            Operand.WEIGHTS,
            new float[][] {A},
            ".055 .070 .165 .190 .275 .320"));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void gives_what_mergekit_gives(
      String name,
      Map<String, Object> parameters,
      Operand operand,
      float[][] inputs,
      String expected) {
    MergeMethod method =
        MethodParameters.bind(name, MergeMethods.named(name).method(), parameters).over(operand);

    float[] merged = InMemory.merge(method, SHAPE, inputs);

    String[] numbers = expected.split(" ");
    for (int i = 0; i < merged.length; i++) {
      float value = operand == Operand.WEIGHTS ? merged[i] : BASE[i] + merged[i];
      assertThat(value).isCloseTo(Float.parseFloat(numbers[i]), within(1e-6f));
    }
  }

  @Test
  void nearswap_gives_what_mergekit_gives() {
    // base a, other c: differences over .02 move the base by .02
    float[] merged = InMemory.merge(new NearSwap(.02), difference(C, A));

    float[] expected = {.090f, .160f, .350f, .400f, .530f, .620f};
    for (int i = 0; i < merged.length; i++) {
      assertThat(A[i] + merged[i]).isCloseTo(expected[i], within(1e-6f));
    }
  }

  private static Arguments weights(
      String name, Map<String, Object> parameters, float[] first, float[] second, String expected) {
    return arguments(name, parameters, Operand.WEIGHTS, new float[][] {first, second}, expected);
  }

  private static Arguments changes(
      String name, Map<String, Object> parameters, float[] second, String expected) {
    return arguments(
        name,
        parameters,
        Operand.TASK_VECTORS,
        new float[][] {difference(A, BASE), difference(second, BASE)},
        expected);
  }

  private static float[] difference(float[] a, float[] b) {
    float[] difference = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      difference[i] = a[i] - b[i];
    }
    return difference;
  }

  private static Map<String, Object> with(String parameter, Object value) {
    return Map.of("weight", List.of(0.6, 0.4), parameter, value);
  }

  private static Map<String, Object> breadcrumbs() {
    return Map.of("weight", List.of(0.6, 0.4), "density", .5, "gamma", .2);
  }
}
