/** Label maps: examples by hand, and agreement with the layer that resizes at full size. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resizeBilinear } from '../../src/layers/index.js';
import { uniformRandom } from '../../src/random.js';
import { classShares, labelMap, labelsOfPicture } from '../../src/segmentation/labels.js';
import { sizeOf, type Tensor, tensor } from '../../src/tensor.js';

const random = (shape: readonly number[], seed: number): Tensor => {
  const next = uniformRandom(seed);
  return tensor(shape, Float32Array.from({ length: sizeOf(shape) }, next));
};

describe('labelMap', () => {
  test('the highest score at each pixel', () => {
    expect(labelMap(tensor([1, 1, 3, 2], [0, 1, 2, 1, 0, 0]))).toEqual({
      width: 3,
      height: 1,
      labels: Uint8Array.of(1, 0, 0),
    });
  });

  test('scores are mixed before they are compared: a class can win between two others', () => {
    // Between (9, 0, 5) and (0, 9, 5) stands (4.5, 4.5, 5).
    const { labels } = labelMap(tensor([1, 1, 2, 3], [9, 0, 5, 0, 9, 5]), { size: [1, 3], rule: 'tf1-align-corners' });
    expect([...labels]).toEqual([0, 2, 1]);
  });

  test('is the class with the highest resized score', () => {
    const side = fc.integer({ min: 1, max: 6 });
    const rule = fc.constantFrom('half-pixel', 'tf1-align-corners', 'tf1-legacy');
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 12 }),
        side,
        rule,
        fc.integer(),
        (h, w, outH, outW, rule, seed) => {
          const scores = random([1, h, w, 4], seed);
          const size = [outH, outW] as const;
          const whole = resizeBilinear.forward([scores], {}, { size, rule }).data;
          labelMap(scores, { size, rule }).labels.forEach((label, pixel) => {
            const resized = whole.subarray(pixel * 4, pixel * 4 + 4);
            // Mixed in the other order, two scores can change places that differ in the last bit.
            expect(Math.max(...resized) - resized[label]).toBeLessThan(1e-6);
          });
        },
      ),
    );
  });

  test('a tall picture needs no scores at its size', () => {
    const { labels } = labelMap(random([1, 33, 33, 21], 1), { size: [1500, 1000] });
    expect(labels).toHaveLength(1_500_000);
  });

  test.each([
    [tensor([2, 2, 2], new Float32Array(8)), {}, 'labelMap: scores must be [1, height, width, classes] of at most 255'],
    [tensor([1, 1, 1, 256], new Float32Array(256)), {}, 'of at most 255 classes, found [1,1,1,256]'],
    [
      random([1, 2, 2, 2], 1),
      { size: [0, 5] as const },
      'labelMap: the size must be [height, width] in whole pixels, found [0, 5]',
    ],
  ])('refuses what is no map or size (%#)', (scores, options, message) => {
    expect(() => labelMap(scores, options)).toThrow(message);
  });
});

describe('labelsOfPicture', () => {
  const stretch = { crop: { kind: 'stretch' }, size: [4, 4] } as const;

  test('labels: the nearest', () => {
    const map = { width: 2, height: 1, labels: Uint8Array.of(7, 9) };
    const at = (width: number, height: number) =>
      labelsOfPicture(map, { picture: { width, height }, preprocessing: stretch });
    expect(at(4, 2)).toEqual({ width: 4, height: 2, labels: Uint8Array.of(7, 7, 9, 9, 7, 7, 9, 9) });
    expect(at(1, 1).labels).toEqual(Uint8Array.of(9));
  });

  test('stretched, it is labelMap by half-pixel', () => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(side, side, side, side, fc.integer(), (h, w, height, width, seed) => {
        const scores = random([1, h, w, 3], seed);
        const seen = { picture: { width, height }, preprocessing: { ...stretch, size: [h, w] as const } };
        expect(labelsOfPicture(scores, seen)).toEqual(labelMap(scores, { size: [height, width] }));
      }),
    );
  });

  test('what the crop cuts off is 255', () => {
    const map = { width: 2, height: 2, labels: Uint8Array.of(1, 2, 3, 4) };
    const central = { crop: { kind: 'central', fraction: 0.5 }, size: [2, 2] } as const;
    const { labels } = labelsOfPicture(map, { picture: { width: 4, height: 4 }, preprocessing: central });
    expect([...labels]).toEqual([255, 255, 255, 255, 255, 1, 2, 255, 255, 3, 4, 255, 255, 255, 255, 255]);
    // 4 × 2 pixels resized to 8 × 4, of which the middle 4 × 4 are kept: the outer columns are not seen.
    const shorter = { crop: { kind: 'shorter-side', side: 4 }, size: [4, 4] } as const;
    const wide = labelsOfPicture(map, { picture: { width: 4, height: 2 }, preprocessing: shorter });
    expect([...wide.labels]).toEqual([255, 1, 2, 255, 255, 3, 4, 255]);
    // 4 × 2 pixels fill the upper half of 4 × 4: the map's lower row shows padding.
    const pad = { crop: { kind: 'pad', value: 128 }, size: [4, 4] } as const;
    const padded = labelsOfPicture(map, { picture: { width: 4, height: 2 }, preprocessing: pad });
    expect([...padded.labels]).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  });
});

test('classShares: the largest first, of equal ones the lowest', () => {
  expect(classShares({ width: 5, height: 1, labels: Uint8Array.of(3, 1, 3, 1, 0) })).toEqual([
    { classIndex: 1, pixels: 2, share: 0.4 },
    { classIndex: 3, pixels: 2, share: 0.4 },
    { classIndex: 0, pixels: 1, share: 0.2 },
  ]);
  expect(classShares({ width: 4, height: 1, labels: Uint8Array.of(1, 255, 255, 255) })).toEqual([
    { classIndex: 1, pixels: 1, share: 1 },
  ]);
});
