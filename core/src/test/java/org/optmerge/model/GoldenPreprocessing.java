package org.optmerge.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.vision.BicubicResize;
import org.optmerge.model.vision.ImagePreprocessing;
import org.optmerge.model.vision.QwenPreprocessing;
import org.optmerge.model.vision.SmartResize;
import org.optmerge.model.vision.TileGrid;
import org.optmerge.model.vision.Tiling;

/** Recorded grids, resized pictures and pixel values. */
final class GoldenPreprocessing {
  private GoldenPreprocessing() {}

  private static ImagePreprocessing internVL(int size, int most) {
    return new ImagePreprocessing(
        size,
        new Tiling(true, 1, most, true),
        ImagePreprocessing.IMAGENET_MEAN,
        ImagePreprocessing.IMAGENET_DEVIATION);
  }

  static void grids(GoldenModelCase golden) throws IOException {
    JsonNode rows = golden.read().path("rows");
    assertThat(rows).isNotEmpty();
    for (JsonNode row : rows) {
      assertThat(
              TileGrid.closest(row.get(0).asInt(), row.get(1).asInt(), 1, row.get(2).asInt(), 448))
          .as(row.toString())
          .isEqualTo(new TileGrid(row.get(3).asInt(), row.get(4).asInt()));
    }
  }

  static void resize(GoldenModelCase golden) {
    JsonNode sizes = golden.field("sizes");
    assertThat(sizes).isNotEmpty();
    for (int i = 0; i < sizes.size(); i++) {
      JsonNode size = sizes.get(i);
      Image image = new Image(size.get(0).asInt(), size.get(1).asInt(), golden.bytes(i + ".in"));
      assertThat(BicubicResize.resize(image, size.get(2).asInt(), size.get(3).asInt()).rgb())
          .as(size.toString())
          .isEqualTo(golden.bytes(i + ".out"));
    }
  }

  /** Tiles of 448 pixels, by their hashes. */
  static void tiles(GoldenModelCase golden) throws IOException {
    JsonNode images = golden.read().path("images");
    assertThat(images).isNotEmpty();
    for (Map.Entry<String, JsonNode> entry : images.properties()) {
      JsonNode recorded = entry.getValue();
      Image image = ImageFiles.read(golden.folder().resolve(entry.getKey()));
      assertThat(sha256(image)).as(entry.getKey()).isEqualTo(recorded.path("rgb_sha256").asText());
      for (Map.Entry<String, JsonNode> grid : recorded.path("grids").properties()) {
        ImagePreprocessing preprocessing = internVL(448, Integer.parseInt(grid.getKey()));
        TileGrid chosen = preprocessing.grid(image);
        assertThat(chosen)
            .as("%s, at most %s", entry.getKey(), grid.getKey())
            .isEqualTo(
                new TileGrid(
                    grid.getValue().path("cols").asInt(), grid.getValue().path("rows").asInt()));
        assertThat(chosen.tiles() + (chosen.tiles() > 1 ? 1 : 0))
            .isEqualTo(grid.getValue().path("tiles_with_thumbnail").asInt());
      }
      for (Map.Entry<String, JsonNode> cut : recorded.path("tiles448").properties()) {
        tiles448(golden, internVL(448, Integer.parseInt(cut.getKey())), image, cut.getValue());
      }
    }
  }

  private static void tiles448(
      GoldenModelCase golden, ImagePreprocessing preprocessing, Image image, JsonNode recorded) {
    List<Image> tiles = preprocessing.tiles(image);
    List<String> hashes = new ArrayList<>();
    recorded.path("tile_sha256").forEach(hash -> hashes.add(hash.asText()));
    assertThat(tiles.stream().map(GoldenPreprocessing::sha256)).containsExactlyElementsOf(hashes);
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      float[] pixels = preprocessing.pixels(manager, tiles).toFloatArray();
      JsonNode samples = recorded.path("samples_tile_channel_y_x_value");
      assertThat(samples).isNotEmpty();
      for (JsonNode sample : samples) {
        int at = 0;
        int[] extents = {tiles.size(), 3, 448, 448};
        for (int i = 0; i < 4; i++) {
          at = at * extents[i] + sample.get(i).asInt();
        }
        assertThat(pixels[at])
            .isCloseTo(
                (float) sample.get(4).asDouble(),
                within((float) golden.tolerance("pixel_values_atol")));
      }
    }
  }

  /** Tiles of 56 pixels, every pixel. */
  static void tilesInFull(GoldenModelCase golden) throws IOException {
    ImagePreprocessing preprocessing = internVL(56, 6);
    List<String> names = golden.named("");
    assertThat(names).isNotEmpty();
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      for (String name : names) {
        String file = name.substring(0, name.indexOf('/'));
        List<Image> tiles = preprocessing.tiles(ImageFiles.read(golden.folder().resolve(file)));
        if (name.endsWith("/tiles_u8")) {
          byte[] recorded = golden.bytes(name);
          int size = 3 * 56 * 56;
          assertThat(tiles.size() * size).as(name).isEqualTo(recorded.length);
          for (int i = 0; i < tiles.size(); i++) {
            assertThat(tiles.get(i).rgb())
                .as(name)
                .isEqualTo(Arrays.copyOfRange(recorded, i * size, (i + 1) * size));
          }
        } else {
          try (NDArray pixels = preprocessing.pixels(manager, tiles)) {
            assertThat(pixels.toFloatArray())
                .as(name)
                .containsExactly(
                    golden.floats(name), within((float) golden.tolerance("pixel_values_atol")));
          }
        }
      }
    }
  }

  static void smartResize(GoldenModelCase golden) throws IOException {
    JsonNode rows = golden.read().path("rows");
    assertThat(rows).isNotEmpty();
    for (JsonNode row : rows) {
      SmartResize resize = new SmartResize(28, row.get(2).asLong(), row.get(3).asLong());
      assertThat(resize.of(row.get(1).asInt(), row.get(0).asInt()))
          .as(row.toString())
          .isEqualTo(new SmartResize.Size(row.get(5).asInt(), row.get(4).asInt()));
    }
  }

  /** Pictures as Qwen2-VL resizes them, by their hashes. */
  static void qwen(GoldenModelCase golden) throws IOException {
    JsonNode images = golden.read().path("images");
    assertThat(images).isNotEmpty();
    for (Map.Entry<String, JsonNode> entry : images.properties()) {
      Image image = ImageFiles.readOnWhite(golden.folder().resolve(entry.getKey()));
      assertThat(sha256(image))
          .as(entry.getKey())
          .isEqualTo(entry.getValue().path("white_rgb_sha256").asText());
      for (JsonNode recorded : entry.getValue().path("configs")) {
        SmartResize resize =
            new SmartResize(
                28, recorded.path("min_pixels").asLong(), recorded.path("max_pixels").asLong());
        assertThat(resize.of(image.width(), image.height()))
            .isEqualTo(
                new SmartResize.Size(
                    recorded.path("resized_width").asInt(),
                    recorded.path("resized_height").asInt()));
        if (recorded.has("resized_sha256")) {
          Image resized = new QwenPreprocessing(resize).resized(image);
          assertThat(sha256(resized))
              .as(entry.getKey())
              .isEqualTo(recorded.path("resized_sha256").asText());
          QwenPreprocessing.Grid grid = QwenPreprocessing.grid(List.of(resized));
          assertThat(new int[] {grid.frames(), grid.rows(), grid.columns()})
              .containsExactly(
                  recorded.path("image_grid_thw").get(0).asInt(),
                  recorded.path("image_grid_thw").get(1).asInt(),
                  recorded.path("image_grid_thw").get(2).asInt());
          assertThat(grid.tokens()).isEqualTo(recorded.path("llm_tokens").asInt());
        }
      }
    }
  }

  /** Pictures and frames as patches, every number; the limits are those of the tiny models. */
  static void patches(GoldenModelCase golden) throws IOException {
    QwenPreprocessing tiny = new QwenPreprocessing(new SmartResize(28, 3136, 12544));
    List<String> names =
        golden.named("").stream().filter(name -> name.contains("/pixel_values")).toList();
    assertThat(names).isNotEmpty();
    try (NDManager manager = NDManager.newBaseManager(null, "PyTorch")) {
      for (String name : names) {
        String source = name.substring(0, name.indexOf('/'));
        List<Image> frames =
            golden.has(source + "/frames_u8")
                ? frames(golden, source + "/frames_u8")
                : List.of(tiny.resized(ImageFiles.readOnWhite(golden.folder().resolve(source))));
        QwenPreprocessing.Grid grid = QwenPreprocessing.grid(frames);
        String gridName =
            golden.named(source + "/").stream()
                .filter(tensor -> tensor.endsWith("_grid_thw"))
                .findFirst()
                .orElseThrow();
        assertThat(golden.longs(gridName))
            .containsExactly(grid.frames(), grid.rows(), grid.columns());
        assertThat(QwenPreprocessing.patches(manager, frames).toFloatArray())
            .as(name)
            .containsExactly(
                golden.floats(name), within((float) golden.tolerance("pixel_values_atol")));
      }
    }
  }

  private static List<Image> frames(GoldenModelCase golden, String name) {
    List<Long> shape = golden.shape(name);
    int height = shape.get(1).intValue();
    int width = shape.get(2).intValue();
    byte[] all = golden.bytes(name);
    List<Image> frames = new ArrayList<>();
    for (int from = 0; from < all.length; from += 3 * width * height) {
      frames.add(
          new Image(width, height, Arrays.copyOfRange(all, from, from + 3 * width * height)));
    }
    return frames;
  }

  static String sha256(Image image) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(image.rgb()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
