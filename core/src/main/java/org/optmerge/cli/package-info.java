/** The command line: parsing, progress and printing. */
@NullMarked
package org.optmerge.cli;

import org.jspecify.annotations.NullMarked;
