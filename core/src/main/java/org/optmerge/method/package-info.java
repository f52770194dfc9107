/** Task vectors to one merged task vector; one paper, one record, one file. */
@NullMarked
package org.optmerge.method;

import org.jspecify.annotations.NullMarked;
