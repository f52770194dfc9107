/** The miniature benchmark: pictures of 48 × 48 pixels and questions, drawn from a seed. */
@NullMarked
package org.optmerge.benchmark.mini;

import org.jspecify.annotations.NullMarked;
