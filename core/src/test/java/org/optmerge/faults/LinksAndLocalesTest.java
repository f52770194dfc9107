package org.optmerge.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.cli.CommandRun;

/** A path is where it leads, not its text. */
@Tag("faults")
class LinksAndLocalesTest {
  @TempDir private Path dir;
  private TinyModels models;
  private Path recipe;

  @BeforeEach
  void write_models() {
    models = TinyModels.in(dir);
    recipe = models.recipe(TinyModels.LINEAR);
  }

  private CommandRun merge(Path out, Object... more) {
    Object[] all = new Object[5 + more.length];
    System.arraycopy(new Object[] {"merge", recipe, "--out", out, "--quiet"}, 0, all, 0, 5);
    System.arraycopy(more, 0, all, 5, more.length);
    return CommandRun.of(all);
  }

  @ParameterizedTest
  @CsvSource({
    "to an empty folder, data, true",
    "to what is not there yet, data, false",
    "relative, ../elsewhere/data, true",
    "relative to what is not there yet, ../elsewhere/data, false"
  })
  void an_output_that_is_a_link_is_written_where_the_link_leads(
      String what, String leads, boolean there) throws IOException {
    Path home = Files.createDirectories(dir.resolve("home"));
    Files.createDirectories(dir.resolve("elsewhere"));
    Path place = home.resolve(leads).normalize();
    if (there) {
      Files.createDirectories(place);
    }
    Path link = Files.createSymbolicLink(home.resolve("w"), Path.of(leads));

    CommandRun run = merge(link);

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(link).isSymbolicLink();
    assertThat(place.resolve("model.safetensors")).isNotEmptyFile();
    assertThat(TinyModels.names(place.getParent())).doesNotContain(".data.optmerge");
    assertThat(CommandRun.of("verify", link).code()).isZero();
  }

  @Test
  void a_result_behind_a_link_is_replaced_there_with_what_is_mine_in_it() throws IOException {
    Path old = dir.resolve("disk/old");
    Files.createDirectories(old.getParent());
    assertThat(merge(old).code()).isZero();
    Files.writeString(old.resolve("mine.txt"), "mine");
    Path link = Files.createSymbolicLink(dir.resolve("w"), old);
    recipe = models.recipe(TinyModels.LINEAR.replace("weight: 0.5", "weight: 0.25"));

    CommandRun run = merge(link, "--force");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(link).isSymbolicLink();
    assertThat(old.resolve("mine.txt")).hasContent("mine");
    assertThat(Files.readString(old.resolve("optmerge.json"))).contains("0.25");
  }

  @ParameterizedTest
  @ValueSource(strings = {"w", "v"})
  void a_link_that_leads_back_to_itself_is_refused_before_any_work(String to) throws IOException {
    Path link = Files.createSymbolicLink(dir.resolve("w"), Path.of(to));
    if (to.equals("v")) {
      Files.createSymbolicLink(dir.resolve("v"), Path.of("w"));
    }

    CommandRun run = merge(link);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("leads back to itself").doesNotContain("--resume");
    assertThat(TinyModels.names(dir)).noneMatch(name -> name.endsWith(".optmerge"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "one/merged", "."})
  void an_output_in_an_input_is_refused_though_links_hide_it(String place) throws IOException {
    Path target = dir.resolve(place).normalize();
    Path link = Files.createSymbolicLink(dir.resolve("w"), target);

    CommandRun run = merge(link);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).containsAnyOf("is the input model", "lie one inside the other");
    assertThat(dir.resolve("one/merged")).doesNotExist();
  }

  @Test
  void dots_after_a_link_are_those_of_the_folder_it_leads_to() throws IOException {
    Files.createDirectories(dir.resolve("far/away"));
    Files.createSymbolicLink(dir.resolve("near"), dir.resolve("far/away"));

    CommandRun run = merge(dir.resolve("near/../w"));

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(dir.resolve("far/w/model.safetensors")).isNotEmptyFile();
  }

  @Test
  void links_in_a_circle_inside_a_model_are_refused() throws IOException {
    Files.createSymbolicLink(dir.resolve("one/extra.txt"), Path.of("extra.txt"));

    CommandRun run = merge(dir.resolve("w"));

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("extra.txt", "link").hasLineCount(1);
  }

  @Test
  void two_hard_links_of_a_model_are_two_models_of_the_same_bytes() throws IOException {
    Files.createDirectories(dir.resolve("again"));
    Files.createLink(dir.resolve("again/model.safetensors"), models.weights("one"));
    Files.copy(dir.resolve("one/config.json"), dir.resolve("again/config.json"));
    recipe = models.recipe(TinyModels.LINEAR.replace("model: two", "model: again"));

    CommandRun run = merge(dir.resolve("w"));

    assertThat(run.code()).as(run.err()).isZero();
    byte[] before = Files.readAllBytes(models.weights("one"));
    assertThat(Files.readAllBytes(models.weights("again"))).isEqualTo(before);
  }

  @Test
  void in_the_c_locale_a_name_that_cannot_be_is_told_with_the_cure() throws Exception {
    Files.writeString(dir.resolve("one/nöte.txt"), "x");
    Child child =
        new Child(java.util.List.of("-Dsun.jnu.encoding=ANSI_X3.4-1968"), java.util.Map.of(), "")
            .with("LC_ALL", "C");

    Child.Finished run = child.run("merge", recipe, "--out", dir.resolve("ünï"), "--quiet");

    assertThat(run.code()).as(run.err()).isIn(1, 2);
    assertThat(run.err()).contains("UTF-8").doesNotContain("defect");
  }

  @Test
  void the_launcher_leaves_the_c_locale() throws Exception {
    Process process =
        new ProcessBuilder(
                "bash",
                "-c",
                "source ../environment/support.sh; use_utf8; printf '%s' \"${LC_ALL:-none}\"")
            .redirectErrorStream(true)
            .start();
    String inherited = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    for (String locale : java.util.List.of("C", "POSIX", "de_DE.UTF-8")) {
      ProcessBuilder builder =
          new ProcessBuilder(
              "bash",
              "-c",
              "source ../environment/support.sh; use_utf8; printf '%s' \"${LC_ALL:-none}\"");
      builder.environment().put("LC_ALL", locale);
      String said = new String(builder.start().getInputStream().readAllBytes());
      assertThat(said).isEqualTo(locale.startsWith("de") ? locale : "C.UTF-8");
    }
    assertThat(inherited).isNotEmpty();
  }

  @Test
  void what_files_say_does_not_command_the_terminal() throws IOException {
    String method = "li\u001b[2Jnear\u001b]0;title\u0007";
    recipe =
        models.recipe(
            TinyModels.LINEAR
                .replace("linear", "\"" + method.replace("\u001b", "\\e") + "\"")
                .replace("\u0007", "\\a"));

    CommandRun run = merge(dir.resolve("w"));

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("near").doesNotContain("\u001b", "\u0007");
  }
}
