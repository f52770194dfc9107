package org.optmerge;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.optmerge.base.OptMergeException;
import org.optmerge.report.Project;

/**
 * The public surface: a public type marked {@link API} is for everybody; any other is shared
 * between packages of this library and promises nothing, and packages marked internal are the
 * engine's.
 */
@AnalyzeClasses(packages = "org.optmerge", importOptions = ImportOption.DoNotIncludeTests.class)
class ApiTest {
  private static final int MOST_TYPES = 100;

  /** Packages that stand for users of the library. */
  private static final Set<String> USERS = Set.of("org.optmerge.report", "org.optmerge.cli");

  /** Public types without a user in the project, each with the reason. */
  private static final Map<String, String> ENTRY_POINTS =
      Map.ofEntries(
          Map.entry("org.optmerge.cli.Main", "the command line starts here"),
          Map.entry("org.optmerge.report.NotebookExtension", "the kernel's service loader"),
          Map.entry(
              "org.optmerge.checkpoint.gguf.GgufFormat", "the service loader of WeightFormat"),
          Map.entry("org.optmerge.model.QwenVL", "the service loader of Architecture"),
          Map.entry("org.optmerge.method.OfficialMethods", "the service loader of MergeMethods"),
          Map.entry("org.optmerge.method.PeerMethods", "the service loader of MergeMethods"),
          Map.entry("org.optmerge.method.MergekitMethods", "the service loader of MergeMethods"),
          Map.entry(
              "org.optmerge.method.interference.InterferenceMethods",
              "the service loader of MergeMethods"),
          Map.entry("org.optmerge.method.interference.Swudi", "recorded settings, from Java"),
          Map.entry("org.optmerge.method.interference.Aswudi", "recorded settings, from Java"),
          Map.entry("org.optmerge.method.interference.Iwudi", "recorded settings, from Java"),
          // Marks of record components, which class files' readers pass over.
          Map.entry("org.optmerge.method.ParameterDoc", "components of methods elsewhere"),
          Map.entry("org.optmerge.method.FixedByName", "components of methods elsewhere"),
          Map.entry("org.optmerge.method.data.Fisher", "merging by gradients, from Java"),
          Map.entry("org.optmerge.method.data.RegMean", "merging by inputs, from Java"),
          Map.entry("org.optmerge.benchmark.Benchmarks", "published data sets, from Java"),
          Map.entry("org.optmerge.benchmark.Prompts", "kits' prompts, from Java"),
          Map.entry(
              "org.optmerge.benchmark.mini.CapabilityModel", "the shipped models' shape and words"),
          Map.entry(
              "org.optmerge.benchmark.mini.stage.ModalityModel",
              "the shipped models' shape and words"));

  private static final Pattern TYPE_NAME = Pattern.compile("\\b[A-Z][A-Za-z0-9]*\\b");

  @ArchTest
  static void the_marked_types_are_few(JavaClasses classes) {
    assertThat(topLevel(classes).filter(ApiTest::isMarked).map(JavaClass::getName))
        .isNotEmpty()
        .hasSizeLessThanOrEqualTo(MOST_TYPES);
  }

  @ArchTest
  static void only_public_types_are_marked(JavaClasses classes) {
    assertThat(
            classes.stream()
                .filter(type -> type.isAnnotatedWith(API.class))
                .filter(type -> !type.getSimpleName().equals("package-info"))
                .filter(type -> !type.getModifiers().contains(JavaModifier.PUBLIC))
                .map(JavaClass::getName))
        .isEmpty();
  }

  @ArchTest
  static void reports_and_commands_use_no_internal_type(JavaClasses classes) {
    Set<String> found = new TreeSet<>();
    for (JavaClass user : classes) {
      if (USERS.contains(user.getPackageName())) {
        for (Dependency dependency : user.getDirectDependenciesFromSelf()) {
          JavaClass used = outermost(dependency.getTargetClass());
          if (isOurs(used) && isInternal(used)) {
            found.add("%s uses %s".formatted(outermost(user).getName(), used.getName()));
          }
        }
      }
    }
    assertThat(found).isEmpty();
    assertThat(classes.stream().filter(ApiTest::isInternal)).isNotEmpty();
  }

  @ArchTest
  static void notebooks_use_no_inside_type(JavaClasses classes) {
    Map<String, List<JavaClass>> byName =
        topLevel(classes).collect(Collectors.groupingBy(JavaClass::getSimpleName));
    Set<String> inside = new TreeSet<>();
    for (String name : namedInNotebooks()) {
      List<JavaClass> types = byName.getOrDefault(name, List.of());
      if (!types.isEmpty() && types.stream().noneMatch(ApiTest::isMarked)) {
        inside.add(name);
      }
    }
    assertThat(inside).isEmpty();
  }

  @ArchTest
  static void every_public_type_has_a_user(JavaClasses classes) {
    Map<String, JavaClass> open =
        topLevel(classes).collect(Collectors.toMap(JavaClass::getName, type -> type));
    Set<String> used = new TreeSet<>(ENTRY_POINTS.keySet());
    for (JavaClass type : classes) {
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        JavaClass target = outermost(dependency.getTargetClass());
        if (isOurs(target) && !target.getPackageName().equals(type.getPackageName())) {
          used.add(target.getName());
        }
      }
    }
    Set<String> inNotebooks = namedInNotebooks();
    for (JavaClass type : open.values()) {
      if (inNotebooks.contains(type.getSimpleName())
          || type.isAssignableTo(OptMergeException.class)
          || isMarked(type)) {
        used.add(type.getName());
      }
    }
    // A type that a used type shows in its signatures has that type's users.
    for (boolean more = true; more; ) {
      Set<String> shown =
          classes.stream()
              .filter(type -> used.contains(outermost(type).getName()))
              .flatMap(ApiTest::shown)
              .map(type -> outermost(type).getName())
              .filter(open::containsKey)
              .collect(Collectors.toSet());
      more = used.addAll(shown);
    }
    assertThat(open.keySet().stream().filter(name -> !used.contains(name)).sorted())
        .as("make it package-private, delete it, or name it as an entry point with the reason")
        .isEmpty();
  }

  /** Types in the public and protected signatures of a type. */
  private static Stream<JavaClass> shown(JavaClass type) {
    return Stream.of(
            type.getMembers().stream()
                .filter(
                    member ->
                        member.getModifiers().contains(JavaModifier.PUBLIC)
                            || member.getModifiers().contains(JavaModifier.PROTECTED))
                .flatMap(member -> member.getAllInvolvedRawTypes().stream()),
            type.getRawSuperclass().stream(),
            type.getRawInterfaces().stream())
        .flatMap(types -> types);
  }

  @ArchTest
  static void entry_points_are_there(JavaClasses classes) {
    assertThat(topLevel(classes).map(JavaClass::getName)).containsAll(ENTRY_POINTS.keySet());
  }

  private static Stream<JavaClass> topLevel(JavaClasses classes) {
    return classes.stream()
        .filter(type -> type.getEnclosingClass().isEmpty())
        .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
        .filter(type -> !type.getSimpleName().equals("package-info"));
  }

  private static JavaClass outermost(JavaClass type) {
    JavaClass found = type.getBaseComponentType();
    while (found.getEnclosingClass().isPresent()) {
      found = found.getEnclosingClass().get();
    }
    return found;
  }

  private static boolean isOurs(JavaClass type) {
    return type.getPackageName().startsWith("org.optmerge");
  }

  private static boolean isMarked(JavaClass type) {
    return type.isAnnotatedWith(API.class);
  }

  private static boolean isInternal(JavaClass type) {
    return !isMarked(type)
        && type.getPackage()
            .tryGetAnnotationOfType(API.class)
            .filter(mark -> mark.status() == API.Status.INTERNAL)
            .isPresent();
  }

  /** Capitalised words of all code cells. */
  private static Set<String> namedInNotebooks() {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> files = Files.list(Project.file("notebooks"))) {
      for (Path notebook : files.filter(file -> file.toString().endsWith(".ipynb")).toList()) {
        for (JsonNode cell : new ObjectMapper().readTree(notebook.toFile()).path("cells")) {
          if (cell.path("cell_type").asText().equals("code")) {
            StringBuilder source = new StringBuilder();
            cell.path("source").forEach(line -> source.append(line.asText()));
            String code = source.toString().replaceAll("\"(\\\\.|[^\"\\\\\n])*\"|//[^\n]*", "");
            TYPE_NAME.matcher(code).results().map(MatchResult::group).forEach(names::add);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(names).contains("Claim");
    return names;
  }
}
