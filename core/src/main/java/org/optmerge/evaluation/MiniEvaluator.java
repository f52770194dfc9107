package org.optmerge.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.optmerge.benchmark.mini.CapabilityModel;
import org.optmerge.benchmark.mini.Dialogue;
import org.optmerge.benchmark.mini.ImageQuestion;
import org.optmerge.benchmark.mini.MiniGenerator;
import org.optmerge.benchmark.mini.MiniImage;
import org.optmerge.benchmark.mini.MiniScore;
import org.optmerge.benchmark.mini.MiniSplit;
import org.optmerge.benchmark.mini.MiniTask;
import org.optmerge.benchmark.mini.WordVocabulary;
import org.optmerge.linalg.EngineThreads;
import org.optmerge.model.GreedyDecoding;
import org.optmerge.model.InternVL;

/**
 * Asks models the questions of the miniature and marks their answers.
 *
 * <p>Images are drawn once. What a vision tower makes of them is kept as long as the next model has
 * the same tower, as merged models do: a search over merges spends its time on answers alone.
 */
public final class MiniEvaluator {
  private static final int BATCH = 128;

  private static final GreedyDecoding DECODING =
      new GreedyDecoding(
          CapabilityModel.ANSWER,
          CapabilityModel.WORDS.id(WordVocabulary.END),
          CapabilityModel.WORDS.id(WordVocabulary.PAD));

  private final MiniSplit split;
  private final Dialogue.Form form;
  private final List<Item> items = new ArrayList<>();
  private float @Nullable [] features;
  private int tower;

  /** A question, its place among all, and its prompt. */
  private record Item(int place, MiniTask task, String id, MiniImage image, int[] prompt) {
    ImageQuestion question() {
      return image.first();
    }
  }

  /**
   * Draws the questions.
   *
   * @param perTask how many of each task
   * @param form as questions, or as the statements that a base model was trained on
   */
  public MiniEvaluator(
      MiniSplit split, Collection<MiniTask> tasks, int perTask, Dialogue.Form form) {
    this.split = split;
    this.form = form;
    MiniGenerator generator = new MiniGenerator(MiniGenerator.SEED);
    for (MiniTask task : tasks) {
      IntStream.range(0, perTask)
          .parallel()
          .mapToObj(index -> generator.generate(split, task, index))
          .toList()
          .forEach(
              image ->
                  items.add(
                      new Item(
                          items.size(),
                          task,
                          "%s/%s/%d".formatted(split.key(), task.key(), items.size() % perTask),
                          image,
                          CapabilityModel.prompt(image.first(), form).ids())));
    }
  }

  /** How many questions there are. */
  public int size() {
    return items.size();
  }

  /**
   * Asks a model all questions.
   *
   * @param name of the model, for tables
   * @param progress is told how many more were answered, from any thread but one at a time
   */
  public MiniResult evaluate(String name, InternVL model, IntConsumer progress) {
    float[] seen = features(model);
    int size = seen.length / items.size();
    MiniResult.Answer[] answers = new MiniResult.Answer[items.size()];
    // Prompts of one length side by side: nothing is padded, and a batch ends when its answers do.
    List<Item> sorted = new ArrayList<>(items);
    sorted.sort(Comparator.comparingInt(item -> item.prompt.length));
    List<Supplier<Integer>> batches = new ArrayList<>();
    for (int from = 0; from < sorted.size(); ) {
      int length = sorted.get(from).prompt.length;
      int to = from;
      while (to < sorted.size() && to - from < BATCH && sorted.get(to).prompt.length == length) {
        to++;
      }
      List<Item> batch = sorted.subList(from, to);
      batches.add(
          () -> {
            String[] given = answer(model, batch, seen, size);
            for (int i = 0; i < given.length; i++) {
              answers[batch.get(i).place] = mark(batch.get(i), given[i]);
            }
            synchronized (answers) {
              progress.accept(given.length);
            }
            return given.length;
          });
      from = to;
    }
    EngineThreads.sideBySide(Runtime.getRuntime().availableProcessors(), batches);
    return new MiniResult(name, split, form, List.of(answers));
  }

  private static MiniResult.Answer mark(Item item, String given) {
    ImageQuestion question = item.question();
    return new MiniResult.Answer(
        item.id,
        item.task,
        question.type(),
        question.heldOut(),
        question.answer(),
        given,
        MiniScore.correct(item.task, question.answer(), given));
  }

  private static String[] answer(InternVL model, List<Item> batch, float[] seen, int size) {
    int length = batch.get(0).prompt.length;
    long[] ids = new long[batch.size() * length];
    float[] features = new float[batch.size() * size];
    for (int i = 0; i < batch.size(); i++) {
      for (int j = 0; j < length; j++) {
        ids[i * length + j] = batch.get(i).prompt[j];
      }
      System.arraycopy(seen, batch.get(i).place * size, features, i * size, size);
    }
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    try (NDManager step = model.manager().newSubManager()) {
      Shape shape = new Shape(batch.size(), length);
      long[][] generated =
          model.generate(
              step.create(ids, shape),
              step.create(mask, shape),
              step.create(
                  features,
                  new Shape(
                      batch.size(), model.config().tokensPerTile(), model.config().featureWidth())),
              DECODING);
      return Arrays.stream(generated).map(CapabilityModel.WORDS::decode).toArray(String[]::new);
    }
  }

  private float[] features(InternVL model) {
    int fingerprint = fingerprint(model);
    float[] kept = features;
    if (kept != null && tower == fingerprint) {
      return kept;
    }
    int size = model.config().tokensPerTile() * model.config().featureWidth();
    float[] all = new float[items.size() * size];
    for (int from = 0; from < items.size(); from += BATCH) {
      List<Item> batch = items.subList(from, Math.min(items.size(), from + BATCH));
      try (NDManager step = model.manager().newSubManager()) {
        NDArray pixels =
            CapabilityModel.pixels(step, batch.stream().map(item -> item.image.image()).toList());
        float[] values = model.visualFeatures(step, pixels).toFloatArray();
        System.arraycopy(values, 0, all, from * size, values.length);
      }
    }
    features = all;
    tower = fingerprint;
    return all;
  }

  /** Differs, but for one chance in four thousand million, when a weight of the tower does. */
  private static int fingerprint(InternVL model) {
    int hash = 1;
    for (Map.Entry<String, NDArray> parameter : model.parameters().entrySet()) {
      if (parameter.getKey().startsWith(CapabilityModel.VISION_PARAMETERS)) {
        hash = 31 * hash + Arrays.hashCode(parameter.getValue().toFloatArray());
      }
    }
    return hash;
  }
}
