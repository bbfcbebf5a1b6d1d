/**
 * Boxes as SSD has them: ymin, xmin, ymax, xmax, y always first, as shares of the picture's sides. Decoding and overlap round to
 * float32 where TensorFlow Lite's detection_postprocess.cc does, so that both keep and drop the same boxes.
 */
import { ShapeError } from '../errors.js';
import { SSD_SCALES } from '../network/anchors.js';
import type { DetectionConventions } from '../network/index.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';

/** ymin, xmin, ymax, xmax. */
export type Corners = readonly [number, number, number, number];

/**
 * Boxes [N, 4] from codes [N, 4 or more] or [1, N, 4 or more] (ty, tx, th, tw; further columns are key points and left out) and
 * anchors [N, 4] (centre y, centre x, height, width).
 */
export function decodeBoxes(
  codes: Tensor,
  anchors: Tensor,
  scales: DetectionConventions['scales'] = SSD_SCALES,
): Tensor {
  const columns = codes.shape.at(-1) ?? 0;
  const count = anchors.shape[0];
  if (anchors.shape.length !== 2 || anchors.shape[1] !== 4) {
    throw new ShapeError(`decodeBoxes: anchors must be [N, 4], found [${anchors.shape}]`);
  }
  if (columns < 4 || sizeOf(codes.shape) !== count * columns) {
    throw new ShapeError(
      `decodeBoxes: ${count} anchors want codes [${count}, 4] or [1, ${count}, 4], found [${codes.shape}]`,
    );
  }
  const [yScale, xScale, hScale, wScale] = scales;
  const code = codes.data;
  const anchor = anchors.data;
  const boxes = new Float32Array(count * 4);
  for (let i = 0; i < count; i++) {
    const from = i * columns;
    const to = i * 4;
    const height = anchor[to + 2];
    const width = anchor[to + 3];
    const y = Math.fround((code[from] / yScale) * height + anchor[to]);
    const x = Math.fround((code[from + 1] / xScale) * width + anchor[to + 1]);
    const halfHeight = Math.fround(0.5 * Math.exp(code[from + 2] / hScale) * height);
    const halfWidth = Math.fround(0.5 * Math.exp(code[from + 3] / wScale) * width);
    boxes[to] = y - halfHeight;
    boxes[to + 1] = x - halfWidth;
    boxes[to + 2] = y + halfHeight;
    boxes[to + 3] = x + halfWidth;
  }
  return tensor([count, 4], boxes);
}

const { fround } = Math;

/**
 * Intersection over union of boxes `a` and `b` of `boxes` ([N, 4], by index); 0 where one has no area.
 * NaN where a corner is NaN.
 */
export function overlap(boxes: ArrayLike<number>, a: number, b: number): number {
  const i = a * 4;
  const j = b * 4;
  const areaA = fround(fround(boxes[i + 2] - boxes[i]) * fround(boxes[i + 3] - boxes[i + 1]));
  const areaB = fround(fround(boxes[j + 2] - boxes[j]) * fround(boxes[j + 3] - boxes[j + 1]));
  if (areaA <= 0 || areaB <= 0) return 0;
  const height = fround(Math.min(boxes[i + 2], boxes[j + 2]) - Math.max(boxes[i], boxes[j]));
  const width = fround(Math.min(boxes[i + 3], boxes[j + 3]) - Math.max(boxes[i + 1], boxes[j + 1]));
  const shared = fround(Math.max(height, 0) * Math.max(width, 0));
  return fround(shared / fround(fround(areaA + areaB) - shared));
}

/** The part of a box within the picture. */
export function clip([ymin, xmin, ymax, xmax]: Corners): Corners {
  const within = (share: number): number => Math.min(Math.max(share, 0), 1);
  return [within(ymin), within(xmin), within(ymax), within(xmax)];
}

/** False also for a box with NaN in it. */
export function hasArea([ymin, xmin, ymax, xmax]: Corners): boolean {
  return ymax > ymin && xmax > xmin;
}
