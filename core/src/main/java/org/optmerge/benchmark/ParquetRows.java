package org.optmerge.benchmark;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;
import org.optmerge.base.DecoderErrors;

/**
 * Reads Parquet files row by row, through Apache's own library without Hadoop. In memory is one
 * group of rows, packed: for the hub's data sets with images that is a hundred rows.
 */
final class ParquetRows implements QuestionStream.Source<Group> {
  private final List<Path> files;
  private final Predicate<Type> columns;
  private int next;
  private @Nullable Path current;
  private @Nullable ParquetFileReader reader;
  private @Nullable MessageType schema;
  private @Nullable MessageColumnIO assembly;
  private @Nullable RecordReader<Group> records;
  private long left;

  /**
   * Rows of files, in their order.
   *
   * @param columns which top-level columns are read
   */
  ParquetRows(List<Path> files, Predicate<Type> columns) {
    this.files = files;
    this.columns = columns;
  }

  /** The number of rows of files, as they say at their end. */
  static long count(List<Path> files) throws IOException {
    long count = 0;
    for (Path file : files) {
      try (ParquetFileReader reader = open(file)) {
        count += reader.getRecordCount();
      }
    }
    return count;
  }

  private static ParquetFileReader open(Path file) throws IOException {
    try {
      return ParquetFileReader.open(
          new LocalInputFile(file),
          ParquetReadOptions.builder(new PlainParquetConfiguration()).build());
    } catch (IOException | RuntimeException e) {
      throw damaged(file, e);
    }
  }

  private static IOException damaged(@Nullable Path file, Exception e) {
    if (e instanceof FileSystemException failure) {
      return failure;
    }
    return new IOException(
        "'%s' is no Parquet file that can be read: %s".formatted(file, DecoderErrors.words(e)), e);
  }

  @Override
  public @Nullable Group next() throws IOException {
    try {
      while (left == 0) {
        if (!nextGroup()) {
          return null;
        }
      }
      left--;
      return records == null ? null : records.read();
    } catch (IOException | RuntimeException e) {
      throw damaged(current, e);
    } catch (LinkageError e) {
      // Only gzip is left to Hadoop, which is not here; the hub's library writes snappy.
      throw new IOException(
          "'%s' is compressed in a way that takes Hadoop; write it again with snappy or zstd"
              .formatted(current),
          e);
    }
  }

  /** Goes to the next group of rows, in the next file if need be. */
  private boolean nextGroup() throws IOException {
    while (true) {
      if (reader == null) {
        if (next == files.size()) {
          return false;
        }
        current = files.get(next++);
        reader = open(current);
        MessageType all = reader.getFileMetaData().getSchema();
        List<Type> wanted = all.getFields().stream().filter(columns).toList();
        schema = new MessageType(all.getName(), wanted);
        reader.setRequestedSchema(schema);
        assembly = new ColumnIOFactory().getColumnIO(schema);
      }
      PageReadStore pages = reader.readNextRowGroup();
      if (pages != null && assembly != null && schema != null) {
        left = pages.getRowCount();
        records = assembly.getRecordReader(pages, new GroupRecordConverter(schema));
        return true;
      }
      reader.close();
      reader = null;
    }
  }

  @Override
  public void close() throws IOException {
    if (reader != null) {
      reader.close();
      reader = null;
    }
  }

  /** The texts of a column: one, those of a list, or none. */
  static List<String> texts(Group row, String column) {
    List<String> texts = new ArrayList<>();
    if (row.getType().containsField(column)) {
      collect(row, row.getType().getFieldIndex(column), texts);
    }
    return texts;
  }

  /** Lists are groups in groups, by two conventions; what counts is at the bottom. */
  private static void collect(Group group, int field, List<String> into) {
    for (int i = 0; i < group.getFieldRepetitionCount(field); i++) {
      if (group.getType().getType(field).isPrimitive()) {
        into.add(text(group, field, i));
      } else {
        Group inner = group.getGroup(field, i);
        for (int j = 0; j < inner.getType().getFieldCount(); j++) {
          collect(inner, j, into);
        }
      }
    }
  }

  private static String text(Group group, int field, int index) {
    PrimitiveTypeName type =
        group.getType().getType(field).asPrimitiveType().getPrimitiveTypeName();
    return switch (type) {
      case FLOAT -> Float.toString(group.getFloat(field, index));
      case DOUBLE -> Double.toString(group.getDouble(field, index));
      case INT32 -> Integer.toString(group.getInteger(field, index));
      case INT64 -> Long.toString(group.getLong(field, index));
      case INT96 -> group.getInt96(field, index).toString();
      case BOOLEAN -> Boolean.toString(group.getBoolean(field, index));
      default -> group.getBinary(field, index).toStringUsingUTF8();
    };
  }

  /** The numbers of a column, to the bit. */
  static List<Double> numbers(Group row, String column) {
    List<Double> numbers = new ArrayList<>();
    for (String text : texts(row, column)) {
      try {
        numbers.add(
            isFloat(row.getType().getType(column))
                ? Float.parseFloat(text)
                : Double.parseDouble(text));
      } catch (NumberFormatException e) {
        throw new BenchmarkException(
            "column '%s' holds '%s', expected a number".formatted(column, text), e);
      }
    }
    return numbers;
  }

  private static boolean isFloat(Type type) {
    return type.isPrimitive()
        ? type.asPrimitiveType().getPrimitiveTypeName() == PrimitiveTypeName.FLOAT
        : isFloat(type.asGroupType().getType(0));
  }

  /** The bytes of an image: a column of bytes, or the hub's pair of bytes and path. */
  static Optional<byte[]> bytes(Group row, String column) {
    if (!row.getType().containsField(column)) {
      return Optional.empty();
    }
    int field = row.getType().getFieldIndex(column);
    if (row.getFieldRepetitionCount(field) == 0) {
      return Optional.empty();
    }
    if (row.getType().getType(field).isPrimitive()) {
      return Optional.of(binary(row, field));
    }
    Group image = row.getGroup(field, 0);
    return image.getType().containsField("bytes") && image.getFieldRepetitionCount("bytes") > 0
        ? Optional.of(binary(image, image.getType().getFieldIndex("bytes")))
        : Optional.empty();
  }

  private static byte[] binary(Group group, int field) {
    Type type = group.getType().getType(field);
    if (!type.isPrimitive() || !isBinary(type.asPrimitiveType().getPrimitiveTypeName())) {
      throw new BenchmarkException(
          "column '%s' holds %s, expected the bytes of a picture".formatted(type.getName(), type));
    }
    return group.getBinary(field, 0).getBytes();
  }

  private static boolean isBinary(PrimitiveTypeName type) {
    return type == PrimitiveTypeName.BINARY || type == PrimitiveTypeName.FIXED_LEN_BYTE_ARRAY;
  }
}
