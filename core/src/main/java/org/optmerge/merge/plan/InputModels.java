package org.optmerge.merge.plan;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.checkpoint.ExternalFiles;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.ModelReference;
import org.optmerge.merge.recipe.Position;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.merge.weights.NameMapping;

/** The models of a recipe, found and opened, each folder once. */
final class InputModels {
  private final ModelLocator locator;
  private final ExternalFiles external;
  private final PlanFindings findings;
  private boolean strictIndex;
  private final Map<Path, Checkpoint> checkpoints = new LinkedHashMap<>();
  private final Map<Path, LoraAdapter> adapters = new LinkedHashMap<>();
  private final Map<String, InputModel> byFiles = new LinkedHashMap<>();
  private final Map<String, InputModel> byText = new LinkedHashMap<>();
  private final Map<String, Position> places = new LinkedHashMap<>();
  private final Map<InputModel, InputModel> named = new LinkedHashMap<>();
  private @Nullable Recipe recipe;
  private boolean adaptersAdd;
  private boolean baseFailed;

  InputModels(ModelLocator locator, ExternalFiles external, PlanFindings findings) {
    this.locator = locator;
    this.external = external;
    this.findings = findings;
  }

  /** From now on a model whose index is missing, incomplete or stale cannot be opened. */
  void requireIndexes() {
    strictIndex = true;
  }

  /** Opens every model; what cannot be opened is booked. */
  void openAll(Recipe recipe) {
    this.recipe = recipe;
    adaptersAdd = recipe.extra() == Recipe.Extra.UNION || recipe.extra() == Recipe.Extra.COPY;
    Recipe.Model base = recipe.base();
    if (base != null) {
      open(base, null);
    }
    InputModel under = base == null ? null : byText.get(base.text());
    baseFailed = base != null && under == null;
    for (Recipe.Slice slice : recipe.slices()) {
      Recipe.Model ofSlice = slice.base();
      if (ofSlice != null) {
        open(ofSlice, under);
      }
      for (Recipe.Source source : slice.sources()) {
        open(source.model(), under);
      }
    }
  }

  private void open(Recipe.Model model, @Nullable InputModel base) {
    if (byText.containsKey(model.text())) {
      return;
    }
    try {
      ModelReference reference = locator.locate(model.text());
      Path checkpoint = reference.checkpoint();
      InputModel under = checkpoint == null ? base : open(reference.base(), checkpoint);
      if (under == null) {
        if (baseFailed) {
          return; // which is told already, and is the reason
        }
        findings.problem(
            model.at(),
            "model '%s' is an adapter; name the checkpoint that it is for, as 'checkpoint+adapter' or as base_model"
                .formatted(model.text()));
        return;
      }
      InputModel opened = under;
      for (int i = 0; i < reference.adapters().size(); i++) {
        boolean last = i == reference.adapters().size() - 1;
        Path adapter = reference.adapters().get(i);
        String name = last ? model.text() : "%s+%s".formatted(opened.name(), adapter.getFileName());
        opened = open(name, opened, adapter);
        for (String problem : opened.adapterProblems(adaptersAdd)) {
          findings.problem(model.at(), problem);
        }
      }
      byText.put(model.text(), opened);
      places.put(model.text(), model.at());
    } catch (CheckpointException e) {
      findings.unusable(model.at(), String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      findings.problem(model.at(), String.valueOf(e.getMessage()));
    }
  }

  /**
   * Puts every model into the layout of names of the one whose tensors the output has.
   *
   * @param donor that model
   */
  void align(Recipe recipe, InputModel donor) {
    List<Recipe.Model> models = new ArrayList<>();
    for (Recipe.Slice slice : recipe.slices()) {
      Recipe.Model base = slice.base();
      if (base != null) {
        models.add(base);
      }
      slice.sources().forEach(source -> models.add(source.model()));
    }
    for (Recipe.Model model : models) {
      InputModel own = byText.get(model.text());
      if (own != null && own.checkpoint() != donor.checkpoint() && !named.containsValue(own)) {
        try {
          InputModel renamed =
              named.computeIfAbsent(own, it -> it.named(donor, recipe.renameOf(model.text())));
          byText.put(model.text(), renamed);
        } catch (NameMapping.AmbiguousNamesException e) {
          findings.problem(
              model.at(),
              "model '%s': %s; say which with 'rename:'".formatted(model.text(), e.getMessage()));
        } catch (IllegalArgumentException e) {
          findings.problem(model.at(), "model '%s': %s".formatted(model.text(), e.getMessage()));
        }
      }
    }
    all().forEach(model -> model.notices().forEach(findings::notice));
  }

  private InputModel open(String name, Path folder) {
    Path real = real(folder);
    InputModel known = byFiles.get(real.toString());
    if (known != null) {
      return known;
    }
    Checkpoint checkpoint = Checkpoint.open(folder, external);
    checkpoints.put(real, checkpoint);
    if (strictIndex) {
      checkpoint.requireIndex();
    }
    checkpoint.notes().forEach(note -> findings.warning("model '%s': %s".formatted(name, note)));
    InputModel opened = new InputModel(name, checkpoint);
    byFiles.put(real.toString(), opened);
    return opened;
  }

  private InputModel open(String text, InputModel under, Path folder) {
    Path real = real(folder);
    String key = System.identityHashCode(under) + "+" + real;
    InputModel known = byFiles.get(key);
    if (known != null) {
      return known;
    }
    LoraAdapter adapter = adapters.get(real);
    if (adapter == null) {
      adapter = LoraAdapter.open(folder);
      adapters.put(real, adapter);
    }
    InputModel opened =
        new InputModel(text, under, adapter, recipe == null ? null : recipe.renameOf(text));
    byFiles.put(key, opened);
    return opened;
  }

  private static Path real(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException e) {
      return folder.toAbsolutePath().normalize();
    }
  }

  /** The model of a name; all have been opened. */
  InputModel get(Recipe.Model model) {
    return Objects.requireNonNull(byText.get(model.text()), model.text());
  }

  /** The model of a name, if the recipe has one so named. */
  @Nullable InputModel find(String text) {
    return byText.get(text);
  }

  /** The folder whose tokenizer the recipe names; null if it names none, or it is booked. */
  @Nullable Path tokenizer(Recipe recipe) {
    Recipe.Tokenizer asked = recipe.tokenizer();
    if (asked == null
        || asked.source().equals(Recipe.Tokenizer.BASE)
        || asked.source().equals(Recipe.Tokenizer.UNION)) {
      return null;
    }
    InputModel known = byText.get(asked.source());
    if (known != null) {
      return known.folders().get(known.name());
    }
    try {
      ModelReference reference = locator.locate(asked.source());
      Path folder = reference.checkpoint();
      return folder == null ? reference.adapters().get(0) : folder;
    } catch (IllegalArgumentException e) {
      findings.problem(asked.at(), String.valueOf(e.getMessage()));
      return null;
    }
  }

  /** Every model once, base first. */
  List<InputModel> all() {
    return byText.values().stream().distinct().toList();
  }

  /** Every model once, base first, with the place where the recipe names it. */
  Map<InputModel, Position> places() {
    Map<InputModel, Position> all = new LinkedHashMap<>();
    byText.forEach(
        (text, model) -> all.putIfAbsent(model, places.getOrDefault(text, Position.START)));
    return all;
  }

  /** Every folder that is read, those of {@code first} first. */
  Map<String, Path> folders(InputModel first) {
    Map<String, Path> folders = new LinkedHashMap<>(first.folders());
    for (InputModel model : all()) {
      model.folders().forEach(folders::putIfAbsent);
    }
    return folders;
  }

  void close() {
    closeAllBut(Set.of());
  }

  /** Closes what a plan does not read, and so will not close. */
  void closeAllBut(Set<Checkpoint> read) {
    adapters.values().stream()
        .filter(adapter -> !read.contains(adapter.tensors()))
        .forEach(LoraAdapter::close);
    checkpoints.values().stream()
        .filter(checkpoint -> !read.contains(checkpoint))
        .forEach(Checkpoint::close);
  }
}
