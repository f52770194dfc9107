package org.optmerge.benchmark;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Json;
import org.optmerge.base.Sha256;
import org.optmerge.base.Suggestion;
import org.optmerge.metric.Reference;
import org.optmerge.model.media.AudioFiles;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Media;
import org.optmerge.model.media.VideoFiles;
import org.optmerge.python.DelimitedFile;

/**
 * A question list of one's own: JSON lines (.jsonl), or a table with a header (.tsv, .csv).
 *
 * <pre>{@code
 * {"id": "1", "image": "bars.png", "question": "How many bars are there?", "answer": "4"}
 * }</pre>
 *
 * <p>Fields are {@code question}; {@code answer}, or {@code answers} for a list of accepted ones;
 * {@code image}, {@code audio} or {@code video}, a path or a list of paths relative to the folder
 * of the file; and where wanted {@code id} (else the number of the question), {@code group} (over
 * which accuracies are averaged) and {@code type}. All other fields are for metrics, such as {@code
 * A} to {@code D} of a multiple choice or {@code bbox} of a box, which may stand in place of an
 * answer.
 *
 * <p>The whole list is checked when it is opened; pictures, sounds and films are read when their
 * questions are asked for.
 */
@API(status = API.Status.EXPERIMENTAL)
public final class QuestionFile implements Benchmark {
  /** Frames that are taken of a film. */
  public static final int FRAMES = 4;

  private static final List<String> MEDIA = List.of("image", "images", "audio", "video");
  private static final List<String> KNOWN =
      List.of("id group type question answer answers image images audio video".split(" "));

  private final Path file;
  private final List<Row> rows = new ArrayList<>();

  /** A question whose media are not read yet. */
  private record Row(
      String place,
      String id,
      String group,
      String type,
      List<Medium> media,
      String text,
      Reference reference) {}

  private record Medium(String field, Path path) {}

  private QuestionFile(Path file) {
    this.file = file;
  }

  /**
   * Opens and checks a list.
   *
   * @throws BenchmarkException if the list is not as described; the message names file, line and
   *     field, and says what to do
   */
  public static QuestionFile open(Path file) {
    QuestionFile list = new QuestionFile(file);
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    if (!Files.isRegularFile(file)) {
      throw new BenchmarkException("%s: there is no such file of questions".formatted(file));
    }
    try {
      if (name.endsWith(".jsonl")) {
        list.readLines();
      } else if (name.endsWith(".tsv") || name.endsWith(".csv")) {
        list.readTable(name.endsWith(".tsv") ? '\t' : ',');
      } else {
        throw new BenchmarkException(
            "%s: a question list is a .jsonl file (an object a line), a .tsv or a .csv file (with a header); rename it to what it is"
                .formatted(file));
      }
    } catch (CharacterCodingException e) {
      throw new BenchmarkException("%s: is not UTF-8; save it as UTF-8".formatted(file), e);
    } catch (IOException e) {
      throw new BenchmarkException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
    if (list.rows.isEmpty()) {
      throw new BenchmarkException(
          "%s: has no questions; write one a line, such as %s"
              .formatted(
                  file, "{\"image\": \"1.png\", \"question\": \"How many?\", \"answer\": \"4\"}"));
    }
    list.checkIds();
    return list;
  }

  private void readLines() throws IOException {
    try (BufferedReader in = Files.newBufferedReader(file)) {
      int number = 0;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        number++;
        String text = number == 1 && line.startsWith("\ufeff") ? line.substring(1) : line;
        if (!text.isBlank()) {
          add("line " + number, fields("line " + number, text));
        }
      }
    }
  }

  private Map<String, JsonNode> fields(String place, String line) {
    Map<String, JsonNode> fields = new LinkedHashMap<>();
    try (JsonParser parser = Json.plain().createParser(line)) {
      parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
      JsonNode node = Json.plain().readTree(parser);
      if (!(node instanceof ObjectNode) || parser.nextToken() != null) {
        throw wrong(place, "is not one JSON object; write each question as {…} on its own line");
      }
      node.fields().forEachRemaining(field -> fields.put(field.getKey(), field.getValue()));
      return fields;
    } catch (JsonProcessingException e) {
      throw wrong(
          place,
          "is not valid JSON: %s".formatted(e.getOriginalMessage().lines().findFirst().orElse("")));
    } catch (IOException e) {
      throw new IllegalStateException("a text can be read", e);
    }
  }

  private void readTable(char delimiter) throws IOException {
    try (DelimitedFile table = new DelimitedFile(file, delimiter)) {
      if (!table.next()) {
        return;
      }
      List<String> header = table.texts();
      if (Set.copyOf(header).size() < header.size()) {
        throw wrong("row 1", "the header names a column twice: %s".formatted(header));
      }
      for (int row = 2; table.next(); row++) {
        List<String> cells = table.texts();
        if (cells.size() != header.size()) {
          throw wrong(
              "row " + row,
              "has %d cells, the header %d; put cells with '%s' or line ends in quotes"
                  .formatted(cells.size(), header.size(), delimiter == '\t' ? "\\t" : ","));
        }
        Map<String, JsonNode> fields = new LinkedHashMap<>();
        for (int i = 0; i < cells.size(); i++) {
          if (!cells.get(i).isEmpty()) {
            fields.put(header.get(i), cell(header.get(i), cells.get(i)));
          }
        }
        add("row " + row, fields);
      }
    }
  }

  /** A cell of several answers or paths is a list, as JSON or Python write it. */
  private static JsonNode cell(String column, String text) {
    if (column.equals("answers") || column.equals("images")) {
      var list = Json.plain().createArrayNode();
      Reference.ofCell(text).answers().forEach(list::add);
      return list;
    }
    return Json.plain().getNodeFactory().textNode(text);
  }

  private void add(String place, Map<String, JsonNode> fields) {
    for (String name : fields.keySet()) {
      if (!KNOWN.contains(name)) {
        misspelt(name)
            .ifPresent(
                known -> {
                  throw wrong(
                      place,
                      "unknown field '%s'; did you mean '%s'? Rename it, or give a field for metrics another name"
                          .formatted(name, known));
                });
      }
    }
    String question = text(place, fields, "question");
    if (question == null) {
      throw wrong(
          place, "has no 'question'; it has %s".formatted(String.join(", ", fields.keySet())));
    }
    List<Medium> media = new ArrayList<>();
    for (String field : MEDIA) {
      for (String path : texts(place, field, fields.get(field))) {
        media.add(new Medium(field, existing(place, field, path)));
      }
    }
    if (media.isEmpty()) {
      throw wrong(
          place, "has no 'image', 'audio' or 'video'; name the file that the question is about");
    }
    Map<String, String> others = new LinkedHashMap<>();
    fields.forEach(
        (name, value) -> {
          if (!KNOWN.contains(name) && !value.isNull()) {
            others.put(name, value.isValueNode() ? value.asText() : value.toString());
          }
        });
    String id = text(place, fields, "id");
    String group = text(place, fields, "group");
    String type = text(place, fields, "type");
    rows.add(
        new Row(
            place,
            id == null ? String.valueOf(rows.size() + 1) : id,
            group == null ? name() : group,
            type == null ? "" : type,
            media,
            question,
            new Reference(answers(place, fields, others.get("bbox")), others)));
  }

  private static Optional<String> misspelt(String name) {
    return Suggestion.closest(name, KNOWN)
        .filter(known -> name.length() > 2 || known.equalsIgnoreCase(name));
  }

  private List<String> answers(String place, Map<String, JsonNode> fields, @Nullable String box) {
    if (fields.containsKey("answer") && fields.containsKey("answers")) {
      throw wrong(place, "has both 'answer' and 'answers'; keep one of them");
    }
    String field = fields.containsKey("answers") ? "answers" : "answer";
    List<String> answers = texts(place, field, fields.get(field));
    if (answers.isEmpty() && box != null) {
      return List.of(box);
    }
    if (answers.isEmpty() || answers.stream().anyMatch(String::isBlank)) {
      throw wrong(
          place,
          "has no answer; give the accepted one as 'answer', or several as a list 'answers'");
    }
    return answers;
  }

  private Path existing(String place, String field, String name) {
    Path folder = file.toAbsolutePath().getParent();
    try {
      Path path = folder == null ? Path.of(name) : folder.resolve(name);
      if (Files.isRegularFile(path)) {
        return path;
      }
    } catch (InvalidPathException e) {
      throw wrong(place, "'%s' is no path: '%s'".formatted(field, shortened(name)));
    }
    throw wrong(
        place,
        "%s '%s' is not there; paths begin at the folder of the list, '%s'"
            .formatted(field, shortened(name), folder));
  }

  private static String shortened(String name) {
    return name.length() <= 80 ? name : name.substring(0, 80) + "…";
  }

  private @Nullable String text(String place, Map<String, JsonNode> fields, String name) {
    JsonNode value = fields.get(name);
    if (value == null || value.isNull() || (value.isTextual() && value.asText().isBlank())) {
      return null;
    }
    if (!value.isValueNode()) {
      throw wrong(place, "'%s' must be a text, is %s".formatted(name, value));
    }
    return value.asText();
  }

  private List<String> texts(String place, String name, @Nullable JsonNode value) {
    List<String> texts = new ArrayList<>();
    if (value == null || value.isNull()) {
      return texts;
    }
    for (JsonNode one : value.isArray() ? value : List.of(value)) {
      if (!one.isValueNode() || one.isNull()) {
        throw wrong(place, "'%s' must be a text or a list of texts, is %s".formatted(name, value));
      }
      texts.add(one.asText());
    }
    return texts;
  }

  private void checkIds() {
    Map<String, String> places = new HashMap<>();
    for (Row row : rows) {
      String before = places.putIfAbsent(row.id, row.place);
      if (before != null) {
        throw wrong(
            row.place,
            "id '%s' is that of %s too; give each question an id of its own"
                .formatted(row.id, before));
      }
    }
  }

  private BenchmarkException wrong(String place, String what) {
    return new BenchmarkException("%s, %s: %s".formatted(file, place, what));
  }

  @Override
  public String name() {
    return String.valueOf(file.getFileName()).replaceFirst("\\.[^.]+$", "");
  }

  @Override
  public long size() {
    return rows.size();
  }

  /** Of the files, which need not be decoded for it. */
  @Override
  public String digest() {
    try {
      StringBuilder all = new StringBuilder(Sha256.of(file));
      for (Row row : rows) {
        for (Medium medium : row.media) {
          all.append(Sha256.of(medium.path));
        }
      }
      return Sha256.of(all.toString());
    } catch (IOException e) {
      throw new UncheckedIOException("%s: cannot be read".formatted(file), e);
    }
  }

  @Override
  public Stream<Question> questions() {
    return rows.stream().map(this::question);
  }

  private Question question(Row row) {
    return new Question(
        row.id,
        row.group,
        row.type,
        row.media.stream().map(medium -> read(row, medium)).toList(),
        row.text,
        row.reference);
  }

  private Media read(Row row, Medium medium) {
    try {
      return switch (medium.field) {
        case "audio" -> AudioFiles.read(medium.path);
        case "video" -> VideoFiles.read(medium.path, FRAMES);
        default -> ImageFiles.read(medium.path);
      };
    } catch (IOException e) {
      throw new BenchmarkException(
          "%s, %s: %s '%s' cannot be read: %s"
              .formatted(file, row.place, medium.field, medium.path, e.getMessage()),
          e);
    }
  }
}
