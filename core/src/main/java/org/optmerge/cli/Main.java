package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.optmerge.base.FileErrors;
import org.optmerge.base.OptMergeException;
import org.optmerge.merge.recipe.RecipeException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line {@code optmerge}.
 *
 * <p>The exit code is 0 only if everything asked for is done and, where files were asked for, on
 * disk and verified; 1 if the work failed; 2 if the command line or the recipe is wrong.
 */
@Command(
    name = "optmerge",
    description = "Merges fine-tuned models, and shows what merging does to them.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.Provider.class,
    scope = ScopeType.INHERIT,
    usageHelpAutoWidth = true,
    sortOptions = false,
    footerHeading = "%n",
    footer = {
      "Exit codes: 0 all done and verified, 1 the work failed, 2 wrong command line or recipe."
    })
public final class Main {
  /** The exit code if the work failed. */
  static final int FAILED = 1;

  /** The exit code if the command line or the recipe is wrong. */
  static final int WRONG_REQUEST = 2;

  /** The commands by name, in the order of {@code --help}. */
  private static final Map<String, Supplier<Subcommand>> COMMANDS = commands();

  private static Map<String, Supplier<Subcommand>> commands() {
    Map<String, Supplier<Subcommand>> all = new LinkedHashMap<>();
    all.put("merge", MergeCommand::new);
    all.put("explain", ExplainCommand::new);
    all.put("inspect", InspectCommand::new);
    all.put("diff", DiffCommand::new);
    all.put("verify", VerifyCommand::new);
    all.put("extract-lora", ExtractLoraCommand::new);
    all.put("export-gguf", ExportGgufCommand::new);
    all.put("methods", MethodsCommand::new);
    all.put("examples", ExamplesCommand::new);
    all.put("quickstart", QuickstartCommand::new);
    all.put("ask", AskCommand::new);
    all.put("evaluate", EvaluateCommand::new);
    all.put("score", ScoreCommand::new);
    all.put("compare", CompareCommand::new);
    all.put("tune", TuneCommand::new);
    all.put("reproduce", ReproduceCommand::new);
    all.put("train", TrainCommand::new);
    all.put("fetch", FetchCommand::new);
    all.put("manifests", ManifestsCommand::new);
    all.put("completion", CompletionCommand::new);
    all.put("version", VersionCommand::new);
    return all;
  }

  /** The names of the commands. */
  static Set<String> names() {
    return COMMANDS.keySet();
  }

  @Option(
      names = "--quiet",
      scope = ScopeType.INHERIT,
      description = "Print results, warnings and errors only.")
  boolean quiet;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description =
          "Print the result as one JSON object on standard output, and progress, notes and errors"
              + " as one JSON object per line on standard error.")
  boolean json;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "After an error, print where in the program it arose.")
  boolean stacktrace;

  private final PrintWriter out;
  private final PrintWriter err;
  private final Terminal terminal;

  private Main(PrintWriter out, PrintWriter err, Terminal terminal) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  /** Runs the command line and ends the process. */
  public static void main(String[] arguments) {
    if (System.getProperty("java.awt.headless") == null) {
      System.setProperty("java.awt.headless", "true"); // a display is not needed, nor always there
    }
    PrintWriter out = new PrintWriter(System.out, false);
    PrintWriter err = new PrintWriter(System.err, true);
    System.exit(run(Arrays.asList(arguments), out, err, Terminal.ofProcess()));
  }

  /** Runs the command line and returns the exit code. */
  static int run(List<String> arguments, PrintWriter out, PrintWriter err, Terminal terminal) {
    Main main = new Main(out, err, terminal);
    int code;
    try {
      code =
          arguments.equals(List.of("--version"))
              ? main.version() // needs no command's options, whose reading takes most of a start
              : main.commandLine(arguments).execute(arguments.toArray(String[]::new));
    } catch (Error e) {
      code = main.failed(e);
    }
    if (out.checkError()) {
      err.println("optmerge: standard output could not be written; is its disk full?");
      code = code == 0 ? FAILED : code;
    }
    err.flush();
    return code;
  }

  private int version() {
    out.println(VersionCommand.text());
    return 0;
  }

  /** The console that the given options ask for. */
  Console console() {
    return console(json);
  }

  /** A console with the result as JSON or not, whatever the options ask for. */
  Console console(boolean asJson) {
    return new Console(out, err, terminal, quiet, asJson);
  }

  /**
   * The command line with the command that is called, or with all where it takes knowing all: for
   * help, for completion, and to suggest what may have been meant. Looking at a command's options
   * by reflection costs more than parsing them.
   */
  private CommandLine commandLine(List<String> arguments) {
    CommandLine commandLine = new CommandLine(this);
    String first =
        arguments.stream().filter(argument -> !argument.startsWith("-")).findFirst().orElse("");
    boolean one = COMMANDS.containsKey(first) && !first.equals("completion");
    COMMANDS.forEach(
        (name, command) -> {
          if (!one || name.equals(first)) {
            commandLine.addSubcommand(name, command.get());
          }
        });
    if (!one) {
      commandLine.addSubcommand("help", new CommandLine.HelpCommand());
    }
    boolean color = terminal.output() && terminal.color();
    return commandLine
        .setOut(out)
        .setErr(err)
        .setColorScheme(Help.defaultColorScheme(color ? Help.Ansi.ON : Help.Ansi.OFF))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((exception, command, parsed) -> failed(exception))
        .setParameterExceptionHandler((exception, given) -> wrong(exception, List.of(given)));
  }

  /** The names by which an option is called in these arguments. */
  static List<String> namesUsed(OptionSpec option, List<String> arguments) {
    return Arrays.stream(option.names())
        .filter(
            name ->
                arguments.stream()
                    .anyMatch(argument -> argument.equals(name) || argument.startsWith(name + "=")))
        .toList();
  }

  private int wrong(ParameterException exception, List<String> arguments) {
    String given = String.valueOf(exception.getMessage());
    String first = given.substring(0, 1).toLowerCase(Locale.ROOT) + given.substring(1);
    String message =
        first.replaceAll(
            "cannot convert ('.*') to interface java.nio.file.Path \\(.*\\)",
            "$1 cannot be the name of a file here; is the locale one of UTF-8, such as"
                + " LC_ALL=C.UTF-8?");
    if (exception.getArgSpec() instanceof OptionSpec option) {
      // An option of several names is called by the one that was used.
      for (String used : namesUsed(option, arguments)) {
        message = message.replace("'" + option.longestName() + "'", "'" + used + "'");
      }
    }
    if (exception instanceof UnmatchedArgumentException unmatched) {
      List<String> suggestions = unmatched.getSuggestions();
      if (!suggestions.isEmpty()) {
        message += "; did you mean " + String.join(" or ", suggestions) + "?";
      }
    }
    String command = exception.getCommandLine().getCommandSpec().qualifiedName();
    report("%s (see %s --help)".formatted(message, command), exception, WRONG_REQUEST);
    return WRONG_REQUEST;
  }

  private int failed(Throwable thrown) {
    int code = thrown instanceof RecipeException ? WRONG_REQUEST : FAILED;
    report(message(thrown), thrown, code);
    return code;
  }

  /** The message of a failure, in one line; in several only where several things failed. */
  static String message(Throwable thrown) {
    if (thrown instanceof OptMergeException) {
      return FileErrors.withCure(String.valueOf(thrown.getMessage()));
    }
    if (thrown instanceof UncheckedIOException unchecked && unchecked.getCause() != null) {
      IOException cause = unchecked.getCause();
      String own = String.valueOf(unchecked.getMessage());
      return cause instanceof FileSystemException || own.equals(cause.toString())
          ? message(cause)
          : "%s: %s".formatted(own, FileErrors.reason(cause));
    }
    if (thrown instanceof NoSuchFileException missing) {
      return "'%s' does not exist".formatted(missing.getFile());
    }
    if (thrown instanceof AccessDeniedException denied) {
      return "no permission to read or write '%s'".formatted(denied.getFile());
    }
    if (thrown instanceof FileAlreadyExistsException occupied) {
      return "'%s' is there already, and is not a folder".formatted(occupied.getFile());
    }
    if (thrown instanceof FileSystemException failure && failure.getReason() != null) {
      return FileErrors.withCure(
          failure.getFile() == null
              ? failure.getReason()
              : "'%s': %s".formatted(failure.getFile(), failure.getReason()));
    }
    if (thrown instanceof InvalidPathException named) {
      return "'%s' cannot be the name of a file here (%s); is the locale one of UTF-8, such as LC_ALL=C.UTF-8?"
          .formatted(named.getInput(), named.getReason());
    }
    if (thrown instanceof IOException failure) {
      return "reading or writing failed: " + FileErrors.reason(failure);
    }
    return thrown instanceof Error error ? message(error) : defect(thrown);
  }

  private static String defect(Throwable thrown) {
    return "unexpected %s: %s; this is a defect, --stacktrace shows where"
        .formatted(thrown.getClass().getSimpleName(), thrown.getMessage());
  }

  /** The message of what befalls the Java machine itself. */
  private static String message(Error error) {
    if (error instanceof OutOfMemoryError) {
      return "out of memory (%s); give the JVM more, for example OPTMERGE_JAVA_OPTS=-Xmx8g, or the command less where it has --memory, --threads or --count"
          .formatted(error.getMessage());
    }
    if (error instanceof StackOverflowError) {
      return "what was read is nested too deeply; is it damaged? (OPTMERGE_JAVA_OPTS=-Xss16m allows more)";
    }
    if (error instanceof InternalError && String.valueOf(error.getMessage()).contains("memory")) {
      return "a file that is read through memory became shorter, or its disk failed (%s)"
          .formatted(error.getMessage());
    }
    Throwable cause = error.getCause();
    if (cause instanceof OptMergeException) {
      return message(cause);
    }
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    boolean djl = String.valueOf(error.getMessage()).contains("djl");
    if (root instanceof UnsatisfiedLinkError
        || (error instanceof LinkageError && (djl || root instanceof IOException))) {
      return "the native libraries cannot be loaded: %s; they are unpacked into ~/.djl.ai, or the folder that DJL_CACHE_DIR names: it needs 500 MB of room, and may be deleted to be made again"
          .formatted(root.getMessage());
    }
    return defect(error);
  }

  private void report(String message, Throwable thrown, int code) {
    out.flush();
    if (json) {
      ObjectNode event = Console.event("error");
      event.put("message", Console.printable(message));
      event.put("exit_code", code);
      err.println(event);
    } else {
      boolean color = terminal.error() && terminal.color();
      String who = color ? "\u001b[31moptmerge:\u001b[0m " : "optmerge: ";
      err.println(who + Console.printable(message).lines().collect(Collectors.joining("\n  ")));
    }
    if (stacktrace) {
      thrown.printStackTrace(err);
    }
    err.flush();
  }
}
