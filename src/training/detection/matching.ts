/**
 * Which anchors are to find which objects (SSD, arXiv:1512.02325 §2.2, and object_detection's argmax matcher): the anchor that overlaps an object
 * best is always its own; so is every other one whose intersection over union with its best object is at least a half. The rest are background.
 */
import { overlap } from '../../detection/boxes.js';
import type { DetectionConventions } from '../../network/index.js';

/** ymin, xmin, ymax, xmax as shares of the picture's sides, and the object's class, background not counted. */
export interface Target {
  readonly box: readonly [number, number, number, number];
  readonly classIndex: number;
}

/** The least overlap of an anchor with the object that it is to find. */
const MATCHED = 0.5;

export const BACKGROUND = -1;

/** For each anchor (centre y, centre x, height, width), the index of its object, or BACKGROUND. */
export function matchAnchors(anchors: readonly number[], targets: readonly Target[]): Int32Array {
  const count = anchors.length / 4;
  const matched = new Int32Array(count).fill(BACKGROUND);
  if (targets.length === 0) return matched;
  const boxes = cornersOf(anchors, targets);
  const bestOverlap = new Float64Array(count).fill(MATCHED);
  const bestAnchor = targets.map((_, target) => {
    let [best, anchorOfBest] = [-1, 0];
    for (let anchor = 0; anchor < count; anchor++) {
      const shared = overlap(boxes, anchor, count + target);
      if (shared > best) [best, anchorOfBest] = [shared, anchor];
      if (shared >= bestOverlap[anchor]) {
        bestOverlap[anchor] = shared;
        matched[anchor] = target;
      }
    }
    return anchorOfBest;
  });
  bestAnchor.forEach((anchor, target) => {
    matched[anchor] = target;
  });
  return matched;
}

/** Corners of the anchors and then of the targets, one after the other. */
function cornersOf(anchors: readonly number[], targets: readonly Target[]): Float32Array {
  const boxes = new Float32Array(anchors.length + targets.length * 4);
  for (let at = 0; at < anchors.length; at += 4) {
    const [y, x, height, width] = anchors.slice(at, at + 4);
    boxes.set([y - height / 2, x - width / 2, y + height / 2, x + width / 2], at);
  }
  targets.forEach(({ box }, index) => {
    boxes.set(box, anchors.length + index * 4);
  });
  return boxes;
}

/** Least side of a box, as a share of the picture: the logarithm of 0 is no code. */
const LEAST_SIDE = 1e-4;

/** ty, tx, th, tw with which `decodeBoxes` makes this box of the anchor. */
export function encodeBox(
  [ymin, xmin, ymax, xmax]: Target['box'],
  [yc, xc, height, width]: readonly number[],
  [yScale, xScale, hScale, wScale]: DetectionConventions['scales'],
): [number, number, number, number] {
  return [
    (((ymin + ymax) / 2 - yc) / height) * yScale,
    (((xmin + xmax) / 2 - xc) / width) * xScale,
    Math.log(Math.max(ymax - ymin, LEAST_SIDE) / height) * hScale,
    Math.log(Math.max(xmax - xmin, LEAST_SIDE) / width) * wScale,
  ];
}
