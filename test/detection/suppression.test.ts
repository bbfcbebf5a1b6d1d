/** Decoding and suppression: examples by hand, and what must hold for any boxes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBoxes, overlap } from '../../src/detection/boxes.js';
import { type Suppression, suppress } from '../../src/detection/suppression.js';
import { SSD_SUPPRESSION } from '../../src/network/anchors.js';
import { uniformRandom } from '../../src/random.js';
import { type Tensor, tensor } from '../../src/tensor.js';

const boxesOf = (...boxes: readonly number[][]): Tensor => tensor([boxes.length, 4], boxes.flat());
const scoresOf = (...scores: readonly number[][]): Tensor =>
  tensor([scores.length, scores[0]?.length ?? 2], scores.flat());
/** The post-processing of Google's training configurations. */
const perClass: Suppression = { ...SSD_SUPPRESSION, atThreshold: 'dropped', clip: true };
const fast: Suppression = {
  ...perClass,
  kind: 'class-agnostic',
  clip: false,
  atThreshold: 'kept',
  scoreThreshold: 0.1,
};

describe('decodeBoxes', () => {
  test('a code of zeros is the anchor itself', () => {
    const boxes = decodeBoxes(tensor([1, 1, 4], [0, 0, 0, 0]), tensor([1, 4], [0.5, 0.25, 0.5, 0.25]));
    expect(boxes).toEqual(tensor([1, 4], [0.25, 0.125, 0.75, 0.375]));
  });

  test('codes move by tenths of the anchor and scale by powers of e; further columns are left out', () => {
    const codes = tensor([1, 6], [5, -5, 5 * Math.log(2), 5 * Math.log(0.5), 9, 9]);
    const { data } = decodeBoxes(codes, tensor([1, 4], [0.5, 0.5, 0.2, 0.4]));
    // Centre 0.5 + 0.5 · 0.2 and 0.5 − 0.5 · 0.4; height 2 · 0.2, width 0.4 / 2.
    [0.4, 0.2, 0.8, 0.4].forEach((corner, side) => {
      expect(data[side]).toBeCloseTo(corner, 6);
    });
  });

  test('refuses codes for another number of anchors', () => {
    expect(() => decodeBoxes(tensor([2, 4], new Float32Array(8)), tensor([1, 4], [0, 0, 1, 1]))).toThrow(
      'decodeBoxes: 1 anchors want codes [1, 4] or [1, 1, 4], found [2,4]',
    );
    expect(() => decodeBoxes(tensor([4], [0, 0, 0, 0]), tensor([4], [0, 0, 1, 1]))).toThrow(
      'decodeBoxes: anchors must be [N, 4], found [4]',
    );
  });
});

describe('overlap', () => {
  test.each([
    ['half of each', [0, 0, 1, 1], [0, 0.5, 1, 1.5], 1 / 3],
    ['the same box', [0, 0, 1, 1], [0, 0, 1, 1], 1],
    ['edges that touch', [0, 0, 1, 1], [0, 1, 1, 2], 0],
    ['a box without area', [0, 0, 1, 1], [0.5, 0.5, 0.5, 0.9], 0],
    ['one within the other', [0, 0, 1, 1], [0, 0, 0.5, 0.5], 0.25],
  ])('%s', (_, a, b, wanted) => {
    expect(overlap([...a, ...b], 0, 1)).toBeCloseTo(wanted, 6);
    expect(overlap([...a, ...b], 1, 0)).toBeCloseTo(wanted, 6);
  });
});

describe('suppress', () => {
  // The second box overlaps the first by 0.8, the third neither.
  const boxes = boxesOf([0, 0, 0.5, 0.5], [0, 0, 0.5, 0.4], [0.6, 0.6, 1.2, 1.2]);
  const scores = scoresOf([0, 0.9, 0.1], [0, 0.8, 0.7], [0, 0.2, 0.3]);
  const short = (options: Suppression) =>
    suppress(boxes, scores, 'slot 0', options).map(({ anchor, classIndex, score }) => [anchor, classIndex, score]);

  test('per class: a box hides only boxes of its own class', () => {
    const found = short(perClass);
    expect(found.map(([anchor, classIndex]) => [anchor, classIndex])).toEqual([
      [0, 0],
      [1, 1],
      [2, 1],
      [2, 0],
    ]);
  });

  test('class-agnostic: every box has its best class, and hides boxes of any', () => {
    expect(short(fast).map(([anchor, classIndex]) => [anchor, classIndex])).toEqual([
      [0, 0],
      [2, 1],
    ]);
  });

  test('clips after suppression, and drops what lies outside', () => {
    const outside = boxesOf([0.6, 0.6, 1.2, 1.2], [-1, -1, 0, 0]);
    const found = suppress(outside, scoresOf([0, 1], [0, 1]), 'slot 0', perClass);
    expect(found.map(({ box }) => box)).toEqual([[Math.fround(0.6), Math.fround(0.6), 1, 1]]);
  });

  test('a score at the threshold: kept as TensorFlow Lite does, dropped as TensorFlow does', () => {
    const ask = (options: Suppression) => suppress(boxesOf([0, 0, 1, 1]), scoresOf([0, 0.5]), 'slot 0', options).length;
    expect(ask({ ...perClass, scoreThreshold: 0.5 })).toBe(0);
    expect(ask({ ...perClass, scoreThreshold: 0.5, atThreshold: 'kept' })).toBe(1);
  });

  test('an overlap at the threshold does not hide', () => {
    const halves = boxesOf([0, 0, 1, 1], [0, 0, 1, 0.5]);
    const ask = (iouThreshold: number) =>
      suppress(halves, scoresOf([0.9], [0.8]), 'none', { ...fast, iouThreshold }).length;
    expect(ask(0.5)).toBe(2);
    expect(ask(0.4999)).toBe(1);
  });

  test('equal scores: the earlier class, then the lower index', () => {
    const apart = boxesOf([0, 0, 0.2, 0.2], [0.4, 0.4, 0.6, 0.6], [0.8, 0.8, 1, 1]);
    const found = suppress(apart, scoresOf([0, 0.5], [0.5, 0], [0.5, 0]), 'none', perClass);
    expect(found.map(({ anchor, classIndex }) => [classIndex, anchor])).toEqual([
      [0, 1],
      [0, 2],
      [1, 0],
    ]);
  });

  test('limits: of a class, and in all', () => {
    const apart = boxesOf([0, 0, 0.2, 0.2], [0.4, 0.4, 0.6, 0.6], [0.8, 0.8, 1, 1]);
    const all = scoresOf([0.9, 0.3], [0.8, 0.2], [0.7, 0.1]);
    expect(suppress(apart, all, 'none', { ...perClass, maxPerClass: 1 }).map(({ score }) => score)).toEqual(
      [0.9, 0.3].map(Math.fround),
    );
    expect(suppress(apart, all, 'none', { ...perClass, maxResults: 2 }).map(({ anchor }) => anchor)).toEqual([0, 1]);
  });

  test('±∞ and NaN among boxes and scores leave whole boxes within the picture', () => {
    const odd = fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1, -1, 0.5, 1e30, 1e-30);
    const row = fc.tuple(odd, odd, odd, odd, odd, odd);
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 12 }),
        fc.constantFrom(perClass, { ...fast, clip: true }),
        (rows, options) => {
          const boxes = tensor(
            [rows.length, 4],
            rows.flatMap((r) => r.slice(0, 4)),
          );
          const scores = tensor(
            [rows.length, 2],
            rows.flatMap((r) => r.slice(4)),
          );
          for (const { box, score } of suppress(boxes, scores, 'none', options)) {
            expect(box.every((corner) => corner >= 0 && corner <= 1)).toBe(true);
            expect(box[2] > box[0] && box[3] > box[1]).toBe(true);
            expect(score).not.toBeNaN();
          }
        },
      ),
    );
  });

  // All within the picture: clipping changes overlaps.
  const anyBoxes = fc
    .array(fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 20 }))), { minLength: 1, maxLength: 30 })
    .map((rows) => rows.map(([y, x, h, w]) => [y / 42, x / 42, (y + h + 1) / 42, (x + w + 1) / 42]));

  test('suppressing what remained changes nothing', () => {
    fc.assert(
      fc.property(anyBoxes, fc.integer(), fc.constantFrom(fast, perClass), (rows, seed, options) => {
        const random = uniformRandom(seed);
        const first = suppress(boxesOf(...rows), scoresOf(...rows.map(() => [0.2 + random()])), 'none', options);
        const again = suppress(
          boxesOf(...first.map(({ box }) => [...box])),
          scoresOf(...first.map(({ score }) => [score])),
          'none',
          options,
        );
        expect(again.map(({ box, score }) => [box, score])).toEqual(first.map(({ box, score }) => [box, score]));
      }),
    );
  });

  test('the order of boxes with distinct scores does not matter', () => {
    fc.assert(
      fc.property(anyBoxes, fc.integer(), fc.constantFrom(fast, perClass), (rows, seed, options) => {
        const scored = rows.map((box, i) => ({ box, score: [0.2 + i / 100, 0.9 - i / 77], order: 0 }));
        const random = uniformRandom(seed);
        const shuffled = [...scored].map((one) => ({ ...one, order: random() })).sort((a, b) => a.order - b.order);
        const ask = (list: typeof scored) =>
          suppress(
            boxesOf(...list.map(({ box }) => box)),
            scoresOf(...list.map(({ score }) => score)),
            'none',
            options,
          ).map(({ box, classIndex, score }) => [box, classIndex, score]);
        fc.pre(new Set(scored.flatMap(({ score }) => score.map(Math.fround))).size === 2 * rows.length);
        expect(ask(shuffled)).toEqual(ask(scored));
      }),
    );
  });

  test('no boxes', () => {
    const none = tensor([0, 4], []);
    expect(suppress(none, tensor([1, 0, 91], []), 'slot 0', perClass)).toEqual([]);
    expect(suppress(none, tensor([0, 91], []), 'slot 0', fast)).toEqual([]);
  });

  test('100,000 boxes', () => {
    const count = 100_000;
    const random = uniformRandom(1);
    const boxes = new Float32Array(count * 4);
    for (let at = 0; at < boxes.length; at += 4) {
      const [y, x] = [random(), random()];
      boxes.set([y, x, y + 0.05, x + 0.05], at);
    }
    const scores = tensor([count, 3], Float32Array.from({ length: count * 3 }, random));
    const none = { ...perClass, iouThreshold: 1, maxPerClass: Infinity };
    for (const options of [perClass, fast, none]) {
      const found = suppress(tensor([count, 4], boxes), scores, 'slot 0', options);
      expect(found).toHaveLength(100);
      for (let i = 1; i < found.length; i++) expect(found[i].score).toBeLessThanOrEqual(found[i - 1].score);
    }
  });

  test.each([
    [{ iouThreshold: 0 }, 'suppress: iouThreshold must be above 0 and at most 1, found 0'],
    [{ iouThreshold: Number.NaN }, 'suppress: iouThreshold must be above 0 and at most 1, found NaN'],
    [{ scoreThreshold: Number.NaN }, 'suppress: scoreThreshold must be a number, found NaN'],
    [{ maxResults: 0 }, 'suppress: maxResults must be a whole number of 1 or more, found 0'],
    [{ maxPerClass: 1.5 }, 'suppress: maxPerClass must be a whole number of 1 or more, found 1.5'],
  ])('refuses %o', (change, message) => {
    expect(() => suppress(boxes, scores, 'slot 0', { ...perClass, ...change })).toThrow(message);
  });

  test('refuses tensors that do not belong together', () => {
    expect(() => suppress(boxes, scoresOf([0, 1]), 'slot 0', perClass)).toThrow(
      'suppress: 3 boxes want scores [3, slots] or [1, 3, slots], found [1,2]',
    );
    expect(() => suppress(tensor([4], [0, 0, 1, 1]), scores, 'slot 0', perClass)).toThrow(
      'suppress: boxes must be [N, 4], found [4]',
    );
    expect(() => suppress(boxesOf([0, 0, 1, 1]), scoresOf([0.5]), 'slot 0', perClass)).toThrow(
      'suppress: scores [1,1] leave no class beside the background',
    );
  });
});
