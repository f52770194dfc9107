package org.optmerge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.optmerge.TestCheckpoints;
import org.optmerge.checkpoint.Checkpoint;
import org.optmerge.checkpoint.DType;
import org.optmerge.checkpoint.gguf.TinyGguf;

/** GGUF models on the command line, numbers worked out by hand. */
class GgufCommandsTest {
  private static final String Q = "model.layers.0.self_attn.q_proj.weight";
  private static final int HEADS = 2;

  @TempDir Path dir;

  private final Random random = new Random(9);
  private float[] baseQ = {};
  private float[] tunedQ = {};
  private float[] baseUp = {};
  private double[] tunedUp = {};

  /** Base and expert beside each other: queries in float32, one projection packed as Q8_0. */
  @BeforeEach
  void write() throws IOException {
    baseQ = floats(32 * 32);
    tunedQ = floats(32 * 32);
    baseUp = floats(6 * 32);
    tunedUp = new double[6 * 32];
    model()
        .f32("blk.0.attn_q.weight", List.of(32, 32), baseQ)
        .f32("blk.0.ffn_up.weight", List.of(6, 32), baseUp)
        .write(dir.resolve("base.gguf"));
    model()
        .f32("blk.0.attn_q.weight", List.of(32, 32), tunedQ)
        .tensor("blk.0.ffn_up.weight", 8, List.of(6, 32), eightBits())
        .write(dir.resolve("tuned.gguf"));
  }

  private static TinyGguf model() {
    return new TinyGguf()
        .text("general.architecture", "llama")
        .u32("llama.embedding_length", 32)
        .u32("llama.feed_forward_length", 6)
        .u32("llama.block_count", 1)
        .u32("llama.attention.head_count", HEADS);
  }

  private float[] floats(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Six rows of one block each: a scale of a quarter, 32 signed bytes. */
  private byte[] eightBits() {
    ByteBuffer bytes = ByteBuffer.allocate(6 * 34).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 6 * 32; i++) {
      if (i % 32 == 0) {
        bytes.putShort((short) 0x3400);
      }
      int code = random.nextInt(255) - 127;
      tunedUp[i] = 0.25 * code;
      bytes.put((byte) code);
    }
    return bytes.array();
  }

  /** The row of llama.cpp's order that is a row of Hugging Face's. */
  private static int paired(int row) {
    int head = 32 / HEADS;
    int inHead = row % head;
    return row - inHead + 2 * (inHead % (head / 2)) + inHead / (head / 2);
  }

  private Path recipe(String text) throws IOException {
    return Files.writeString(dir.resolve("recipe.yaml"), text);
  }

  private static final String ADD =
      """
      merge_method: task_arithmetic
      base_model: %s
      models:
      - {model: %s, parameters: {weight: 0.5}}
      """;

  @Test
  void two_gguf_files_merge_into_a_model_in_hugging_faces_layout() throws IOException {
    Path out = dir.resolve("out");

    CommandRun run =
        CommandRun.of("merge", recipe(ADD.formatted("base.gguf", "tuned.gguf")), "--out", out);

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).contains("read as float32 (1 Q8_0)").contains("tokenizer");
    try (Checkpoint merged = Checkpoint.open(out)) {
      assertHalfWay(merged, 1e-6);
    }
    JsonNode config = new ObjectMapper().readTree(out.resolve("config.json").toFile());
    assertThat(config.path("architectures").path(0).asText()).isEqualTo("LlamaForCausalLM");
    JsonNode record = new ObjectMapper().readTree(out.resolve("optmerge.json").toFile());
    assertThat(record.toString()).contains("read as float32 (1 Q8_0)");
    assertThat(CommandRun.of("verify", out).code()).isZero();
  }

  private void assertHalfWay(Checkpoint merged, double tolerance) {
    float[] q = TestCheckpoints.values(merged, Q);
    float[] up = TestCheckpoints.values(merged, "model.layers.0.mlp.up_proj.weight");
    for (int row = 0; row < 32; row++) {
      for (int column = 0; column < 32; column++) {
        int at = paired(row) * 32 + column;
        double expected = baseQ[at] + 0.5 * ((double) tunedQ[at] - baseQ[at]);
        assertThat((double) q[row * 32 + column]).isCloseTo(expected, within(tolerance));
      }
    }
    for (int i = 0; i < up.length; i++) {
      double expected = baseUp[i] + 0.5 * (tunedUp[i] - baseUp[i]);
      assertThat((double) up[i]).isCloseTo(expected, within(tolerance * 32));
    }
  }

  @Test
  void a_gguf_expert_merges_into_a_base_in_safetensors() throws IOException {
    TestCheckpoints base = TestCheckpoints.folder(dir.resolve("base"));
    float[] unpaired = new float[32 * 32];
    for (int row = 0; row < 32; row++) {
      System.arraycopy(baseQ, paired(row) * 32, unpaired, row * 32, 32);
    }
    base.tensor(Q, DType.F32, List.of(32L, 32L), unpaired)
        .tensor("model.layers.0.mlp.up_proj.weight", DType.F32, List.of(6L, 32L), baseUp)
        .config("{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"]}")
        .write();
    Path out = dir.resolve("out");

    CommandRun run =
        CommandRun.of("merge", recipe(ADD.formatted("base", "tuned.gguf")), "--out", out);

    assertThat(run.code()).as(run.err()).isZero();
    try (Checkpoint merged = Checkpoint.open(out)) {
      assertHalfWay(merged, 1e-6);
    }
  }

  @Test
  void what_is_only_copied_is_copied_exactly() throws IOException {
    Path out = dir.resolve("out");
    CommandRun run =
        CommandRun.of(
            "merge",
            recipe("merge_method: passthrough\nmodels:\n- model: tuned.gguf\n"),
            "--out",
            out);

    assertThat(run.code()).as(run.err()).isZero();
    try (Checkpoint merged = Checkpoint.open(out)) {
      float[] q = TestCheckpoints.values(merged, Q);
      for (int i = 0; i < q.length; i++) {
        assertThat(q[i]).isEqualTo(tunedQ[paired(i / 32) * 32 + i % 32]);
      }
      float[] up = TestCheckpoints.values(merged, "model.layers.0.mlp.up_proj.weight");
      for (int i = 0; i < up.length; i++) {
        assertThat((double) up[i]).isEqualTo(tunedUp[i]);
      }
    }
  }

  @Test
  void inspect_shows_a_gguf_file() {
    CommandRun run = CommandRun.of("inspect", dir.resolve("tuned.gguf"));

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("llama (LlamaForCausalLM)")
        .contains("tuned.gguf")
        .contains("read as float32 (1 Q8_0)")
        .contains(Q);
  }

  @Test
  void diff_compares_gguf_files() {
    CommandRun run = CommandRun.of("diff", dir.resolve("base.gguf"), dir.resolve("tuned.gguf"));

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("q_proj");
  }

  @Test
  void export_gguf_writes_what_inspect_reads() throws IOException {
    Path model =
        model()
            .u32("llama.context_length", 64)
            .f32("token_embd.weight", List.of(3, 32), floats(96))
            .f32("blk.0.attn_q.weight", List.of(32, 32), baseQ)
            .write(dir.resolve("whole.gguf"));
    Path out = dir.resolve("small.gguf");

    CommandRun run =
        CommandRun.of("export-gguf", model, "--out", out, "--type", "q8_0", "--no-tokenizer");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("small.gguf: 2 tensors as Q8_0");
    assertThat(CommandRun.of("inspect", out).out()).contains("read as float32 (2 Q8_0)");
    assertThat(CommandRun.of("export-gguf", model, "--out", out).code()).isEqualTo(1);
    CommandRun noTokenizer = CommandRun.of("export-gguf", model, "--out", dir.resolve("b.gguf"));
    assertThat(noTokenizer.code()).isEqualTo(1);
    assertThat(noTokenizer.err()).contains("--no-tokenizer");
    assertThat(CommandRun.of("export-gguf", model, "--out", "x.bin").code()).isEqualTo(2);
    CommandRun wrong = CommandRun.of("export-gguf", model, "--out", out, "--type", "q4");
    assertThat(wrong.code()).isEqualTo(2);
    assertThat(wrong.err()).contains("f32, f16, bf16, q8_0");
  }
}
