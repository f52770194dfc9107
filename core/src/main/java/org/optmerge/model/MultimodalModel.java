package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.ModelReference;
import org.optmerge.model.media.Media;

/**
 * A multimodal large language model: questions in, answers out.
 *
 * <pre>{@code
 * try (MultimodalModel model = MultimodalModel.open(Path.of("merged"))) {
 *   String answer = model.answer(image, "how many objects are there ?");
 * }
 * }</pre>
 *
 * <p>A model is used from one thread at a time; it spreads its work over the processors by itself.
 */
@API(status = API.Status.EXPERIMENTAL)
public interface MultimodalModel extends AutoCloseable {
  /**
   * Opens a model folder, whatever its architecture.
   *
   * @throws ModelException if the architecture is not known, or the folder is not what it says
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  static MultimodalModel open(Path folder) {
    return open(folder, Precision.AUTO);
  }

  /**
   * Opens a model folder, whatever its architecture.
   *
   * @throws ModelException as {@link #open(Path)}, or if models of this kind cannot be opened in
   *     this precision
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  static MultimodalModel open(Path folder, Precision precision) {
    return Architecture.of(folder).open(folder, precision);
  }

  /**
   * Opens a model folder, or {@code BASE+ADAPTER}: a model with PEFT adapters applied to it.
   *
   * @throws ModelException if a folder is not there, or as {@link #open(Path)} and {@link #apply}
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  static MultimodalModel open(String reference) {
    return open(reference, Precision.AUTO);
  }

  /**
   * Opens a model folder, or {@code BASE+ADAPTER}: a model with a PEFT adapter applied to it.
   *
   * @throws ModelException as {@link #open(String)}, or if models of this kind cannot be opened in
   *     this precision
   * @throws org.optmerge.checkpoint.CheckpointException if the files are not what they should be
   */
  static MultimodalModel open(String reference, Precision precision) {
    ModelReference found;
    try {
      found = ModelReference.of(reference);
    } catch (IllegalArgumentException e) {
      throw new ModelException(String.valueOf(e.getMessage()), e);
    }
    Path checkpoint = found.checkpoint();
    if (checkpoint == null) {
      throw new ModelException(
          "model '%s' is an adapter; name the model that it is for too, as BASE+ADAPTER"
              .formatted(reference));
    }
    MultimodalModel model = open(checkpoint, precision);
    try {
      found.adapters().forEach(model::apply);
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /**
   * Answers prompts, several side by side.
   *
   * @param listener is given each answer as soon as it is ready
   * @throws ModelException if a prompt has media that the model does not take, words that it does
   *     not know, or no room for an answer; nothing has been answered then
   */
  void answer(List<Prompt> prompts, Decoding decoding, AnswerListener listener);

  /**
   * The decoding that the model's own files ask for: {@code generation_config.json}, else {@link
   * Decoding#DEFAULT}. Evaluation kits have settings of their own.
   *
   * @throws ModelException if the file asks for what is not known here, such as several beams
   */
  default Decoding decoding() {
    return Decoding.DEFAULT;
  }

  /** Answers prompts; the answers are in their order. */
  default List<String> answer(List<Prompt> prompts, Decoding decoding) {
    String[] answers = new String[prompts.size()];
    answer(prompts, decoding, (index, text) -> answers[index] = text);
    return Arrays.asList(answers);
  }

  /** Answers one question about one medium. */
  default String answer(Media medium, String question) {
    return answer(List.of(Prompt.of(medium, question)), Decoding.DEFAULT).get(0);
  }

  /** The kinds of media that prompts may have. */
  Set<Class<? extends Media>> media();

  /**
   * Keeps the encoders' outputs in a cache from now on, and takes them from it: for several calls
   * about the same media, of this model or of others that share its encoders. A model that encodes
   * nothing ignores it.
   */
  default void useFeatures(FeatureCache cache) {}

  /**
   * The parameters by published name; the model's own arrays.
   *
   * @throws ModelException if the precision is not {@link Precision#FLOAT32}: there are none then
   */
  SortedMap<String, NDArray> parameters();

  /** The names of the parameters. */
  default Set<String> names() {
    return parameters().keySet();
  }

  /**
   * True if it has a parameter of this name, or one that a checkpoint has under another of its
   * published names. {@link #load}, {@link #values} and {@link #keep} take either.
   */
  default boolean has(String name) {
    return names().contains(name);
  }

  /**
   * A parameter's values, row by row, whatever the precision.
   *
   * @throws ModelException if there is no such parameter
   */
  default float[] values(String name) {
    NDArray array = parameters().get(name);
    if (array == null) {
      throw new ModelException("the model has no parameter '%s'".formatted(name));
    }
    return array.toFloatArray();
  }

  /** Values of parameters that were kept; closing puts them back. */
  interface Kept extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Keeps parameters' values of now, to load others and put these back.
   *
   * @throws ModelException if there is no such parameter
   */
  default Kept keep(Collection<String> names) {
    Map<String, float[]> kept = new TreeMap<>();
    names.forEach(name -> kept.put(name, values(name)));
    return () -> kept.forEach(this::load);
  }

  /**
   * Puts values in place of a parameter's own, as after a merge.
   *
   * @param values row by row
   * @throws ModelException if there is no such parameter or it has another size
   */
  void load(String name, float[] values);

  /**
   * Applies a PEFT adapter to the weights: adds its low-rank changes, and puts the tensors that it
   * replaces as a whole in place. All is checked before anything is changed.
   *
   * @throws ModelException if it changes or replaces a parameter that the model does not have, or
   *     one of another shape; the message names it
   * @throws org.optmerge.checkpoint.CheckpointException if the folder is no adapter
   */
  void apply(Path adapterFolder);

  /**
   * Lets several adapters work side by side in place of a merge, until the composition is closed.
   *
   * @param adapters PEFT folders by modality
   * @param share how much of each adapter a token gets that belongs to no modality
   * @throws ModelException if models of this kind cannot, or lack a modality or a weight
   */
  default OnlineComposition compose(
      SortedMap<String, Path> adapters, OnlineComposition.Mode mode, double share) {
    throw new ModelException(
        "'%s': adapters of this kind of model cannot work side by side; merge them instead"
            .formatted(folder()));
  }

  /** The precision it computes in; never {@link Precision#AUTO}. */
  default Precision precision() {
    return Precision.FLOAT32;
  }

  /** The folder it was opened from, if it was. */
  @Nullable Path folder();

  /** Frees the parameters. */
  @Override
  void close();
}
