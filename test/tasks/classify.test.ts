import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetworkError, UsageError } from '../../src/errors.js';
import type { Conventions } from '../../src/network/index.js';
import { classify, logits, probabilities } from '../../src/tasks/classify.js';
import { inputTensor } from '../../src/tasks/execute.js';
import { type BackgroundRule, type PredictionOptions, predictions } from '../../src/tasks/predictions.js';
import { tensor } from '../../src/tensor.js';
import { asBytes, colourNetwork, filled } from './networks.js';

const conventions = (more: Partial<Conventions> = {}): Conventions => ({ source: 'other', output: 'logits', ...more });

/** The predictions for one row of outputs. */
const ask = (row: readonly number[], more: Partial<Conventions>, options: PredictionOptions = {}) =>
  predictions(tensor([1, row.length], row), conventions(more), options)[0];

describe('classify', () => {
  // means 2, 1, 0: e², e, 1 of e² + e + 1 = 11.107
  const wanted = [
    { label: 'red', index: 0, probability: 0.66524 },
    { label: 'green', index: 1, probability: 0.24473 },
    { label: 'blue', index: 2, probability: 0.09003 },
  ];

  test.each(['logits', 'softmax', 'softmax, flattened'] as const)('a network that ends in %s', async (ending) => {
    const found = await classify(colourNetwork(ending), filled(2, 1, 0));
    expect(found.map(({ label, index }) => ({ label, index }))).toEqual(
      wanted.map(({ label, index }) => ({ label, index })),
    );
    found.forEach(({ probability }, i) => {
      expect(probability).toBeCloseTo(wanted[i].probability, 5);
    });
    expect(Object.keys(found[0])).toEqual(['label', 'index', 'probability']);
  });

  test('different pictures have different answers', async () => {
    const network = colourNetwork('softmax');
    const best = async (r: number, g: number, b: number) => (await classify(network, filled(r, g, b)))[0].label;
    expect([await best(9, 0, 0), await best(0, 9, 0), await best(0, 0, 9)]).toEqual(['red', 'green', 'blue']);
  });

  test('several pictures give a list each, the same as alone', async () => {
    const network = colourNetwork('softmax');
    const pictures = [filled(3, 1, 2), filled(1, 2, 3)];
    const together = await classify(network, pictures, { top: 2 });
    expect(together).toHaveLength(2);
    expect(together[0].map(({ label }) => label)).toEqual(['red', 'blue']);
    expect(together[1]).toEqual(await classify(network, pictures[1], { top: 2 }));
    expect(await classify(network, [])).toEqual([]);
  });

  test('leaves the picture unchanged', async () => {
    const picture = filled(3, 1, 2);
    await classify(colourNetwork('logits'), picture);
    expect(picture).toEqual(filled(3, 1, 2));
  });

  test('another executor, also an asynchronous one, gets the network and the input', async () => {
    const network = colourNetwork('logits');
    const found = await classify(network, filled(1, 2, 3), {
      run: async (given, input) => {
        expect(given).toBe(network);
        expect(input).toEqual(inputTensor(network, filled(1, 2, 3)));
        return new Map([['mean', tensor([1, 1, 1, 3], [0, 5, 0])]]);
      },
    });
    expect(found[0].label).toBe('green');
  });

  test("the caller's preprocessing overrules the network's", async () => {
    const swapped = { ...asBytes, channels: 'bgr' as const };
    expect((await classify(colourNetwork('logits'), filled(9, 0, 0), { preprocessing: swapped }))[0].label).toBe(
      'blue',
    );
  });

  test('transparency follows the alpha option', async () => {
    const clear = { width: 1, height: 1, channels: 4 as const, data: Uint8Array.from([0, 9, 0, 0]) };
    const network = colourNetwork('logits');
    expect((await classify(network, clear))[0].label).toBe('green');
    const onBlack = await classify(network, clear, { alpha: 'black' });
    expect(onBlack.map(({ probability }) => probability)).toEqual([1 / 3, 1 / 3, 1 / 3].map(Math.fround));
  });
});

describe('predictions', () => {
  test('the best first, equal ones in the order of the outputs', () => {
    const found = ask([1, 3, 2, 3, 1, 3], {}, { top: 6 });
    expect(found.map(({ index }) => index)).toEqual([1, 3, 5, 2, 0, 4]);
  });

  test('any row: sorted, stable, complete', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 2, maxLength: 30 }), (row) => {
        const found = ask(row, {}, { top: 100 });
        expect(found.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(row.map((_, i) => i));
        for (let i = 1; i < found.length; i++) {
          const [a, b] = [found[i - 1], found[i]];
          expect(row[a.index] > row[b.index] || (row[a.index] === row[b.index] && a.index < b.index)).toBe(true);
        }
        expect(found.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
      }),
    );
  });

  test.each<[string, number, 'logits' | 'probabilities']>([
    ['a sigmoid', 0.25, 'probabilities'],
    ['what goes into one', -Math.log(3), 'logits'],
  ])('one output, %s: the probability of the second of two labels', (_, value, output) => {
    const found = ask([value], { output }, { labels: ['cat', 'dog'] });
    expect(found.map(({ label, index }) => [label, index])).toEqual([
      ['cat', 0],
      ['dog', 1],
    ]);
    expect(found.map(({ probability }) => Math.round(1e6 * probability) / 1e6)).toEqual([0.75, 0.25]);
    expect(ask([value], { output }).map(({ label }) => label)).toEqual(['class 0', 'class 1']);
    expect(() => ask([value], { output }, { labels: ['a', 'b', 'c'] })).toThrow('found 3 labels for 2 outputs');
  });

  test('one output with one label is the probability of that', () => {
    expect(ask([0.25], { output: 'probabilities' }, { labels: ['dog'] })).toEqual([
      { label: 'dog', index: 0, probability: 0.25 },
    ]);
  });

  test('five unless stated, all of them when there are fewer', () => {
    expect(ask(new Array(9).fill(0), {})).toHaveLength(5);
    expect(ask([1, 2], {}, { top: 10 })).toHaveLength(2);
    expect(ask([1, 2], {}, { top: 1 })).toHaveLength(1);
  });

  test('logits of 10,000 do not overflow', () => {
    const found = ask([10_000, 9_999, -10_000], {});
    expect(found[0].probability).toBeCloseTo(0.731059, 6); // 1 / (1 + e⁻¹)
    expect(found[1].probability).toBeCloseTo(0.268941, 6);
    expect(found[2].probability).toBe(0);
  });

  test('probabilities are taken as they are, even if quantisation makes their sum 0.996', () => {
    const row = [0.25, 0.5, 0.24609375];
    expect(ask(row, { output: 'probabilities' }).map(({ probability }) => probability)).toEqual([
      0.5, 0.25, 0.24609375,
    ]);
  });

  test('[N, 1, 1, classes] is as good as [N, classes]', () => {
    const data = [1, 2, 4, 3];
    expect(predictions(tensor([2, 1, 1, 2], data), conventions())).toEqual(
      predictions(tensor([2, 2], data), conventions()),
    );
    expect(predictions(tensor([2, 2], data), conventions()).map(([best]) => best.index)).toEqual([1, 0]);
  });
});

describe('labels and the background', () => {
  const row = [1, 4, 3, 2]; // background and three classes
  const offset = { labelOffset: 1 } as const;
  const three = ['cat', 'dog', 'owl'];

  test.each([
    ['one for each output', ['background', ...three]],
    ['one for each class', three],
  ])('%s', (_, labels) => {
    expect(ask(row, offset, { labels }).map(({ label, index, classIndex }) => [label, index, classIndex])).toEqual([
      ['cat', 1, 0],
      ['dog', 2, 1],
      ['owl', 3, 2],
      ['background', 0, undefined],
    ]);
    expect(Object.keys(ask(row, offset, { labels })[0])).toEqual(['label', 'index', 'classIndex', 'probability']);
    expect(ask(row, offset, { labels })[3]).not.toHaveProperty('classIndex');
  });

  test('a list with background for a network without', () => {
    const found = ask([4, 3, 2], {}, { labels: ['background', ...three] });
    expect(found.map(({ label, index }) => [label, index])).toEqual([
      ['cat', 0],
      ['dog', 1],
      ['owl', 2],
    ]);
    expect(found[0]).not.toHaveProperty('classIndex');
  });

  test('the real sizes: 1000 and 1001 outputs, 1000 and 1001 labels', () => {
    const labels1000 = Array.from({ length: 1000 }, (_, i) => `thing ${i}`);
    const labels1001 = ['background', ...labels1000];
    const outputs = (count: number, best: number) => Array.from({ length: count }, (_, i) => (i === best ? 9 : 0));
    for (const labels of [labels1000, labels1001]) {
      expect(ask(outputs(1001, 286), offset, { labels })[0]).toMatchObject({
        label: 'thing 285',
        index: 286,
        classIndex: 285,
      });
      expect(ask(outputs(1000, 285), {}, { labels })[0]).toMatchObject({ label: 'thing 285', index: 285 });
    }
  });

  test("the network's own labels unless others are given", () => {
    expect(ask([0, 1], { labels: ['no', 'yes'] })[0].label).toBe('yes');
    expect(ask([0, 1], { labels: ['no', 'yes'] }, { labels: ['nein', 'ja'] })[0].label).toBe('ja');
  });

  test('without labels, classes by number', () => {
    expect(ask([0, 2, 1], {}).map(({ label }) => label)).toEqual(['class 1', 'class 2', 'class 0']);
    expect(ask([0, 2, 1], offset).map(({ label }) => label)).toEqual(['class 0', 'class 1', 'background']);
  });

  test('the caller states the label offset where the network does not', () => {
    expect(ask(row, {}, { labelOffset: 1, labels: three })[0]).toMatchObject({ label: 'cat', index: 1, classIndex: 0 });
  });

  test.each<[Partial<Conventions>, string[], string]>([
    [offset, ['a', 'b'], 'labels: found 2 labels for 4 outputs, wanted 4 or, without background, 3'],
    [offset, ['a', 'b', 'c', 'd', 'e'], 'labels: found 5 labels for 4 outputs, wanted 4 or, without background, 3'],
    [{}, three, 'labels: found 3 labels for 4 outputs, wanted 4'],
    [{}, ['tench', 'b', 'c', 'd', 'e'], 'labels: found 5 labels for 4 outputs, wanted 4'],
  ])('%j does not fit %j', (more, labels, message) => {
    expect(() => ask(row, more, { labels })).toThrow(new UsageError(message));
  });

  // e^1, e^4, e^3, e^2 of 2.718 + 54.598 + 20.086 + 7.389 = 84.791; without background 82.073
  test.each<[BackgroundRule, number[], number]>([
    ['keep', [0.64391, 0.23688, 0.08714, 0.03206], 1],
    ['before-softmax', [0.66524, 0.24473, 0.09003], 1],
    ['after-softmax', [0.64391, 0.23688, 0.08714], 1 - 0.03206],
  ])('background %s', (background, wanted, sum) => {
    const asLogits = ask(row, offset, { background });
    const softmaxed = [0.0320586, 0.6439143, 0.2368828, 0.0871443];
    const asProbabilities = ask(softmaxed, { ...offset, output: 'probabilities' }, { background });
    for (const found of [asLogits, asProbabilities]) {
      expect(found.map(({ index }) => index)).toEqual([1, 2, 3, 0].slice(0, wanted.length));
      found.forEach(({ probability }, i) => {
        expect(probability).toBeCloseTo(wanted[i], 5);
      });
      expect(found.reduce((total, { probability }) => total + probability, 0)).toBeCloseTo(sum, 5);
    }
  });

  test('in a batch, the background of every row is removed', () => {
    const found = predictions(tensor([2, 3], [9, 1, 2, 9, 4, 3]), conventions(offset), {
      background: 'before-softmax',
    });
    expect(found.map((list) => list.map(({ index }) => index))).toEqual([
      [2, 1],
      [1, 2],
    ]);
  });
});

describe('logits and probabilities', () => {
  test('of a network that ends in logits', async () => {
    const network = colourNetwork('logits');
    expect(await logits(network, filled(2, 1, 0))).toEqual(tensor([1, 3], [2, 1, 0]));
    const { shape, data } = await probabilities(network, filled(2, 1, 0));
    expect(shape).toEqual([1, 3]);
    expect(data[0]).toBeCloseTo(0.66524, 5);
  });

  test.each(['softmax', 'softmax, flattened'] as const)('of a network that ends in %s', async (ending) => {
    const network = colourNetwork(ending);
    expect(await logits(network, filled(2, 1, 0))).toEqual(tensor([1, 3], [2, 1, 0]));
    expect((await probabilities(network, filled(2, 1, 0))).data[0]).toBeCloseTo(0.66524, 5);
  });

  test('logits of probabilities that come from elsewhere are unknown', async () => {
    const network = {
      ...colourNetwork('logits'),
      conventions: conventions({ output: 'probabilities', preprocessing: asBytes }),
    };
    await expect(logits(network, filled(1, 1, 1))).rejects.toThrow(
      new NetworkError("colours: its logits are unknown, since 'mean' is no softmax"),
    );
  });
});

describe('errors', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY])('an output of %d', (value) => {
    const outputs = tensor([2, 3], [1, 2, 3, 4, value, 6]);
    for (const output of ['logits', 'probabilities'] as const) {
      expect(() => predictions(outputs, conventions({ output }))).toThrow(
        new NetworkError(`classify: output 1 of picture 1 is ${value}, wanted a number`),
      );
    }
  });

  test.each([0, -1, 1.5, Number.NaN])('top %d', (top) => {
    expect(() => ask([1, 2], {}, { top })).toThrow(
      new UsageError(`classify: top must be a whole number of 1 or more, found ${top}`),
    );
  });

  test('feature maps are no classes', () => {
    expect(() => predictions(tensor([1, 2, 2, 1], [1, 2, 3, 4]), conventions())).toThrow(
      new NetworkError('classify: wanted an output [batch, classes] or [batch, 1, 1, classes], found [1,2,2,1]'),
    );
    expect(() => ask([1, 2], { output: 'features' })).toThrow(
      new UsageError('classify: the network yields features, not logits or probabilities of classes'),
    );
  });

  test('removing a background that is not there', () => {
    expect(() => ask([1, 2], {}, { background: 'after-softmax' })).toThrow(
      new UsageError("classify: background 'after-softmax' wants a label offset of 1, found 0"),
    );
  });

  test('nothing states the preprocessing', async () => {
    const { preprocessing: _, ...rest } = colourNetwork('logits').conventions;
    await expect(classify({ ...colourNetwork('logits'), conventions: rest }, filled(1, 1, 1))).rejects.toThrow(
      "colours: nothing states how its pictures are prepared (crop, resize, range, channel order); give a preprocessing, preprocessingPreset('keras') or another",
    );
  });

  test('a preprocessing that makes another shape', async () => {
    await expect(
      classify(colourNetwork('logits'), filled(1, 1, 1), { preprocessing: { ...asBytes, size: [4, 2] } }),
    ).rejects.toThrow(
      new UsageError("colours: input 'picture' wants [batch, 2, 2, 3], the preprocessing makes [batch, 4, 2, 3]"),
    );
    const grey = { ...asBytes, channels: 'grey' as const, mean: [0], deviation: [1] };
    await expect(classify(colourNetwork('logits'), filled(1, 1, 1), { preprocessing: grey })).rejects.toThrow(
      'the preprocessing makes [batch, 2, 2, 1]',
    );
  });

  test('a network of several outputs or inputs', async () => {
    const network = colourNetwork('softmax');
    await expect(classify({ ...network, outputs: ['mean', 'softmax'] }, filled(1, 1, 1))).rejects.toThrow(
      new NetworkError('colours: wanted a network of one output, found mean, softmax'),
    );
    const inputs = [...network.inputs, { name: 'size', shape: [1, 2] }];
    await expect(classify({ ...network, inputs }, filled(1, 1, 1))).rejects.toThrow(
      new NetworkError('colours: wanted a network of one input, found picture, size'),
    );
  });

  test('an executor that forgets the output', async () => {
    await expect(classify(colourNetwork('logits'), filled(1, 1, 1), { run: () => new Map() })).rejects.toThrow(
      new UsageError(
        'colours: run answered with nothing, wanted mean: it must compute the network that it is given, which may be a part',
      ),
    );
  });
});
