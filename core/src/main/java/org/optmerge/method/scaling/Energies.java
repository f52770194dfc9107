package org.optmerge.method.scaling;

import java.util.List;

/**
 * The sizes of experts and merge in one tensor, of which a {@link ScalingRule} makes λ. Those of
 * several tensors add up. C = (1/N) Σ_i τ_iᵀτ_i/‖τ_i‖² is the second moment of a layer's inputs
 * that its task vectors betray; Δ is the merged task vector at λ = 1.
 *
 * @param expert (1/N) Σ_i tr(τ_i C τ_iᵀ)
 * @param merged tr(Δ C Δᵀ)
 * @param agreement (1/N) Σ_i tr(Δ τ_iᵀτ_i τ_iᵀ)/‖τ_i‖²
 * @param expertSquares (1/N) Σ_i ‖τ_i‖²
 * @param allSquares Σ_i ‖τ_i‖²
 * @param mergedSquares ‖Δ‖²
 * @param spectral (1/N) Σ_i σ₁(τ_i)² over σ₁(Δ)²; NaN if it was not asked for or nothing changes
 */
public record Energies(
    double expert,
    double merged,
    double agreement,
    double expertSquares,
    double allSquares,
    double mergedSquares,
    double spectral) {
  /** Of a tensor that no expert changes. */
  public static final Energies NONE = new Energies(0, 0, 0, 0, 0, 0, Double.NaN);

  /** The sums over tensors; of the spectral ratio the geometric mean. */
  static Energies sum(List<Energies> tensors) {
    double[] sums = new double[6];
    double logarithms = 0;
    int ratios = 0;
    for (Energies one : tensors) {
      double[] values = {
        one.expert, one.merged, one.agreement, one.expertSquares, one.allSquares, one.mergedSquares
      };
      for (int i = 0; i < sums.length; i++) {
        sums[i] += values[i];
      }
      if (one.spectral > 0) {
        logarithms += StrictMath.log(one.spectral);
        ratios++;
      }
    }
    return new Energies(
        sums[0],
        sums[1],
        sums[2],
        sums[3],
        sums[4],
        sums[5],
        ratios == 0 ? Double.NaN : StrictMath.exp(logarithms / ratios));
  }
}
