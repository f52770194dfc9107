package org.optmerge.analysis;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apiguardian.api.API;
import org.optmerge.base.Floats;
import org.optmerge.base.InterruptedWorkException;
import org.optmerge.base.Progress;
import org.optmerge.base.Workers;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.merge.weights.NonFinite;
import org.optmerge.merge.weights.WeightReader;
import org.optmerge.taskvector.Weight;

/**
 * Statistics of what experts learned: norms, largest changes, how far task vectors agree, for each
 * parameter and for the whole model.
 *
 * <p>Checkpoints are read once, in blocks of some thousand entries, by several threads; the results
 * do not depend on their number. Task vectors are differences in float32, sums are kept in float64.
 * A tensor that an expert lacks counts as unchanged there. Entries that are not finite in the base
 * or in an expert are counted and left out of everything else.
 *
 * @param experts names of the experts, in the order of the lists below
 * @param parameters one element for each compared tensor, in the base's order
 * @param total the whole model as one long vector
 * @param magnitudes distribution of |τ| where it is not zero, one histogram for each expert
 * @param omissions what was not compared
 */
@API(status = API.Status.EXPERIMENTAL)
public record TaskVectorStatistics(
    List<String> experts,
    List<Parameter> parameters,
    Parameter total,
    List<MagnitudeHistogram> magnitudes,
    List<Omission> omissions) {

  /** Entries per read: a block of eight models stays in the second-level cache. */
  private static final int BLOCK = 1 << 14;

  /** Entries per task: what one thread takes at a time. */
  static final long SEGMENT = 1 << 22;

  private static final Pattern LAYER = Pattern.compile("^(.*?\\.\\d+)\\.");

  public TaskVectorStatistics {
    experts = List.copyOf(experts);
    parameters = List.copyOf(parameters);
    magnitudes = List.copyOf(magnitudes);
    omissions = List.copyOf(omissions);
  }

  /**
   * An entry of a parameter.
   *
   * @param parameter its name
   * @param shape its extents
   * @param index of the entry in the flattened parameter
   */
  public record Entry(String parameter, List<Long> shape, long index) {
    public Entry {
      shape = List.copyOf(shape);
    }

    /** The index in each dimension, outermost first. */
    public List<Long> position() {
      return NonFinite.position(shape, index);
    }

    /** For example {@code lm_head.weight[17, 3]}. */
    @Override
    public String toString() {
      return parameter + position();
    }
  }

  /**
   * One expert's task vector.
   *
   * @param entries compared; 0 if the expert lacks the parameter
   * @param squaredNorm Σ τ²
   * @param largest max |τ|
   * @param largestAt where that is; empty if τ = 0
   * @param zeros entries at which τ = 0
   * @param nonFinite entries at which the expert or the base is NaN or infinite
   * @param firstNonFinite the first of them
   */
  public record Expert(
      long entries,
      double squaredNorm,
      double largest,
      Optional<Entry> largestAt,
      long zeros,
      long nonFinite,
      Optional<Entry> firstNonFinite) {

    /** ‖τ‖, the Frobenius norm. */
    public double norm() {
      return Math.sqrt(squaredNorm);
    }

    /** The part of the compared finite entries at which τ = 0; NaN if there are none. */
    public double shareOfZeros() {
      return (double) zeros / (entries - nonFinite);
    }

    /** True if any entry differs from the base. */
    public boolean changed() {
      return entries > zeros;
    }
  }

  /**
   * One parameter, or the whole model.
   *
   * @param name in the base
   * @param shape its extents; for the whole model the number of entries
   * @param baseSquaredNorm Σ θ_0² over finite entries
   * @param experts as in {@link TaskVectorStatistics#experts()}
   * @param products τ_s · τ_t
   * @param contested entries that at least two experts changed
   * @param conflicts entries that two experts changed in opposite directions
   */
  public record Parameter(
      String name,
      List<Long> shape,
      double baseSquaredNorm,
      List<Expert> experts,
      List<List<Double>> products,
      long contested,
      long conflicts) {
    public Parameter {
      shape = List.copyOf(shape);
      experts = List.copyOf(experts);
      products = products.stream().map(List::copyOf).toList();
    }

    /** Number of entries. */
    public long size() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** ‖θ_0‖, the Frobenius norm of the base. */
    public double baseNorm() {
      return Math.sqrt(baseSquaredNorm);
    }

    /** ‖τ_t‖ / ‖θ_0‖; infinite or NaN if the base is zero. */
    public double relativeNorm(int expert) {
      return experts.get(expert).norm() / baseNorm();
    }

    /** The cosine of the angle between two task vectors; NaN if either is zero. */
    public double cosine(int expert, int other) {
      return products.get(expert).get(other)
          / (experts.get(expert).norm() * experts.get(other).norm());
    }

    /**
     * The part of the entries that two experts changed in opposite directions, of those that at
     * least two experts changed; NaN if there are none.
     */
    public double signConflict() {
      return (double) conflicts / contested;
    }
  }

  /**
   * Something that was not compared.
   *
   * @param model the expert it concerns
   * @param tensor the tensor's name
   * @param reason such as {@code missing} or {@code not in base}
   */
  public record Omission(String model, String tensor, String reason) {}

  /** The number of parameters that an expert changed at all. */
  public long changedParameters(int expert) {
    return parameters.stream()
        .filter(parameter -> parameter.experts().get(expert).changed())
        .count();
  }

  /**
   * ‖τ‖ by layer, for each expert in turn: parameters are grouped by their name up to the first
   * number, such as {@code model.layers.3}; those without one stand for themselves.
   */
  public Map<String, List<Double>> normsByLayer() {
    Map<String, double[]> squares = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      Matcher layer = LAYER.matcher(parameter.name());
      double[] sums =
          squares.computeIfAbsent(
              layer.find() ? layer.group(1) : parameter.name(), name -> new double[experts.size()]);
      for (int t = 0; t < sums.length; t++) {
        sums[t] += parameter.experts().get(t).squaredNorm();
      }
    }
    Map<String, List<Double>> norms = new LinkedHashMap<>();
    squares.forEach(
        (layer, sums) -> norms.put(layer, Arrays.stream(sums).map(Math::sqrt).boxed().toList()));
    return Collections.unmodifiableMap(norms);
  }

  /**
   * Compares experts with their base.
   *
   * @param base θ_0
   * @param experts θ_1 … θ_T by name; the map's order counts
   * @param selected which tensors to compare, by name
   * @param threads how many read and compute
   * @param progress is told of bytes read and parameters done
   * @throws CheckpointException if reading fails
   * @throws InterruptedWorkException if the calling thread is interrupted
   */
  public static TaskVectorStatistics of(
      Checkpoint base,
      Map<String, Checkpoint> experts,
      Predicate<String> selected,
      int threads,
      Progress progress) {
    InputModel origin = new InputModel("base", base);
    Map<String, InputModel> models = new LinkedHashMap<>();
    experts.forEach(
        (name, expert) -> models.put(name, new InputModel(name, expert).likeNamed(origin)));
    return compareAll(base, models, selected, threads, progress);
  }

  /**
   * Compares experts with their base; an expert may be a LoRA adapter for it, which is not expanded
   * but for the block in work.
   *
   * @param base folder of θ_0
   * @param experts folders of θ_1 … θ_T by name; the map's order counts
   * @param selected which tensors to compare, by name
   * @param threads how many read and compute
   * @param progress is told of bytes compared and parameters done
   * @throws CheckpointException if a model cannot be read, or an adapter does not fit the base
   * @throws InterruptedWorkException if the calling thread is interrupted
   */
  public static TaskVectorStatistics of(
      Path base,
      Map<String, Path> experts,
      Predicate<String> selected,
      int threads,
      Progress progress) {
    List<Checkpoint> opened = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(base)) {
      InputModel under = new InputModel("base", checkpoint);
      Map<String, InputModel> models = new LinkedHashMap<>();
      experts.forEach((name, folder) -> models.put(name, open(name, folder, under, opened)));
      return compareAll(checkpoint, models, selected, threads, progress);
    } finally {
      opened.forEach(Checkpoint::close);
    }
  }

  /** Opens a checkpoint, or an adapter on another model; notes in {@code opened} what to close. */
  static InputModel open(String name, Path folder, InputModel under, List<Checkpoint> opened) {
    if (!LoraAdapter.isAdapter(folder)) {
      Checkpoint checkpoint = Checkpoint.open(folder);
      opened.add(checkpoint);
      return new InputModel(name, checkpoint).likeNamed(under);
    }
    LoraAdapter adapter = LoraAdapter.open(folder);
    opened.add(adapter.tensors());
    InputModel model = new InputModel(name, under, adapter);
    if (!model.adapterProblems(false).isEmpty()) {
      throw new CheckpointException(String.join("\n", model.adapterProblems(false)));
    }
    return model;
  }

  static TaskVectorStatistics compareAll(
      Checkpoint base,
      Map<String, InputModel> experts,
      Predicate<String> selected,
      int threads,
      Progress progress) {
    if (experts.isEmpty()) {
      throw new IllegalArgumentException("task vector statistics need at least one expert");
    }
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, is " + threads);
    }
    List<Omission> omissions = new ArrayList<>();
    List<Comparison> comparisons = new ArrayList<>();
    for (TensorInfo tensor : base.tensors()) {
      if (!selected.test(tensor.name())) {
        continue;
      }
      if (tensor.dtype().isFloating()) {
        comparisons.add(compare(base, tensor, experts, omissions));
      } else {
        omissions.add(new Omission("base", tensor.name(), "holds " + tensor.dtype()));
      }
    }
    experts.forEach(
        (name, expert) ->
            expert.names().stream()
                .filter(selected)
                .filter(tensor -> base.find(tensor).isEmpty())
                .forEach(tensor -> omissions.add(new Omission(name, tensor, "not in base"))));
    List<MagnitudeHistogram> magnitudes = run(comparisons, experts.size(), threads, progress);
    List<Parameter> parameters = new ArrayList<>();
    Sums total = new Sums(experts.size());
    long size = 0;
    for (Comparison comparison : comparisons) {
      TensorInfo tensor = comparison.tensor;
      Sums sums = comparison.sums();
      parameters.add(sums.result(tensor.name(), tensor.shape()));
      total.add(sums);
      size += tensor.size();
    }
    progress.finished();
    return new TaskVectorStatistics(
        List.copyOf(experts.keySet()),
        parameters,
        total.result("total", List.of(size)),
        magnitudes,
        omissions);
  }

  /** Pairs a tensor of the base with those of the experts, and says what cannot be paired. */
  private static Comparison compare(
      Checkpoint base,
      TensorInfo tensor,
      Map<String, InputModel> experts,
      List<Omission> omissions) {
    List<Optional<Weight>> weights = new ArrayList<>();
    experts.forEach(
        (name, expert) -> {
          Optional<Weight> weight = expert.weight(tensor.name());
          Optional<String> obstacle =
              weight.isEmpty() ? Optional.of("missing") : obstacle(tensor, weight.get());
          obstacle.ifPresent(reason -> omissions.add(new Omission(name, tensor.name(), reason)));
          weights.add(obstacle.isPresent() ? Optional.empty() : weight);
        });
    return new Comparison(tensor, new Weight.Stored(base, tensor), weights);
  }

  /** The reason why a weight cannot be compared with a tensor of the base; empty if it can. */
  static Optional<String> obstacle(TensorInfo tensor, Weight other) {
    if (!other.shape().equals(tensor.shape())) {
      return Optional.of("has shape %s, base has %s".formatted(other.shape(), tensor.shape()));
    }
    DType dtype = other.stored().dtype();
    return dtype.isFloating() ? Optional.empty() : Optional.of("holds " + dtype);
  }

  private static List<MagnitudeHistogram> run(
      List<Comparison> comparisons, int experts, int threads, Progress progress) {
    List<Segment> segments = new ArrayList<>();
    long bytes = 0;
    for (Comparison comparison : comparisons) {
      segments.addAll(comparison.segments());
      bytes += comparison.bytes();
    }
    progress.started("comparing", bytes, Progress.BYTES);
    progress.parts(comparisons.size(), "tensors");
    comparisons.stream()
        .filter(comparison -> comparison.partial.length == 0)
        .forEach(empty -> progress.finishedPart(empty.tensor.name()));
    int together = Math.max(1, Math.min(threads, segments.size()));
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < together; i++) {
      workers.add(new Worker(experts, progress));
    }
    Queue<Worker> idle = new ConcurrentLinkedQueue<>(workers);
    try (Workers pool = Workers.plain(together, "statistics", () -> {})) {
      pool.forEach(
          segments,
          segment -> {
            Worker worker = idle.remove();
            worker.compute(segment);
            idle.add(worker);
          });
    }
    List<MagnitudeHistogram> magnitudes = new ArrayList<>();
    for (int t = 0; t < experts; t++) {
      MagnitudeHistogram sum = new MagnitudeHistogram();
      for (Worker worker : workers) {
        sum.add(worker.magnitudes.get(t));
      }
      magnitudes.add(sum);
    }
    return magnitudes;
  }

  /** A tensor to compare, and what is known of it so far. */
  private static final class Comparison {
    private final TensorInfo tensor;
    private final Weight base;
    private final List<Optional<Weight>> experts;
    private final Sums[] partial;
    private final AtomicInteger left;

    Comparison(TensorInfo tensor, Weight base, List<Optional<Weight>> experts) {
      this.tensor = tensor;
      this.base = base;
      this.experts = experts;
      partial = new Sums[(int) ((tensor.size() + SEGMENT - 1) / SEGMENT)];
      left = new AtomicInteger(partial.length);
    }

    long bytes() {
      return tensor.bytes() * (1 + experts.stream().filter(Optional::isPresent).count());
    }

    List<Segment> segments() {
      List<Segment> segments = new ArrayList<>();
      for (int i = 0; i < partial.length; i++) {
        segments.add(new Segment(this, i));
      }
      return segments;
    }

    Sums sums() {
      Sums sums = new Sums(experts.size());
      for (Sums part : partial) { // in order, whoever computed them
        sums.add(part);
      }
      return sums;
    }
  }

  private record Segment(Comparison comparison, int number) {
    long from() {
      return number * SEGMENT;
    }

    long to() {
      return Math.min(comparison.tensor.size(), from() + SEGMENT);
    }
  }

  /** The memory and the counts of one thread. */
  private static final class Worker {
    private final Progress progress;
    private final List<MagnitudeHistogram> magnitudes = new ArrayList<>();
    private final float[] base = new float[BLOCK];
    private final float[][] tau;
    private final byte[] signs = new byte[BLOCK];
    private final LongAdder read = new LongAdder(); // asked for by readers; progress counts tensors

    Worker(int experts, Progress progress) {
      this.progress = progress;
      tau = new float[experts][BLOCK];
      for (int t = 0; t < experts; t++) {
        magnitudes.add(new MagnitudeHistogram());
      }
    }

    void compute(Segment segment) {
      Comparison comparison = segment.comparison();
      Sums sums = new Sums(tau.length);
      WeightReader baseReader = new WeightReader(comparison.base, read);
      List<Optional<WeightReader>> readers =
          comparison.experts.stream()
              .map(expert -> expert.map(weight -> new WeightReader(weight, read)))
              .toList();
      for (long first = segment.from(); first < segment.to(); first += BLOCK) {
        int length = (int) Math.min(BLOCK, segment.to() - first);
        baseReader.read(first, length, base);
        for (int t = 0; t < tau.length; t++) {
          Optional<WeightReader> expert = readers.get(t);
          if (expert.isPresent()) {
            expert.get().readTaskVector(first, length, base, comparison.base, tau[t]);
            examine(sums, comparison.tensor, t, first, length);
          } else {
            Arrays.fill(tau[t], 0, length, 0f);
          }
        }
        sums.baseSquaredNorm += squaredNormOfFinite(base, length);
        products(sums, length);
        conflicts(sums, length);
      }
      comparison.partial[segment.number()] = sums;
      progress.advanced(
          (segment.to() - segment.from())
              * (comparison.bytes() / Math.max(1, comparison.tensor.size())));
      if (comparison.left.decrementAndGet() == 0) {
        progress.finishedPart(comparison.tensor.name());
      }
    }

    /** Takes what concerns one expert; puts zeros where τ is not finite. */
    private void examine(Sums sums, TensorInfo tensor, int t, long first, int length) {
      float[] difference = tau[t];
      float poison = 0;
      for (int i = 0; i < length; i++) {
        poison += (difference[i] + base[i]) * 0f; // NaN if any entry of either is not finite
      }
      if (poison != 0) {
        for (int i = 0; i < length; i++) {
          if (!Float.isFinite(difference[i]) || !Float.isFinite(base[i])) {
            difference[i] = 0;
            if (sums.nonFinite[t]++ == 0) {
              sums.firstNonFinite.set(
                  t, Optional.of(new Entry(tensor.name(), tensor.shape(), first + i)));
            }
            sums.zeros[t]--; // the loop below counts it
          }
        }
      }
      sums.entries[t] += length;
      MagnitudeHistogram histogram = magnitudes.get(t);
      float largest = (float) sums.largest[t];
      int largestAt = -1;
      int zeros = 0;
      for (int i = 0; i < length; i++) {
        float magnitude = Math.abs(difference[i]);
        histogram.add(magnitude);
        if (magnitude == 0) {
          zeros++;
        } else if (magnitude > largest) {
          largest = magnitude;
          largestAt = i;
        }
      }
      sums.zeros[t] += zeros;
      if (largestAt >= 0) {
        sums.largest[t] = largest;
        sums.largestAt.set(
            t, Optional.of(new Entry(tensor.name(), tensor.shape(), first + largestAt)));
      }
    }

    private void products(Sums sums, int length) {
      for (int s = 0; s < tau.length; s++) {
        for (int t = s; t < tau.length; t++) {
          double product = Floats.dot(tau[s], tau[t], length);
          sums.products[s][t] += product;
          if (s != t) {
            sums.products[t][s] += product;
          }
        }
      }
    }

    /** Bit 1: increased by one expert; 2: decreased by one; 4: changed by two or more. */
    private void conflicts(Sums sums, int length) {
      if (tau.length < 2) {
        return;
      }
      Arrays.fill(signs, 0, length, (byte) 0);
      for (float[] difference : tau) {
        for (int i = 0; i < length; i++) {
          int before = signs[i];
          int sign = difference[i] > 0 ? 1 : difference[i] < 0 ? 2 : 0;
          signs[i] = (byte) (before | sign | (before != 0 && sign != 0 ? 4 : 0));
        }
      }
      for (int i = 0; i < length; i++) {
        sums.contested += signs[i] >> 2;
        sums.conflicts += (signs[i] & 3) == 3 ? 1 : 0;
      }
    }

    private static double squaredNormOfFinite(float[] values, int length) {
      double sum = Floats.dot(values, values, length);
      if (Double.isFinite(sum)) {
        return sum;
      }
      sum = 0;
      for (int i = 0; i < length; i++) {
        sum += Float.isFinite(values[i]) ? (double) values[i] * values[i] : 0;
      }
      return sum;
    }
  }

  /** Everything that adds up. */
  private static final class Sums {
    private double baseSquaredNorm;
    private final long[] entries;
    private final double[] largest;
    private final List<Optional<Entry>> largestAt;
    private final long[] zeros;
    private final long[] nonFinite;
    private final List<Optional<Entry>> firstNonFinite;
    private final double[][] products;
    private long contested;
    private long conflicts;

    Sums(int experts) {
      entries = new long[experts];
      largest = new double[experts];
      largestAt = new ArrayList<>(Collections.nCopies(experts, Optional.empty()));
      zeros = new long[experts];
      nonFinite = new long[experts];
      firstNonFinite = new ArrayList<>(Collections.nCopies(experts, Optional.empty()));
      products = new double[experts][experts];
    }

    void add(Sums later) {
      baseSquaredNorm += later.baseSquaredNorm;
      contested += later.contested;
      conflicts += later.conflicts;
      for (int t = 0; t < entries.length; t++) {
        entries[t] += later.entries[t];
        zeros[t] += later.zeros[t];
        nonFinite[t] += later.nonFinite[t];
        if (later.largest[t] > largest[t]) {
          largest[t] = later.largest[t];
          largestAt.set(t, later.largestAt.get(t));
        }
        if (firstNonFinite.get(t).isEmpty()) {
          firstNonFinite.set(t, later.firstNonFinite.get(t));
        }
        for (int s = 0; s < entries.length; s++) {
          products[t][s] += later.products[t][s];
        }
      }
    }

    Parameter result(String name, List<Long> shape) {
      List<Expert> experts = new ArrayList<>();
      List<List<Double>> rows = new ArrayList<>();
      for (int t = 0; t < entries.length; t++) {
        experts.add(
            new Expert(
                entries[t],
                products[t][t],
                largest[t],
                largestAt.get(t),
                zeros[t],
                nonFinite[t],
                firstNonFinite.get(t)));
        rows.add(Arrays.stream(products[t]).boxed().toList());
      }
      return new Parameter(name, shape, baseSquaredNorm, experts, rows, contested, conflicts);
    }
  }
}
