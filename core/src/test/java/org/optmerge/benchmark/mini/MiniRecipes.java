package org.optmerge.benchmark.mini;

/** Recipes that train in seconds. */
public final class MiniRecipes {
  /** Two steps of vision, a base, experts and adapters of a few steps. */
  public static final String TINY =
      """
      optimiser: {beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weight-decay: 0.05, clip-norm: 1}
      parameters:
        language: ['language_model\\..*', 'mlp1\\..*']
        matrices: ['language_model\\.model\\.layers\\..*_proj\\.weight', 'mlp1\\.[13]\\.weight']
      vision:
        seed: 1
        steps: 2
        peak: 2e-3
        warm-up: 1
        final: 0.05
        batch: {vqa: 2, ocr: 2}
        loss: {none-weight: 0.3, colour: 0.5, box: 4, box-beta: 0.05, value: 0.7}
      stages:
        base:
          from: vision
          train: language
          split: base
          images: 50
          tasks: all
          questions: 0.5
          types: elementary
          steps: 6
          peak: 2e-3
          warm-up: 1
          final: 0.05
          batch: 10
        expert:
          from: base
          train: matrices
          split: expert
          images: 40
          tasks: each
          questions: 1
          types: all
          steps: 3
          peak: 5e-3
          warm-up: 1
          final: 0.05
          batch: 4
          weight-decay: 0
          keep: {ocr: [1]}
        lora:
          from: base
          lora: {rank: 2, alpha: 4}
          split: expert
          images: 40
          tasks: each
          questions: 1
          types: all
          steps: 3
          peak: 5e-3
          warm-up: 1
          final: 0.05
          batch: 4
      """;

  private MiniRecipes() {}
}
