/**
 * The audio-visual part of the miniature: three instruments on a stage, as a picture, a sound and a
 * short film, and questions that need one, two or all of them.
 */
@NullMarked
package org.optmerge.benchmark.mini.stage;

import org.jspecify.annotations.NullMarked;
