package org.optmerge.model;

import ai.djl.ndarray.NDArray;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.optmerge.model.media.Media;

/** A family of one model, which answers in capitals: registered with one line, for tests only. */
public final class TinyArchitecture extends Architecture {
  public TinyArchitecture() {
    super("tiny", Shouting::new);
  }

  @Override
  public boolean describes(JsonNode config) {
    return config.path("model_type").asText().equals("tiny");
  }

  private record Shouting(Path folder) implements MultimodalModel {
    @Override
    public void answer(List<Prompt> prompts, Decoding decoding, AnswerListener listener) {
      for (int i = 0; i < prompts.size(); i++) {
        listener.answered(i, prompts.get(i).text().toUpperCase(Locale.ROOT));
      }
    }

    @Override
    public Set<Class<? extends Media>> media() {
      return Set.of();
    }

    @Override
    public SortedMap<String, NDArray> parameters() {
      return Collections.unmodifiableSortedMap(new TreeMap<>());
    }

    @Override
    public void load(String name, float[] values) {
      throw new ModelException("no parameter " + name);
    }

    @Override
    public void apply(Path adapterFolder) {
      throw new ModelException("nothing to adapt");
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }
}
