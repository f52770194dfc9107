package org.optmerge.evaluation.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.dhatim.fastexcel.Workbook;
import org.dhatim.fastexcel.Worksheet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.evaluation.Bootstrap;
import org.optmerge.evaluation.Evaluation;
import org.optmerge.evaluation.Protocol;
import org.optmerge.fuzz.Sandbox;
import org.optmerge.metric.ScoringProfile;

/**
 * Prediction files of every kit with any bytes in them, read and scored. An input's first byte
 * chooses data set and profile; what comes after the last {@value #APART} is the file of
 * references.
 */
class PredictionsFuzzTest {
  private static final String APART = "\n%%%\n";
  private static final String DICTIONARY = "/org/optmerge/fuzz/predictions.dict";
  private static final Sandbox BOX = Sandbox.open();
  private static final Bootstrap FEW = new Bootstrap(2, 0.95, 0);

  private static void score(byte[] data, String name) throws Exception {
    int choice = data.length == 0 ? 0 : data[0] & 0xff;
    Protocol[] protocols = Protocol.values();
    Protocol protocol = protocols[choice % protocols.length];
    ScoringProfile[] profiles = ScoringProfile.values();
    ScoringProfile profile = profiles[choice / protocols.length % profiles.length];
    byte[] content = data.length == 0 ? data : Arrays.copyOfRange(data, 1, data.length);
    int apart = lastIndex(content, APART.getBytes(UTF_8));
    Path file = BOX.file(name, apart < 0 ? content : Arrays.copyOf(content, apart));
    @Nullable Path answers =
        apart < 0
            ? null
            : BOX.file(
                "answers.json",
                Arrays.copyOfRange(content, apart + APART.length(), content.length));
    BOX.holds(
        data,
        () ->
            Evaluation.of(
                    PredictionFiles.read(file, protocol, profile, answers), protocol, profile, FEW)
                .official());
  }

  private static int lastIndex(byte[] bytes, byte[] part) {
    for (int at = bytes.length - part.length; at >= 0; at--) {
      if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    return -1;
  }

  private static byte[] seed(Protocol protocol, byte[] content, String answers) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(protocol.ordinal());
    out.writeBytes(content);
    if (!answers.isEmpty()) {
      out.writeBytes((APART + answers).getBytes(UTF_8));
    }
    return out.toByteArray();
  }

  /** One line of every kit and version, for every data set. */
  private static Stream<byte[]> kits(String ending) {
    return KitFilesTest.samples()
        .map(Arguments::get)
        .filter(it -> it[1].toString().endsWith(ending))
        .map(
            it ->
                seed(
                    Protocol.named(it[0].toString()),
                    it[2].toString().getBytes(UTF_8),
                    it[3].toString()));
  }

  static Stream<byte[]> lines() {
    return kits(".jsonl");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("lines")
  @FuzzTest
  void jsonl(byte[] data) throws Exception {
    score(data, "predictions.jsonl");
  }

  static Stream<byte[]> arrays() {
    return kits(".json");
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("arrays")
  @FuzzTest
  void json(byte[] data) throws Exception {
    score(data, "predictions.json");
  }

  private static Stream<List<List<String>>> grids() {
    return Stream.of(
        List.of(
            List.of("index", "question", "answer", "prediction", "split"),
            List.of("0", "what?", "['a', 'b']", "A.", "val"),
            List.of("1", "who?", "1.5", "about \"2\"", "test")),
        List.of(
            List.of("index", "A", "B", "C", "D", "answer", "prediction", "category", "hit", "log"),
            List.of("7", "cat", "dog", "nan", "", "B", "The answer is B", "x", "1", "ok")),
        List.of(
            List.of(
                "index",
                "question_type",
                "answer_type",
                "choices",
                "answer",
                "answer_option",
                "prediction",
                "res",
                "log",
                "task",
                "skills"),
            List.of(
                "1",
                "multi_choice",
                "text",
                "['x', 'y']",
                "x",
                "A",
                "(A)",
                "A",
                "Prefetch succeed",
                "t",
                "['algebraic reasoning']")),
        List.of(
            List.of("index", "bbox", "answer", "prediction", "width", "height"),
            List.of("1", "[0.1, 0.1, 0.5, 0.5]", "cup", "[[100, 100, 500, 500]]", "9", "9")));
  }

  private static Stream<byte[]> tables(String delimiter) {
    List<Protocol> protocols =
        List.of(Protocol.TEXTVQA, Protocol.AI2D, Protocol.MATHVISTA, Protocol.REFCOCO);
    List<byte[]> seeds = new java.util.ArrayList<>();
    List<List<List<String>>> grids = grids().toList();
    for (int i = 0; i < grids.size(); i++) {
      StringBuilder text = new StringBuilder();
      for (List<String> row : grids.get(i)) {
        text.append(
                String.join(
                    delimiter,
                    row.stream().map(cell -> '"' + cell.replace("\"", "\"\"") + '"').toList()))
            .append('\n');
      }
      seeds.add(seed(protocols.get(i), text.toString().getBytes(UTF_8), ""));
    }
    return seeds.stream();
  }

  static Stream<byte[]> tabs() {
    return Stream.concat(tables("\t"), kits(".tsv"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("tabs")
  @FuzzTest
  void tsv(byte[] data) throws Exception {
    score(data, "predictions.tsv");
  }

  static Stream<byte[]> commas() {
    return Stream.concat(tables(","), kits(".csv"));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("commas")
  @FuzzTest
  void csv(byte[] data) throws Exception {
    score(data, "predictions.csv");
  }

  static Stream<byte[]> workbooks() {
    return grids()
        .map(
            grid -> {
              ByteArrayOutputStream out = new ByteArrayOutputStream();
              try (Workbook workbook = new Workbook(out, "test", "1.0")) {
                Worksheet sheet = workbook.newWorksheet("Sheet1");
                for (int r = 0; r < grid.size(); r++) {
                  for (int c = 0; c < grid.get(r).size(); c++) {
                    sheet.value(r, c, grid.get(r).get(c));
                  }
                }
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
              return seed(Protocol.TEXTVQA, out.toByteArray(), "");
            });
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("workbooks")
  @FuzzTest
  void xlsx(byte[] data) throws Exception {
    score(data, "predictions.xlsx");
  }

  static Stream<byte[]> sheets() {
    String rows =
        "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>index</t></is></c><c r=\"B1\""
            + " t=\"s\"><v>0</v></c><c r=\"C1\" t=\"str\"><f>1+1</f><v>answer</v></c></row>"
            + "<row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"B2\" t=\"b\"><v>1</v></c>"
            + "<c r=\"C2\" t=\"e\"><v>#N/A</v></c></row>";
    return Stream.of(
        seed(
            Protocol.TEXTVQA,
            ("<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>"
                    + rows
                    + "</sheetData></worksheet>")
                .getBytes(UTF_8),
            ""));
  }

  /** The sheet inside a workbook, so that mutations reach what is packed. */
  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("sheets")
  @FuzzTest
  void xlsxSheet(byte[] data) throws Exception {
    byte choice = data.length == 0 ? 0 : data[0];
    byte[] sheet = data.length == 0 ? data : Arrays.copyOfRange(data, 1, data.length);
    byte[] workbook = TinyWorkbook.of(sheet);
    byte[] all = new byte[workbook.length + 1];
    all[0] = choice;
    System.arraycopy(workbook, 0, all, 1, workbook.length);
    score(all, "predictions.xlsx");
  }
}
