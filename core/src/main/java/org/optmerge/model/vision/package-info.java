/** Pictures to the numbers that vision models take. */
@API(status = API.Status.INTERNAL)
@NullMarked
package org.optmerge.model.vision;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
