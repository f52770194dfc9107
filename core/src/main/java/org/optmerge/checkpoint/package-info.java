/** Files to tensors: safetensors, shards, adapters, element types. */
@NullMarked
package org.optmerge.checkpoint;

import org.jspecify.annotations.NullMarked;
