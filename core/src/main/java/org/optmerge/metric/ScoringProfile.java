package org.optmerge.metric;

import org.apiguardian.api.API;

/**
 * The evaluation kit whose rules score, where versions of one kit differ. Only these do: exact
 * match (punctuation in the fork), the argument order of relaxed accuracy, the period in the VQA
 * normaliser, how an option is found in an answer, and what MATH-Vision takes for equal.
 */
@API(status = API.Status.EXPERIMENTAL)
public enum ScoringProfile {
  /**
   * The code of the OptMerge paper, WalkerWorldPeace/MLLMerging at 5f8a458; the paper's numbers.
   */
  OPTMERGE_FORK,
  /** The origin of that fork, open-compass/VLMEvalKit at fbf0418, January 2025. */
  VLMEVALKIT_BASE_2025_01,
  /** open-compass/VLMEvalKit at e8e78f05, August 2026. */
  VLMEVALKIT_LATEST
}
