package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects findings while a file is read. */
public final class Findings {
  private final Map<String, List<String>> ids = new LinkedHashMap<>();

  /** A finding about an example. */
  public void add(String what, String id) {
    ids.computeIfAbsent(what, key -> new ArrayList<>()).add(id);
  }

  /** A finding about the file as a whole. */
  public void add(String what) {
    ids.computeIfAbsent(what, key -> new ArrayList<>());
  }

  /** Adds what was found elsewhere. */
  public void addAll(List<Finding> findings) {
    findings.forEach(
        finding ->
            ids.computeIfAbsent(finding.what(), key -> new ArrayList<>()).addAll(finding.ids()));
  }

  /** All findings, in the order in which they came up. */
  public List<Finding> list() {
    return ids.entrySet().stream()
        .map(entry -> new Finding(entry.getKey(), entry.getValue()))
        .toList();
  }
}
