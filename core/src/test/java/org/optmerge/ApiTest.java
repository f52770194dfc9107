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
import org.optmerge.report.Project;

/**
 * The public surface: a public type marked {@link API} is for everybody, any other is for this
 * library's own packages.
 */
@AnalyzeClasses(packages = "org.optmerge", importOptions = ImportOption.DoNotIncludeTests.class)
class ApiTest {
  private static final int MOST_TYPES = 100;

  /** Packages whose every public type may be used by every other package of the project. */
  private static final Set<String> FLOOR = Set.of("org.optmerge.base");

  /** Packages that stand for users of the library. */
  private static final Set<String> USERS = Set.of("org.optmerge.report", "org.optmerge.cli");

  /** Public types without a user in the project, each with the reason. */
  private static final Map<String, String> ENTRY_POINTS =
      Map.of(
          "org.optmerge.cli.Main", "the command line starts here",
          "org.optmerge.report.NotebookExtension", "the kernel's service loader finds it");

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
                .filter(type -> !type.getModifiers().contains(JavaModifier.PUBLIC))
                .map(JavaClass::getName))
        .isEmpty();
  }

  @ArchTest
  static void reports_and_commands_use_no_inside_type(JavaClasses classes) {
    Set<String> found = new TreeSet<>();
    for (JavaClass user : classes) {
      if (USERS.contains(user.getPackageName())) {
        for (Dependency dependency : user.getDirectDependenciesFromSelf()) {
          JavaClass used = outermost(dependency.getTargetClass());
          if (isOurs(used)
              && !USERS.contains(used.getPackageName())
              && !FLOOR.contains(used.getPackageName())
              && !isMarked(used)) {
            found.add("%s uses %s".formatted(outermost(user).getName(), used.getName()));
          }
        }
      }
    }
    assertThat(found).isEmpty();
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
    assertThat(
            topLevel(classes)
                .filter(type -> !used.contains(type.getName()))
                .filter(type -> !inNotebooks.contains(type.getSimpleName()))
                .map(JavaClass::getName))
        .as("make it package-private, delete it, or name it as an entry point with the reason")
        .isEmpty();
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
