package org.optmerge.evaluation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.optmerge.base.Sha256;
import org.optmerge.benchmark.BenchmarkException;
import org.optmerge.checkpoint.ModelReference;

/**
 * The origin of answers, as the beginnings of SHA-256: answers with the same provenance need not be
 * given again.
 *
 * @param models of the weights
 * @param settings of the merge, the search and the way of asking
 * @param questions of all that is asked
 */
public record Provenance(String models, String settings, String questions) {
  private static final int DIGITS = 16;
  private static final Pattern MODEL_FILE =
      Pattern.compile(
          ".*\\.safetensors|(config|preprocessor_config|adapter_config|tokenizer)\\.json");

  /** Shortens the digests. */
  public Provenance {
    models = brief(models);
    settings = brief(settings);
    questions = brief(questions);
  }

  private static String brief(String digest) {
    return digest.substring(0, Math.min(DIGITS, digest.length()));
  }

  /**
   * A digest of a model's weights, settings and vocabulary.
   *
   * @param reference a model folder, an adapter's, or {@code BASE+ADAPTER}
   * @throws BenchmarkException if a folder is not there
   */
  public static String ofModel(String reference) {
    ModelReference model;
    try {
      model = ModelReference.of(reference);
    } catch (IllegalArgumentException e) {
      throw new BenchmarkException(String.valueOf(e.getMessage()), e);
    }
    StringBuilder all = new StringBuilder();
    model.folders().forEach(folder -> all.append(ofFolder(folder)));
    return Sha256.of(all.toString());
  }

  private static String ofFolder(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      StringBuilder all = new StringBuilder();
      for (Path file : files.sorted().toList()) {
        if (MODEL_FILE.matcher(file.getFileName().toString()).matches()) {
          all.append(file.getFileName()).append(' ').append(Sha256.of(file)).append('\n');
        }
      }
      return all.toString();
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(folder), e);
    }
  }

  /** The differences from another provenance, in words; empty if none. */
  String difference(Provenance other) {
    StringBuilder text = new StringBuilder();
    if (!models.equals(other.models)) {
      text.append("other models, ");
    }
    if (!settings.equals(other.settings)) {
      text.append("other settings, ");
    }
    if (!questions.equals(other.questions)) {
      text.append("other questions, ");
    }
    return text.isEmpty() ? "" : text.substring(0, text.length() - 2);
  }
}
