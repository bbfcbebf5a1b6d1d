import { describe, expect, test } from 'vitest';
import { type Network, NetworkBuilder, run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { Batches, epochOrder } from '../../src/training/data/batches.js';
import type { Dataset } from '../../src/training/index.js';
import { recipeWith } from '../../src/training/loop/recipe.js';
import { initialState } from '../../src/training/loop/train.js';
import { withParameters } from '../../src/training/step/parameters.js';
import { withTeachers } from '../../src/training/transfer/distillation.js';
import { trainingNetwork } from '../../src/training/transfer/network.js';
import { shapesData, tinyNetwork } from './tiny.js';

const data = shapesData(7, 1);

function teacher(seed: number): Network {
  const network = tinyNetwork(data);
  const { values, statistics } = initialState(network, recipeWith({ seed }));
  return withParameters(network, values, statistics);
}

/** The picture as the reference executor sees it, and its mirror image. */
function views(network: Network, index: number) {
  const { mean, deviation, scale } = network.conventions.preprocessing!;
  return [false, true].map((mirrored) =>
    tensor(
      [1, 8, 8, 3],
      Float64Array.from({ length: 192 }, (_, at) => {
        const [y, x, c] = [Math.floor(at / 24), Math.floor(at / 3) % 8, at % 3];
        const byte = data.pictures[((index * 8 + y) * 8 + (mirrored ? 7 - x : x)) * 3 + c];
        return (byte * scale - mean[c]) / deviation[c];
      }),
    ),
  );
}

function probabilities(network: Network, index: number): number[] {
  const answers = views(network, index).map((picture) => {
    const powers = Array.from([...run(network, picture).values()][0].data, Math.exp);
    const sum = powers.reduce((total, power) => total + power);
    return powers.map((power) => power / sum);
  });
  return answers[0].map((p, k) => (p + answers[1][k]) / 2);
}

describe('targets', () => {
  test('half smoothed labels, half the mean of two teachers on the picture and its mirror image', async () => {
    const teachers = [teacher(1), teacher(2)];
    const { targets } = await withTeachers(data, teachers, { labelSmoothing: 0.3 });
    for (const [n, label] of data.labels.entries()) {
      const [first, second] = teachers.map((network) => probabilities(network, n));
      for (let k = 0; k < 3; k++) {
        const hard = k === label ? 0.8 : 0.1;
        expect(targets![3 * n + k], `picture ${n}, class ${k}`).toBeCloseTo(hard / 2 + (first[k] + second[k]) / 4, 5);
      }
    }
  });

  test('a share of 1: the teacher alone; of 0: the labels alone', async () => {
    const of = async (share: number) => (await withTeachers(data, [teacher(1)], { share, labelSmoothing: 0 })).targets!;
    const taught = await of(1);
    for (const [k, p] of probabilities(teacher(1), 2).entries()) expect(taught[6 + k]).toBeCloseTo(p, 5);
    expect(Array.from((await of(0)).slice(0, 6))).toEqual([1, 0, 0, 0, 1, 0]);
  });

  test('what a batch has in place of the labels; mix-up mixes them', async () => {
    const taught = await withTeachers(data, [teacher(1)], { labelSmoothing: 0.1 });
    const filled = (mixup: number) => {
      const pictures = new Float32Array(7 * 192);
      const targets = new Float32Array(21);
      const augmentation = { flip: true, crop: 1, cutout: 2, mixup };
      const { preprocessing } = teacher(1).conventions;
      new Batches(taught, preprocessing!, { seed: 3, labelSmoothing: 0.1, augmentation }).fill(
        0,
        0,
        [8, 8],
        pictures,
        targets,
      );
      return targets;
    };
    const plain = filled(0);
    for (const [at, index] of epochOrder(7, 3, 0).entries()) {
      expect(plain.slice(3 * at, 3 * at + 3)).toEqual(taught.targets!.slice(3 * index, 3 * index + 3));
    }
    const mixed = filled(0.5);
    for (let at = 0; at < 7; at++) {
      expect(mixed.slice(3 * at, 3 * at + 3).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    }
    expect(mixed).not.toEqual(plain);
  });
});

test('the name of the data tells teachers apart, so that no run is taken up with others', async () => {
  const names = await Promise.all(
    [teacher(1), teacher(2)].map(async (one) => (await withTeachers(data, [one], { labelSmoothing: 0.1 })).name),
  );
  for (const name of names) expect(name).toMatch(/^shapes \(taught 0\.5 by [0-9a-f]{8}\)$/);
  expect(names[0]).not.toBe(names[1]);
});

test('progress', async () => {
  const seen: string[] = [];
  const onBatch = (done: number, all: number) => seen.push(`${done}/${all}`);
  await withTeachers(data, [teacher(1), teacher(2)], { labelSmoothing: 0, onBatch });
  expect(seen).toEqual(['7/14', '14/14']);
});

test('Ctrl-C is heard between two batches', async () => {
  const seen: string[] = [];
  setImmediate(() => seen.push('another task'));
  await withTeachers(data, [teacher(1), teacher(2)], { labelSmoothing: 0, onBatch: (done) => seen.push(`${done}`) });
  expect(seen).toEqual(['7', 'another task', '14']);
});

describe('errors', () => {
  test.each([-0.1, 1.1, Number.NaN])('a share of %d', async (share) => {
    await expect(withTeachers(data, [teacher(1)], { share, labelSmoothing: 0 })).rejects.toThrow(
      `training: a teacher's share must be from 0 to 1, found ${share}`,
    );
  });

  test('a teacher for other pictures, or of other classes', async () => {
    const larger: Dataset = { ...data, height: 16, pictures: new Uint8Array(7 * 16 * 8 * 3) };
    await expect(withTeachers(larger, [teacher(1)], { labelSmoothing: 0 })).rejects.toThrow(
      'tiny wants pictures of 8×8, shapes has 16×8',
    );
    const net = new NetworkBuilder();
    const flat = net.add('pool', 'globalAveragePool', net.input('input', [1, 8, 8, 3]), { keepDims: false });
    const two = net.build('two', [net.add('d', 'dense', flat, { units: 2, bias: false })], {
      source: 'other',
      output: 'logits',
    });
    const prepared: Network = {
      ...trainingNetwork(two, { ...data, classes: ['a', 'b'] }),
      weights: new Map([['d/kernel', tensor([3, 2], new Float32Array(6))]]),
    };
    await expect(withTeachers(data, [prepared], { labelSmoothing: 0 })).rejects.toThrow(
      'two has 2 classes, shapes has 3',
    );
  });
});
