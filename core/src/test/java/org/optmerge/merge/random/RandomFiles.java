package org.optmerge.merge.random;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Weight files of one model: in one, or in shards, with an index that may be amiss. */
record RandomFiles(RandomMerge merge, Path folder) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Writes the tensors; returns the file of each that is not in one file with all others. */
  Map<String, String> write(Map<String, Array> tensors, String stem, boolean odd) {
    if (!odd && !merge.chance(25)) {
      Array.write(folder.resolve(stem + ".safetensors"), tensors);
      return Map.of();
    }
    List<String> names = new ArrayList<>(tensors.keySet());
    int cut = 1 + merge.random.nextInt(Math.max(1, names.size() - 1));
    List<String> files =
        List.of(stem + "-00001-of-00002.safetensors", stem + "-00002-of-00002.safetensors");
    List<Map<String, Array>> parts = List.of(new LinkedHashMap<>(), new LinkedHashMap<>());
    ObjectNode index = JSON.createObjectNode();
    index.putObject("metadata").put("total_size", 1);
    ObjectNode map = index.putObject("weight_map");
    for (int i = 0; i < names.size(); i++) {
      int part = i < cut ? 0 : 1;
      parts.get(part).put(names.get(i), tensors.get(names.get(i)));
      map.put(names.get(i), files.get(part));
    }
    Map<String, String> placed = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      placed.put(entry.getKey(), entry.getValue().asText());
    }
    boolean indexed = true;
    if (odd) {
      String fault =
          merge.pick("names too much", "names too little", "absent", "decides", "stale single");
      merge.story.add("index " + fault);
      String last = names.get(names.size() - 1);
      switch (fault) {
        case "names too much" -> map.put("mtp.fc.weight", files.get(1));
        case "names too little" -> map.remove(last);
        case "absent" -> indexed = false;
        case "decides" -> {
          Array stale = tensors.get(last);
          if (names.size() > cut) {
            parts.get(0).put(last, stale.with(merge.moved(stale.values())));
          }
        }
        default ->
            Array.write(folder.resolve(stem + ".safetensors"), Map.of(last, tensors.get(last)));
      }
    }
    Array.write(folder.resolve(files.get(0)), parts.get(0));
    Array.write(folder.resolve(files.get(1)), parts.get(1));
    if (indexed) {
      RandomMerge.write(folder.resolve(stem + ".safetensors.index.json"), index);
    }
    return placed;
  }

  /** A file that only Python could read: weights by its name, or something else. */
  static void pickle(Path file) {
    Array.put(file, "PK\3\4 not to be opened".getBytes(StandardCharsets.ISO_8859_1));
  }
}
