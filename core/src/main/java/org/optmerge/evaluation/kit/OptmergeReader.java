package org.optmerge.evaluation.kit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.optmerge.evaluation.FileFormat;
import org.optmerge.evaluation.InternalFields;
import org.optmerge.evaluation.Predicted;
import org.optmerge.evaluation.Predictions;
import org.optmerge.metric.Prediction;
import org.optmerge.metric.Reference;

/** Reads our own lines; a data set's table gives the references that they lack. */
final class OptmergeReader {
  private final Request request;
  private final Reading reading;

  OptmergeReader(Request request) {
    this.request = request;
    this.reading = new Reading(request, FileFormat.OPTMERGE);
  }

  Predictions read() {
    Predictions own = Predictions.read(request.file());
    reading.findings.addAll(own.findings());
    Path answers = request.answers();
    VlmEvalKitDataSet dataSet =
        answers == null ? null : VlmEvalKitDataSet.of(answers, request.protocol());
    List<Predicted> items = new ArrayList<>();
    for (Predicted item : own.items()) {
      items.add(item(item, dataSet));
    }
    if (dataSet != null) {
      dataSet.unanswered(reading);
    }
    items.addAll(reading.done().items());
    return new Predictions(FileFormat.OPTMERGE, items, reading.findings.list());
  }

  private Predicted item(Predicted item, @Nullable VlmEvalKitDataSet dataSet) {
    Map<String, String> fields = new LinkedHashMap<>(item.reference().fields());
    List<String> answers = item.reference().answers();
    if (dataSet != null) {
      if (dataSet.answered(item.id())) {
        List<String> published = dataSet.answers(item.id());
        if (!answers.isEmpty() && !published.isEmpty() && !answers.equals(published)) {
          reading.findings.add(
              "the data set has another answer than the prediction file; that of the data set"
                  + " counts",
              item.id());
        }
        answers = published.isEmpty() ? answers : published;
        dataSet.fill(item.id(), fields);
      } else {
        reading.findings.add(Reading.UNKNOWN, item.id());
        fields.put(InternalFields.WRONG, "unknown id");
      }
    }
    String said = reading.cut(item.given(), item.id());
    return new Predicted(
        item.id(),
        item.task(),
        item.type(),
        said.equals(item.given()) ? item.prediction() : new Prediction(said),
        new Reference(answers, fields),
        item.score());
  }
}
