package org.optmerge.method;

/** Publications that several methods share. */
final class Papers {
  static final Paper MODEL_SOUPS =
      new Paper("Wortsman et al., Model soups, ICML 2022", "https://arxiv.org/abs/2203.05482");
  static final Paper TASK_ARITHMETIC =
      new Paper(
          "Ilharco et al., Editing models with task arithmetic, ICLR 2023",
          "https://arxiv.org/abs/2212.04089");
  static final Paper TIES =
      new Paper("Yadav et al., TIES-Merging, NeurIPS 2023", "https://arxiv.org/abs/2306.01708");
  static final Paper DARE =
      new Paper(
          "Yu et al., Language models are super Mario, ICML 2024",
          "https://arxiv.org/abs/2311.03099");
  static final Paper TSV =
      new Paper(
          "Gargiulo et al., Task Singular Vectors, CVPR 2025", "https://arxiv.org/abs/2412.00081");
  static final Paper ISO =
      new Paper(
          "Marczak et al., No task left behind, ICML 2025", "https://arxiv.org/abs/2502.04959");
  static final Paper CORE_SPACE =
      new Paper(
          "Panariello et al., Accurate and efficient low-rank model merging in core space, NeurIPS 2025",
          "https://arxiv.org/abs/2509.17786");
  static final Paper MODEL_STOCK =
      new Paper(
          "Jang et al., Model Stock, ECCV 2024, equation 5", "https://arxiv.org/abs/2403.19522");
  static final Paper SLERP =
      new Paper(
          "Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985",
          "https://doi.org/10.1145/325334.325242");
  static final Paper BREADCRUMBS =
      new Paper(
          "Davari and Belilovsky, Model Breadcrumbs, ECCV 2024",
          "https://arxiv.org/abs/2312.06795");
  static final Paper DELLA =
      new Paper("Deep et al., DELLA-Merging, 2024", "https://arxiv.org/abs/2406.11617");
  static final Paper RAM =
      new Paper("RAM and RAM+, arXiv 2601.13572", "https://arxiv.org/abs/2601.13572");
  static final Paper MERGEKIT =
      new Paper(
          "mergekit's documentation; published nowhere else",
          "https://github.com/arcee-ai/mergekit/blob/main/docs/merge_methods.md");

  private Papers() {}
}
