package org.optmerge.method.scaling;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.optmerge.method.Paper;

/** A rule that finds λ without data and without search, from task vectors and their merge. */
public enum ScalingRule {
  /**
   * λ = min(E, √N·F): the merge moves a layer's outputs as much as an expert does on average (E),
   * and never goes further than N orthogonal experts added up (√N·F).
   */
  AUTO(Paper.NONE, "min(E, √N·F)"),
  /**
   * The λ at which the interference that WUDI minimises is least along Δ: Σ_i tr(Δ C_i τ_iᵀ) / Σ_i
   * tr(Δ C_i Δᵀ), C_i = τ_iᵀτ_i/‖τ_i‖².
   */
  INTERFERENCE(
      new Paper(
          "Cheng et al., Whoever started the interference should end it, ICML 2025",
          "https://arxiv.org/abs/2503.08099"),
      "the least of WUDI's loss along Δ"),
  /**
   * λ² = Σ (1/N) Σ_i ‖τ_i‖² / Σ ‖Δ‖²: the merge is as long as an expert on average, the magnitude
   * match in MAGIC's space of weights. MAGIC takes a ratio for each layer, which is {@code
   * {frobenius: tensor}}, of the mean of the norms; here squares are averaged.
   */
  FROBENIUS(
      new Paper("MAGIC: magnitude calibration, 2025", "https://arxiv.org/abs/2512.19320"), "F"),
  /**
   * The same match with the largest singular value in place of the Frobenius norm, geometric mean
   * over the tensors. Of a matrix with more rows than a sketch has, it is the sketch's.
   */
  SPECTRAL(Paper.NONE, "the match of largest singular values");

  private final Paper paper;
  private final String meaning;

  ScalingRule(Paper paper, String meaning) {
    this.paper = paper;
    this.meaning = meaning;
  }

  /** The name in recipes. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Where it was published. */
  public Paper paper() {
    return paper;
  }

  /** Its λ, in words or signs. */
  public String meaning() {
    return meaning;
  }

  /** The rule of a name in a recipe. */
  public static Optional<ScalingRule> of(String label) {
    return Arrays.stream(values()).filter(rule -> rule.label().equals(label)).findFirst();
  }

  /** All names. */
  public static List<String> labels() {
    return Arrays.stream(values()).map(ScalingRule::label).toList();
  }

  /**
   * λ for some tensors together. Where the merge changes nothing it is 1, as any other would do.
   *
   * @param perTensor whether each tensor has its own, for the record
   * @throws IllegalArgumentException if the merge points against the experts, so that no positive
   *     number is best
   */
  public MeasuredScaling scaling(List<Energies> tensors, boolean perTensor) {
    Energies sum = Energies.sum(tensors);
    double energy = Math.sqrt(sum.expert() / sum.merged());
    double norm = Math.sqrt(sum.expertSquares() / sum.mergedSquares());
    double cap = Math.sqrt(sum.allSquares() / sum.mergedSquares());
    if (sum.mergedSquares() == 0) {
      return new MeasuredScaling(
          this, perTensor, tensors.size(), 1, 1, 1, 1, "the merge changes nothing");
    }
    // A merge that the experts' inputs do not see has no E: the cap is all there is.
    boolean seen = sum.merged() > 0;
    double scaling =
        switch (this) {
          case AUTO -> seen ? Math.min(energy, cap) : cap;
          case INTERFERENCE -> sum.agreement() / sum.merged();
          case FROBENIUS -> norm;
          case SPECTRAL -> Math.sqrt(sum.spectral());
        };
    if (!(scaling > 0 && scaling < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "scaling: %s finds λ = %s, since the merge does not go the experts' way; give a number"
              .formatted(label(), scaling));
    }
    String bound = this == AUTO ? (seen && energy <= cap ? "E" : "√N·F") : meaning;
    return new MeasuredScaling(
        this, perTensor, tensors.size(), seen ? energy : cap, norm, cap, scaling, bound);
  }
}
