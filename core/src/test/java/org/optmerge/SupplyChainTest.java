package org.optmerge;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.jsontype.BasicPolymorphicTypeValidator;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaEnumConstant;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.net.Socket;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.optmerge.base.Sha256;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.constructor.Constructor;

/**
 * What comes from others: every library is the one that was looked at, with a licence that is
 * listed; no bytes of a stranger become objects of their choice; only fetching uses the network.
 */
@AnalyzeClasses(packages = "org.optmerge", importOptions = ImportOption.DoNotIncludeTests.class)
class SupplyChainTest {
  private static final Path CHECKSUMS = Path.of("../.mvn/checksums/checksums.sha256");
  private static final Path LICENCES = Path.of("THIRD-PARTY.txt");

  private static final DescribedPredicate<JavaClass> MAKES_ANY_OBJECT =
      assignableTo(java.io.ObjectInput.class)
          .or(assignableTo(Constructor.class))
          .or(
              nameMatching(
                  "java\\.beans\\.XML(De|En)coder|java\\.rmi\\..*|javax\\.(naming|script)\\..*"))
          .or(nameMatching("javax\\.management\\.remote\\..*|jdk\\.jshell\\..*"))
          .as("make objects or run code as bytes say");

  @ArchTest
  static final ArchRule no_bytes_become_objects_of_their_own_choice =
      noClasses().should().dependOnClassesThat(MAKES_ANY_OBJECT);

  @ArchTest
  static final ArchRule jackson_takes_no_class_from_a_file =
      noClasses()
          .should()
          .callMethodWhere(
              target(owner(assignableTo("com.fasterxml.jackson.databind.cfg.MapperBuilder")))
                  .or(target(owner(assignableTo(ObjectMapper.class))))
                  .and(
                      target(
                          nameMatching(
                              "(enable|activate|set)DefaultTyping.*|setPolymorphicTypeValidator"))));

  @ArchTest
  static final ArchRule types_in_a_file_are_names_from_a_list =
      noClasses()
          .should()
          .beAnnotatedWith(
              new DescribedPredicate<JavaAnnotation<?>>("a type that is the name of a class") {
                @Override
                public boolean test(JavaAnnotation<?> annotation) {
                  return annotation.getRawType().isEquivalentTo(JsonTypeInfo.class)
                      && annotation.get("use").orElseThrow() instanceof JavaEnumConstant use
                      && use.name().matches("(MINIMAL_)?CLASS|CUSTOM");
                }
              });

  private static final String NETWORK =
      "java\\.net\\.(http\\..*|.*Socket.*|.*URLConnection|.*Authenticator|InetAddress|NetworkInterface)"
          + "|java\\.nio\\.channels\\.(.*Socket.*|.*DatagramChannel)|com\\.sun\\.net\\..*|javax\\.net\\..*"
          + "|ai\\.djl\\.(repository|training\\.util)\\..*";

  @ArchTest
  static final ArchRule only_fetching_uses_the_network =
      noClasses()
          .that()
          .resideOutsideOfPackages("org.optmerge.manifest..", "org.optmerge.s3..")
          // Opens resources of the class path, which have the form of addresses.
          .and()
          .doNotHaveSimpleName("NativeLibraries")
          .should()
          .dependOnClassesThat(nameMatching(NETWORK).<JavaClass>forSubtype().as("reach a network"))
          .orShould()
          .callMethodWhere(
              target(owner(assignableTo(URL.class)))
                  .and(target(nameMatching("open(Stream|Connection)|getContent"))));

  @ArchTest
  static final ArchRule no_other_program_is_started =
      noClasses()
          .should()
          .dependOnClassesThat(assignableTo(ProcessBuilder.class))
          .orShould()
          .callMethod(Runtime.class, "exec", String[].class)
          .orShould()
          .callMethod(Runtime.class, "exec", String.class);

  /** What the rules above must find; never called. */
  @SuppressWarnings({"unused", "BanSerializableRead"})
  private static final class Forbidden {
    static Object object(InputStream in) throws IOException, ClassNotFoundException {
      try (ObjectInputStream objects = new ObjectInputStream(in)) {
        return objects.readObject();
      }
    }

    static Object yaml() {
      return new Constructor(Object.class, new LoaderOptions());
    }

    static ObjectMapper mapper() {
      return new ObjectMapper()
          .activateDefaultTyping(BasicPolymorphicTypeValidator.builder().build());
    }

    @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS)
    interface Named {}

    static Socket socket() throws IOException {
      return new Socket("localhost", 1);
    }

    static InputStream page(URL url) throws IOException {
      return url.openStream();
    }

    static Process program() throws IOException {
      return new ProcessBuilder("ls").start();
    }
  }

  @Test
  void the_rules_find_what_they_forbid() {
    Map<ArchRule, Integer> expected = new HashMap<>();
    expected.put(no_bytes_become_objects_of_their_own_choice, 2);
    expected.put(jackson_takes_no_class_from_a_file, 1);
    expected.put(types_in_a_file_are_names_from_a_list, 1);
    expected.put(only_fetching_uses_the_network, 2);
    expected.put(no_other_program_is_started, 1);

    var classes = new ClassFileImporter().importClasses(Forbidden.class, Forbidden.Named.class);

    expected.forEach(
        (rule, least) ->
            assertThat(rule.evaluate(classes).getFailureReport().getDetails())
                .as(rule.getDescription())
                .hasSizeGreaterThanOrEqualTo(least));
  }

  private static Map<String, String> checksums() throws IOException {
    try (Stream<String> lines = Files.lines(CHECKSUMS)) {
      return lines
          .map(line -> line.split(" {2}", 2))
          .collect(Collectors.toMap(line -> line[1], line -> line[0]));
    }
  }

  /** The jars that these tests, and with them the library, run with. */
  private static List<Path> jars() {
    return Stream.of(
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                .split(Pattern.quote(File.pathSeparator)))
        .filter(entry -> entry.endsWith(".jar"))
        .map(Path::of)
        .filter(SupplyChainTest::isFromRepository)
        .toList();
  }

  /** Not what a test runner of an IDE adds: there, a jar's folder is its version. */
  private static boolean isFromRepository(Path jar) {
    Path version = jar.getParent();
    return version != null
        && version.getFileName() != null
        && jar.getFileName().toString().contains("-" + version.getFileName());
  }

  /** The path of a jar in a repository of Maven, wherever that is. */
  private static String inRepository(Path jar, Set<String> known) {
    int count = jar.getNameCount();
    for (int from = Math.max(0, count - 12); from < count - 3; from++) {
      String path = jar.subpath(from, count).toString().replace(File.separatorChar, '/');
      if (known.contains(path)) {
        return path;
      }
    }
    return "";
  }

  /**
   * Maven from 3.9 on refuses another content by itself ({@code .mvn/maven.config}); Debian's 3.8.7
   * does not know how.
   */
  @Test
  void every_library_has_the_recorded_content() throws IOException {
    Map<String, String> recorded = checksums();
    List<String> problems = new ArrayList<>();
    int compared = 0;
    for (Path jar : jars()) {
      String path = inRepository(jar, recorded.keySet());
      if (path.isEmpty()) {
        problems.add(jar + " has no checksum; CONTRIBUTING says how to record it");
      } else if (!Sha256.of(jar).equals(recorded.get(path))) {
        problems.add(jar + " is not what was recorded");
      }
      compared++;
    }
    assertThat(problems).isEmpty();
    assertThat(compared).isGreaterThan(50);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ai/djl/api/", "org/jcodec/jcodec/", "org/apache/maven/plugins/"})
  void libraries_and_plugins_of_the_build_are_recorded(String beginning) throws IOException {
    assertThat(checksums().keySet()).anyMatch(path -> path.startsWith(beginning));
  }

  @Test
  void every_library_of_a_release_is_listed_with_its_licence() throws IOException {
    String listed = Files.readString(LICENCES);
    Set<String> missing = new TreeSet<>();
    Path classPath = Path.of("target/classpath.txt");
    List<Path> jars =
        Files.exists(classPath)
            ? Stream.of(
                    Files.readString(classPath).strip().split(Pattern.quote(File.pathSeparator)))
                .map(Path::of)
                .toList()
            : List.of();
    for (Path jar : jars) {
      Path version = jar.getParent();
      if (version != null && version.getParent() != null) {
        String artifact = version.getParent().getFileName() + ":" + version.getFileName();
        if (!listed.contains(artifact)) {
          missing.add(artifact);
        }
      }
    }
    assertThat(missing).as("run 'mvn -pl core license:add-third-party'").isEmpty();
    assertThat(listed.lines().filter(line -> line.matches(" +\\(.+\\) .+")).count())
        .isGreaterThan(30);
    assertThat(listed).doesNotContain("Unknown license");
  }
}
