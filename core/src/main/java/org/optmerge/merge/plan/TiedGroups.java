package org.optmerge.merge.plan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.weights.InputModel;
import org.optmerge.taskvector.Weight;

/**
 * Tensors that are one parameter of a model: output head and embedding, or T5's three embeddings.
 * They are known by their bytes where they are stored more than once, by config.json where they are
 * stored once. Where every model keeps them equal, they are merged as one; where one model has
 * trained them apart, each is merged by itself, and the output is no longer tied.
 */
final class TiedGroups {
  private static final Set<String> HEADS =
      Set.of("lm_head", "output", "embed_out", "output_projection", "decoder", "proj_out");

  private static final Set<String> EMBEDDINGS =
      Set.of("embed_tokens", "wte", "word_embeddings", "tok_embeddings", "embed_in", "shared");

  private static final String WEIGHT = ".weight";

  private final InputModel donor;
  private final Collection<InputModel> inputs;

  /** The first tensor of each group by every other one that is merged as it is. */
  private final Map<String, String> aliases = new LinkedHashMap<>();

  /** Heads to be written that the donor does not store, by name the embedding that serves there. */
  private final Map<String, String> heads = new LinkedHashMap<>();

  /** What was trained apart: the model, the tensor, and the one that it was tied to. */
  record Apart(InputModel model, String tensor, String tiedTo) {}

  private final List<Apart> apart = new ArrayList<>();

  /** Copies of an embedding that a model stores and the donor does not. */
  private final Map<InputModel, Map<String, String>> copies = new HashMap<>();

  TiedGroups(InputModel donor, Collection<InputModel> inputs) {
    this.donor = donor;
    this.inputs = inputs;
    stored().forEach(this::group);
    donor.tiedHeads().forEach(head -> donor.tiedTo(head).ifPresent(it -> implied(head, it)));
    inputs.forEach(this::copies);
  }

  /** True for an output head, which may be a tensor of its own. */
  static boolean isHead(String tensor) {
    return HEADS.contains(module(tensor));
  }

  private static boolean isVocabulary(String tensor) {
    String module = module(tensor);
    return HEADS.contains(module) || EMBEDDINGS.contains(module);
  }

  /** The last word before {@code .weight}; empty if the name has another end. */
  private static String module(String tensor) {
    return tensor.endsWith(WEIGHT)
        ? tensor.substring(
            tensor.lastIndexOf('.', tensor.length() - WEIGHT.length() - 1) + 1,
            tensor.length() - WEIGHT.length())
        : "";
  }

  /** The tensor with which another one is merged as one. */
  Optional<String> aliasOf(String tensor) {
    return Optional.ofNullable(aliases.get(tensor));
  }

  /** Heads that the output has and the donor does not, by name the donor's embedding. */
  Map<String, String> heads() {
    return heads;
  }

  List<Apart> apart() {
    return apart;
  }

  /** Tensors of a model that are the same as its embedding, which the donor stores once. */
  Map<String, String> copiesOf(InputModel model) {
    return copies.getOrDefault(model, Map.of());
  }

  /** The same target, with another tensor of the group where a model lacks the one named. */
  Target target(Target target) {
    List<String> members = membersOf(target.tensor());
    if (members.size() == 1) {
      return target;
    }
    List<String> names = new ArrayList<>();
    for (int i = 0; i < target.names().size(); i++) {
      InputModel model = target.slice().inputs().get(i).model();
      String own = target.names().get(i);
      names.add(
          members.stream()
              .filter(member -> model.info(member).isPresent())
              .findFirst()
              .orElse(own));
    }
    return new Target(
        target.tensor(),
        target.slice(),
        target.reference(),
        target.read(),
        names,
        target.fraction());
  }

  /** The tensors of a group that a model may have in place of another. */
  private List<String> membersOf(String tensor) {
    List<String> members = new ArrayList<>();
    String first = aliases.getOrDefault(tensor, tensor);
    members.add(first);
    aliases.forEach(
        (other, it) -> {
          if (it.equals(first)) {
            members.add(other);
          }
        });
    return members;
  }

  /** Groups of the donor's tensors with the same bytes, embeddings before heads. */
  private List<List<String>> stored() {
    Map<List<Long>, List<List<String>>> byShape = new LinkedHashMap<>();
    List<String> candidates = donor.names().stream().filter(name -> isVocabulary(name)).toList();
    List<String> ordered = new ArrayList<>();
    candidates.stream().filter(name -> !isHead(name)).forEach(ordered::add);
    candidates.stream().filter(name -> isHead(name)).forEach(ordered::add);
    for (String name : ordered) {
      TensorInfo info = donor.info(name).orElseThrow();
      if (info.shape().size() == 2 && info.dtype().isFloating()) {
        List<List<String>> groups =
            byShape.computeIfAbsent(info.shape(), shape -> new ArrayList<>());
        groups.stream()
            .filter(group -> isEqual(donor, group.get(0), name))
            .findFirst()
            .orElseGet(
                () -> {
                  groups.add(new ArrayList<>());
                  return groups.get(groups.size() - 1);
                })
            .add(name);
      }
    }
    return byShape.values().stream().flatMap(List::stream).filter(it -> it.size() > 1).toList();
  }

  private void group(List<String> members) {
    String first = members.get(0);
    boolean together = true;
    for (InputModel input : inputs) {
      for (String member : members.subList(1, members.size())) {
        if (!follows(input, member, first)) {
          apart.add(new Apart(input, member, first));
          together = false;
        }
      }
    }
    if (together) {
      members.subList(1, members.size()).forEach(member -> aliases.put(member, first));
    }
  }

  /** True if what a model has of one tensor is what it has of the other, or nothing of its own. */
  private boolean follows(InputModel input, String member, String first) {
    Optional<Weight> own = input.weight(member);
    Optional<Weight> leading = input.weight(first);
    return own.isEmpty()
        || leading.isEmpty()
        || own.equals(donor.weight(member))
        || isEqual(own.get(), leading.get());
  }

  /**
   * A head that the donor does not store: one that differs from its model's embedding is its own.
   */
  private void implied(String head, String embedding) {
    for (InputModel input : inputs) {
      Optional<Weight> own = input.info(head).isEmpty() ? Optional.empty() : input.weight(head);
      Optional<Weight> leading = input.weight(embedding);
      if (own.isPresent() && leading.isPresent()) {
        if (isEqual(own.get(), leading.get())) {
          copies.computeIfAbsent(input, key -> new LinkedHashMap<>()).put(head, embedding);
        } else {
          apart.add(new Apart(input, head, embedding));
          heads.put(head, embedding);
        }
      }
    }
  }

  /** What else a model stores that the donor has not, and that is its own embedding once more. */
  private void copies(InputModel input) {
    Set<String> known = new LinkedHashSet<>(donor.names());
    List<String> embeddings = donor.names().stream().filter(TiedGroups::isVocabulary).toList();
    for (String name : input.names()) {
      if (known.contains(name) || donor.tiedTo(name).isPresent() || !isVocabulary(name)) {
        continue;
      }
      embeddings.stream()
          .filter(other -> input.info(other).isPresent() && isEqual(input, other, name))
          .findFirst()
          .ifPresent(
              other ->
                  copies.computeIfAbsent(input, key -> new LinkedHashMap<>()).put(name, other));
    }
  }

  private static boolean isEqual(InputModel model, String one, String other) {
    Optional<Weight> first = model.weight(one);
    Optional<Weight> second = model.weight(other);
    return first.isPresent() && second.isPresent() && isEqual(first.get(), second.get());
  }

  private static boolean isEqual(Weight one, Weight other) {
    return one.equals(other)
        || (one instanceof Weight.Stored first
            && other instanceof Weight.Stored second
            && first.hasBytesOf(second));
  }
}
