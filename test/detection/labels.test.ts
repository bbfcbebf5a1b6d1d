import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COCO_IDS, cocoIds, labelsByClass } from '../../src/detection/labels.js';
import { dataPath, noData } from '../data.js';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `label ${i}`);

describe('labelsByClass', () => {
  test('one for each class', () => {
    expect(labelsByClass(['cat', 'dog'], 3, 'slot 0')).toEqual({
      labels: ['cat', 'dog'],
      taken: '2 labels, one for each class',
    });
    expect(labelsByClass(['object'], 1, 'none').labels).toEqual(['object']);
  });

  test('with background first', () => {
    expect(labelsByClass(['background', 'cat', 'dog'], 3, 'slot 0')).toEqual({
      labels: ['cat', 'dog'],
      taken: '3 labels, the first for background',
    });
  });

  test("80 labels for COCO's 90 ids", () => {
    const { labels, taken } = labelsByClass(numbered(80), 91, 'slot 0');
    expect(labels).toHaveLength(90);
    expect([labels[0], labels[10], labels[11], labels[12], labels[89]]).toEqual([
      'label 0',
      'label 10',
      undefined,
      'label 11',
      'label 79',
    ]);
    expect(taken).toBe("80 labels, for the 80 of COCO's ids 1 to 90 that have a class");
  });

  test.each([
    [79, 91, 'slot 0', '90 classes and wants 90 labels or 91 with background first or 80 for COCO, found 79'],
    [92, 91, 'slot 0', '90 classes and wants 90 labels or 91 with background first or 80 for COCO, found 92'],
    [4, 3, 'slot 0', '2 classes and wants 2 labels or 3 with background first, found 4'],
    [0, 3, 'slot 0', '2 classes and wants 2 labels or 3 with background first, found 0'],
    [80, 91, 'none', '91 classes and wants 91 labels, found 80'],
  ] as const)('refuses %i labels for %i slots, background %s', (length, slots, background, message) => {
    expect(() => labelsByClass(numbered(length), slots, background)).toThrow(`labels: the network has ${message}`);
  });

  test.skipIf(noData)("COCO's list of 91 lines (needs DEPTHWISE_DATA)", () => {
    const lines = readFileSync(dataPath('labels', 'coco_labelmap.txt'), 'utf8').trimEnd().split('\n');
    const { labels, taken } = labelsByClass(lines, 91, 'slot 0');
    expect([labels[0], labels[76], labels[89]]).toEqual(['person', 'cell phone', 'toothbrush']);
    expect(labels.flatMap((label, classIndex) => (label === undefined ? [] : [classIndex + 1]))).toEqual(COCO_IDS);
    expect(taken).toBe('91 labels, the first for background');
    const without = labelsByClass(
      lines.slice(1).filter((line) => line !== '???'),
      91,
      'slot 0',
    );
    expect(without.labels).toEqual(labels);
  });
});

test("COCO's ids", () => {
  expect(COCO_IDS).toHaveLength(80);
  expect([COCO_IDS[0], COCO_IDS[11], COCO_IDS[79]]).toEqual([1, 13, 90]);
  expect(cocoIds(90)?.[89]).toBe(90);
  expect(cocoIds(80)).toBe(COCO_IDS);
  expect(cocoIds(20)).toBeUndefined();
});
