/** A recipe and checkpoints to a merged checkpoint: plan, execution, provenance. */
@NullMarked
package org.optmerge.merge;

import org.jspecify.annotations.NullMarked;
