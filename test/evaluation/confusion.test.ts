import { describe, expect, test } from 'vitest';
import { ConfusionMatrix } from '../../src/evaluation/index.js';

describe('ConfusionMatrix', () => {
  const filled = (): ConfusionMatrix => {
    const matrix = new ConfusionMatrix(4);
    matrix.add([0, 0, 1, 255], [0, 1, 1, 3]);
    matrix.add([0, 0], [0, 2]);
    return matrix;
  };

  test('IoU by class: diagonal over union, 255 left out', () => {
    // Class 0: 2 of 4; class 1: 1 of 2; class 2 was only predicted; class 3 is nowhere.
    expect(filled().iouByClass()).toEqual([0.5, 0.5, 0, Number.NaN]);
  });

  test('the mean by both rules', () => {
    expect(filled().meanIou()).toBeCloseTo(1 / 3, 12);
    expect(filled().meanIou('in-truth')).toBe(0.5);
  });

  test('pixel accuracy', () => {
    expect(filled().pixelAccuracy()).toBe(3 / 5);
  });

  test('refuses labels that are no classes, and maps of two sizes', () => {
    const matrix = new ConfusionMatrix(2);
    expect(() => matrix.add([2], [0])).toThrow('confusion: the truth has label 2, where there are 2 classes');
    expect(() => matrix.add([0], [255])).toThrow('confusion: the prediction has label 255, where there are 2 classes');
    expect(() => matrix.add([0, 1], [0])).toThrow('confusion: the truth has 2 pixels, the prediction 1');
  });
});
