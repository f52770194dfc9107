package org.optmerge.merge.plan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.optmerge.base.Json;
import org.optmerge.base.Suggestion;
import org.optmerge.checkpoint.CheckpointException;
import org.optmerge.merge.recipe.Recipe;
import org.optmerge.merge.weights.InputModel;

/**
 * The chat template that a recipe asks for: {@code auto} for the one that most inputs have, the
 * name of a format, or Jinja as it stands.
 */
final class ChatTemplates {
  private static final String CONFIG = "tokenizer_config.json";
  private static final String FILE = "chat_template.jinja";

  /** The formats as their publishers describe them. */
  private static final Map<String, String> FORMATS =
      Map.of(
          "chatml",
          "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' +"
              + " message['content'] + '<|im_end|>\n' }}{% endfor %}"
              + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
          "alpaca",
          "{% for message in messages %}{% if message['role'] == 'user' %}"
              + "{{ '### Instruction:\n' + message['content'] + '\n\n' }}"
              + "{% elif message['role'] == 'assistant' %}"
              + "{{ '### Response:\n' + message['content'] + eos_token + '\n\n' }}"
              + "{% else %}{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}"
              + "{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %}",
          "llama3",
          "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] +"
              + " '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
              + "{% if add_generation_prompt %}"
              + "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
          "mistral",
          "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
              + "{{ ' ' + message['content'] + eos_token }}"
              + "{% else %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% endif %}{% endfor %}",
          "exaone",
          "{% for message in messages %}{{ '[|' + message['role'] + '|]' + message['content'] }}"
              + "{% if message['role'] == 'user' %}{{ '\n' }}"
              + "{% else %}{{ '[|endofturn|]\n' }}{% endif %}{% endfor %}"
              + "{% if add_generation_prompt %}{{ '[|assistant|]' }}{% endif %}");

  private ChatTemplates() {}

  /**
   * Writes the template.
   *
   * @param rewritten files of the output that differ from the donor's; added to
   */
  static void write(
      Recipe recipe,
      InputModel donor,
      List<InputModel> models,
      Map<String, byte[]> rewritten,
      PlanFindings findings) {
    Recipe.Located<String> asked = recipe.mergekit().chatTemplate();
    if (asked == null) {
      return;
    }
    String text = asked.value();
    Optional<String> template;
    if (text.equals("auto")) {
      template = mostCommon(models);
      if (template.isEmpty()) {
        findings.notice(
            "'chat_template: auto': no model has a chat template, so the output has none");
        return;
      }
    } else if (text.contains("{") && text.length() >= 20) {
      template = Optional.of(text);
    } else {
      template = Optional.ofNullable(FORMATS.get(text));
    }
    if (template.isEmpty()) {
      findings.problem(
          asked.at(),
          "'chat_template' must be auto, one of %s, or a template in Jinja; is '%s'%s"
              .formatted(
                  FORMATS.keySet().stream().sorted().toList(),
                  text,
                  Suggestion.forWord(text, FORMATS.keySet())));
      return;
    }
    try {
      put(template.get(), ModelFiles.of(donor.checkpoint()), rewritten);
    } catch (IOException e) {
      throw new CheckpointException(
          "%s of '%s' cannot be read: %s".formatted(CONFIG, donor.name(), e.getMessage()), e);
    }
  }

  private static void put(String template, ModelFiles files, Map<String, byte[]> rewritten)
      throws IOException {
    Optional<byte[]> config =
        Optional.ofNullable(rewritten.get(CONFIG)).or(() -> files.read(CONFIG));
    if (config.isPresent() && Json.plain().readTree(config.get()) instanceof ObjectNode settings) {
      settings.put("chat_template", template);
      rewritten.put(CONFIG, (Json.pretty(settings) + "\n").getBytes(StandardCharsets.UTF_8));
    }
    if (config.isEmpty() || files.has(FILE) || rewritten.containsKey(FILE)) {
      rewritten.put(FILE, template.getBytes(StandardCharsets.UTF_8));
    }
  }

  /** The template of most models; of several, that of the first of them. */
  private static Optional<String> mostCommon(List<InputModel> models) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    for (InputModel model : models) {
      of(ModelFiles.of(model.checkpoint())).ifPresent(it -> counts.merge(it, 1, Integer::sum));
    }
    int most = counts.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    return counts.entrySet().stream()
        .filter(entry -> entry.getValue() == most)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static Optional<String> of(ModelFiles files) {
    Optional<String> own =
        files.read(FILE).map(content -> new String(content, StandardCharsets.UTF_8));
    if (own.isPresent()) {
      return own;
    }
    try {
      Optional<byte[]> config = files.read(CONFIG);
      JsonNode template =
          config.isPresent()
              ? Json.plain().readTree(config.get()).path("chat_template")
              : Json.plain().missingNode();
      return template.isTextual() ? Optional.of(template.asText()) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
