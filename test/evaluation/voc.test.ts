/** Pascal VOC's two rules: a published example, and small ones by hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type BoxedDetection, type BoxedTruth, evaluateVoc } from '../../src/evaluation/index.js';
import { dataPath, noData } from '../data.js';

const at = (x: number, more: Partial<BoxedTruth> = {}): BoxedTruth => {
  const box = { x, y: 0, width: 10, height: 10 };
  return { image: 1, category: 1, box, area: 100, ...more };
};
const found = (x: number, score: number, more: Partial<BoxedDetection> = {}): BoxedDetection => {
  const box = { x, y: 0, width: 10, height: 10 };
  return { image: 1, category: 1, box, score, ...more };
};

describe.skipIf(noData)('a published example (needs DEPTHWISE_DATA)', () => {
  const golden = noData ? {} : JSON.parse(readFileSync(dataPath('tables', 'voc_ap_case.json'), 'utf8'));

  // The corners x, y, x + w, y + h are pixels of the box.
  test.each([0.1, 0.3, 0.5, 0.75])('IoU %f', (threshold) => {
    const truths = golden.truth.map(([image, x, y, width, height]: number[]) => {
      return { image, category: 0, box: { x, y, width: width + 1, height: height + 1 }, area: 1 };
    });
    const detections = golden.detections.map(([image, score, x, y, width, height]: number[]) => {
      return { image, category: 0, box: { x, y, width: width + 1, height: height + 1 }, score };
    });
    const { elevenPoint, everyPoint } = evaluateVoc(truths, detections, threshold);
    expect(elevenPoint).toBeCloseTo(golden.elevenPoint[threshold], 9);
    expect(everyPoint).toBeCloseTo(golden.everyPoint[threshold], 9);
  });
});

test('a detection of a truth that is taken is wrong, even where another is near', () => {
  // By COCO's rule the second detection takes the second truth.
  const { everyPoint } = evaluateVoc([at(0), at(3)], [found(0, 0.9), found(1, 0.8)]);
  expect(everyPoint).toBe(0.5);
});

test('difficult truths neither help nor hurt', () => {
  const { everyPoint, elevenPoint } = evaluateVoc(
    [at(0), at(50, { difficult: true })],
    [found(50, 0.9), found(0, 0.8)],
  );
  expect([everyPoint, elevenPoint]).toEqual([1, 1]);
  expect(evaluateVoc([at(0, { difficult: true })], []).byCategory.size).toBe(0);
});

test('the threshold itself is enough', () => {
  // 10 × 10 pixels of which 5 × 10 are shared: 50 / 150.
  expect(evaluateVoc([at(0)], [found(5, 0.9)], 1 / 3 - 1e-9).everyPoint).toBe(1);
  expect(evaluateVoc([at(0)], [found(5, 0.9)], 1 / 3 + 1e-9).everyPoint).toBe(0);
});

test('the mean is over classes with a truth', () => {
  const result = evaluateVoc([at(0), at(0, { category: 2 })], [found(0, 0.9), found(0, 0.9, { category: 3 })]);
  expect(result.everyPoint).toBe(0.5);
  expect([...result.byCategory.keys()]).toEqual([1, 2]);
});

test('refuses a threshold that is no overlap', () => {
  expect(() => evaluateVoc([], [], 0)).toThrow('evaluateVoc: iouThreshold must be above 0 and at most 1, found 0');
});
