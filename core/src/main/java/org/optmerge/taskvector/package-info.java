/** Tensors to task vectors: τ_t = θ_t − θ_0, dense, factored or streamed. */
@NullMarked
package org.optmerge.taskvector;

import org.jspecify.annotations.NullMarked;
