/** Merging multimodal large language models: checkpoints, task vectors, methods, evaluation. */
@NullMarked
package org.optmerge;

import org.jspecify.annotations.NullMarked;
