package org.optmerge.evaluation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.DictionaryFile;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;
import org.optmerge.fuzz.Sandbox;

/** What evaluations and studies write for themselves, damaged. */
class OwnFilesFuzzTest {
  private static final String DICTIONARY = "/org/optmerge/fuzz/own.dict";
  private static final Sandbox BOX = Sandbox.open();

  static Stream<byte[]> rows() {
    return Stream.of(
            "{\"a\":{\"label\":\"ties\",\"scaling\":0.3,\"curve\":{\"0.3\":0.5},\"given\":[\"0.3\"],\"grouping\":{\"averaged\":{}},\"right\":{\"VQA\":\"4:f0\"},\"graded\":{\"x\":[0.5,1]},\"heldOut\":{},\"milliseconds\":3.5}}",
            "null",
            "{\"a\":null}")
        .map(text -> text.getBytes(UTF_8));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("rows")
  @FuzzTest
  void rowsOfAStudy(byte[] data) throws Exception {
    Path file = BOX.file("rows.json", data);
    BOX.holds(data, () -> AnswerSheet.read(file));
  }

  static Stream<byte[]> trajectories() {
    return Stream.of(
            "{\"family\":{\"WUDI\":[{\"step\":0,\"loss\":1.5,\"norm\":2},{\"step\":10,\"loss\":1,\"norm\":2}]}}")
        .map(text -> text.getBytes(UTF_8));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("trajectories")
  @FuzzTest
  void trajectory(byte[] data) throws Exception {
    Path file = BOX.file("trajectories.json", data);
    BOX.holds(data, () -> DescentTrajectories.read(file));
  }

  static Stream<byte[]> notes() {
    return Stream.of(
            "{\"models\":\"0123456789abcdef\",\"settings\":\"0\",\"questions\":\"1\",\"named\":{\"precision\":\"float32\"}}")
        .map(text -> text.getBytes(UTF_8));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("notes")
  @FuzzTest
  void noteOfAnEvaluation(byte[] data) throws Exception {
    BOX.file("evaluated/provenance.json", data);
    BOX.holds(
        data, () -> new EvaluationFolder(BOX.folder().resolve("evaluated")).noted("precision"));
  }

  static Stream<byte[]> ownLines() {
    return Stream.of(
            "{\"id\":\"1\",\"prediction\":\"a\",\"answers\":[\"a\",\"b\"],\"task\":\"VQA\",\"score\":0.5,\"x\":{\"y\":1}}\n{\"id\":\"2\",\"prediction\":\"\",\"answer\":\"b\"}\n")
        .map(text -> text.getBytes(UTF_8));
  }

  @DictionaryFile(resourcePath = DICTIONARY)
  @MethodSource("ownLines")
  @FuzzTest
  void answers(byte[] data) throws Exception {
    Path file = BOX.file("answers.jsonl", data);
    BOX.holds(data, () -> Predictions.read(file));
  }
}
