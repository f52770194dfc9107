/** Results to tables and figures. */
@NullMarked
package org.optmerge.report;

import org.jspecify.annotations.NullMarked;
