/** Python's literals, numbers and texts, and tables as pandas reads them. */
@NullMarked
package org.optmerge.python;

import org.jspecify.annotations.NullMarked;
