package org.optmerge.merge;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.optmerge.checkpoint.TensorInfo;

/** Books what becomes of every tensor of every input, and counts what is left at the end. */
final class CoverageLedger {
  /** The fate of what nothing was booked for. */
  static final String UNUSED = "not used";

  private static final int EXAMPLES = 3;

  private record Account(InputModel model, Map<String, String> fates) {}

  private final Map<InputModel, Account> accounts = new LinkedHashMap<>();
  private final List<Coverage.Row> extraRows = new ArrayList<>();

  void open(InputModel model) {
    accounts.computeIfAbsent(model, key -> new Account(key, new LinkedHashMap<>()));
  }

  /** A tensor that is read counts as that, whatever else happens to it. */
  void used(InputModel model, String tensor, String fate) {
    fates(model).put(tensor, fate);
  }

  /** What becomes of a tensor, unless it is used elsewhere. */
  void otherwise(InputModel model, String tensor, String fate) {
    fates(model).putIfAbsent(tensor, fate);
  }

  boolean knows(InputModel model, String tensor) {
    return fates(model).containsKey(tensor);
  }

  private Map<String, String> fates(InputModel model) {
    open(model);
    return java.util.Objects.requireNonNull(accounts.get(model)).fates();
  }

  /** Tensors that a checkpoint of this kind holds beside those with a name of their own. */
  void add(Coverage.Row row) {
    extraRows.add(row);
  }

  Coverage close() {
    List<Coverage.Row> rows = new ArrayList<>();
    for (Account account : accounts.values()) {
      Map<String, List<String>> byFate = new LinkedHashMap<>();
      for (String name : account.model().names()) {
        byFate
            .computeIfAbsent(account.fates().getOrDefault(name, UNUSED), key -> new ArrayList<>())
            .add(name);
      }
      byFate.forEach((fate, names) -> rows.add(row(account.model(), fate, names)));
    }
    rows.addAll(extraRows);
    return new Coverage(rows);
  }

  private static Coverage.Row row(InputModel model, String fate, List<String> names) {
    long bytes = 0;
    for (String name : names) {
      bytes += model.info(name).map(TensorInfo::bytes).orElse(0L);
    }
    return new Coverage.Row(
        model.name(),
        fate,
        names.size(),
        bytes,
        List.copyOf(names.subList(0, Math.min(EXAMPLES, names.size()))));
  }
}
