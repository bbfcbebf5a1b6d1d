/** TensorFlow Lite's operator TFLite_Detection_PostProcess (detection_postprocess.cc): what a detector's file does behind its last layers. */
import { NetworkError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { decodeBoxes } from './boxes.js';
import { type Background, type Found, type Suppression, suppress } from './suppression.js';

/** The operator's options, by the names they have in the file. */
export interface PostProcessOptions {
  readonly max_detections: number;
  readonly max_classes_per_detection: number;
  /** Without background. */
  readonly num_classes: number;
  readonly nms_score_threshold: number;
  /** In (0, 1]. */
  readonly nms_iou_threshold: number;
  readonly y_scale: number;
  readonly x_scale: number;
  readonly h_scale: number;
  readonly w_scale: number;
  /** Default 100; only for regular suppression. */
  readonly detections_per_class?: number;
  /** Class by class. Default false: "fast", all classes together. */
  readonly use_regular_nms?: boolean;
}

/** What the operator answers. Boxes are not clipped to the picture. */
export interface PostProcessed {
  /** Best first. Fast suppression gives each box once for each of its `max_classes_per_detection` classes. */
  readonly found: readonly Found[];
  /** The number of boxes: less than `found` has where a box comes with several classes. */
  readonly count: number;
}

/** Slot 0 is background where there is one slot more than classes. */
export function backgroundOf(slots: number, classes: number): Background {
  if (slots === classes + 1) return 'slot 0';
  if (slots === classes) return 'none';
  throw new NetworkError(
    `TFLite_Detection_PostProcess: num_classes ${classes} wants ${classes} or, with background, ${classes + 1} scores a box, found ${slots}`,
  );
}

/** The suppression that these options describe. */
export function suppressionOf(options: PostProcessOptions): Suppression {
  const { max_detections: maxResults, use_regular_nms: regular = false, detections_per_class = 100 } = options;
  return {
    kind: regular ? 'per-class' : 'class-agnostic',
    scoreThreshold: options.nms_score_threshold,
    atThreshold: 'kept',
    iouThreshold: options.nms_iou_threshold,
    maxPerClass: Math.min(detections_per_class, maxResults),
    maxResults,
    classesPerBox: options.max_classes_per_detection,
    clip: false,
  };
}

/**
 * Codes [1, N, 4 or more], scores [1, N, slots] after sigmoid, anchors [N, 4]. Throws a NetworkError for anchors whose boxes would end
 * before they begin, as the operator does.
 */
export function postProcess(
  codes: Tensor,
  scores: Tensor,
  anchors: Tensor,
  options: PostProcessOptions,
): PostProcessed {
  const { y_scale, x_scale, h_scale, w_scale } = options;
  const boxes = decodeBoxes(codes, anchors, [y_scale, x_scale, h_scale, w_scale]);
  checkBoxes(boxes);
  const background = backgroundOf(scores.shape.at(-1) ?? 0, options.num_classes);
  const found = suppress(boxes, scores, background, suppressionOf(options));
  return { found, count: options.use_regular_nms ? found.length : new Set(found.map(({ anchor }) => anchor)).size };
}

function checkBoxes({ data }: Tensor): void {
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] > data[at + 2] || data[at + 1] > data[at + 3]) {
      const box = data.subarray(at, at + 4).join(', ');
      throw new NetworkError(
        `TFLite_Detection_PostProcess: the box of anchor ${at / 4} ends before it begins: [${box}]`,
      );
    }
  }
}
