/**
 * GGUF, the format of llama.cpp: read as checkpoints in Hugging Face layout, and written from them.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">GGUF, the
 *     specification</a>
 */
@NullMarked
package org.optmerge.checkpoint.gguf;

import org.jspecify.annotations.NullMarked;
