/** How a detector decodes its boxes, found from the boxes that it makes of known codes. */
import type { DetectionConventions } from '../../network/conventions.js';
import { uniformRandom } from '../../random.js';
import { type Shape, tensor } from '../../tensor.js';
import type { Boxes, Tail } from './detector-tail.js';

/** Centre and size of a box along both axes, in the order of its columns. */
type Placed = readonly [centreA: number, centreB: number, sizeA: number, sizeB: number];

const FORMS: readonly ((a: number, b: number, c: number, d: number) => Placed)[] = [
  (a, b, c, d) => [(a + c) / 2, (b + d) / 2, c - a, d - b],
  (a, b, c, d) => [a, b, c, d],
];

type Decoding = Pick<DetectionConventions, 'anchors' | 'scales'> & { readonly xFirst: boolean };

/** Anchors and scales, if the boxes are those of SSD's codes. */
export function decodingOf(tail: Tail, count: number, [, height, width]: Shape): Decoding | undefined {
  const zero = tail.boxes(tensor([1, count, 4], new Float32Array(4 * count)));
  const random = uniformRandom(1);
  // Far from 0, by which nothing can be divided, and from what exporters bound codes to.
  const codes = Float32Array.from({ length: 4 * count }, () => (random() < 0.5 ? -1 : 1) * (1 + random()));
  const other = new Map(tail.boxes(tensor([1, count, 4], codes)).map(({ name, at }) => [name, at]));
  for (const { name, at } of zero) {
    const moved = other.get(name);
    if (moved === undefined) continue;
    for (const form of FORMS) {
      const anchors = placed(at, form, count);
      const boxes = placed(moved, form, count);
      // Columns of the codes that move the boxes' first and second axis.
      for (const [first, second] of [
        [0, 1],
        [1, 0],
      ]) {
        const columns = [first, second, first + 2, second + 2];
        const scales = columns.map((column, k) => scaleOf(anchors, boxes, codes, k, column));
        const xFirst = xComesFirst(anchors);
        if (xFirst === undefined || !scales.every((scale) => scale !== undefined)) continue;
        const pixels = anchors.some(([, , a, b]) => a > 4 || b > 4);
        const [a, b] = pixels ? (xFirst ? [width, height] : [height, width]) : [1, 1];
        const order = xFirst ? [1, 0, 3, 2] : [0, 1, 2, 3];
        const units = [a, b, a, b];
        return {
          anchors: anchors.flatMap((anchor) => order.map((k) => Math.fround(anchor[k] / units[k]))),
          scales: order.map((k) => scales[k]!) as unknown as DetectionConventions['scales'],
          xFirst: xFirst === (first === 0),
        };
      }
    }
  }
  return undefined;
}

function placed(at: Boxes['at'], form: (typeof FORMS)[number], count: number): Placed[] {
  return Array.from({ length: count }, (_, i) => form(at(i, 0), at(i, 1), at(i, 2), at(i, 3)));
}

/** How far float32 may take two boxes' scales apart. */
const TOLERANCE = 1e-3;

/** What the codes of a column are divided by, if it is the same for all boxes; to four digits, as configurations have it. */
function scaleOf(
  anchors: readonly Placed[],
  boxes: readonly Placed[],
  codes: ArrayLike<number>,
  k: number,
  column: number,
): number | undefined {
  const found = anchors.map((anchor, i) => {
    const size = anchor[k % 2 === 0 ? 2 : 3];
    const code = codes[4 * i + column];
    return k < 2 ? (code * size) / (boxes[i][k] - anchor[k]) : code / Math.log(boxes[i][k] / size);
  });
  const middle = [...found].sort((a, b) => a - b)[found.length >> 1];
  const agrees = (scale: number, i: number) =>
    Math.abs(1 / scale - 1 / middle) * Math.abs(codes[4 * i + column]) <= TOLERANCE / middle;
  return middle > 0 && found.every(agrees) ? Number(middle.toPrecision(4)) : undefined;
}

/** Anchors run along the rows of a map, so that x is what changes first. Undefined where nothing, or both, does. */
function xComesFirst(anchors: readonly Placed[]): boolean | undefined {
  const [a, b] = anchors[0];
  const near = (x: number, y: number) => Math.abs(x - y) <= TOLERANCE * Math.abs(y);
  const next = anchors.find((anchor) => !near(anchor[0], a) || !near(anchor[1], b));
  if (next === undefined || (!near(next[0], a) && !near(next[1], b))) return undefined;
  return !near(next[0], a);
}
