/** Planning: a recipe and the headers of its models become a plan, or a list of all errors. */
@NullMarked
package org.optmerge.merge.plan;

import org.jspecify.annotations.NullMarked;
