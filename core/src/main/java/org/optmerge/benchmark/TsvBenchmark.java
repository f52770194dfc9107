package org.optmerge.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Media;
import org.optmerge.python.DelimitedFile;
import org.optmerge.python.PandasColumn;
import org.optmerge.python.PythonLiteral;

/**
 * A table of VLMEvalKit: one row a question, images in base64 or by the index of the row that has
 * them. Only a few bytes for each row stay in memory, whatever the size of the file.
 *
 * <p>Rows without an image are left out, as the kit does. All cells but those of images, question
 * and answer become {@link Question#fields}; an answer that is a list becomes several answers, and
 * its text the field {@code answer}.
 */
final class TsvBenchmark implements Benchmark {
  /** A cell that is no longer than this is not an image but another row's index. */
  private static final int LONGEST_REFERENCE = 64;

  private static final Set<String> NOT_FIELDS = Set.of("index", "image", "image_path", "question");

  private final String name;
  private final Path file;
  private final Map<String, String> columns;
  private @Nullable Index index; // guarded by this

  /**
   * A benchmark in a file, which is not read yet.
   *
   * @param name of the benchmark
   * @param columns which column has {@code answers} (else {@code answer}) and {@code type} (else
   *     {@code category}, else {@code split})
   */
  public TsvBenchmark(String name, Path file, Map<String, String> columns) {
    this.name = name;
    this.file = file;
    this.columns = Map.copyOf(columns);
  }

  /**
   * Places of rows: those that are questions, and those that others refer to.
   *
   * @param pictures for each question the number of the first that has the same picture
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Index(
      List<String> header, long[] rows, Map<String, Long> places, int[] pictures) {}

  @Override
  public String name() {
    return name;
  }

  @Override
  public long size() {
    return index().rows().length;
  }

  @Override
  public Stream<Question> questions() {
    return rows(IntStream.range(0, index().rows.length).toArray())
        .map(
            numbered -> {
              Question question = numbered.question();
              question
                  .fault()
                  .ifPresent(
                      fault -> {
                        throw new BenchmarkException(
                            "'%s', index %s: %s".formatted(file, question.id(), fault));
                      });
              return question;
            });
  }

  @Override
  public Stream<Numbered> numbered() {
    int[] pictures = index().pictures;
    return rows(
        IntStream.range(0, pictures.length)
            .boxed()
            .sorted(Comparator.comparingInt(row -> pictures[row]))
            .mapToInt(row -> row)
            .toArray());
  }

  private Stream<Numbered> rows(int[] order) {
    try {
      return QuestionStream.of(new Rows(index(), order));
    } catch (IOException e) {
      throw new BenchmarkException("'%s': %s".formatted(file, e.getMessage()), e);
    }
  }

  @Override
  public List<String> columns() {
    return index().header;
  }

  /** Of the file. */
  @Override
  public String digest() {
    return FileBenchmark.digest(name, List.of(file));
  }

  private synchronized Index index() {
    if (index == null) {
      try (DelimitedFile table = new DelimitedFile(file, '\t')) {
        index = scan(table);
      } catch (IOException e) {
        throw new BenchmarkException("'%s': %s".formatted(file, e.getMessage()), e);
      }
    }
    return index;
  }

  private Index scan(DelimitedFile table) throws IOException {
    if (!table.next()) {
      throw new BenchmarkException("'%s' is empty".formatted(file));
    }
    List<String> header = table.texts();
    int id = column(header, "index");
    column(header, "question");
    int image = header.indexOf("image");
    if (image < 0) {
      image = column(header, "image_path");
    }
    LongStream.Builder rows = LongStream.builder();
    IntStream.Builder pictures = IntStream.builder();
    Map<String, Long> places = new HashMap<>();
    Map<String, Integer> first = new HashMap<>();
    int questions = 0;
    for (long begin = table.position(), row = 1; table.next(); begin = table.position(), row++) {
      if (table.count() != header.size()) {
        throw new BenchmarkException(
            "'%s', row %d: %d cells, the header has %d"
                .formatted(file, row, table.count(), header.size()));
      }
      boolean reference = table.length(image) <= LONGEST_REFERENCE;
      if (reference && PandasColumn.DEFAULT.isMissing(table.text(image))) {
        continue;
      }
      if (places.put(table.text(id), begin) != null) {
        throw new BenchmarkException(
            "'%s', row %d: index '%s' is there twice".formatted(file, row, table.text(id)));
      }
      rows.add(begin);
      String picture = reference && table.length(image) > 0 ? table.text(image) : table.text(id);
      Integer before = first.putIfAbsent(picture, questions);
      pictures.add(before == null ? questions : before);
      questions++;
    }
    return new Index(
        List.copyOf(header), rows.build().toArray(), places, pictures.build().toArray());
  }

  private int column(List<String> header, String wanted) {
    int column = header.indexOf(wanted);
    if (column < 0) {
      throw new BenchmarkException(
          "'%s' has no column '%s'; it has %s".formatted(file, wanted, header));
    }
    return column;
  }

  /** Reads questions one after the other, and images where they are. */
  private final class Rows implements QuestionStream.Source<Numbered> {
    private final Index known;
    private final int[] order;
    private final DelimitedFile table = new DelimitedFile(file, '\t');
    private final DelimitedFile elsewhere = new DelimitedFile(file, '\t');
    private int at;

    /** Questions about one image often follow each other. */
    private String lastReference = "";

    private List<Media> lastImages = List.of();

    Rows(Index known, int[] order) throws IOException {
      this.known = known;
      this.order = order;
    }

    @Override
    public @Nullable Numbered next() throws IOException {
      if (at == order.length) {
        return null;
      }
      int number = order[at++];
      table.seek(known.rows()[number]);
      if (!table.next() || table.count() != known.header().size()) {
        throw new BenchmarkException("'%s' was changed while it was read".formatted(file));
      }
      Map<String, Integer> place = new LinkedHashMap<>();
      for (int cell = 0; cell < known.header().size(); cell++) {
        place.put(known.header().get(cell), cell);
      }
      String id = cell(place, "index").orElse("");
      try {
        return new Numbered(number, example(place, id));
      } catch (IOException | IllegalArgumentException e) {
        throw new BenchmarkException("'%s', index %s: %s".formatted(file, id, e.getMessage()), e);
      }
    }

    private Question example(Map<String, Integer> place, String id) throws IOException {
      String answerColumn = columns.getOrDefault("answers", "answer");
      Optional<String> answer = cell(place, answerColumn);
      List<String> answers = answer.map(PythonLiteral::texts).orElse(List.of());
      Map<String, String> fields = new LinkedHashMap<>();
      for (Map.Entry<String, Integer> cell : place.entrySet()) {
        String column = cell.getKey();
        if (!NOT_FIELDS.contains(column) && !column.equals(answerColumn)) {
          String text = table.text(cell.getValue());
          if (!PandasColumn.DEFAULT.isMissing(text)) {
            fields.put(column, text);
          }
        }
      }
      if (answer.isPresent() && !answers.equals(List.of(answer.get()))) {
        fields.put("answer", answer.get());
      }
      String type =
          columns.containsKey("type")
              ? fields.getOrDefault(columns.get("type"), "")
              : fields.getOrDefault("category", fields.getOrDefault("split", ""));
      Question question =
          new Question(
              id, name, type, List.of(), cell(place, "question").orElse(""), answers, fields);
      try {
        return FileBenchmark.withWords(
            new Question(id, name, type, images(place), question.text(), question.reference()));
      } catch (IOException | IllegalArgumentException e) {
        return question.withFault(String.valueOf(e.getMessage()));
      }
    }

    /** A cell's text; empty if it is. What pandas calls missing is a word here. */
    private Optional<String> cell(Map<String, Integer> place, String column) throws IOException {
      Integer cell = place.get(column);
      return cell == null || table.length(cell) == 0
          ? Optional.empty()
          : Optional.of(table.text(cell));
    }

    private List<Media> images(Map<String, Integer> place) throws IOException {
      Integer column = place.get("image");
      if (column == null) {
        List<Media> images = new ArrayList<>();
        for (String path : PythonLiteral.texts(cell(place, "image_path").orElse(""))) {
          images.add(ImageFiles.read(beside(path)));
        }
        return images;
      }
      String content = table.text(column);
      String own = cell(place, "index").orElse("");
      String reference = content.length() > LONGEST_REFERENCE ? own : content;
      if (reference.equals(lastReference)) {
        return lastImages;
      }
      if (content.length() <= LONGEST_REFERENCE) {
        content = referred(reference, column);
      }
      List<Media> images = new ArrayList<>();
      for (String base64 : PythonLiteral.texts(content)) {
        images.add(ImageFiles.read(decode(base64)));
      }
      lastReference = reference;
      lastImages = List.copyOf(images);
      return lastImages;
    }

    private String referred(String reference, int column) throws IOException {
      Long row = known.places().get(reference);
      if (row == null) {
        throw new IOException(
            "its image is that of index '%s', which is not there".formatted(reference));
      }
      elsewhere.seek(row);
      if (!elsewhere.next() || elsewhere.length(column) <= LONGEST_REFERENCE) {
        throw new IOException(
            "its image is that of index '%s', which has none itself".formatted(reference));
      }
      return elsewhere.text(column);
    }

    @Override
    public void close() {
      table.close();
      elsewhere.close();
    }
  }

  private Path beside(String path) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    for (String place : List.of("", "images/" + name, "images")) {
      Path candidate = folder == null ? Path.of(path) : folder.resolve(place).resolve(path);
      if (Files.isRegularFile(candidate)) {
        return candidate;
      }
    }
    throw new IOException("image '%s' is neither beside the table nor in images/".formatted(path));
  }

  private static byte[] decode(String base64) {
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      return Base64.getMimeDecoder().decode(base64); // with line ends in it
    }
  }
}
