package org.optmerge.benchmark.mini;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.optmerge.benchmark.mini.BalancedSchedule.Turn;
import org.optmerge.benchmark.mini.Scene.Choice;
import org.optmerge.benchmark.mini.Scene.Look;
import org.optmerge.benchmark.mini.Scene.Thing;

/** Questions about colours, shapes, numbers and places of objects; more than half bind two. */
final class VqaTask extends TaskDrawing<VqaTask.Kind> {
  enum Kind {
    COLOR,
    SHAPE,
    COUNT,
    COUNT_COLOR,
    COUNT_SHAPE,
    RELATION,
    EXISTS
  }

  VqaTask() {
    super(Kind.class, 5, 3, 1, 2, 1, 4, 4);
  }

  @Override
  void draw(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    Scene scene = scene(dice, first);
    scene.draw(sketch);
    question(dice, scene, first).ifPresent(sketch::ask);
    sketch.askFurther(other -> another(other, scene));
  }

  /** A question about any object of a scene. */
  Optional<ImageQuestion> another(Dice dice, Scene scene) {
    return question(dice, scene.about(dice.pick(scene.things())), schedule().any(dice));
  }

  /** A scene in which the question has the answer whose turn it is. */
  private static Scene scene(Dice dice, Turn<Kind> turn) {
    return switch (turn.kind()) {
      case COLOR -> {
        Choice choice = Choice.of(dice, Color.ALL.get(turn.of(8)), null);
        Look look = new Look(choice.colors().get(0), choice.shapes().get(0));
        yield with(dice, List.of(look), choice.looks(dice, other -> other.shape() != look.shape()));
      }
      case SHAPE -> {
        Choice choice = Choice.of(dice, null, Shape.ALL.get(turn.of(5)));
        Look look = new Look(choice.colors().get(0), choice.shapes().get(0));
        yield with(dice, List.of(look), choice.looks(dice, other -> other.color() != look.color()));
      }
      case COUNT -> {
        Choice choice = Choice.of(dice, null, null);
        yield Scene.placed(dice, choice.looks(dice, look -> true).subList(0, 2 + turn.of(4)), 0);
      }
      case COUNT_COLOR -> {
        Choice choice = Choice.of(dice, null, null);
        Color color = choice.colors().get(0);
        yield with(
            dice,
            choice.looks(dice, look -> look.color() == color).subList(0, turn.of(4)),
            choice.looks(dice, look -> look.color() != color));
      }
      case COUNT_SHAPE -> {
        Choice choice = Choice.of(dice, null, null);
        Shape shape = choice.shapes().get(0);
        yield with(
            dice,
            choice.looks(dice, look -> look.shape() == shape).subList(0, turn.of(4)),
            choice.looks(dice, look -> look.shape() != shape));
      }
      case RELATION, EXISTS -> Scene.any(dice);
    };
  }

  /** These looks and some others, two to five in all. */
  private static Scene with(Dice dice, List<Look> wanted, List<Look> others) {
    int number = dice.between(Math.max(2, wanted.size()), 5);
    List<Look> looks =
        Stream.concat(wanted.stream(), others.stream().limit(number - wanted.size())).toList();
    return Scene.placed(dice, looks, 0);
  }

  /** A question about the scene's subject, if this kind can be asked. */
  private static Optional<ImageQuestion> question(Dice dice, Scene scene, Turn<Kind> turn) {
    Thing subject = scene.subject();
    String color = subject.color().word();
    String shape = subject.shape().word();
    return switch (turn.kind()) {
      case COLOR ->
          scene.count(thing -> thing.shape() == subject.shape()) > 1
              ? Optional.empty()
              : Optional.of(
                  ImageQuestion.of(
                      "color",
                      false,
                      "what color is the %s ?".formatted(shape),
                      color,
                      shape + " color"));
      case SHAPE ->
          scene.count(thing -> thing.color() == subject.color()) > 1
              ? Optional.empty()
              : Optional.of(
                  ImageQuestion.of(
                      "shape",
                      false,
                      "what shape is the %s object ?".formatted(color),
                      shape,
                      color + " shape"));
      case COUNT ->
          Optional.of(
              ImageQuestion.of(
                  "count",
                  false,
                  "how many objects are there ?",
                  String.valueOf(scene.things().size()),
                  "number objects"));
      case COUNT_COLOR ->
          Optional.of(count(dice, scene, "count-color", Color.ALL, Thing::color, turn.of(4) == 0));
      case COUNT_SHAPE ->
          Optional.of(count(dice, scene, "count-shape", Shape.ALL, Thing::shape, turn.of(4) == 0));
      case RELATION -> Optional.of(relation(dice, scene, turn.of(2) == 0));
      case EXISTS -> Optional.of(exists(dice, scene, turn.of(2) == 0));
    };
  }

  /**
   * Asks for the number of objects that are like the subject in something, or of those like none.
   */
  private static <T extends Word> ImageQuestion count(
      Dice dice, Scene scene, String type, List<T> all, Function<Thing, T> of, boolean none) {
    T wanted =
        none
            ? dice.pick(
                all.stream()
                    .filter(any -> scene.count(thing -> of.apply(thing) == any) == 0)
                    .toList())
            : of.apply(scene.subject());
    return ImageQuestion.of(
        type,
        true,
        "how many %s objects are there ?".formatted(wanted.word()),
        String.valueOf(scene.count(thing -> of.apply(thing) == wanted)),
        "number " + wanted.word());
  }

  /**
   * Asks whether the subject is to one side of another, by their middles, four pixels apart or
   * more.
   */
  private static ImageQuestion relation(Dice dice, Scene scene, boolean yes) {
    Thing subject = scene.subject();
    Thing other = dice.pick(scene.things().subList(1, scene.things().size()));
    // Twice the distance of the middles.
    int across = 2 * (subject.x() - other.x()) + subject.side() - other.side();
    int down = 2 * (subject.y() - other.y()) + subject.side() - other.side();
    // Objects apart from each other differ in at least one direction.
    boolean horizontal = Math.abs(across) >= 8 && (Math.abs(down) < 8 || dice.chance(.5));
    String relation =
        horizontal ? (across < 0) == yes ? "left" : "right" : (down < 0) == yes ? "above" : "below";
    return ImageQuestion.of(
        "relation",
        true,
        "is the %s %s the %s ?".formatted(subject.look(), relation, other.look()),
        yes ? "yes" : "no",
        "%s %s %s".formatted(subject.look(), relation, other.look()));
  }

  /**
   * Asks whether there is an object; one that is not there shares what it can with those that are.
   */
  private static ImageQuestion exists(Dice dice, Scene scene, boolean yes) {
    Look look = yes ? scene.subject().look() : absent(dice, scene);
    return ImageQuestion.of(
        "exists", false, "is there a %s ?".formatted(look), yes ? "yes" : "no", "there " + look);
  }

  private static Look absent(Dice dice, Scene scene) {
    List<Look> mixed =
        scene.things().stream()
            .map(Thing::color)
            .distinct()
            .flatMap(
                color ->
                    scene.things().stream()
                        .map(Thing::shape)
                        .distinct()
                        .map(shape -> new Look(color, shape)))
            .filter(look -> !scene.has(look))
            .toList();
    if (!mixed.isEmpty() && dice.chance(.7)) {
      return dice.pick(mixed);
    }
    Look subject = scene.subject().look();
    List<Look> near =
        new Choice(Color.ALL, Shape.ALL)
            .looks(
                dice,
                look ->
                    (look.color() == subject.color()) != (look.shape() == subject.shape())
                        && !scene.has(look));
    return near.get(0);
  }
}
