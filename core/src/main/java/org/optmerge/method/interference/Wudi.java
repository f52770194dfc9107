package org.optmerge.method.interference;

import org.optmerge.method.Matrices;
import org.optmerge.method.ParameterDoc;

/**
 * WUDI-Merging: minimises Σ ‖(τ − τᵢ)τᵢᵀ‖_F² / ‖τᵢ‖_F², in which each task vector stands in for the
 * inputs of its layer, starting from the sum.
 *
 * <p>Matrices only; the mean elsewhere and for the head, as published. A task vector that is zero
 * has no say (the published code divides by zero); if all are, so is the result. With one expert
 * the result is its task vector. More experts than rows, rank-deficient and repeated experts need
 * no care: what the task vectors do not span keeps the start.
 *
 * @param init where the descent starts; published: the sum
 * @param descent published: 300 steps of Adam at 1e-5. With SGD the exact result in closed form,
 *     and factors stay factors
 * @see <a href="https://arxiv.org/abs/2503.08099">Cheng et al., Whoever started the interference
 *     should end it, ICML 2025</a>
 */
public record Wudi(@ParameterDoc("where the descent starts") Init init, Descent descent)
    implements DescentMethod {
  /** As published: Adam at 1e-5 for 300 steps, from the sum. */
  public static final Wudi PUBLISHED = new Wudi(Init.SUM, Descent.adam(1e-5, 300));

  @Override
  public ProjectionLoss loss(Matrices tau, boolean factored) {
    var loss = new ProjectionLoss.Builder(tau, factored);
    for (int t = 0; t < tau.count(); t++) {
      DescentMethod.addWhole(loss, tau, t, tau.inverseSquaredNorm(t));
    }
    return loss.build();
  }

  @Override
  public long projectorRows(Matrices tau) {
    return tau.rowFactorRows();
  }
}
