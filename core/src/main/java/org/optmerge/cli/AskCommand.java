package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.model.AnswerListener;
import org.optmerge.model.Decoding;
import org.optmerge.model.ModelException;
import org.optmerge.model.MultimodalModel;
import org.optmerge.model.Prompt;
import org.optmerge.model.media.AudioFiles;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.VideoFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code optmerge ask}. */
@Command(
    name = "ask",
    description = {
      "Ask a model one question about pictures, a film, a sound, or nothing but words.",
      "The answer is printed as it is made. Tokens are chosen as the model's generation_config.json"
          + " says, unless an option says otherwise; the same seed gives the same answer."
    })
final class AskCommand extends Subcommand {
  private static final int FRAMES = 8;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description =
          "A model folder, BASE+ADAPTER (a model and a LoRA adapter's folder), or a recipe (.yaml),"
              + " whose merge is made in memory.")
  private String model;

  @Parameters(
      index = "1",
      paramLabel = "QUESTION",
      description =
          "In words. <image> in it says where a picture stands, if not before the question.")
  private String question;

  @Option(
      names = {"-i", "--image"},
      paramLabel = "FILE",
      description = "A picture; repeatable, in the order in which the question names them.")
  private List<Path> images = List.of();

  @Option(
      names = "--video",
      paramLabel = "FILE",
      description = "A film (MP4, GIF or PNG) for models that see films; repeatable.")
  private List<Path> videos = List.of();

  @Option(
      names = "--audio",
      paramLabel = "FILE",
      description = "A sound for models that hear; repeatable.")
  private List<Path> sounds = List.of();

  @Option(
      names = "--frames",
      paramLabel = "N",
      description = "Frames of each film, at equal distances (default: ${DEFAULT-VALUE}).")
  private int frames = FRAMES;

  @Mixin private PrecisionOption precision;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "Cut the answer off after N tokens (default: as the model says, else 256).")
  private @Nullable Integer maxNewTokens;

  @Option(names = "--greedy", description = "The best token each time.")
  private boolean greedy;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "Draw tokens, from scores divided by T.")
  private @Nullable Double temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K best; 0: from all.")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Draw from the fewest whose probabilities add up to P.")
  private @Nullable Double topP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Above 1: what was said already is less likely; 1: it is not.")
  private @Nullable Double penalty;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Of the random numbers (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Override
  public Integer call() throws IOException {
    if (question.isBlank()) {
      throw wrong("the question is empty");
    }
    if (greedy && (temperature != null || topK != null || topP != null)) {
      throw wrong("--greedy draws nothing; leave out --temperature, --top-k and --top-p");
    }
    requirePositive("--frames", frames);
    requirePositive("--max-new-tokens", maxNewTokens == null ? 1 : maxNewTokens);
    Console console = main.console();
    List<Media> media = media();
    AskedModel asked = new AskedModel(model);
    long begin = System.nanoTime();
    try (MultimodalModel opened = asked.open(precision.precision(), console)) {
      Decoding decoding = decoding(opened.decoding());
      long loaded = System.nanoTime();
      Streamed streamed = new Streamed(console);
      opened.answer(List.of(new Prompt(media, question, Prompt.Form.CHAT)), decoding, streamed);
      ObjectNode node = Json.object();
      node.put("model", model);
      node.put("question", question);
      node.put("answer", streamed.answer);
      node.put("precision", opened.precision().key());
      node.put("max_new_tokens", decoding.maxNewTokens());
      node.put("repetition_penalty", decoding.repetitionPenalty());
      Decoding.Sampling sampling = decoding.sampling();
      if (sampling != null) {
        Json.put(node, "sampling", sampling);
      }
      node.put("seconds_to_load", (loaded - begin) / 1e9);
      node.put("seconds", (System.nanoTime() - loaded) / 1e9);
      // The text is there already, but for its end.
      console.result(List::of, () -> node);
    }
    return 0;
  }

  /** Pictures, then films, then sounds. */
  private List<Media> media() throws IOException {
    List<Media> media = new ArrayList<>();
    try {
      for (Path image : images) {
        media.add(ImageFiles.read(image));
      }
      for (Path video : videos) {
        media.add(VideoFiles.read(video, frames));
      }
      for (Path sound : sounds) {
        media.add(AudioFiles.read(sound));
      }
    } catch (NoSuchFileException e) {
      throw new ModelException("'%s' is not there".formatted(e.getFile()), e);
    } catch (IOException e) {
      throw new ModelException(String.valueOf(e.getMessage()), e);
    }
    return media;
  }

  private Decoding decoding(Decoding own) {
    Decoding decoding =
        own.withMaxNewTokens(maxNewTokens == null ? own.maxNewTokens() : maxNewTokens);
    if (penalty != null) {
      decoding = decoding.withRepetitionPenalty(penalty);
    }
    if (greedy) {
      return decoding.withSampling(null);
    }
    Decoding.Sampling before = own.sampling();
    if (before == null && temperature == null && topK == null && topP == null) {
      return decoding;
    }
    Decoding.Sampling base = before == null ? new Decoding.Sampling(1, 0, 1, seed) : before;
    return decoding.withSampling(
        new Decoding.Sampling(
            temperature == null ? base.temperature() : temperature,
            topK == null ? base.topK() : topK,
            topP == null ? base.topP() : topP,
            seed));
  }

  /** Prints an answer as it grows, where it is wanted as text. */
  private static final class Streamed implements AnswerListener {
    private final Console console;
    private String shown = "";
    private String answer = "";

    Streamed(Console console) {
      this.console = console;
    }

    @Override
    public boolean follows() {
      return !console.json();
    }

    @Override
    public void grown(int index, String text) {
      if (text.startsWith(shown) && text.length() > shown.length()) {
        console.stream(text.substring(shown.length()));
        shown = text;
      }
    }

    @Override
    public void answered(int index, String text) {
      answer = text;
      if (!console.json()) {
        // A tokenizer may take a piece back when the next one comes.
        console.stream(text.startsWith(shown) ? text.substring(shown.length()) : "\n" + text);
        console.stream("\n");
      }
    }
  }
}
