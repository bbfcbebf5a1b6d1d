import { describe, expect, test } from 'vitest';
import { preprocess } from '../../src/image/preprocess.js';
import { preprocessingPreset } from '../../src/network/index.js';
import { NO_AUGMENTATION } from '../../src/training/data/augment.js';
import { Batches, type BatchOptions, epochOrder, Renderer, stepsPerEpoch } from '../../src/training/data/batches.js';
import { channelStatistics } from '../../src/training/data/dataset.js';
import type { Augmentation } from '../../src/training/index.js';
import { standardised } from '../../src/training/transfer/network.js';
import { shapesData } from './tiny.js';

const data = shapesData(10, 1);
const NUMBERS = 8 * 8 * 3;
const everything: Augmentation = { flip: true, crop: 1, cutout: 2, mixup: 0.4 };

function filled(first: number, count: number, options: Partial<BatchOptions> = {}, epoch = 0) {
  const settings = { seed: 3, labelSmoothing: 0, augmentation: NO_AUGMENTATION, ...options };
  const pictures = new Float32Array(count * NUMBERS).fill(Number.NaN);
  const targets = new Float32Array(count * 3).fill(Number.NaN);
  new Batches(data, standardised(data), settings).fill(epoch, first, [8, 8], pictures, targets);
  return { pictures, targets };
}

describe('order', () => {
  test('every picture once, another order each epoch and for each seed, the same again for the same', () => {
    const orders = [epochOrder(100, 1, 0), epochOrder(100, 1, 1), epochOrder(100, 2, 0)];
    for (const order of orders)
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(new Set(orders.map(String)).size).toBe(3);
    expect(epochOrder(100, 1, 1)).toEqual(orders[1]);
  });

  test('each picture comes to each place', () => {
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 100; epoch++) {
      for (const [place, picture] of epochOrder(4, 1, epoch).entries()) seen.add(`${picture} at ${place}`);
    }
    expect(seen.size).toBe(16);
  });

  test('steps: whole batches, and one at least', () => {
    expect([stepsPerEpoch(100, 10), stepsPerEpoch(109, 10), stepsPerEpoch(9, 10)]).toEqual([10, 10, 1]);
  });
});

describe('fill', () => {
  test('without augmentation: the pictures in order, as `preprocess` prepares them; targets of one class', () => {
    const { pictures, targets } = filled(0, 10);
    for (const [n, index] of epochOrder(10, 3, 0).entries()) {
      const bytes = data.pictures.slice(index * NUMBERS, (index + 1) * NUMBERS);
      const wanted = preprocess({ width: 8, height: 8, channels: 3, data: bytes }, standardised(data));
      expect(pictures.slice(n * NUMBERS, (n + 1) * NUMBERS)).toEqual(wanted.data);
      expect([...targets.slice(3 * n, 3 * n + 3)]).toEqual([0, 1, 2].map((k) => (k === data.labels[index] ? 1 : 0)));
    }
  });

  test('blue first where the network wants it', () => {
    const caffe = {
      ...standardised(data),
      ...preprocessingPreset('caffe', [8, 8]),
      crop: { kind: 'stretch' },
    } as const;
    const pictures = new Float32Array(NUMBERS);
    const options = { seed: 3, labelSmoothing: 0, augmentation: NO_AUGMENTATION };
    new Batches(data, caffe, options).fill(0, 0, [8, 8], pictures, new Float32Array(3));
    const index = epochOrder(10, 3, 0)[0];
    const bytes = data.pictures.slice(index * NUMBERS, (index + 1) * NUMBERS);
    expect(pictures).toEqual(preprocess({ width: 8, height: 8, channels: 3, data: bytes }, caffe).data);
  });

  test('a part of a batch is what the whole batch has there: workers need not know each other', () => {
    const whole = filled(0, 8, { augmentation: everything, labelSmoothing: 0.1 });
    const part = filled(4, 4, { augmentation: everything, labelSmoothing: 0.1 });
    expect(part.pictures).toEqual(whole.pictures.slice(4 * NUMBERS));
    expect(part.targets).toEqual(whole.targets.slice(4 * 3));
  });

  test("from a restart on, with the restart's augmentation", () => {
    const restarts = [{ epoch: 1, learningRate: 1, augmentation: everything }];
    const changed = { augmentation: NO_AUGMENTATION, restarts };
    expect(filled(0, 10, changed)).toEqual(filled(0, 10));
    expect(filled(0, 10, changed, 1)).toEqual(filled(0, 10, { augmentation: everything }, 1));
  });

  test('another epoch and another seed show other pictures', () => {
    const one = filled(0, 10, { augmentation: everything }).pictures;
    expect(filled(0, 10, { augmentation: everything }, 1).pictures).not.toEqual(one);
    expect(filled(0, 10, { augmentation: everything, seed: 4 }).pictures).not.toEqual(one);
  });

  test('label smoothing 0.3 over three classes: 0.8 and twice 0.1', () => {
    const { targets } = filled(0, 1, { labelSmoothing: 0.3 });
    expect([...targets].sort()).toEqual([Math.fround(0.1), Math.fround(0.1), Math.fround(0.8)]);
  });

  test('mix-up: each picture and target between its own and those of the next in order, by the same share', () => {
    const plain = filled(0, 10);
    const mixed = filled(0, 9, { augmentation: { ...NO_AUGMENTATION, mixup: 1 } });
    for (let n = 0; n < 9; n++) {
      const labels = [0, 1].map((k) => plain.targets.slice(3 * (n + k), 3 * (n + k) + 3).indexOf(1));
      if (labels[0] === labels[1]) continue;
      const share = mixed.targets[3 * n + labels[0]];
      expect(mixed.targets[3 * n + labels[1]]).toBeCloseTo(1 - share, 6);
      for (let i = n * NUMBERS; i < (n + 1) * NUMBERS; i++) {
        expect(mixed.pictures[i]).toBeCloseTo(share * plain.pictures[i] + (1 - share) * plain.pictures[i + NUMBERS], 4);
      }
    }
  });

  test.each([0, 0.1])('rows of targets sum to 1, with smoothing %d', (labelSmoothing) => {
    const { targets } = filled(0, 10, { augmentation: everything, labelSmoothing });
    for (let n = 0; n < 10; n++) expect(targets[3 * n] + targets[3 * n + 1] + targets[3 * n + 2]).toBeCloseTo(1, 6);
  });

  test('positions beyond the data begin again', () => {
    expect(filled(10, 10).pictures).toEqual(filled(0, 10).pictures);
  });

  const greyOnes = { scale: 1, channels: 'grey', mean: [10], deviation: [2] } as const;

  test('a network of grey pictures gets one channel', () => {
    const grey = {
      ...data,
      channels: 1,
      width: 2,
      height: 1,
      pictures: Uint8Array.of(10, 16),
      labels: Uint16Array.of(0),
    } as const; // prettier-ignore
    const { shape, data: numbers } = new Renderer(grey, { ...standardised(data), ...greyOnes }).batch(
      [0],
      { top: 0, left: 0, flipped: false },
      [1, 2],
    ); // prettier-ignore
    expect([shape, [...numbers]]).toEqual([
      [1, 1, 2, 1],
      [0, 3],
    ]); // prettier-ignore
  });

  test('and no pictures in colour', () => {
    const grey = { ...standardised(data), ...greyOnes };
    expect(() => new Batches(data, grey, { seed: 1, labelSmoothing: 0, augmentation: NO_AUGMENTATION })).toThrow(
      'shapes: has pictures in colour, and the network wants grey ones',
    );
  });
});

test('channel statistics: prepared pictures have mean 0 and deviation 1 in every channel', () => {
  const { pictures } = filled(0, 10);
  for (let c = 0; c < 3; c++) {
    const values = pictures.filter((_, i) => i % 3 === c);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(mean).toBeCloseTo(0, 5);
    expect(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length).toBeCloseTo(1, 4);
  }
});

test('channel statistics by hand: bytes 0 and 255; a constant channel is left as it is', () => {
  const two = { ...data, pictures: Uint8Array.of(0, 51, 255, 255, 51, 255), labels: Uint16Array.of(0, 0) };
  expect(channelStatistics(two, 3)).toEqual({ mean: [0.5, 0.2, 1], deviation: [0.5, 1, 1] });
  const grey = { ...two, channels: 1, pictures: Uint8Array.of(0, 255) } as const;
  expect(channelStatistics(grey, 3)).toEqual({ mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] });
  expect(channelStatistics(grey, 1)).toEqual({ mean: [0.5], deviation: [0.5] });
});
