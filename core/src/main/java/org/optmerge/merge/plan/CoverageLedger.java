package org.optmerge.merge.plan;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.Coverage;
import org.optmerge.merge.weights.InputModel;

/** Books what becomes of every tensor of every input, and counts what is left at the end. */
final class CoverageLedger {
  /** The fate of what nothing was booked for. */
  static final String UNUSED = "not used";

  private static final int EXAMPLES = 3;

  private final Map<InputModel, Map<String, String>> accounts = new LinkedHashMap<>();

  /** Bytes of files, by model and fate. */
  private final Map<List<String>, Map<String, Long>> files = new LinkedHashMap<>();

  void open(InputModel model) {
    fates(model);
  }

  /** A tensor that is read counts as that, whatever else happens to it. */
  void used(InputModel model, String tensor, String fate) {
    fates(model).put(tensor, fate);
  }

  /** Notes the fate of a tensor, unless it is used elsewhere. */
  void otherwise(InputModel model, String tensor, String fate) {
    fates(model).putIfAbsent(tensor, fate);
  }

  boolean knows(InputModel model, String tensor) {
    return fates(model).containsKey(tensor);
  }

  /** Notes the fate of a file that holds weights and is not read. */
  void file(String model, String fate, Path file, long bytes) {
    files
        .computeIfAbsent(List.of(model, fate), key -> new LinkedHashMap<>())
        .put(file.toString(), bytes);
  }

  private Map<String, String> fates(InputModel model) {
    return accounts.computeIfAbsent(model, key -> new LinkedHashMap<>());
  }

  Coverage close() {
    List<Coverage.Row> rows = new ArrayList<>();
    accounts.forEach(
        (model, fates) -> {
          byFate(model.names(), fates)
              .forEach(
                  (fate, names) ->
                      rows.add(
                          row(
                              model,
                              fate,
                              names,
                              1,
                              name -> model.info(name).map(TensorInfo::bytes).orElse(0L))));
          // An adapter's factors share the fate of the tensor that they change.
          Map<String, Long> changes = model.changes();
          byFate(changes.keySet(), fates)
              .forEach(
                  (fate, names) ->
                      rows.add(
                          row(
                              model,
                              "low-rank change: " + fate,
                              names,
                              2,
                              name -> changes.getOrDefault(name, 0L))));
        });
    files.forEach(
        (key, bytes) ->
            rows.add(
                new Coverage.Row(
                    key.get(0),
                    "file " + key.get(1),
                    0,
                    bytes.values().stream().mapToLong(Long::longValue).sum(),
                    bytes.keySet().stream().limit(EXAMPLES).toList())));
    return new Coverage(rows);
  }

  private static Map<String, List<String>> byFate(
      Collection<String> names, Map<String, String> fates) {
    return names.stream()
        .collect(
            Collectors.groupingBy(
                name -> fates.getOrDefault(name, UNUSED), LinkedHashMap::new, Collectors.toList()));
  }

  private static Coverage.Row row(
      InputModel model, String fate, List<String> names, int each, ToLongFunction<String> bytes) {
    return new Coverage.Row(
        model.name(),
        fate,
        each * names.size(),
        names.stream().mapToLong(bytes).sum(),
        List.copyOf(names.subList(0, Math.min(EXAMPLES, names.size()))));
  }
}
