package org.optmerge.method;

import java.util.List;
import java.util.Optional;

/** Where merge methods were published. */
public final class Papers {
  /**
   * A publication.
   *
   * @param citation authors, short title, where and when
   * @param url of its abstract
   */
  public record Paper(String citation, String url) {}

  /** The methods whose names begin with these words. */
  private record Family(String words, Paper paper) {}

  private static final List<Family> FAMILIES =
      List.of(
          arxiv("weight-average", "Wortsman et al., Model soups, ICML 2022", "2203.05482"),
          arxiv("linear", "Wortsman et al., Model soups, ICML 2022", "2203.05482"),
          arxiv(
              "task-arithmetic",
              "Ilharco et al., Editing models with task arithmetic, ICLR 2023",
              "2212.04089"),
          arxiv("ties", "Yadav et al., TIES-Merging, NeurIPS 2023", "2306.01708"),
          arxiv("dare", "Yu et al., Language models are super Mario, ICML 2024", "2311.03099"),
          arxiv("tsv", "Gargiulo et al., Task Singular Vectors, CVPR 2025", "2412.00081"),
          arxiv("iso", "Marczak et al., No task left behind, ICML 2025", "2502.04959"),
          arxiv(
              "wudi",
              "Cheng et al., Whoever started the interference should end it, ICML 2025",
              "2503.08099"),
          arxiv("optmerge", "Wei et al., OptMerge, ICLR 2026", "2505.19892"),
          closedForm("swudi"),
          closedForm("aswudi"),
          closedForm("iwudi"),
          arxiv("knots", "Stoica et al., KnOTS, ICLR 2025", "2410.19735"),
          arxiv(
              "core-space",
              "Panariello et al., Accurate and efficient low-rank model merging in core space,"
                  + " NeurIPS 2025",
              "2509.17786"),
          arxiv(
              "doge",
              "Wei et al., Modeling multi-task model merging as adaptive projective gradient"
                  + " descent, ICML 2025",
              "2501.01230"),
          arxiv(
              "svc",
              "When shared knowledge hurts: spectral over-accumulation in model merging",
              "2602.05536"),
          arxiv("magmax", "Marczak et al., MagMax, ECCV 2024", "2407.06322"),
          arxiv("model-stock", "Jang et al., Model Stock, ECCV 2024", "2403.19522"),
          arxiv("emr", "Huang et al., EMR-Merging, NeurIPS 2024", "2405.17461"),
          arxiv("consensus", "Wang et al., Localizing task information, ICML 2024", "2405.07813"),
          arxiv("tall", "Wang et al., Localizing task information, ICML 2024", "2405.07813"),
          arxiv(
              "fisher",
              "Matena and Raffel, Merging models with Fisher-weighted averaging, NeurIPS 2022",
              "2111.09832"),
          arxiv("regmean", "Jin et al., Dataless knowledge fusion, ICLR 2023", "2212.09849"),
          slerp("slerp"),
          slerp("nuslerp"),
          new Family(
              "multislerp",
              new Paper(
                  "Goddard, multislerp",
                  "https://goddard.blog/posts/multislerp-wow-what-a-cool-idea/")),
          new Family(
              "karcher",
              new Paper(
                  "Karcher, Riemannian center of mass and mollifier smoothing, 1977",
                  "https://doi.org/10.1002/cpa.3160300502")),
          arxiv("sce", "Wan et al., FuseChat, 2024", "2408.07990"),
          arxiv("ram", "RAM and RAM+, arXiv 2601.13572", "2601.13572"),
          arxiv("ramplus", "RAM and RAM+, arXiv 2601.13572", "2601.13572"),
          arxiv("breadcrumbs", "Davari and Belilovsky, Model Breadcrumbs, ECCV 2024", "2312.06795"),
          arxiv("della", "Deep et al., DELLA-Merging, 2024", "2406.11617"));

  private Papers() {}

  /**
   * Where a method was published; empty if nowhere.
   *
   * @param method its name, as in {@link MergeMethods#ALL}
   */
  public static Optional<Paper> of(String method) {
    String words = method.replace('_', '-');
    return FAMILIES.stream()
        .filter(family -> words.equals(family.words()) || words.startsWith(family.words() + "-"))
        .map(Family::paper)
        .findFirst();
  }

  private static Family arxiv(String words, String citation, String id) {
    return new Family(words, new Paper(citation, "https://arxiv.org/abs/" + id));
  }

  private static Family closedForm(String words) {
    return arxiv(
        words,
        "Wei et al., Closed-form spectral regularization for multi-task model merging",
        "2606.07289");
  }

  private static Family slerp(String words) {
    return new Family(
        words,
        new Paper(
            "Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985",
            "https://doi.org/10.1145/325334.325242"));
  }
}
