/** Statistics, spectra and summaries of checkpoints and task vectors. */
@NullMarked
package org.optmerge.analysis;

import org.jspecify.annotations.NullMarked;
