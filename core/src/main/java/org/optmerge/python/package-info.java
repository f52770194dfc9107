/** Python's literals, numbers and texts, and tables as pandas reads them. */
@API(status = API.Status.INTERNAL)
@NullMarked
package org.optmerge.python;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
