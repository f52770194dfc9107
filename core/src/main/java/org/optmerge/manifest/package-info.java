/** Descriptions of published checkpoints and data sets, and their verified local copies. */
@NullMarked
package org.optmerge.manifest;

import org.jspecify.annotations.NullMarked;
