package org.optmerge.benchmark.mini;

import java.util.Optional;
import org.optmerge.benchmark.mini.BalancedSchedule.Turn;
import org.optmerge.benchmark.mini.Scene.Extreme;
import org.optmerge.benchmark.mini.Scene.Thing;

/** Boxes of objects that are named, or stand out by place or size. */
final class GroundingTask extends TaskDrawing<GroundingTask.Kind> {
  enum Kind {
    NAMED,
    LEFTMOST,
    RIGHTMOST,
    TOP,
    BOTTOM,
    LARGEST,
    SMALLEST;

    /** The property that an object stands out by; a named object need not. */
    Extreme extreme() {
      return Extreme.valueOf(name());
    }
  }

  GroundingTask() {
    super(Kind.class, 8, 1, 1, 1, 1, 2, 2);
  }

  @Override
  void draw(Sketch sketch, Turn<Kind> first) {
    Dice dice = sketch.dice();
    Scene scene = Scene.any(dice);
    if (first.kind() != Kind.NAMED) {
      scene = Scene.withExtreme(dice, first.kind().extreme());
    }
    scene.draw(sketch);
    question(scene, first.kind()).ifPresent(sketch::ask);
    Scene drawn = scene;
    sketch.askFurther(other -> another(other, drawn));
  }

  /** A question about any object of a scene. */
  Optional<ImageQuestion> another(Dice dice, Scene scene) {
    return question(scene.about(dice.pick(scene.things())), schedule().any(dice).kind());
  }

  private static Optional<ImageQuestion> question(Scene scene, Kind kind) {
    if (kind == Kind.NAMED) {
      Thing subject = scene.subject();
      return Optional.of(
          ImageQuestion.of(
              "named",
              false,
              "locate the %s ?".formatted(subject.look()),
              subject.box().answer(),
              "where " + subject.look()));
    }
    Extreme extreme = kind.extreme();
    return scene
        .find(extreme)
        .map(
            thing ->
                ImageQuestion.of(
                    extreme.word(),
                    true,
                    "locate the %s object ?".formatted(extreme.word()),
                    thing.box().answer(),
                    "where " + extreme.word()));
  }
}
