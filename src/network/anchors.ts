/**
 * SSD's anchors (Liu et al., arXiv:1512.02325 §2.2; Google's multiple_grid_anchor_generator.py and the configurations of its model zoo):
 * boxes of fixed shapes around the centre of every cell of every feature map. The network answers with a code for each,
 * which says how the object's box differs from the anchor.
 *
 * This is for networks of one's own. A file's anchors are part of the file, and other projects order and scale theirs differently.
 */
import { UsageError } from '../errors.js';
import { type Tensor, tensor } from '../tensor.js';
import type { DetectionConventions, StatedSuppression } from './conventions.js';

/** A shape of anchors. `scale` is √(height · width) as a share of the input's shorter side, `ratio` width / height. */
export interface AnchorShape {
  readonly scale: number;
  readonly ratio: number;
}

export interface AnchorOptions {
  /** [height, width] of the network's input in pixels. */
  readonly resolution: readonly [number, number];
  /** [height, width] of each feature map. */
  readonly maps: readonly (readonly [number, number])[];
  /** The shapes around the centre of a cell, for each map. */
  readonly shapes: readonly (readonly AnchorShape[])[];
}

const SCALES = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95];

/** Four digits, as the configurations have them: not ⅓. */
const THIRD = 0.3333;
const RATIOS = [1, 2, 0.5, 3, THIRD];

/** Three shapes on the first map (`reduce_boxes_in_lowest_layer`), six on each of the other five. */
export const SSD_SHAPES: readonly (readonly AnchorShape[])[] = /* @__PURE__ */ SCALES.map((scale, map) => {
  if (map === 0) {
    return [
      { scale: 0.1, ratio: 1 },
      { scale, ratio: 2 },
      { scale, ratio: 0.5 },
    ];
  }
  const between = Math.sqrt(scale * (SCALES[map + 1] ?? 1));
  return [...RATIOS.map((ratio) => ({ scale, ratio })), { scale: between, ratio: 1 }];
});

/** Divisors of the codes ty, tx, th, tw in every SSD that Google published. */
export const SSD_SCALES: DetectionConventions['scales'] = [10, 10, 5, 5];

/** `post_processing` of the configurations. */
export const SSD_SUPPRESSION: StatedSuppression = {
  kind: 'per-class',
  scoreThreshold: 1e-8,
  iouThreshold: 0.6,
  maxPerClass: 100,
  maxResults: 100,
  classesPerBox: 1,
};

/** The smallest side from which all six maps follow. */
export const SMALLEST_SSD_SIDE = 33;

/** [height, width] of SSD's six maps: strides 16 and 32, then four halvings, each rounded up as SAME padding does. */
export function ssdMaps(resolution: readonly [number, number]): [number, number][] {
  for (const side of resolution) {
    if (!Number.isInteger(side) || side < SMALLEST_SSD_SIDE) {
      throw new UsageError(
        `anchors: sides must be whole numbers from ${SMALLEST_SSD_SIDE}, found ${resolution.join('×')}`,
      );
    }
  }
  const [height, width] = resolution;
  return SCALES.map((_, map) => [Math.ceil(height / 2 ** (4 + map)), Math.ceil(width / 2 ** (4 + map))]);
}

/** The anchors of Google's SSD on MobileNet for this input, [N, 4]: 1917 for 300 × 300. */
export function ssdAnchors(resolution: readonly [number, number]): Tensor {
  return anchors({ resolution, maps: ssdMaps(resolution), shapes: SSD_SHAPES });
}

/**
 * Anchors [N, 4]: centre y, centre x, height and width as shares of the picture's sides, in the order map → row → column → shape.
 * They are not clipped. Throws a UsageError where maps and shapes do not fit together.
 */
export function anchors({ resolution, maps, shapes }: AnchorOptions): Tensor {
  if (maps.length !== shapes.length) {
    throw new UsageError(
      `anchors: found ${maps.length} maps and shapes for ${shapes.length}; each map needs its shapes`,
    );
  }
  const [height, width] = resolution;
  const shorter = Math.min(height, width);
  const numbers: number[] = [];
  maps.forEach(([rows, columns], map) => {
    const sizes = shapes[map].map(({ scale, ratio }) => [
      ((scale / Math.sqrt(ratio)) * shorter) / height,
      (scale * Math.sqrt(ratio) * shorter) / width,
    ]);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        for (const [h, w] of sizes) numbers.push((y + 0.5) / rows, (x + 0.5) / columns, h, w);
      }
    }
  });
  return tensor([numbers.length / 4, 4], numbers);
}
