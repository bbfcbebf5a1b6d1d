/** What all layers promise, for those whose own tests do not ask. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { backward, layers } from '../../src/layers/index.js';
import { keepsPromises } from './promises.js';

const square = { kernelSize: [3, 2], strides: [2, 1], dilation: [1, 2], padding: 'same' } as const;
const pool = { poolSize: [2, 3], strides: [2, 2], padding: 'same' } as const;

/** Attributes for inputs of shape [3, 5, 4, 6], and how many inputs. */
const examples: { readonly [Kind in keyof typeof layers]?: { attributes: object; inputs?: number } } = {
  conv2d: { attributes: { ...square, filters: 3, bias: true } },
  depthwiseConv2d: { attributes: { ...square, depthMultiplier: 2, bias: true } },
  pointwiseConv2d: { attributes: { filters: 3, bias: true } },
  batchNorm: { attributes: { epsilon: 1e-3, scale: true, center: true } },
  relu: { attributes: {} },
  relu6: { attributes: {} },
  clamp: { attributes: { min: -1, max: 1 } },
  sigmoid: { attributes: {} },
  add: { attributes: {}, inputs: 3 },
  concat: { attributes: { axis: 2 }, inputs: 2 },
  pad: { attributes: { padding: { top: 1, bottom: 0, left: 2, right: 1 }, value: 0.1 } },
  averagePool: { attributes: { ...pool, includePadding: false } },
  maxPool: { attributes: pool },
  globalAveragePool: { attributes: { keepDims: false } },
  dense: { attributes: { units: 3, bias: true } },
  flatten: { attributes: {} },
  reshape: { attributes: { shape: [-1, 3] } },
  dropout: { attributes: { rate: 0.2 } },
  softmax: { attributes: {} },
  resizeBilinear: { attributes: { size: [7, 3], rule: 'half-pixel' } },
  argMax: { attributes: {} },
};

for (const [kind, { attributes, inputs = 1 }] of Object.entries(examples)) {
  keepsPromises(
    kind as keyof typeof layers,
    attributes,
    Array.from({ length: inputs }, () => [3, 5, 4, 6]),
  );
}

test.each(Object.keys(layers).filter((kind) => !Object.hasOwn(examples, kind)))(
  '%s has a test of its own that asks',
  (kind) => {
    const file = new URL(`./${kind}.test.ts`, import.meta.url);
    expect(existsSync(file) && readFileSync(file, 'utf8')).toContain(`keepsPromises('${kind}'`);
  },
);

test('every kind has its line in backward.ts', () => {
  expect(Object.keys(backward).sort()).toEqual(Object.keys(layers).sort());
});

/** What summaries, receptive fields, heads, maps of classes and tables of integers ask a layer. */
test.each([
  ['copies', ['dropout', 'flatten', 'reshape']],
  ['probabilities', ['sigmoid', 'softmax']],
  ['pools', ['averagePool', 'globalAveragePool', 'maxPool']],
  ['inPlace', ['flatten', 'pad', 'reshape', 'softmax']],
  [
    'elementwise',
    ['add', 'batchNorm', 'clamp', 'dropout', 'hardSigmoid', 'hardSwish', 'multiply', 'relu', 'relu6', 'sigmoid'],
  ],
] as const)('%s', (fact, kinds) => {
  const those = Object.entries(layers).filter(([, layer]) => (layer as { [Fact in typeof fact]?: boolean })[fact]);
  expect(those.map(([kind]) => kind).sort()).toEqual(kinds);
});
