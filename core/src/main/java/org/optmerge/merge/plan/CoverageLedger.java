package org.optmerge.merge.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.optmerge.checkpoint.LoraAdapter;
import org.optmerge.checkpoint.TensorInfo;
import org.optmerge.merge.Coverage;
import org.optmerge.merge.weights.InputModel;

/** Books what becomes of every tensor of every input, and counts what is left at the end. */
final class CoverageLedger {
  /** The fate of what nothing was booked for. */
  static final String UNUSED = "not used";

  private static final int EXAMPLES = 3;

  private record Account(InputModel model, Map<String, String> fates) {}

  private final Map<InputModel, Account> accounts = new LinkedHashMap<>();

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
    return Objects.requireNonNull(accounts.get(model)).fates();
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
      rows.addAll(changes(account));
    }
    return new Coverage(rows);
  }

  /** An adapter's factors share the fate of the tensor that they change. */
  private static List<Coverage.Row> changes(Account account) {
    LoraAdapter adapter = account.model().adapter();
    if (adapter == null) {
      return List.of();
    }
    Map<String, List<String>> byFate = new LinkedHashMap<>();
    for (String name : adapter.deltas().keySet()) {
      byFate
          .computeIfAbsent(account.fates().getOrDefault(name, UNUSED), key -> new ArrayList<>())
          .add(name);
    }
    List<Coverage.Row> rows = new ArrayList<>();
    byFate.forEach(
        (fate, names) -> {
          long bytes = 0;
          for (String name : names) {
            LoraAdapter.Delta delta = Objects.requireNonNull(adapter.deltas().get(name));
            bytes += delta.a().bytes() + delta.b().bytes();
          }
          rows.add(
              new Coverage.Row(
                  account.model().name(),
                  "low-rank change: " + fate,
                  2 * names.size(),
                  bytes,
                  names.subList(0, Math.min(EXAMPLES, names.size()))));
        });
    return rows;
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
