package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import org.optmerge.metric.BoxFormat;
import org.optmerge.metric.BoxScore;
import org.optmerge.metric.Means;
import org.optmerge.metric.MusicAvqaTypes;
import org.optmerge.metric.ScoringProfile;
import org.optmerge.python.PythonLiteral;
import org.optmerge.python.PythonText;

/** The official tools' summaries of the scores of a file. */
final class OfficialTables {
  private static final double[] THRESHOLDS = {0.1, 0.3, 0.5, 0.7, 0.9};
  private static final double PERCENT = 100;

  /**
   * A kind of question of InfographicVQA: a field, its value in the data set, and the table's word.
   */
  private record Infographic(String field, String value, String printed) {}

  private static final List<Infographic> INFOGRAPHICS =
      List.of(
          new Infographic("answer_type", "image span", "Image-Span"),
          new Infographic("answer_type", "question span", "Question-Span"),
          new Infographic("answer_type", "multiple spans", "Multi-Span"),
          new Infographic("answer_type", "non span", "None span"),
          new Infographic("evidence", "table/list", "Table/list"),
          new Infographic("evidence", "textual", "Text"),
          new Infographic("evidence", "photo/pciture/visual_objects", "Visual/Layout"),
          new Infographic("evidence", "figure", "Figure"),
          new Infographic("evidence", "map", "Map"),
          new Infographic("operation/reasoning", "comparison", "Sorting"),
          new Infographic("operation/reasoning", "arithmetic", "Arithmetic"),
          new Infographic("operation/reasoning", "counting", "Counting"));

  /** The splits whose means VLMEvalKit averages. */
  private static final List<String> REFCOCO_SPLITS =
      List.of(
          "RefCOCO_val",
          "RefCOCO_testA",
          "RefCOCO_testB",
          "RefCOCO+_val",
          "RefCOCO+_testA",
          "RefCOCO+_testB",
          "RefCOCOg_val",
          "RefCOCOg_test");

  private OfficialTables() {}

  static OfficialTable of(
      List<Predicted> items, Protocol protocol, ScoringProfile profile, FileFormat format) {
    return switch (format) {
      case LMMS_EVAL ->
          protocol.report() == Protocol.Report.GROUNDING
              ? lmmsEval(items, profile)
              : LmmsEvalTables.of(items, protocol);
      case INTERNVL_GROUNDING -> internVlGrounding(items);
      case INTERNVL_VQA, RRC -> internVlVqa(items, protocol);
      case MODELCOMPOSE, MUSIC_AVQA -> modelCompose(items);
      case LLAVA, VQA, GQA, SCIENCEQA, MATHVISTA, MATHVISION, MMMU ->
          AuthorsTables.of(items, format);
      case VLMEVALKIT_VERDICTS -> choice(items);
      case OPTMERGE, VLMEVALKIT, VLMEVALKIT_JUDGED ->
          switch (protocol.report()) {
            case PERCENT -> percent(items, numpy(profile));
            case CHOICE -> choice(items);
            case MATHVISTA -> math(items, "Task&Skill", item -> mathVistaRows(item), false);
            case MATHVISION ->
                math(items, "Subject", item -> List.of(item.field("category")), true);
            case GROUNDING ->
                format == FileFormat.OPTMERGE ? lmmsEval(items, profile) : boxes(items);
          };
    };
  }

  /** The groups that an example is counted in, besides that of all. */
  static List<String> groups(Predicted item, Protocol protocol) {
    Set<String> groups = new LinkedHashSet<>();
    switch (protocol.report()) {
      case MATHVISTA -> groups.addAll(mathVistaRows(item));
      case MATHVISION -> groups.add(item.field("category"));
      default -> {
        groups.add(item.field("split"));
        groups.add(item.field("l2-category"));
        groups.add(item.field("category"));
        groups.add(item.type());
      }
    }
    groups.remove("");
    groups.remove(Evaluation.OVERALL);
    return List.copyOf(groups);
  }

  /** Which NumPy a version of VLMEvalKit is run with. */
  private static Means numpy(ScoringProfile profile) {
    return profile == ScoringProfile.VLMEVALKIT_LATEST ? Means.NUMPY_2_3 : Means.NUMPY;
  }

  private static OfficialTable percent(List<Predicted> items, Means means) {
    Map<String, Object> row = new LinkedHashMap<>();
    if (items.stream().anyMatch(item -> !item.field("split").isEmpty())) {
      by(items, item -> item.field("split"))
          .forEach((split, members) -> row.put(split, mean(members, means) * PERCENT));
      row.put(Evaluation.OVERALL, mean(items, means) * PERCENT);
    } else {
      row.put(Evaluation.OVERALL, mean(items, means) * PERCENT);
      if (items.stream().anyMatch(item -> !item.field("category").isEmpty())) {
        new TreeMap<>(by(items, item -> item.field("category")))
            .forEach((category, members) -> row.put(category, mean(members, means) * PERCENT));
      }
    }
    return OfficialTable.of(row);
  }

  private static OfficialTable choice(List<Predicted> items) {
    boolean split = items.stream().anyMatch(item -> !item.field("split").isEmpty());
    List<Map<String, Object>> rows = new ArrayList<>();
    new TreeMap<>(by(items, item -> split ? item.field("split") : "none"))
        .forEach(
            (name, members) -> {
              Map<String, Object> row = new LinkedHashMap<>();
              row.put("split", name);
              row.put(Evaluation.OVERALL, mean(members, Means.NUMPY));
              for (String column : List.of("l2-category", "category")) {
                Set<String> abilities = new TreeSet<>();
                items.forEach(item -> abilities.add(item.field(column)));
                abilities.remove("");
                Map<String, List<Predicted>> byAbility = by(members, item -> item.field(column));
                for (String ability : abilities) {
                  row.put(ability, mean(byAbility.getOrDefault(ability, List.of()), Means.NUMPY));
                }
              }
              rows.add(row);
            });
    return new OfficialTable(rows);
  }

  private static OfficialTable math(
      List<Predicted> items,
      String title,
      Function<Predicted, List<String>> rowsOf,
      boolean sorted) {
    Map<String, List<Predicted>> rows = new LinkedHashMap<>();
    for (Predicted item : items) {
      rows.computeIfAbsent(Evaluation.OVERALL, name -> new ArrayList<>()).add(item);
      rowsOf
          .apply(item)
          .forEach(name -> rows.computeIfAbsent(name, key -> new ArrayList<>()).add(item));
    }
    List<Map<String, Object>> table = new ArrayList<>();
    rows.forEach(
        (name, members) -> {
          int prefetched =
              count(members, item -> item.field(InternalFields.PREFETCHED).equals("true"));
          int hits = count(members, item -> item.isRight());
          Map<String, Object> row = new LinkedHashMap<>();
          row.put(title, name);
          row.put("tot", members.size());
          row.put("prefetch", prefetched);
          row.put("hit", hits);
          row.put("prefetch_rate", prefetched / (double) members.size() * PERCENT);
          row.put("acc", hits / (double) members.size() * PERCENT);
          table.add(row);
        });
    if (sorted) {
      table.sort(Comparator.comparing(row -> String.valueOf(row.get(title))));
    }
    return new OfficialTable(table);
  }

  private static int count(List<Predicted> items, Predicate<Predicted> counted) {
    return (int) items.stream().filter(counted).count();
  }

  /** Skills first, then the task, as the official code goes through them. */
  private static List<String> mathVistaRows(Predicted item) {
    String skills = item.field("skills");
    List<String> rows =
        new ArrayList<>(
            PythonLiteral.list(skills)
                .map(list -> list.stream().map(PythonLiteral::text).toList())
                .orElse(skills.isEmpty() ? List.of() : List.of(skills)));
    if (!item.field("task").isEmpty()) {
      rows.add(item.field("task"));
    }
    return rows;
  }

  private static OfficialTable lmmsEval(List<Predicted> items, ScoringProfile profile) {
    BoxFormat format = ScoringRules.boxFormat(profile);
    BoxScore overlap = new BoxScore(format, new BoxScore.Overlap());
    BoxScore centre = new BoxScore(format, new BoxScore.CentreInside());
    double[] overlaps = overlaps(items, overlap);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("refcoco_IoU", Means.IN_ORDER.of(overlaps));
    for (double threshold : THRESHOLDS) {
      double[] hits = Arrays.stream(overlaps).map(it -> it >= threshold ? 1 : 0).toArray();
      row.put("refcoco_ACC@" + threshold, Means.IN_ORDER.of(hits));
    }
    row.put(
        "refcoco_Center_ACC",
        Means.IN_ORDER.of(
            items.stream()
                .mapToDouble(
                    item ->
                        centre.lacking(item.reference()).isPresent()
                                || !item.field(InternalFields.WRONG).isEmpty()
                            ? 0
                            : centre.score(item.prediction(), item.reference()))
                .toArray()));
    return OfficialTable.of(row);
  }

  /** VLMEvalKit's table of RefCOCO: splits in their usual order, and the mean of their means. */
  private static OfficialTable boxes(List<Predicted> items) {
    BoxScore overlap = new BoxScore(BoxFormat.VLMEVALKIT, new BoxScore.Overlap());
    Map<String, List<Predicted>> splits =
        by(items, item -> item.field("split").isEmpty() ? "RefCOCO" : item.field("split"));
    List<String> order = new ArrayList<>(REFCOCO_SPLITS);
    order.retainAll(splits.keySet());
    boolean macro = !order.isEmpty();
    splits.keySet().stream().sorted().filter(name -> !order.contains(name)).forEach(order::add);
    List<Map<String, Object>> rows = new ArrayList<>();
    List<double[]> counted = new ArrayList<>();
    int samples = 0;
    for (String split : order) {
      List<Predicted> members = splits.getOrDefault(split, List.of());
      double precision = mean(members, Means.NUMPY_2_3) * PERCENT;
      double iou = Means.NUMPY_2_3.of(overlaps(members, overlap));
      rows.add(row(split, precision, iou, members.size()));
      if (REFCOCO_SPLITS.contains(split)) {
        counted.add(new double[] {precision, iou});
        samples += members.size();
      }
    }
    rows.add(
        macro
            ? row(
                "Average",
                Means.NUMPY_2_3.of(counted.stream().mapToDouble(pair -> pair[0]).toArray()),
                Means.NUMPY_2_3.of(counted.stream().mapToDouble(pair -> pair[1]).toArray()),
                samples)
            : row(
                "Average",
                mean(items, Means.NUMPY_2_3) * PERCENT,
                Means.NUMPY_2_3.of(overlaps(items, overlap)),
                items.size()));
    return new OfficialTable(rows);
  }

  private static Map<String, Object> row(
      String split, double precision, double overlap, int samples) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("Split", split);
    row.put("Precision@1", precision);
    row.put("Average IoU", overlap);
    row.put("Samples", samples);
    return row;
  }

  private static double[] overlaps(List<Predicted> items, BoxScore overlap) {
    return items.stream()
        .mapToDouble(
            item ->
                overlap.lacking(item.reference()).isPresent()
                        || !item.field(InternalFields.WRONG).isEmpty()
                    ? 0
                    : overlap.overlap(item.prediction(), item.reference()))
        .toArray();
  }

  private static OfficialTable internVlGrounding(List<Predicted> items) {
    int correct = count(items, item -> item.isRight());
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("correct", correct);
    row.put("total", items.size());
    row.put("Precision @ 1", correct / (double) items.size());
    return OfficialTable.of(row);
  }

  private static OfficialTable internVlVqa(List<Predicted> items, Protocol protocol) {
    Map<String, Object> row = new LinkedHashMap<>();
    boolean anls = protocol == Protocol.INFOVQA || protocol == Protocol.DOCVQA;
    row.put(
        anls ? "anls" : protocol == Protocol.CHARTQA ? "relaxed_accuracy" : "accuracy",
        Means.IN_ORDER.of(Evaluation.values(items)));
    for (Infographic kind : INFOGRAPHICS) {
      double[] members =
          Evaluation.values(
              items.stream()
                  .filter(item -> List.of(item.field(kind.field).split("\n")).contains(kind.value))
                  .toList());
      if (members.length > 0) {
        row.put(kind.printed, Means.IN_ORDER.of(members));
      }
    }
    return OfficialTable.of(row);
  }

  private static OfficialTable modelCompose(List<Predicted> items) {
    int correct = count(items, item -> item.isRight());
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("Accuracy", PythonText.twoDecimals(correct / (double) items.size() * PERCENT) + "%");
    MusicAvqaTypes.presentPercentages(typed(items))
        .forEach((name, percent) -> row.put(name, PythonText.twoDecimals(percent) + " %"));
    return OfficialTable.of(row);
  }

  /** Questions of MUSIC-AVQA whose type the answer file tells. */
  private static List<MusicAvqaTypes.Item> typed(List<Predicted> items) {
    List<MusicAvqaTypes.Item> typed = new ArrayList<>();
    for (Predicted item : items) {
      String[] parts = item.type().split("/", 2);
      if (parts.length == 2 && MusicAvqaTypes.isKnown(parts[0], parts[1])) {
        typed.add(new MusicAvqaTypes.Item(parts[0], parts[1], item.isRight()));
      }
    }
    return typed;
  }

  private static Map<String, List<Predicted>> by(
      List<Predicted> items, Function<Predicted, String> key) {
    Map<String, List<Predicted>> groups = new LinkedHashMap<>();
    items.forEach(
        item -> groups.computeIfAbsent(key.apply(item), name -> new ArrayList<>()).add(item));
    return groups;
  }

  /** NaN of an empty list. */
  private static double mean(List<Predicted> items, Means means) {
    return means.of(Evaluation.values(items));
  }
}
