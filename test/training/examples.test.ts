/** Learning from labelled features: nearest neighbours, and a trained head. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { load } from '../../src/load/index.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { randomWeights, run } from '../../src/network/index.js';
import { classify } from '../../src/tasks/index.js';
import { tensor } from '../../src/tensor.js';
import { type Example, nearestNeighbours, trainHead, withHead } from '../../src/training/index.js';

const example = (label: string, ...features: number[]): Example => ({ label, features: tensor([1, 2], features) });

/** Directions 0°, 90°, 100° and 110°, at very different lengths. */
const corner = [example('right', 5, 0), example('up', 0, 1), example('up', -0.17, 1), example('up', -36, 100)];

describe('nearestNeighbours', () => {
  test('the nearest directions vote, whatever their lengths', () => {
    expect(nearestNeighbours(corner, tensor([1, 2], [0.1, 0.01]), { k: 1 })).toEqual([
      { label: 'right', index: 0, probability: 1 },
      { label: 'up', index: 1, probability: 0 },
    ]);
    expect(nearestNeighbours(corner, tensor([2], [1, 1]), { k: 3 })).toEqual([
      { label: 'up', index: 1, probability: 2 / 3 },
      { label: 'right', index: 0, probability: 1 / 3 },
    ]);
  });

  test('k larger than the number of examples: all of them vote', () => {
    const [{ label, probability }] = nearestNeighbours(corner, tensor([1, 2], [1, 0]));
    expect({ label, probability }).toEqual({ label: 'up', probability: 0.75 });
  });

  test('of equal votes, the nearer example decides', () => {
    const two = [example('left', -1, 0), example('right', 1, 0)];
    expect(nearestNeighbours(two, tensor([1, 2], [1, 0.1]))[0].label).toBe('right');
    expect(nearestNeighbours(two, tensor([1, 2], [-1, 0.1]))[0].label).toBe('left');
  });

  test('an example is its own nearest neighbour', () => {
    const angles = fc.uniqueArray(fc.nat(359), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(angles, fc.double({ min: 0.01, max: 100, noNaN: true }), (all, length) => {
        const examples = all.map((degrees) => {
          const angle = (degrees * Math.PI) / 180;
          return example(`${degrees}`, length * Math.cos(angle), length * Math.sin(angle));
        });
        for (const { label, features } of examples) {
          const [nearest] = nearestNeighbours(examples, features, { k: 1 });
          expect(nearest).toMatchObject({ label, probability: 1 });
        }
      }),
    );
  });

  test.each([
    [[], [1, 0], {}, 'training: found no examples; wanted features and labels'],
    [corner, [1, 0, 0], {}, 'nearestNeighbours: the picture has 3 features, the examples have 2'],
    [corner, [1, 0], { k: 0 }, 'nearestNeighbours: k must be a whole number of 1 or more, found 0'],
    [
      [...corner, example('x', Number.NaN, 1)],
      [1, 0],
      {},
      "training: example 4 ('x') has a feature that is no finite number",
    ],
  ])('errors', (examples, features, options, message) => {
    expect(() => nearestNeighbours(examples, tensor([features.length], features), options)).toThrow(
      new UsageError(message),
    );
  });
});

describe('trainHead', () => {
  test('tells apart what a line parts; its labels stand in the order of the examples', async () => {
    const examples = [example('b', 3, 1), example('a', 1, 3), example('b', 2, 0), example('a', 0, 2)];
    const head = await trainHead(examples, { target: 'reference' });
    expect(head.conventions).toMatchObject({ output: 'probabilities', labels: ['b', 'a'] });
    expect(head.inputs).toEqual([{ name: 'features', shape: [1, 2] }]);
    for (const { features, label } of examples) {
      const [[, { data }]] = run(head, features);
      expect(data[label === 'b' ? 0 : 1]).toBeGreaterThan(0.9);
    }
  });

  test.each([
    [[], 'training: found no examples; wanted features and labels'],
    [[example('a', 1, 2), example('a', 2, 1)], "training: all examples have the label 'a'; wanted two or more labels"],
    [
      [example('a', 1, 2), { label: 'b', features: tensor([1, 3], [1, 2, 3]) }],
      'training: example 1 has 3 features, example 0 has 2',
    ],
    [
      [{ label: 'a', features: tensor([1, 2, 2, 1], [1, 2, 3, 4]) }],
      'training: example 0 has features [1,2,2,1]; wanted those of one picture, [1, channels]',
    ],
    [
      [{ label: 7, features: tensor([1, 1], [1]) } as unknown as Example],
      'training: example 0 has the label 7; wanted a string',
    ],
  ])('errors', async (examples, message) => {
    await expect(trainHead(examples)).rejects.toThrow(new UsageError(message));
  });
});

describe('withHead', () => {
  const base = randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32 }), 3);
  const picture = (grey: number) =>
    ({ width: 32, height: 32, channels: 3, data: new Uint8Array(32 * 32 * 3).fill(grey) }) as const;

  test.each([
    ['V2', base],
    ['V1 of Keras, whose classifier is a convolution', randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32 }), 3)],
    ['V1 of slim', randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, conventions: 'slim' }), 3)],
  ])('answers pictures as the head answers what `embed` makes of them: %s', async (_, base) => {
    const model = await load(base, { reproducible: true });
    const examples: Example[] = [];
    for (const [label, grey] of [['dark', 20] as const, ['light', 220] as const]) {
      examples.push({ label, features: await model.embed(picture(grey)) });
    }
    const head = await trainHead(examples, { target: 'reference' });
    const network = withHead(base, head);
    for (const grey of [20, 90, 220]) {
      const [[, wanted]] = run(head, await model.embed(picture(grey)));
      const found = await classify(network, picture(grey));
      for (const { index, probability, label } of found) {
        expect(label).toBe(['dark', 'light'][index]);
        expect(probability).toBeCloseTo(wanted.data[index], 4);
      }
    }
  });

  test('errors', async () => {
    const head = await trainHead([example('a', 1, 2), example('b', 2, 1)]);
    expect(() => withHead(base, head)).toThrow(
      new UsageError(`withHead: ${base.name} has 1280 features, the head reads 2`),
    );
    expect(() => withHead(base, base)).toThrow(
      new UsageError(`withHead: wanted a classifier made by trainHead, found '${base.name}'`),
    );
  });
});
