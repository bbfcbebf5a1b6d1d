/** COCO's rules: pycocotools' published example, and small ones by hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type BoxedDetection, type BoxedTruth, evaluateCoco } from '../../src/evaluation/index.js';
import { uniformRandom } from '../../src/random.js';
import { dataPath, noData } from '../data.js';

const truth = (x: number, more: Partial<BoxedTruth> = {}): BoxedTruth => {
  const box = { x, y: 0, width: 50, height: 50 };
  return { image: 1, category: 1, box, area: 2500, ...more };
};
const detection = (x: number, score: number, more: Partial<BoxedDetection> = {}): BoxedDetection => {
  const box = { x, y: 0, width: 50, height: 50 };
  return { image: 1, category: 1, box, score, ...more };
};
const numbers = (...sets: [BoxedTruth[], BoxedDetection[]]) => evaluateCoco([1], ...sets).numbers;

describe.skipIf(noData)('the evaluation demo of pycocotools (needs DEPTHWISE_DATA)', () => {
  const golden = noData ? {} : JSON.parse(readFileSync(dataPath('tables', 'cocoeval_fakebbox100.json'), 'utf8'));
  const truths = (): BoxedTruth[] =>
    golden.truth.map(([image, category, x, y, width, height, area]: number[]) => ({
      image,
      category,
      box: { x, y, width, height },
      area,
    }));
  const detections = (): BoxedDetection[] =>
    golden.detections.map(([image, category, x, y, width, height, score]: number[]) => ({
      image,
      category,
      box: { x, y, width, height },
      score,
    }));
  const six = (numbers: object): object =>
    Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, Number(number.toFixed(6))]));

  test('all twelve numbers to six digits', () => {
    expect(six(evaluateCoco(golden.images, truths(), detections()).numbers)).toEqual(golden.expected);
  });

  test('in any order of pictures, truths and detections', () => {
    const random = uniformRandom(7);
    const shuffle = <Item>(items: readonly Item[]): Item[] =>
      items
        .map((item) => ({ item, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item);
    const { numbers } = evaluateCoco(shuffle(golden.images as number[]), shuffle(truths()), shuffle(detections()));
    expect(six(numbers)).toEqual(golden.expected);
  });
});

test('a perfect detector', () => {
  const { AP, AP50, AR1, AR100, APsmall, APmedium } = numbers(
    [truth(0), truth(100)],
    [detection(0, 0.9), detection(100, 0.8)],
  );
  expect([AP, AP50, AR100].map((n) => n.toFixed(9))).toEqual(['1.000000000', '1.000000000', '1.000000000']);
  expect(AR1).toBe(0.5);
  expect(APmedium).toBeCloseTo(1, 9);
  // No truth is that small.
  expect(APsmall).toBe(-1);
});

test('a miss before the hit halves the precision', () => {
  expect(numbers([truth(0)], [detection(200, 0.9), detection(0, 0.8)]).AP).toBeCloseTo(0.5, 9);
});

test('a second detection of one object is wrong, but takes another one that it overlaps well enough', () => {
  expect(numbers([truth(0)], [detection(0, 0.9), detection(1, 0.8)]).AR100).toBe(1);
  // Both truths within .5 of the second detection, whose best one is taken.
  const { AP50 } = numbers([truth(0), truth(10)], [detection(0, 0.9), detection(1, 0.8)]);
  expect(AP50).toBeCloseTo(1, 9);
});

test('detections in a crowd are not counted, however many', () => {
  const crowd = truth(300, { crowd: true, box: { x: 300, y: 0, width: 400, height: 100 } });
  const many = [detection(310, 0.99), detection(400, 0.98), detection(500, 0.97)];
  expect(numbers([truth(0), crowd], [...many, detection(0, 0.5)]).AP).toBeCloseTo(1, 9);
});

test('an object that Pascal VOC calls difficult is neither right nor wrong, found or not', () => {
  const easy = numbers([truth(0)], [detection(0, 0.8)]);
  const difficult = truth(300, { difficult: true });
  expect(easy.AP).toBeCloseTo(1, 9);
  expect(numbers([truth(0), difficult], [detection(0, 0.8)])).toEqual(easy);
  expect(numbers([truth(0), difficult], [detection(300, 0.9), detection(0, 0.8)]).AP).toBe(easy.AP);
  // It is one object, unlike a crowd: found twice, it was wrong once.
  const twice = [detection(300, 0.95), detection(300, 0.9), detection(0, 0.8)];
  expect(numbers([truth(0), difficult], twice).AP).toBeCloseTo(0.5, 9);
});

test("sizes go by the truth's own area, and by a detection's box", () => {
  const { APsmall, APmedium } = numbers([truth(0, { area: 100 })], [detection(0, 0.9)]);
  expect(APsmall).toBeCloseTo(1, 9);
  expect(APmedium).toBe(-1);
});

test('overlap 0.6: right at three of ten thresholds', () => {
  const box = { x: 0, y: 0, width: 50, height: 30 };
  const { AP, AP50, AP75 } = numbers([truth(0)], [detection(0, 0.9, { box })]);
  expect(AP).toBeCloseTo(0.3, 9);
  expect([AP50, AP75].map((n) => Math.round(n))).toEqual([1, 0]);
});

test('detections on other pictures and of classes without truth do not count', () => {
  const { AP } = numbers(
    [truth(0)],
    [detection(0, 0.5), detection(0, 0.9, { image: 2 }), detection(0, 0.9, { category: 5 })],
  );
  expect(AP).toBeCloseTo(1, 9);
});

test('no truth, no detection', () => {
  expect(numbers([], []).AP).toBe(-1);
  expect(numbers([truth(0)], []).AP).toBe(0);
});
