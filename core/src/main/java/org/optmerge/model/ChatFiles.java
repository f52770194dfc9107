package org.optmerge.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.RegularFiles;

/**
 * What a folder says of its chat template. Templates in Jinja are not run: the published ones are
 * recognised by what they write.
 *
 * @param named {@code template} of {@code config.json}; empty if it has none
 * @param jinja the text of a template; empty if no file has one
 * @param file where it is
 */
record ChatFiles(String named, String jinja, String file) {
  private static final String KEY = "chat_template";

  private record Mark(ChatTemplate template, List<String> texts) {}

  /** What a template of each kind has in it. */
  private static final List<Mark> MARKS =
      List.of(
          new Mark(
              ChatTemplate.QWEN2_VL,
              List.of(
                  "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n",
                  "<|vision_start|><|image_pad|><|vision_end|>",
                  "<|im_start|>assistant\n")),
          new Mark(
              ChatTemplate.VICUNA_V1,
              List.of(
                  "A chat between a curious user and an artificial intelligence assistant.",
                  "USER",
                  "ASSISTANT:")),
          new Mark(ChatTemplate.LLAVA, List.of("<image>\n", ".upper()", "ASSISTANT:")),
          new Mark(ChatTemplate.LLAVA, List.of("<image>\n", "USER:", "ASSISTANT:")));

  /** Reads the files of a folder; null for a model that comes from none. */
  static ChatFiles read(@Nullable Path folder) {
    if (folder == null) {
      return new ChatFiles("", "", "");
    }
    String named = ConfigReader.read(folder, json -> json.path("template").asText(""));
    Path text = folder.resolve("chat_template.jinja");
    try {
      if (Files.isRegularFile(text)) {
        return new ChatFiles(named, RegularFiles.readText(text, 1 << 24), text.toString());
      }
      for (String name :
          List.of("chat_template.json", "processor_config.json", "tokenizer_config.json")) {
        Path file = folder.resolve(name);
        if (Files.isRegularFile(file)) {
          String found = template(Json.plain().readTree(file.toFile()).path(KEY));
          if (!found.isEmpty()) {
            return new ChatFiles(named, found, file.toString());
          }
        }
      }
    } catch (IOException e) {
      throw new ModelException(
          "%s: a chat template cannot be read: %s".formatted(folder, e.getMessage()), e);
    }
    return new ChatFiles(named, "", "");
  }

  /** One template, or several with names of which one is the default. */
  private static String template(JsonNode json) {
    if (!json.isArray()) {
      return json.asText("");
    }
    for (JsonNode each : json) {
      if (each.path("name").asText().equals("default")) {
        return each.path("template").asText("");
      }
    }
    return "";
  }

  /**
   * The template that the files name or have.
   *
   * @param otherwise where they have none
   * @throws ModelException if they have one that is not known
   */
  ChatTemplate choose(ChatTemplate otherwise) {
    if (!named.isEmpty()) {
      return ChatTemplate.named(named);
    }
    if (jinja.isEmpty()) {
      return otherwise;
    }
    // Some files have line breaks as Jinja's own escapes.
    String text = jinja.replace("\\n", "\n");
    return MARKS.stream()
        .filter(mark -> mark.texts.stream().allMatch(text::contains))
        .map(Mark::template)
        .findFirst()
        .orElseThrow(
            () ->
                new ModelException(
                    "%s: the chat template is none that is known (%s); name one as 'template' in config.json, or ask for a completion"
                        .formatted(file, ChatTemplate.keys())));
  }
}
