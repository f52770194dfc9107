/**
 * The floor of the library: JSON, digests, files, progress, parallel work, random numbers, errors.
 */
@NullMarked
package org.optmerge.base;

import org.jspecify.annotations.NullMarked;
