package org.optmerge.merge;

import java.nio.file.Path;
import java.util.List;
import org.apiguardian.api.API;

/**
 * The result of a finished merge.
 *
 * @param folder the merged checkpoint
 * @param merged tensors that a method merged
 * @param copied tensors whose bytes are an input's
 * @param resumed tensors that an earlier, interrupted run had finished
 * @param bytesRead bytes of weights read, those of statistics passes included
 * @param bytesWritten bytes of weights written
 * @param seconds wall time
 * @param warnings what a user should look at, one sentence each
 */
@API(status = API.Status.EXPERIMENTAL)
public record MergeResult(
    Path folder,
    int merged,
    int copied,
    int resumed,
    long bytesRead,
    long bytesWritten,
    double seconds,
    List<String> warnings) {
  public MergeResult {
    warnings = List.copyOf(warnings);
  }
}
