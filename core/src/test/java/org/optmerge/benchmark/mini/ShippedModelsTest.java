package org.optmerge.benchmark.mini;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.model.InternVL;

/** The models in the repository are those of the manifest, and what the recipe says. */
class ShippedModelsTest {
  private static final Path FOLDER = Path.of("../data-manifests/mini");

  @Test
  void
      every_file_is_listed_with_its_size_and_checksum_and_fit_into_25_megabytes_without_modalities_and_40_with_them()
          throws IOException, NoSuchAlgorithmException {
    JsonNode listed =
        new ObjectMapper().readTree(FOLDER.resolve("manifest.json").toFile()).get("files");
    Set<String> there = new TreeSet<>();
    long capabilities = 0;
    long all = 0;
    try (Stream<Path> files = Files.walk(FOLDER)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = FOLDER.relativize(file).toString();
        if (name.equals("manifest.json") || name.equals("README.md")) {
          continue;
        }
        byte[] content = Files.readAllBytes(file);
        all += content.length;
        capabilities += name.startsWith("omni-") ? 0 : content.length;
        there.add(name);
        assertThat(listed.path(name).path("bytes").asLong()).as(name).isEqualTo(content.length);
        assertThat(listed.path(name).path("sha256").asText())
            .as(name)
            .isEqualTo(
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content)));
      }
    }
    Set<String> names = new TreeSet<>();
    listed.fieldNames().forEachRemaining(names::add);
    assertThat(there).isEqualTo(names);
    assertThat(capabilities).isLessThanOrEqualTo(25_000_000);
    assertThat(all).isLessThanOrEqualTo(40_000_000);
  }

  @Test
  void every_model_of_the_recipe_is_there_and_differs_from_its_base_where_experts_are_trained()
      throws IOException {
    Set<String> folders;
    try (Stream<Path> children = Files.list(FOLDER)) {
      folders =
          children
              .filter(Files::isDirectory)
              .map(folder -> folder.getFileName().toString())
              .collect(Collectors.toCollection(TreeSet::new));
    }
    for (CapabilityRecipe.Run run : CapabilityRecipe.shipped().runs()) {
      // The base before its first questions is a step on the way.
      if (run.name().equals("statements")) {
        continue;
      }
      assertThat(folders).contains(run.name());
      run.keep().forEach(step -> assertThat(folders).contains(run.name() + "-" + step));
      if (run.tasks().size() > 1) {
        try (InternVL model = InternVL.open(FOLDER.resolve(run.name()))) {
          assertThat(model.tokenizer().size()).isEqualTo(CapabilityModel.WORDS.size());
        }
      } else if (run.stage().lora() != null) {
        try (LoraAdapter adapter = LoraAdapter.open(FOLDER.resolve(run.name()))) {
          assertThat(adapter.deltas()).hasSize(4 * 7);
        }
      } else {
        requireDifferences(FOLDER.resolve(run.stage().from()), FOLDER.resolve(run.name()));
      }
    }
  }

  private static void requireDifferences(Path base, Path expert) {
    try (Checkpoint before = Checkpoint.open(base);
        Checkpoint after = Checkpoint.open(expert)) {
      for (TensorInfo tensor : before.tensors()) {
        boolean trained =
            tensor.name().matches("language_model\\.model\\.layers\\..*_proj\\.weight")
                || tensor.name().matches("mlp1\\.[13]\\.weight");
        float[] old = values(before, tensor.name());
        float[] now = values(after, tensor.name());
        if (trained) {
          assertThat(now).as("%s of %s", tensor.name(), expert).isNotEqualTo(old);
        } else {
          assertThat(now).as("%s of %s", tensor.name(), expert).isEqualTo(old);
        }
      }
    }
  }

  private static float[] values(Checkpoint checkpoint, String name) {
    TensorInfo tensor = checkpoint.find(name).orElseThrow();
    float[] values = new float[(int) tensor.size()];
    checkpoint.read(tensor, 0, values.length, values);
    return values;
  }
}
