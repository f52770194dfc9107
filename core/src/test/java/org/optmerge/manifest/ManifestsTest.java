package org.optmerge.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.manifest.Manifest.Kind;
import org.optmerge.report.Project;

class ManifestsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path FOLDER = Project.file("data-manifests");

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
  }

  private static ObjectNode toy() throws IOException {
    return (ObjectNode) JSON.readTree(Files.readString(FOLDER.resolve("ChartQA_TEST.json")));
  }

  private static Manifest parse(JsonNode node) {
    return Manifests.parse(node.toString(), "toy.json");
  }

  @TestFactory
  Stream<DynamicTest> every_file_is_a_manifest_of_its_name() throws IOException {
    return files().stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    file.getFileName().toString(),
                    () -> {
                      Manifest manifest = Manifests.read(file);
                      assertThat(file).hasFileName(manifest.name() + ".json");
                      assertThat(manifest.title()).isNotBlank();
                      assertThat(manifest.description()).endsWith(".");
                      assertThat(manifest.sources()).isNotEmpty();
                    }));
  }

  @TestFactory
  Stream<DynamicTest> what_is_said_to_be_unverified_is_there() throws IOException {
    return files().stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    file.getFileName().toString(),
                    () -> {
                      JsonNode tree = JSON.readTree(Files.readString(file));
                      for (JsonNode pointer : tree.path("unverified")) {
                        JsonNode field = tree.at(pointer.asText());
                        assertThat(field.isMissingNode()).as(pointer.asText()).isFalse();
                        assertThat(field.isNull()).as(pointer.asText()).isFalse();
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> what_a_benchmark_reads_is_what_a_source_brings() throws IOException {
    return Manifests.in(FOLDER).all().stream()
        .flatMap(
            manifest ->
                manifest.benchmarks().stream()
                    .map(
                        benchmark ->
                            DynamicTest.dynamicTest(
                                benchmark.name(),
                                () -> {
                                  for (String file : benchmark.loader().files()) {
                                    assertThat(manifest.sources())
                                        .as(file)
                                        .anyMatch(source -> brings(source, file));
                                  }
                                  String media = benchmark.loader().media();
                                  if (media != null) {
                                    assertThat(manifest.sources())
                                        .as(media)
                                        .anyMatch(source -> unpacks(source, media));
                                  }
                                })));
  }

  private static boolean brings(Source source, String file) {
    if (source instanceof Source.WebFile web) {
      return web.path().equals(file);
    }
    // A pattern of files is brought by the pattern that includes one of its instances.
    return source instanceof Source.Hub hub
        && Globs.anyMatches(
            hub.include().stream().map(Globs::pattern).toList(), file.replace("*", "x"));
  }

  private static boolean unpacks(Source source, String folder) {
    return source instanceof Source.WebFile web
        ? folder.equals(web.unpackInto())
        : source instanceof Source.ByHand byHand && byHand.files().contains(folder);
  }

  /** What the tables need: an address, a licence, sizes and checksums, or why there is none. */
  @Test
  void every_manifest_states_address_size_checksum_and_licence_or_why_not() throws IOException {
    List<String> lacking = new ArrayList<>();
    for (Path file : files()) {
      JsonNode manifest = JSON.readTree(Files.readString(file));
      String name = manifest.path("name").asText();
      if (manifest.at("/licence/name").asText("").isBlank()) {
        lacking.add(name + ": licence, or 'not stated'");
      }
      if (!manifest.path("kind").asText().equals("training-data")
          && manifest.path("bytes").isNull()
          && !manifest.path("notes").toString().matches("(?s).*(No size is|Sizes and).*")) {
        lacking.add(name + ": bytes, or a note");
      }
      for (JsonNode source : manifest.path("sources")) {
        boolean address =
            source.path("url").asText("").startsWith("http")
                || source.path("repository").asText("").contains("/");
        if (!address) {
          lacking.add(name + ": address");
        }
        if (source.path("type").asText().equals("file")
            && (source.path("md5").isNull() && source.path("sha256").isNull())
                != source.path("checksum_source").asText().equals("not published")) {
          lacking.add(name + ": checksum of " + source.path("path").asText());
        }
      }
    }
    assertThat(lacking).isEmpty();
  }

  @Test
  void archives_go_to_folders_of_their_own() throws IOException {
    for (Manifest manifest : Manifests.in(FOLDER).all()) {
      Set<String> taken = new HashSet<>();
      for (Source source : manifest.sources()) {
        if (source instanceof Source.WebFile file) {
          assertThat(taken.add(file.path())).as(file.path()).isTrue();
          if (file.unpackInto() != null) {
            assertThat(taken.add(file.unpackInto())).as(file.unpackInto()).isTrue();
          }
        }
      }
    }
  }

  @Test
  void no_two_manifests_share_a_folder() {
    List<Manifest> all = Manifests.in(FOLDER).all();

    assertThat(all).extracting(Manifest::folder).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "VizWiz",
        "GQA_TestDev_Balanced",
        "MathVista_MINI",
        "MathVision_MINI",
        "ChartQA_TEST",
        "TextVQA_VAL",
        "OCRVQA_TESTCORE",
        "refcoco_bbox_rec_val",
        "refcoco+_bbox_rec_val",
        "refcocog_bbox_rec_val",
        "refcoco_val",
        "refcoco+_val",
        "refcocog_val",
        "MMMU_DEV_VAL",
        "DocVQA_VAL",
        "ScienceQA_TEST",
        "AI2D_TEST",
        "InfoVQA_VAL",
        "AVQA",
        "MUSIC-AVQA"
      })
  void every_data_set_of_the_paper_can_be_found_by_its_kits_name(String name) {
    Manifests manifests = Manifests.shipped();

    assertThat(manifests.findBenchmark(name)).isPresent();
    assertThat(manifests.find(name).orElseThrow().kind()).isEqualTo(Kind.BENCHMARK);
  }

  @ParameterizedTest
  @ValueSource(strings = {"VQA", "Geometry", "Chart", "OCR", "Grounding"})
  void experts_and_their_training_data_are_described(String task) {
    Manifests manifests = Manifests.shipped();

    assertThat(manifests.find("yongxianwei/InternVL2_5-1B_" + task)).isPresent();
    assertThat(manifests.find("yongxianwei/Qwen2-VL-7B-" + task)).isPresent();
    assertThat(manifests.find("table1-" + task).orElseThrow().kind()).isEqualTo(Kind.TRAINING_DATA);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "OpenGVLab/InternVL2_5-1B", "Qwen/Qwen2-VL-7B", "Qwen/Qwen2-VL-7B-Instruct",
        "lmsys/vicuna-7b-v1.5", "Adu2021/ModelCompose", "openai/clip-vit-large-patch14-336"
      })
  void bases_and_encoders_are_found_by_their_name_on_the_hub(String repository) {
    assertThat(Manifests.shipped().find(repository)).isPresent();
  }

  @Test
  void the_shipped_manifests_are_those_of_the_folder() throws IOException {
    assertThat(Manifests.shipped().all()).hasSameSizeAs(files()).hasSizeGreaterThan(50);
  }

  @Test
  void names_are_found_whatever_their_case_and_a_misspelt_one_gets_a_suggestion() {
    Manifests manifests = Manifests.shipped();

    assertThat(manifests.find("chartqa_test")).isPresent();
    assertThat(manifests.find("TextVQA_VAL").orElseThrow().name()).isEqualTo("TextVQA_VAL");
    assertThat(manifests.find("textvqa_val").orElseThrow().name()).isEqualTo("TextVQA-InternVL");
    assertThat(manifests.find("TEXTVQA_VAL")).isEmpty(); // could be either
    assertThat(manifests.find("ChartQA_TST")).isEmpty();
    assertThat(manifests.suggestion("ChartQA_TST")).isEqualTo("; did you mean 'ChartQA_TEST'?");
  }

  @Test
  void a_search_wants_every_word() {
    Manifests manifests = Manifests.shipped();

    assertThat(manifests.search(List.of("qwen2-vl", "FINE-TUNED", "lora on")))
        .extracting(Manifest::name)
        .containsExactlyInAnyOrder(
            "Qwen2-VL-7B-VQA",
            "Qwen2-VL-7B-Geometry",
            "Qwen2-VL-7B-Chart",
            "Qwen2-VL-7B-OCR",
            "Qwen2-VL-7B-Grounding");
    assertThat(manifests.search(List.of("qwen2-vl", "zebra"))).isEmpty();
  }

  @Test
  void an_unknown_field_is_an_error_wherever_it_is() throws IOException {
    List<String> pointers =
        List.of("", "/licence", "/sources/0", "/benchmarks/0", "/benchmarks/0/loader");
    for (String pointer : pointers) {
      ObjectNode manifest = toy();
      ((ObjectNode) manifest.at(pointer)).put("checksums", 1);

      assertThatThrownBy(() -> parse(manifest))
          .as(pointer)
          .isInstanceOf(ManifestException.class)
          .hasMessageStartingWith("toy.json: ")
          .hasMessageContaining("checksums");
    }
  }

  @Test
  void a_missing_field_is_an_error_wherever_it_is() throws IOException {
    for (String pointer :
        List.of("", "/licence", "/sources/0", "/benchmarks/0", "/benchmarks/0/loader")) {
      List<String> fields = new ArrayList<>();
      toy().at(pointer).fieldNames().forEachRemaining(fields::add);
      for (String field : fields) {
        ObjectNode manifest = toy();
        ((ObjectNode) manifest.at(pointer)).remove(field);

        assertThatThrownBy(() -> parse(manifest))
            .as("%s/%s", pointer, field)
            .isInstanceOf(ManifestException.class);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/name | a b | a manifest's name has letters",
        "/folder | ../x | leads out of its folder",
        "/sources/0/path | /x | is absolute",
        "/sources/0/url | file:///x | url must be http or https",
        "/sources/0/md5 | 123 | md5 must be 32 lower-case hexadecimal digits",
        "/sources/0/sha256 | ABC | sha256 must be 64 lower-case hexadecimal digits",
        "/sources/0/unpack_into | x | cannot be unpacked",
        "/sources/0/type | ftp | ftp",
        "/kind | model | model",
        "/benchmarks/0/kit | mmeval | mmeval",
        "/benchmarks/0/loader/format | csv | csv",
        "/benchmarks/0/examples | many | many"
      })
  void a_wrong_value_says_what_is_wrong(String pointer, String value, String expected)
      throws IOException {
    ObjectNode manifest = toy();
    int slash = pointer.lastIndexOf('/');
    ((ObjectNode) manifest.at(pointer.substring(0, slash)))
        .put(pointer.substring(slash + 1), value);

    assertThatThrownBy(() -> parse(manifest))
        .isInstanceOf(ManifestException.class)
        .hasMessageStartingWith("toy.json: ")
        .hasMessageContaining(expected);
  }

  @Test
  void without_a_checksum_its_source_is_not_published() throws IOException {
    ObjectNode manifest = toy();
    ((ObjectNode) manifest.at("/sources/0")).putNull("md5");

    assertThatThrownBy(() -> parse(manifest))
        .hasMessageContaining("without a checksum, checksum_source is 'not published'");
  }

  @Test
  void one_name_is_one_manifest() throws IOException {
    Manifest one = parse(toy());
    ObjectNode other = toy();
    other.put("name", "other");
    ((ArrayNode) other.get("benchmarks")).removeAll();
    ((ArrayNode) other.get("aliases")).add("ChartQA_TEST");

    assertThatThrownBy(() -> Manifests.of(List.of(one, parse(other))))
        .isInstanceOf(ManifestException.class)
        .hasMessageContaining("names both manifest");
  }

  @Test
  void damaged_files_are_errors_with_a_place() throws IOException {
    String text = toy().toPrettyString();
    Random random = new Random(5);
    int refused = 0;
    for (int round = 0; round < 500; round++) {
      StringBuilder damaged = new StringBuilder(text);
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        damaged.setCharAt(random.nextInt(damaged.length()), (char) (32 + random.nextInt(95)));
      }
      try {
        Manifests.parse(damaged.toString(), "toy.json");
      } catch (ManifestException e) {
        refused++;
        assertThat(e).hasMessageStartingWith("toy.json: ");
      }
    }
    assertThat(refused).isGreaterThan(200);
    assertThatThrownBy(() -> Manifests.parse("null", "toy.json"))
        .hasMessage("toy.json: is null, not a manifest");
    assertThatThrownBy(() -> Manifests.parse(text + "{}", "toy.json"))
        .isInstanceOf(ManifestException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "*.json, a.json, true",
    "*.json, b/a.json, false",
    "**.json, b/a.json, true",
    "**/a.json, a.json, true",
    "**/a.json, x/y/a.json, true",
    "b/**, b/c/d, true",
    "b/**, bc/d, false",
    "a?c, abc, true",
    "a?c, a/c, false",
    "a.c, abc, false",
    "refcoco+_*.jsonl, refcoco+_val.jsonl, true"
  })
  void patterns_match_paths(String glob, String path, boolean expected) {
    assertThat(Globs.pattern(glob).matcher(path).matches()).isEqualTo(expected);
  }
}
