"""Writes types.gguf, values.bin and q8_0.bin with the `gguf` package 0.19.0 of PyPI: packed blocks of random
bits, the float32 values it reads them as, and numbers it has packed as Q8_0. Run: python3 generate.py"""

import numpy as np
import gguf
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

rng = np.random.default_rng(20261130)
HALVES = {  # where in a block its float16 scales are
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0],
}
writer = gguf.GGUFWriter("types.gguf", "llama")
for key, size in dict(embedding_length=512, feed_forward_length=2, block_count=1, head_count=1).items():
    getattr(writer, "add_" + key)(size)
values = []
for kind, halves in HALVES.items():
    elements, width = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (2, 512 // elements, width), dtype=np.uint8)
    for at in halves:
        scales = rng.normal(0, 0.1, blocks.shape[:2]).astype(np.float16)
        blocks[..., at : at + 2] = scales[..., None].view(np.uint8)
    blocks = blocks.reshape(2, -1)
    writer.add_tensor(kind.name, blocks, raw_dtype=kind)
    values.append(dequantize(blocks, kind).astype("<f4"))
brain = rng.normal(0, 1, (2, 512)).astype(np.float32)
writer.add_tensor("BF16", quantize(brain, T.BF16), raw_dtype=T.BF16)
values.append(dequantize(quantize(brain, T.BF16), T.BF16).astype("<f4"))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
np.concatenate([v.ravel() for v in values]).tofile("values.bin")

plain = rng.normal(0, 1, (16, 64)).astype("<f4")
plain[3, :32] = 0
plain[5, 0] = 1e-7
open("q8_0.bin", "wb").write(plain.tobytes() + quantize(plain, T.Q8_0).tobytes())
