package org.optmerge.benchmark;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.Sha256;
import org.optmerge.model.media.Image;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Media;

/**
 * Data sets of the Hugging Face hub in Parquet, as lmms-eval uses them.
 *
 * <p>Simple columns that are no question, answer or image become {@link Question#fields}. Where one
 * column is exploded, each element of its lists is an example, numbered as lmms-eval numbers its
 * documents. A box (x, y, width and height in pixels) becomes the answer {@code [x1, y1, x2, y2]}
 * in shares of the image's sides, rounded to {@code float} as the column's type does there.
 */
final class ParquetBenchmark extends FileBenchmark {
  private final List<Path> files;
  private final Map<String, String> columns;
  private final @Nullable String explode;
  private final @Nullable Table table;

  /**
   * Images in files of their own.
   *
   * @param files Parquet
   * @param key the column of the files that an image is found by
   * @param image the column of the files with images
   * @param reference the column of the questions that holds the key
   */
  public record Table(List<Path> files, String key, String image, String reference) {
    public Table {
      files = List.copyOf(files);
    }
  }

  /**
   * A benchmark in files, which are not read yet.
   *
   * @param columns which column has {@code id}, {@code question}, {@code answers}, {@code image},
   *     {@code bbox}, {@code type}
   * @param explode a column of lists whose elements are examples; null: none
   * @param table where images are, if not among the questions; else null
   */
  public ParquetBenchmark(
      String name,
      List<Path> files,
      Map<String, String> columns,
      @Nullable String explode,
      @Nullable Table table) {
    super(name);
    this.files = List.copyOf(files);
    this.columns = Map.copyOf(columns);
    this.explode = explode;
    this.table = table;
  }

  @Override
  long count() throws IOException {
    if (explode == null) {
      return ParquetRows.count(files);
    }
    try (ParquetRows rows = new ParquetRows(files, type -> type.getName().equals(explode))) {
      long count = 0;
      for (Group row = rows.next(); row != null; row = rows.next()) {
        count += ParquetRows.texts(row, explode).size();
      }
      return count;
    }
  }

  @Override
  List<Path> files() {
    List<Path> all = new ArrayList<>(files);
    if (table != null) {
      all.addAll(table.files());
    }
    return all;
  }

  @Override
  Stream<Question> all() {
    return QuestionStream.of(new Examples());
  }

  /** Pictures that lie among the questions are read in the order of the file. */
  @Override
  public Stream<Numbered> numbered() {
    return table == null ? super.numbered() : QuestionStream.of(new ByPicture(table));
  }

  /** Questions without pictures are small: all are held, and read by the pictures they name. */
  private final class ByPicture implements QuestionStream.Source<Numbered> {
    private final Table pictures;
    private final Examples examples = new Examples();
    private final List<Group> rows = new ArrayList<>();
    private final List<Long> numbers = new ArrayList<>();
    private int[] order = {};
    private int at = -1;
    private long number;

    ByPicture(Table pictures) {
      this.pictures = pictures;
    }

    @Override
    public @Nullable Numbered next() throws IOException {
      if (at < 0) {
        begin();
      }
      while (examples.exploded.isEmpty()) {
        if (at == order.length) {
          return null;
        }
        number = numbers.get(order[at]);
        examples.number = number;
        examples.readRow(rows.get(order[at++]));
      }
      return new Numbered(number++, Objects.requireNonNull(examples.exploded.poll()));
    }

    private void begin() throws IOException {
      List<List<String>> keys = new ArrayList<>();
      long next = 0;
      for (Group row = examples.rows.next(); row != null; row = examples.rows.next()) {
        rows.add(row);
        numbers.add(next);
        next += explode == null ? 1 : ParquetRows.texts(row, explode).size();
        keys.add(ParquetRows.texts(row, pictures.reference()));
      }
      order = byPicture(keys);
      at = 0;
    }

    @Override
    public void close() throws IOException {
      examples.close();
    }
  }

  private String column(String what, String usual) {
    return columns.getOrDefault(what, usual);
  }

  private final class Examples implements QuestionStream.Source<Question> {
    private final Set<String> special =
        Set.copyOf(
            List.of(
                column("question", "question"),
                column("answers", "answer"),
                column("image", "image"),
                column("bbox", "bbox")));
    private final ParquetRows rows =
        new ParquetRows(
            files,
            type ->
                type.isPrimitive()
                    || special.contains(type.getName())
                    || type.getName().equals(explode));
    private final Deque<Question> exploded = new ArrayDeque<>();
    private final Map<String, WeakReference<Image>> held = new HashMap<>();
    private @Nullable Spill images;
    private long number;

    @Override
    public @Nullable Question next() throws IOException {
      while (exploded.isEmpty()) {
        Group row = rows.next();
        if (row == null) {
          return null;
        }
        readRow(row);
      }
      return exploded.poll();
    }

    private void readRow(Group row) {
      try {
        read(row);
      } catch (IOException e) {
        throw new BenchmarkException(
            "%s, example %d: %s".formatted(name(), number, e.getMessage()), e);
      }
    }

    private void read(Group row) throws IOException {
      Image image = null;
      String fault = null;
      try {
        image = image(row);
      } catch (IOException e) {
        fault = String.valueOf(e.getMessage());
      }
      Map<String, String> fields = new LinkedHashMap<>();
      for (Type type : row.getType().getFields()) {
        if (type.isPrimitive() && !special.contains(type.getName())) {
          ParquetRows.texts(row, type.getName()).forEach(text -> fields.put(type.getName(), text));
        }
      }
      List<String> answers =
          row.getType().containsField(column("bbox", "bbox"))
              ? fault == null ? List.of(box(row, image)) : List.of()
              : ParquetRows.texts(row, column("answers", "answer"));
      List<String> types = ParquetRows.texts(row, column("type", "question_type"));
      String type = types.isEmpty() ? "" : types.get(0);
      List<String> questions = ParquetRows.texts(row, column("question", "question"));
      if (explode == null && questions.size() != 1) {
        throw new IOException(
            "expected one text in column '%s', got %d"
                .formatted(column("question", "question"), questions.size()));
      }
      List<Media> media = image == null ? List.of() : List.of(image);
      for (String question : questions) {
        List<String> ids = ParquetRows.texts(row, column("id", "question_id"));
        String id = explode != null || ids.isEmpty() ? String.valueOf(number) : ids.get(0);
        number++;
        Question read = new Question(id, name(), type, media, question, answers, fields);
        exploded.add(fault == null ? withWords(read) : read.withFault(fault));
      }
    }

    private @Nullable Image image(Group row) throws IOException {
      if (table == null) {
        byte[] bytes = ParquetRows.bytes(row, column("image", "image")).orElse(null);
        return bytes == null ? null : shared(bytes);
      }
      if (images == null) {
        images = Spill.of(table);
      }
      List<String> key = ParquetRows.texts(row, table.reference());
      if (key.size() != 1) {
        throw new IOException("no image is named in column '%s'".formatted(table.reference()));
      }
      return images.read(key.get(0));
    }

    /** A picture that comes again is the same one, as long as a question that has it is held. */
    private Image shared(byte[] bytes) throws IOException {
      String digest = Sha256.of(bytes);
      WeakReference<Image> before = held.get(digest);
      Image image = before == null ? null : before.get();
      if (image == null) {
        image = ImageFiles.read(bytes);
        held.put(digest, new WeakReference<>(image));
      }
      return image;
    }

    private String box(Group row, @Nullable Image image) throws IOException {
      List<Double> box = ParquetRows.numbers(row, column("bbox", "bbox"));
      if (box.size() != 4 || image == null) {
        throw new IOException("a box is four numbers in an image, not %s".formatted(box));
      }
      return shares(box, image.width(), image.height());
    }

    @Override
    public void close() throws IOException {
      rows.close();
      if (images != null) {
        images.close();
      }
    }
  }

  /** The box of lmms-eval: corners in shares of the sides. */
  static String shares(List<Double> box, int width, int height) {
    double x1 = (float) (box.get(0) / width);
    double y1 = (float) (box.get(1) / height);
    double x2 = (float) ((box.get(0) + box.get(2)) / width);
    double y2 = (float) ((box.get(1) + box.get(3)) / height);
    return "[%s, %s, %s, %s]".formatted(x1, y1, x2, y2);
  }

  /** Images that are asked for in any order: their files on disk, where they begin in memory. */
  private static final class Spill implements AutoCloseable {
    private record Place(long begin, int length) {}

    private final FileChannel channel;
    private final Map<String, Place> places = new HashMap<>();
    private String lastKey = "";
    private @Nullable Image last;

    private Spill(FileChannel channel) {
      this.channel = channel;
    }

    static Spill of(Table table) throws IOException {
      Path file = Files.createTempFile("optmerge-images", ".bin");
      Spill spill =
          new Spill(
              FileChannel.open(
                  file,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE,
                  StandardOpenOption.DELETE_ON_CLOSE));
      try (ParquetRows rows =
          new ParquetRows(
              table.files(), type -> Set.of(table.key(), table.image()).contains(type.getName()))) {
        for (Group row = rows.next(); row != null; row = rows.next()) {
          List<String> key = ParquetRows.texts(row, table.key());
          byte[] bytes = ParquetRows.bytes(row, table.image()).orElse(null);
          if (key.size() == 1 && bytes != null) {
            spill.add(key.get(0), bytes);
          }
        }
        return spill;
      } catch (IOException | RuntimeException e) {
        spill.close();
        throw e;
      }
    }

    private void add(String key, byte[] bytes) throws IOException {
      long begin = channel.size();
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        channel.write(buffer, begin + buffer.position());
      }
      places.put(key, new Place(begin, bytes.length));
    }

    Image read(String key) throws IOException {
      if (last != null && key.equals(lastKey)) {
        return last;
      }
      Place place = places.get(key);
      if (place == null) {
        throw new IOException("image '%s' is not in the table of images".formatted(key));
      }
      ByteBuffer buffer = ByteBuffer.allocate(place.length());
      while (buffer.hasRemaining()
          && channel.read(buffer, place.begin() + buffer.position()) >= 0) {
        // on until it is full
      }
      Image image = ImageFiles.read(buffer.array());
      lastKey = key;
      last = image;
      return image;
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
