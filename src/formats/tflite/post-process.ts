/** The operator TFLite_Detection_PostProcess, written behind a detector's codes and scores as TensorFlow's exporter does. */
import { builder } from 'flatbuffers/js/flexbuffers.js';
import type { DetectionConventions } from '../../network/index.js';
import type { Shape } from '../../tensor.js';
import type { OutModel, OutTensor } from './encode.js';

const ANCHORS = 'anchors';

/** In the order of the operator's results. */
const RESULTS = ['detection_boxes', 'detection_classes', 'detection_scores', 'num_detections'];

/**
 * The model with the operator, whose four results become its outputs: boxes [1, m, 4], classes [1, m], scores [1, m], and how many of the m are filled.
 * `scores` is the shape of the scores.
 */
export function withPostProcess(model: OutModel, detection: DetectionConventions, scores: Shape): OutModel {
  const unused = (name: string): string => (model.tensors.has(name) ? unused(`${name}_2`) : name);
  const { suppression, anchors } = detection;
  const filled = suppression.maxResults * (suppression.kind === 'per-class' ? 1 : suppression.classesPerBox);
  const shapes = [[1, filled, 4], [1, filled], [1, filled], [1]];
  const outputs = RESULTS.map(unused);
  const tensors = new Map<string, OutTensor>(model.tensors);
  const constant = unused(ANCHORS);
  tensors.set(constant, { shape: [anchors.length / 4, 4], data: Float32Array.from(anchors) });
  outputs.forEach((name, index) => {
    tensors.set(name, { shape: shapes[index] });
  });
  const operator = {
    code: 'CUSTOM:TFLite_Detection_PostProcess',
    inputs: [detection.codes, detection.scores, constant],
    outputs,
    customOptions: optionsOf(detection, scores.at(-1) ?? 0),
  };
  return { ...model, tensors, operators: [...model.operators, operator], outputs };
}

/** A map in the form of FlexBuffers. */
function optionsOf({ suppression, scales, background }: DetectionConventions, slots: number): Uint8Array {
  const map = builder();
  const counts = {
    max_detections: suppression.maxResults,
    max_classes_per_detection: suppression.classesPerBox,
    detections_per_class: suppression.maxPerClass,
    num_classes: background === 'slot 0' ? slots - 1 : slots,
  };
  const numbers = {
    nms_score_threshold: suppression.scoreThreshold,
    nms_iou_threshold: suppression.iouThreshold,
    y_scale: scales[0],
    x_scale: scales[1],
    h_scale: scales[2],
    w_scale: scales[3],
  };
  map.startMap();
  for (const [name, value] of Object.entries(counts)) {
    map.addKey(name);
    map.addInt(value);
  }
  for (const [name, value] of Object.entries(numbers)) {
    map.addKey(name);
    map.addFloat(Math.fround(value)); // the library writes single beside double precision so that others cannot read it
  }
  map.addKey('use_regular_nms');
  map.add(suppression.kind === 'per-class');
  map.end();
  return map.finish();
}
