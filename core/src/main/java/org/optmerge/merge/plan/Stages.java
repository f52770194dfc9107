package org.optmerge.merge.plan;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.recipe.RecipeException;

/**
 * Documents of one recipe file that read each other's results, as mergekit-multi has them: a
 * document with a {@code name} is a model of the others, the one without is the end.
 */
public final class Stages {
  private final Map<String, Recipe> named = new LinkedHashMap<>();
  private final Set<String> done = new LinkedHashSet<>();
  private final Set<String> open = new LinkedHashSet<>();
  private final List<Recipe> order = new ArrayList<>();

  private Stages() {}

  /**
   * The documents in an order in which each comes after those whose results it reads; the one
   * without a name last.
   *
   * @param documents as they stand in the file
   * @throws RecipeException if two have one name, or none, or some need one another
   */
  public static List<Recipe> inOrder(List<Recipe> documents) {
    Stages stages = new Stages();
    Recipe last = null;
    for (Recipe document : documents) {
      Recipe.Located<String> name = document.mergekit().stage();
      if (name == null) {
        if (last != null) {
          throw document.error(
              document.method().at(),
              "two documents have no name; the one that is the end needs none, give the other a 'name'");
        }
        last = document;
        continue;
      }
      requireFolderName(document, name);
      Recipe other = stages.named.put(name.value(), document);
      if (other != null) {
        throw document.error(
            name.at(),
            "stage '%s' is there twice, first at %s"
                .formatted(name.value(), Objects.requireNonNull(other.mergekit().stage()).at()));
      }
    }
    stages.named.keySet().forEach(stages::visit);
    if (last != null) {
      stages.order.add(last);
    }
    return stages.order;
  }

  /** Each stage is written into a folder of its name. */
  private static void requireFolderName(Recipe document, Recipe.Located<String> name) {
    boolean plain;
    try {
      Path path = Path.of(name.value());
      plain = !path.isAbsolute() && !path.startsWith("..") && path.equals(path.normalize());
    } catch (InvalidPathException e) {
      plain = false;
    }
    if (!plain || name.value().startsWith(".")) {
      throw document.error(
          name.at(), "stage '%s' cannot be the name of a folder".formatted(name.value()));
    }
  }

  private void visit(String name) {
    if (done.contains(name)) {
      return;
    }
    Recipe stage = Objects.requireNonNull(named.get(name));
    if (!open.add(name)) {
      throw stage.error(
          Objects.requireNonNull(stage.mergekit().stage()).at(),
          "stages need one another: %s → %s".formatted(String.join(" → ", open), name));
    }
    for (Recipe.Model model : models(stage)) {
      String read = stage(model.text());
      if (read != null) {
        visit(read);
      }
    }
    open.remove(name);
    done.add(name);
    order.add(stage);
  }

  /** The stage whose result a model's text names, alone or under adapters. */
  private @Nullable String stage(String text) {
    for (int end = text.length(); end > 0; end = text.lastIndexOf('+', end - 1)) {
      if (named.containsKey(text.substring(0, end))) {
        return text.substring(0, end);
      }
    }
    return null;
  }

  private static List<Recipe.Model> models(Recipe recipe) {
    List<Recipe.Model> models = new ArrayList<>();
    add(recipe.base(), models);
    for (Recipe.Slice slice : recipe.slices()) {
      add(slice.base(), models);
      slice.sources().forEach(source -> models.add(source.model()));
    }
    Recipe.Tokenizer tokenizer = recipe.tokenizer();
    if (tokenizer != null) {
      models.add(new Recipe.Model(tokenizer.source(), tokenizer.at()));
      tokenizer.tokens().values().forEach(token -> add(token.model(), models));
    }
    return models;
  }

  private static void add(Recipe.@Nullable Model model, List<Recipe.Model> models) {
    if (model != null) {
      models.add(model);
    }
  }
}
