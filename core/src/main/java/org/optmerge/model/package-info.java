/** Checkpoint to something that answers and can be trained: multimodal large language models. */
@NullMarked
package org.optmerge.model;

import org.jspecify.annotations.NullMarked;
