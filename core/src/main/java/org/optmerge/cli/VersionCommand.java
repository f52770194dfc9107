package org.optmerge.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.optmerge.base.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** {@code optmerge version}. */
@Command(name = "version", description = "Print the versions of the program and of Java.")
final class VersionCommand extends Subcommand {

  /** For {@code --version}. */
  static final class Provider implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {text()};
    }
  }

  /** The version of the jar; classes outside of one have none. */
  static String version() {
    String version = Main.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  private static String java() {
    return System.getProperty("java.version") + ", " + System.getProperty("java.vm.name");
  }

  private static String system() {
    return System.getProperty("os.name") + " " + System.getProperty("os.arch");
  }

  static String text() {
    return "optmerge " + version() + " (Java " + java() + ", " + system() + ")";
  }

  @Override
  public Integer call() {
    main.console()
        .result(
            () -> List.of(text()),
            () -> {
              ObjectNode node = Json.object();
              node.put("version", version());
              node.put("java", java());
              node.put("system", system());
              return node;
            });
    return 0;
  }
}
