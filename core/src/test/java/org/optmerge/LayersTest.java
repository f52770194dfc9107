package org.optmerge;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.EvaluationResult;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The packages are layers, in the order in which data flows; no arrow points back. */
@AnalyzeClasses(packages = "org.optmerge", importOptions = ImportOption.DoNotIncludeTests.class)
class LayersTest {
  private static final String ROOT = "org.optmerge";

  /** From files to printing: a package uses only those before it. */
  private static final List<String> LAYERS =
      List.of(
          "base",
          "python",
          "metric",
          "checkpoint",
          "taskvector",
          "linalg",
          "method",
          "merge",
          "analysis",
          "manifest",
          "model",
          "train",
          "benchmark",
          "evaluation",
          "report",
          "cli");

  @ArchTest
  static void a_package_uses_only_the_packages_above_it(JavaClasses classes) {
    for (int i = 0; i < LAYERS.size(); i++) {
      String[] below =
          LAYERS.subList(i + 1, LAYERS.size()).stream()
              .map(layer -> "%s.%s..".formatted(ROOT, layer))
              .toArray(String[]::new);
      if (below.length > 0) {
        noClasses()
            .that()
            .resideInAPackage("%s.%s..".formatted(ROOT, LAYERS.get(i)))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(below)
            .because("data flows " + String.join(" → ", LAYERS))
            .allowEmptyShould(true)
            .check(classes);
      }
    }
  }

  @ArchTest
  static final ArchRule the_entry_point_is_above_every_package_but_the_commands =
      noClasses()
          .that()
          .resideInAPackage(ROOT)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(ROOT + ".cli..");

  @ArchTest
  static final ArchRule only_commands_use_the_entry_point =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT, ROOT + ".cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(ROOT);

  @ArchTest
  static final ArchRule packages_within_a_layer_have_no_circle =
      slices()
          .matching(ROOT + ".(**)")
          .should()
          .beFreeOfCycles()
          // One class opens every benchmark by its name, the miniature's too.
          .ignoreDependency(
              name(ROOT + ".benchmark.Benchmarks"), resideInAPackage(ROOT + ".benchmark.mini.."));

  @ArchTest
  static void every_class_has_its_place_in_the_layers(JavaClasses classes) {
    assertThat(
            classes.stream()
                .filter(type -> !type.getSimpleName().equals("package-info"))
                .filter(type -> !type.getPackageName().equals(ROOT))
                .map(LayersTest::layer)
                .distinct())
        .isNotEmpty()
        .isSubsetOf(LAYERS);
  }

  @ArchTest
  static final ArchRule nothing_static_can_change =
      fields()
          .that()
          .areStatic()
          .should()
          .beFinal()
          .because("results must not depend on what ran before in the same process");

  @ArchTest
  static final ArchRule bfloat16_never_reaches_the_engine =
      noClasses()
          .should()
          .accessField(DataType.class, "BFLOAT16")
          .orShould()
          .callMethodWhere(target(owner(type(NDList.class))).and(target(name("decode"))))
          .because("DJL aborts the whole process on it; widen to float32 while reading");

  @ArchTest
  static final ArchRule numbers_are_written_alike_in_every_country =
      noClasses()
          .should()
          .callMethod(String.class, "format", String.class, Object[].class)
          .orShould()
          .callMethod(PrintStream.class, "printf", String.class, Object[].class)
          .orShould()
          .callMethod(PrintStream.class, "format", String.class, Object[].class)
          .orShould()
          .callMethod(PrintWriter.class, "printf", String.class, Object[].class)
          .orShould()
          .callMethod(PrintWriter.class, "format", String.class, Object[].class)
          .because("they follow the language of the machine; give Locale.ROOT");

  /** A literal as a format: {@code "%.2f".formatted(x)}. */
  private static final Pattern LITERAL_FORMAT =
      Pattern.compile(
          "((?:\"\"\"(?:[^\"]|\"(?!\"\"))*+\"\"\"|\"(?:[^\"\\\\\\n]|\\\\.)*+\")(?:\\s*\\+\\s*(?:\"(?:[^\"\\\\\\n]|\\\\.)*+\"|\\w++))*+)"
              + "\\s*\\)?\\s*(?:\\.|::)formatted\\b");

  /** A fraction, an exponent, or marks between thousands. */
  private static final Pattern FRACTION =
      Pattern.compile("%[-+ #0,(]*\\d*(\\.\\d+)?[feEgG]|%[-+ #0(]*,\\d*d");

  static List<String> fractionsInTheMachinesLanguage(String source) {
    return LITERAL_FORMAT
        .matcher(source)
        .results()
        .map(found -> found.group(1))
        .filter(format -> FRACTION.matcher(format).find())
        .toList();
  }

  @Test
  void a_literal_format_writes_no_fraction_and_no_thousands() throws IOException {
    assertThat(
            fractionsInTheMachinesLanguage(
                "a = \"%s \"\n + \"%.3g\"\n .formatted(x); b = \"100 %% %d\".formatted(n); \"%,d\"::formatted"))
        .as("the test itself finds them")
        .containsExactly("\"%s \"\n + \"%.3g\"", "\"%,d\"");
    try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
      for (Path source : (Iterable<Path>) sources::iterator) {
        if (source.toString().endsWith(".java")) {
          assertThat(fractionsInTheMachinesLanguage(Files.readString(source)))
              .as("%s: use String.format(Locale.ROOT, …) or Percent", source)
              .isEmpty();
        }
      }
    }
  }

  @ArchTest
  static final ArchRule the_notebook_kernel_is_known_to_one_class_only =
      noClasses()
          .that()
          .doNotHaveSimpleName("NotebookExtension")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.dflib.jjava..")
          .because("the kernel's classes are there only inside a notebook");

  /** What the rule above must find; never called. */
  @SuppressWarnings("unused")
  private static final class Forbidden {
    static NDList decode(NDManager manager, byte[] safetensors) {
      return NDList.decode(manager, safetensors);
    }

    static boolean isBfloat16(DataType type) {
      return type == DataType.BFLOAT16;
    }
  }

  @Test
  void the_rule_on_bfloat16_finds_what_it_forbids() {
    EvaluationResult found =
        bfloat16_never_reaches_the_engine.evaluate(
            new ClassFileImporter().importClasses(Forbidden.class));

    assertThat(found.getFailureReport().getDetails())
        .anyMatch(detail -> detail.contains("NDList.decode"))
        .anyMatch(detail -> detail.contains("BFLOAT16"));
  }

  private static String layer(JavaClass type) {
    String name = type.getPackageName();
    if (name.equals(ROOT)) {
      return "";
    }
    String rest = name.substring(ROOT.length() + 1);
    int dot = rest.indexOf('.');
    return dot < 0 ? rest : rest.substring(0, dot);
  }
}
