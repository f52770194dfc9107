package org.optmerge.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;

/**
 * A run of the command line inside the tests.
 *
 * @param code exit code
 * @param out what it wrote on standard output
 * @param err what it wrote on standard error
 */
public record CommandRun(int code, String out, String err) {
  public static CommandRun of(Object... arguments) {
    return on(Terminal.NONE, arguments);
  }

  static CommandRun on(Terminal terminal, Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> texts = Arrays.stream(arguments).map(Object::toString).toList();
    int code = Main.run(texts, new PrintWriter(out), new PrintWriter(err), terminal);
    return new CommandRun(code, out.toString(), err.toString());
  }

  /** Standard output as the one JSON object that it must be. */
  public JsonNode json() {
    return parse(out);
  }

  /** Standard error as JSON objects, one per line. */
  public List<JsonNode> events() {
    return err.lines().map(CommandRun::parse).toList();
  }

  private static JsonNode parse(String text) {
    try {
      return new ObjectMapper()
          .enable(com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .readTree(text);
    } catch (IOException e) {
      throw new AssertionError("not JSON: " + text, e);
    }
  }
}
