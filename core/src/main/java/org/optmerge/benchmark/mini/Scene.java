package org.optmerge.benchmark.mini;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Two to five objects apart from each other, no two alike in colour and shape.
 *
 * @param things the first is what a first question is about
 */
record Scene(List<Thing> things) {
  /** A colour and a shape. */
  record Look(Color color, Shape shape) {
    @Override
    public String toString() {
      return color.word() + " " + shape.word();
    }
  }

  /** An object: a shape in a square. */
  record Thing(Look look, int x, int y, int side) implements Figure {
    Shape shape() {
      return look.shape();
    }

    @Override
    public Color color() {
      return look.color();
    }

    @Override
    public String kind() {
      return shape().word();
    }

    @Override
    public PixelBox box() {
      return new PixelBox(x, y, x + side - 1, y + side - 1);
    }

    @Override
    public boolean covers(int px, int py) {
      return shape().covers(px - x, py - y, side);
    }
  }

  /**
   * Four of the colours and three of the shapes, so that objects of a scene resemble each other.
   */
  record Choice(List<Color> colors, List<Shape> shapes) {
    static Choice of(Dice dice, @Nullable Color color, @Nullable Shape shape) {
      return new Choice(
          some(dice, Color.ALL, color).subList(0, 4), some(dice, Shape.ALL, shape).subList(0, 3));
    }

    private static <T> List<T> some(Dice dice, List<T> all, @Nullable T first) {
      List<T> list = dice.shuffled(all);
      if (first != null) {
        list.remove(first);
        list.add(0, first);
      }
      return list;
    }

    /** Looks of the choice that meet a condition, in a random order. */
    List<Look> looks(Dice dice, Predicate<Look> condition) {
      List<Look> looks = new ArrayList<>();
      for (Color color : colors) {
        for (Shape shape : shapes) {
          Look look = new Look(color, shape);
          if (condition.test(look)) {
            looks.add(look);
          }
        }
      }
      return dice.shuffled(looks);
    }
  }

  /** Any scene. */
  static Scene any(Dice dice) {
    return placed(
        dice,
        Choice.of(dice, null, null).looks(dice, look -> true).subList(0, dice.between(2, 5)),
        0);
  }

  /** A scene in which an object stands out: the first of up to forty, or one made to fit. */
  static Scene withExtreme(Dice dice, Extreme extreme) {
    for (int tries = 0; tries < 40; tries++) {
      Scene scene = any(dice);
      if (scene.find(extreme).isPresent()) {
        return scene;
      }
    }
    List<Look> looks = Choice.of(dice, null, null).looks(dice, look -> true);
    return new Scene(
        List.of(new Thing(looks.get(0), 3, 3, 9), new Thing(looks.get(1), 26, 26, 15)));
  }

  /**
   * Objects of these looks at random places.
   *
   * @param top the first row that may be covered
   */
  static Scene placed(Dice dice, List<Look> looks, int top) {
    // Each attempt is content with somewhat smaller objects than the one before.
    for (int largest = 17; largest >= 9; largest--) {
      Optional<Scene> scene = attempt(dice, looks, top, largest);
      if (scene.isPresent()) {
        return scene.get();
      }
    }
    return grid(dice, looks, top);
  }

  private static Optional<Scene> attempt(Dice dice, List<Look> looks, int top, int largest) {
    List<Thing> things = new ArrayList<>();
    for (Look look : looks) {
      for (int tries = 0; ; tries++) {
        if (tries == 40) {
          return Optional.empty();
        }
        int side = dice.between(9, largest);
        int x = dice.between(0, Sketch.SIDE - 1 - side);
        int y = dice.between(top, Sketch.SIDE - 1 - side);
        Thing thing = new Thing(look, x, y, side);
        if (things.stream().noneMatch(other -> other.box().isWithin(1, thing.box()))) {
          things.add(thing);
          break;
        }
      }
    }
    return Optional.of(new Scene(things));
  }

  /** A scene that always fits: one object in each of six fields. */
  static Scene grid(Dice dice, List<Look> looks, int top) {
    List<Integer> fields = dice.shuffled(List.of(0, 1, 2, 3, 4, 5));
    int height = (Sketch.SIDE - top) / 2;
    List<Thing> things = new ArrayList<>();
    for (int i = 0; i < looks.size(); i++) {
      int field = fields.get(i);
      int side = dice.between(9, 13);
      int x = 16 * (field % 3) + dice.between(0, 14 - side);
      int y = top + height * (field / 3) + dice.between(0, height - 2 - side);
      things.add(new Thing(looks.get(i), x, y, side));
    }
    return new Scene(things);
  }

  void draw(Sketch sketch) {
    things.forEach(sketch::draw);
  }

  Thing subject() {
    return things.get(0);
  }

  /** The same scene with another subject. */
  Scene about(Thing subject) {
    List<Thing> order = new ArrayList<>(things);
    order.remove(subject);
    order.add(0, subject);
    return new Scene(order);
  }

  int count(Predicate<Thing> condition) {
    return (int) things.stream().filter(condition).count();
  }

  boolean has(Look look) {
    return things.stream().anyMatch(thing -> thing.look().equals(look));
  }

  /** The property that makes an object stand out among all. */
  enum Extreme implements Word {
    LEFTMOST(thing -> -thing.box().left()),
    RIGHTMOST(thing -> thing.box().right()),
    TOP(thing -> -thing.box().top()),
    BOTTOM(thing -> thing.box().bottom()),
    LARGEST(Thing::side),
    SMALLEST(thing -> -thing.side());

    static final List<Extreme> ALL = List.of(values());

    private final ToIntFunction<Thing> rank;

    Extreme(ToIntFunction<Thing> rank) {
      this.rank = rank;
    }
  }

  /** The object that stands out by two pixels or more, if there is one. */
  Optional<Thing> find(Extreme extreme) {
    List<Thing> order =
        things.stream().sorted(Comparator.comparingInt(extreme.rank).reversed()).toList();
    int lead = extreme.rank.applyAsInt(order.get(0)) - extreme.rank.applyAsInt(order.get(1));
    return lead >= 2 ? Optional.of(order.get(0)) : Optional.empty();
  }
}
