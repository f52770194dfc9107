package org.optmerge.merge.random;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.OptMergeException;
import org.optmerge.base.Progress;
import org.optmerge.merge.MergeOptions;
import org.optmerge.merge.MergePlan;
import org.optmerge.merge.MergeResult;
import org.optmerge.merge.Merger;
import org.optmerge.merge.plan.Planner;
import org.optmerge.merge.random.RandomMerge.Model;
import org.optmerge.merge.recipe.RecipeParser;

/**
 * What became of a random merge: refused with a reason, or whole, or whole but for what it names;
 * anything else is a fault.
 *
 * @param refused the reason; empty if it was merged
 * @param named trained numbers that are not in the output, and are named
 * @param faults trained numbers that are not in the output and are not named, and other lies
 */
record Verdict(String refused, int named, List<String> faults) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static Verdict of(RandomMerge merge) throws IOException {
    Path out = merge.folder.resolve("out");
    List<String> said;
    try (MergePlan plan =
        Planner.plan(
            RecipeParser.parse(merge.recipe, "recipe", merge.folder), List.of(merge.folder))) {
      MergeResult result =
          Merger.run(
              plan,
              out,
              new MergeOptions(1, 1 << 20, Set.of(MergeOptions.Flag.NO_INPUT_CHECKSUMS)),
              Progress.NONE);
      said = result.warnings();
    } catch (OptMergeException e) {
      String reason = String.valueOf(e.getMessage());
      return new Verdict(
          reason,
          0,
          reason.isBlank() || Files.exists(out)
              ? List.of("refused without a reason, or with an output")
              : List.of());
    } catch (RuntimeException e) {
      return new Verdict("", 0, List.of("failed: " + e));
    }
    return new Checked(merge, out, said).verdict();
  }

  private static final class Checked {
    private final RandomMerge merge;
    private final Path out;
    private final String said;
    private final String recorded;
    private final Map<String, Array> output;
    private final JsonNode config;
    private final List<String> faults = new ArrayList<>();
    private int named;

    Checked(RandomMerge merge, Path out, List<String> said) throws IOException {
      this.merge = merge;
      this.out = out;
      this.said = String.join("\n", said);
      JsonNode record = JSON.readTree(out.resolve("optmerge.json").toFile());
      this.recorded = record.path("notices") + " " + record.path("coverage");
      this.output = Array.readFolder(out);
      this.config = JSON.readTree(out.resolve("config.json").toFile());
    }

    Verdict verdict() throws IOException {
      for (String name : merge.base.tensors.keySet()) {
        check(name);
      }
      beside(merge.base);
      for (Model expert : merge.experts) {
        beside(expert);
        rows(expert);
      }
      vocabularySize();
      return new Verdict("", named, faults);
    }

    private boolean tied() {
      return config.path("tie_word_embeddings").asBoolean(false)
          || config.path("llm_config").path("tie_word_embeddings").asBoolean(false)
          || config.path("text_config").path("tie_word_embeddings").asBoolean(false);
    }

    /** A tensor as a loader has it. */
    private Array loaded(String name) {
      return output.get(name.equals(merge.family.head) && tied() ? merge.family.embedding : name);
    }

    private void check(String name) {
      Array own = merge.base.tensors.get(name);
      Array written = loaded(name);
      double[] expected = expected(name, own);
      String problem = written == null ? "is not there" : differs(written, expected, name);
      if (problem.isEmpty()) {
        return;
      }
      List<Trained> blamed = new ArrayList<>();
      for (Model expert : merge.experts) {
        Trained trained = expert.trained.get(name);
        if (trained == null && merge.tied && name.equals(merge.family.head)) {
          trained = expert.trained.get(merge.family.embedding);
        }
        if (trained != null) {
          blamed.add(trained);
        }
      }
      // One of them is amiss; which one the numbers do not tell.
      require(
          blamed.stream()
              .filter(this::isNamed)
              .findFirst()
              .orElse(
                  blamed.isEmpty()
                      ? new Trained(
                          "the base's " + name,
                          List.of(name),
                          merge.files.getOrDefault(name, "model.safetensors"))
                      : blamed.get(blamed.size() - 1)),
          problem);
    }

    private boolean isNamed(Trained trained) {
      return trained.isNamedIn(said) && trained.isNamedIn(recorded);
    }

    private void require(Trained trained, String problem) {
      if (isNamed(trained)) {
        named++;
      } else {
        faults.add(
            "%s: %s, and %s"
                .formatted(
                    trained.what(),
                    problem,
                    trained.isNamedIn(said)
                        ? "optmerge.json does not name it"
                        : "no notice names it"));
      }
    }

    private double[] expected(String name, Array own) {
      double[] sum = new double[own.values().length];
      double total = 0;
      boolean skipped = merge.excluded.isEmpty() ? false : Pattern.matches(merge.excluded, name);
      boolean integers = !own.isFloating();
      if (skipped || integers) {
        return own.values();
      }
      boolean average = merge.method.equals("linear");
      for (int i = 0; i < sum.length; i++) {
        sum[i] = own.values()[i];
      }
      total = 1;
      for (Model expert : merge.experts) {
        Array tuned = expert.tensors.get(name);
        if (tuned == null) {
          continue;
        }
        total += expert.weight;
        for (int i = 0; i < sum.length; i++) {
          double value = i < tuned.values().length ? tuned.values()[i] : own.values()[i];
          sum[i] += expert.weight * (average ? value : value - own.values()[i]);
        }
      }
      for (int i = 0; average && i < sum.length; i++) {
        sum[i] /= total;
      }
      return sum;
    }

    private String differs(Array written, double[] expected, String name) {
      if (written.values().length < expected.length) {
        return "has fewer numbers";
      }
      boolean precise = name.endsWith("correction_bias");
      double relative =
          precise
              ? 1e-6
              : switch (written.dtype()) {
                case "BF16" -> 0x1p-7;
                case "F16" -> 0x1p-10;
                default -> 1e-5;
              };
      for (int i = 0; i < expected.length; i++) {
        double gap = Math.abs(written.values()[i] - expected[i]);
        if (!(gap <= relative * Math.max(1, Math.abs(expected[i])))) {
          return "number %d is %s instead of %s".formatted(i, written.values()[i], expected[i]);
        }
      }
      return "";
    }

    private void beside(Model model) throws IOException {
      for (Map.Entry<Trained, Map<String, Array>> entry : model.beside.entrySet()) {
        Trained trained = entry.getKey();
        Map<String, Array> tensors = entry.getValue();
        boolean there = !tensors.isEmpty();
        for (Map.Entry<String, Array> tensor : tensors.entrySet()) {
          Array written = carried(tensor.getKey());
          there &=
              written != null
                  && differs(written, tensor.getValue().values(), tensor.getKey()).isEmpty();
        }
        Path copy = out.resolve(trained.file());
        Path from =
            merge.folder.resolve(model.text.replaceFirst(".*\\+", "")).resolve(trained.file());
        boolean copied =
            tensors.isEmpty()
                && Files.exists(copy)
                && Files.exists(from)
                && Files.mismatch(copy, from) < 0;
        if (!there && !copied) {
          require(trained, "is not in the output");
        }
      }
    }

    /** A tensor that the base does not have, under its name or that in the base's layout. */
    private @Nullable Array carried(String name) {
      return output.entrySet().stream()
          .filter(it -> it.getKey().equals(name) || it.getKey().endsWith("." + name))
          .map(Map.Entry::getValue)
          .findFirst()
          .orElse(null);
    }

    /** Rows of a grown vocabulary. */
    private void rows(Model expert) {
      for (String name : List.of(merge.family.embedding, merge.family.head)) {
        Array tuned = expert.tensors.get(name);
        Array written = loaded(name);
        boolean one = tuned == expert.tensors.get(merge.family.embedding);
        Trained trained = expert.trained.get(one ? merge.family.embedding : name);
        if (tuned != null && trained != null && written != null && tuned.rows() > written.rows()) {
          require(trained, "%d of %d rows".formatted(written.rows(), tuned.rows()));
        }
      }
    }

    private void vocabularySize() {
      Array embedding = output.get(merge.family.embedding);
      JsonNode size =
          config.has("vocab_size")
              ? config.path("vocab_size")
              : config.path("llm_config").path("vocab_size");
      if (embedding != null && size.asInt() != embedding.rows()) {
        faults.add(
            "config.json says %s rows, the embedding has %d".formatted(size, embedding.rows()));
      }
    }
  }
}
