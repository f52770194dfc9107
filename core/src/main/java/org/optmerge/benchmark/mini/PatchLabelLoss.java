package org.optmerge.benchmark.mini;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.SortedMap;
import org.optmerge.base.CounterRandom;

/**
 * What a vision tower is trained with before any language model: from the last state of each patch,
 * the kind, colour, box and value of the object there. The head is thrown away afterwards.
 */
final class PatchLabelLoss {
  private static final int KINDS = PatchLabels.KINDS.size();
  private static final int COLOURS = PatchLabels.COLOURS.size();
  private static final int BOX = 4;

  /**
   * Weights of the parts of the loss.
   *
   * @param noneWeight of a patch without an object, beside 1 for the others, in the loss of kinds
   * @param colour of the loss of colours
   * @param box of the smooth absolute error of the boxes
   * @param boxBeta error below which that is quadratic
   * @param value of the loss of values
   */
  record Weights(double noneWeight, double colour, double box, double boxBeta, double value) {}

  private final Weights weights;
  private final LabelHead head;

  /**
   * @param manager where the head lives
   * @param width of the tower
   */
  PatchLabelLoss(NDManager manager, int width, Weights weights, long seed) {
    this.weights = weights;
    int outputs = KINDS + COLOURS + BOX + PatchLabels.VALUES;
    head = new LabelHead(manager, outputs, width, CounterRandom.of(seed, "patch head"));
  }

  /** What is trained with the tower. */
  SortedMap<String, NDArray> parameters() {
    return head.parameters();
  }

  /**
   * The loss of a batch.
   *
   * @param hidden last states, [images, 1 + patches, width], the class token first
   * @param labels of each image
   */
  NDArray of(NDArray hidden, List<PatchLabels> labels) {
    NDManager arrays = hidden.getManager();
    long width = hidden.getShape().get(2);
    NDArray outputs = head.of(hidden.get(":, 1:").reshape(-1, width));

    int count = labels.size() * labels.get(0).kind().length;
    int each = count / labels.size();
    int[] kind = new int[count];
    int[] colour = new int[count];
    int[] value = new int[count];
    float[] box = new float[BOX * count];
    float[] kindWeight = new float[count];
    float[] foreground = new float[count];
    float[] valued = new float[count];
    for (int i = 0; i < labels.size(); i++) {
      PatchLabels image = labels.get(i);
      System.arraycopy(image.kind(), 0, kind, i * each, each);
      System.arraycopy(image.colour(), 0, colour, i * each, each);
      System.arraycopy(image.value(), 0, value, i * each, each);
      System.arraycopy(image.box(), 0, box, BOX * i * each, BOX * each);
    }
    for (int i = 0; i < count; i++) {
      foreground[i] = kind[i] > 0 ? 1 : 0;
      kindWeight[i] = kind[i] > 0 ? 1 : (float) weights.noneWeight;
      valued[i] = value[i] > 0 ? 1 : 0;
    }

    int colours = KINDS;
    int boxes = colours + COLOURS;
    int values = boxes + BOX;
    NDArray isObject = arrays.create(foreground);
    NDArray loss = crossEntropy(outputs, 0, colours, kind, arrays.create(kindWeight));
    loss =
        loss.add(
            crossEntropy(outputs, colours, boxes, colour, isObject).mul((float) weights.colour));
    loss = loss.add(boxError(outputs, boxes, values, box, isObject).mul((float) weights.box));
    return loss.add(
        crossEntropy(outputs, values, values + PatchLabels.VALUES, value, arrays.create(valued))
            .mul((float) weights.value));
  }

  /** The mean over rows, each with its weight, of −log of the probability of its class. */
  private static NDArray crossEntropy(
      NDArray outputs, int from, int to, int[] classes, NDArray weight) {
    NDManager arrays = outputs.getManager();
    NDArray logarithms = outputs.get(":, " + from + ":" + to).logSoftmax(1);
    NDArray index =
        arrays.create(classes, new Shape(classes.length, 1)).toType(DataType.INT64, false);
    NDArray error = logarithms.gather(index, 1).reshape(-1).neg();
    return error.mul(weight).sum().div(weight.sum().maximum(1));
  }

  private NDArray boxError(NDArray outputs, int from, int to, float[] box, NDArray isObject) {
    NDManager arrays = outputs.getManager();
    NDArray error =
        outputs
            .get(":, " + from + ":" + to)
            .sub(arrays.create(box, new Shape(box.length / BOX, BOX)))
            .abs();
    float beta = (float) weights.boxBeta;
    // Quadratic up to beta, then linear: with c = min(error, beta), c(error − c/2)/beta.
    NDArray near = error.minimum(beta);
    NDArray smooth = near.mul(error.sub(near.mul(0.5f))).div(beta);
    NDArray rows = smooth.mean(new int[] {1});
    return rows.mul(isObject).sum().div(isObject.sum().maximum(1));
  }
}
