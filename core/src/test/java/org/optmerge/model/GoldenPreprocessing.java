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
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.vision.BicubicResize;
import org.optmerge.model.vision.ImagePreprocessing;
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
                .isEqualTo(java.util.Arrays.copyOfRange(recorded, i * size, (i + 1) * size));
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

  static String sha256(Image image) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(image.rgb()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
