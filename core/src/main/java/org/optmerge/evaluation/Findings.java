package org.optmerge.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects findings while a file is read. */
public final class Findings {
  private final Map<String, List<String>> ids = new LinkedHashMap<>();

  public void add(String what, String id) {
    ids.computeIfAbsent(what, key -> new ArrayList<>()).add(id);
  }

  public void addAll(List<Finding> findings) {
    findings.forEach(
        finding ->
            ids.computeIfAbsent(finding.what(), key -> new ArrayList<>()).addAll(finding.ids()));
  }

  public List<Finding> list() {
    return ids.entrySet().stream()
        .map(entry -> new Finding(entry.getKey(), entry.getValue()))
        .toList();
  }
}
