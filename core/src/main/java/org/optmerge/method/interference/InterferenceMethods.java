package org.optmerge.method.interference;

import static org.optmerge.method.NamedMethod.Cost.CLOSED_FORM;
import static org.optmerge.method.NamedMethod.Cost.DESCENT;

import java.util.List;
import org.optmerge.method.Law;
import org.optmerge.method.MergeMethod;
import org.optmerge.method.MethodProvider;
import org.optmerge.method.NamedMethod;
import org.optmerge.method.NamedMethod.Builder;
import org.optmerge.method.NamedMethod.Cost;
import org.optmerge.method.NamedMethod.Origin;
import org.optmerge.method.Paper;

/** OptMerge and its relatives, which minimise the interference between tasks. */
public final class InterferenceMethods implements MethodProvider {
  private static final Paper WUDI =
      new Paper(
          "Cheng et al., Whoever started the interference should end it, ICML 2025",
          "https://arxiv.org/abs/2503.08099");
  private static final Paper OPTMERGE =
      new Paper("Wei et al., OptMerge, ICLR 2026, section 4", "https://arxiv.org/abs/2505.19892");
  private static final Paper SPECTRAL =
      new Paper(
          "Wei et al., Closed-form spectral regularization for multi-task model merging",
          "https://arxiv.org/abs/2606.07289");

  private static final String ADAM = "Adam's steps are absolute";

  @Override
  public List<NamedMethod> methods() {
    return NamedMethod.list(
        official("wudi", Wudi.PUBLISHED, 0.3, WUDI, DESCENT)
            .summary("least interference with each task's inputs, by Adam from the sum")
            .formula("Δ → min Σ ‖(Δ − τ_t) τ_tᵀ‖² / ‖τ_t‖²")
            .use("full fine-tunes of a small model; swudi minimises the same loss in closed form")
            .except(Law.SCALE, ADAM)
            .pinnedBy("golden `wudi`"),
        official("optmerge-lora", OptMergeMethod.LORA, 1, OPTMERGE, CLOSED_FORM)
            .summary("OptMerge for LoRA experts: SGD from the mean, low-rank targets and inputs")
            .formula(
                "Δ → min Σ ‖(Δ − A_t) B_tᵀ‖² / ‖τ_t‖² in 300 steps, A_t and B_t the leading part of τ_t")
            .use("LoRA experts; stays near the mean")
            .pinnedBy("golden `optmerge-lora`"),
        official("optmerge-full", OptMergeMethod.FULL_FINE_TUNING, 0.1, OPTMERGE, DESCENT)
            .summary(
                "OptMerge for full fine-tuning: Adam from the sum, targets low-rank but for the mean")
            .formula("as optmerge-lora, A_t = τ̄ + the leading part of τ_t − τ̄")
            .use("full fine-tunes of billions of parameters, to which its steps are tuned")
            .except(Law.SCALE, ADAM)
            .pinnedBy("golden `optmerge-full`"),
        official("optmerge-modal", OptMergeMethod.MODALITIES, 1, OPTMERGE, CLOSED_FORM)
            .summary(
                "OptMerge for modalities: SGD from the mean to convergence, inputs at full rank")
            .formula("as optmerge-lora, B_t = τ_t, A_t of rank min(m, n)/5, near the minimum")
            .use("experts of different modalities")
            .except(Law.SINGLE, "the rank is a fifth whatever N is")
            .pinnedBy("golden `optmerge-modal`"),
        official("optmerge-paper", OptMergeMethod.PAPER, 0.1, OPTMERGE, DESCENT)
            .summary(
                "OptMerge as equation 3 has it: targets and inputs from the centred decomposition")
            .formula("as optmerge-full, B_t of τ_t − τ̄ too")
            .use("to compare the paper's equation with its code")
            .except(Law.SCALE, ADAM)
            .pinnedBy("`MatrixMethodLawsTest`"),
        official(
                "optmerge-full-rel",
                OptMergeMethod.FULL_FINE_TUNING_RELATIVE,
                0.1,
                OPTMERGE,
                DESCENT)
            .summary("optmerge-full with Adam's step in units of the task vectors' size")
            .formula("as optmerge-full, steps of 1 % of the root mean square of τ_t")
            .use("full fine-tunes of models of any size")
            .pinnedBy("`MatrixMethodLawsTest`"),
        official("optmerge-flow-10", OptMergeMethod.FLOW_10, 1, OPTMERGE, CLOSED_FORM)
            .summary("optmerge-lora with gradient flow for a time of 10, in place of 0.58")
            .formula("as optmerge-lora, share 1 − exp(−10 μ) of the way at eigenvalue μ")
            .use("LoRA experts of a small model, farther from the mean")
            .pinnedBy("`MatrixMethodLawsTest`"),
        official("optmerge-flow-100", OptMergeMethod.FLOW_100, 1, OPTMERGE, CLOSED_FORM)
            .summary("optmerge-lora with gradient flow for a time of 100")
            .formula("as optmerge-lora, share 1 − exp(−100 μ) of the way at eigenvalue μ")
            .use("as optmerge-flow-10, near the minimum in a typical direction")
            .pinnedBy("`MatrixMethodLawsTest`"),
        official("swudi", Swudi.PUBLISHED, 0.1, SPECTRAL, CLOSED_FORM)
            .summary("wudi in closed form: gradient flow in a share of the directions")
            .formula(
                "wudi's loss, share 1 − exp(−t μ) of the way in the leading directions, 0 in the others")
            .use("as wudi, in a fraction of the time")
            .pinnedBy("golden `swudi`"),
        official("aswudi", Aswudi.PUBLISHED, 0.1, SPECTRAL, CLOSED_FORM)
            .summary("wudi's minimum in as many directions as a rule says")
            .formula("wudi's loss, all of the way in the leading k directions, 0 in the others")
            .use("as swudi, without a time and a share to choose")
            .pinnedBy("golden `aswudi`"),
        official("iwudi-exponential", Iwudi.EXPONENTIAL, 0.3, SPECTRAL, CLOSED_FORM)
            .summary("wudi with the filter of gradient flow")
            .formula("wudi's loss, share 1 − exp(−t μ) of the way")
            .use("as swudi, in all directions")
            .pinnedBy("golden `iwudi-exponential`"),
        official("iwudi-tikhonov", Iwudi.TIKHONOV, 0.3, SPECTRAL, CLOSED_FORM)
            .summary("wudi with the filter of ridge regression")
            .formula("wudi's loss, share μ/(μ + α) of the way")
            .use("as iwudi-exponential, with a softer edge")
            .pinnedBy("golden `iwudi-tikhonov`"),
        official("iwudi-landweber", Iwudi.LANDWEBER, 0.3, SPECTRAL, CLOSED_FORM)
            .summary("wudi with Landweber's filter")
            .formula("wudi's loss, share 1 − (1 − η μ)^K of the way")
            .use("as iwudi-exponential, by a number of steps")
            .pinnedBy("golden `iwudi-landweber`"));
  }

  private static Builder official(
      String name, MergeMethod method, double scaling, Paper paper, Cost cost) {
    return NamedMethod.of(Origin.OFFICIAL, name, method).scaling(scaling).paper(paper).cost(cost);
  }
}
