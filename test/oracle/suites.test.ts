/** The suites enter what they are meant to enter. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inferShapes, run } from '../../src/network/index.js';
import { inputShapesOf } from '../../src/network/shapes.js';
import { layerSuite, mobilenetSuite, type Problem } from '../../src/oracle/index.js';
import { randomKinds } from '../../src/oracle/random-layers.js';
import { sizeOf } from '../../src/tensor.js';

test('names are those of files, each once', () => {
  const problems = [...layerSuite(1), ...layerSuite(1, { count: 30 }), ...mobilenetSuite(1)];
  const names = problems.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[\w.-]+$/);
});

describe('vector shapes', () => {
  const problems = [...layerSuite(1, { shapes: ['vector'] })];
  const kinds = [...new Set(problems.map(({ network }) => network.nodes[0].kind))];

  test.each(kinds)('%s: 4, 8, 16, 32, 64 channels and one more or less, two pictures', (kind) => {
    const shapes = problems
      .filter(({ network }) => network.nodes[0].kind === kind)
      .map(({ network }) => network.inputs[0].shape);
    const channels = [...new Set(shapes.map((shape) => shape.at(-1)!))].sort((a, b) => a - b);
    expect(channels).toEqual([3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]);
    expect(shapes.every(([batch]) => batch === 2)).toBe(true);
  });

  test('convolutions also yield multiples of 4 from others, and the other way round', () => {
    const pairs = problems.flatMap(({ network }) => {
      const [node] = network.nodes;
      if (node.kind !== 'conv2d' && node.kind !== 'pointwiseConv2d') return [];
      return [`${network.inputs[0].shape.at(-1)! % 4 === 0} to ${node.attributes.filters % 4 === 0}`];
    });
    expect(new Set(pairs).size).toBe(4);
  });
});

test('mobilenet shapes: each layer of V1 and V2 once, the convolutions of V1 as its paper lists them', () => {
  const problems = [
    ...layerSuite(1, { shapes: ['mobilenet'], kinds: ['conv2d', 'depthwiseConv2d', 'pointwiseConv2d'] }),
  ];
  const names = problems.map(({ name }) => name);
  // Table 1 of arXiv:1704.04861, its distinct rows: input sizes and channels.
  const rows = [
    'conv2d-mobilenet-224x224x3-to-112x112x32',
    'pointwiseConv2d-mobilenet-112x112x32-to-112x112x64',
    'pointwiseConv2d-mobilenet-56x56x64-to-56x56x128',
    'pointwiseConv2d-mobilenet-56x56x128',
    'pointwiseConv2d-mobilenet-28x28x128-to-28x28x256',
    'pointwiseConv2d-mobilenet-28x28x256',
    'pointwiseConv2d-mobilenet-14x14x256-to-14x14x512',
    'pointwiseConv2d-mobilenet-14x14x512',
    'pointwiseConv2d-mobilenet-7x7x512-to-7x7x1024',
    'pointwiseConv2d-mobilenet-7x7x1024',
    'depthwiseConv2d-mobilenet-112x112x32',
    'depthwiseConv2d-mobilenet-14x14x512',
  ];
  for (const row of rows) expect(names.filter((name) => name === row)).toEqual([row]);
});

/**
 * Bundles are made anew wherever they are wanted, not stored: what a seed stands for must not change unsaid. Whoever means to change it says so in
 * the changelog and states the new sums, first 16 digits of SHA-256 over each problem's name, layer, noise, inputs and weights.
 */
const pinned = ['conv2d', 'depthwiseConv2d', 'pointwiseConv2d', 'batchNorm', 'clamp', 'add', 'averagePool'] as const;
const pinnedToo = [
  'dense',
  'concat',
  'maxPool',
  'globalAveragePool',
  'relu',
  'relu6',
  'softmax',
  'pad',
  'resizeBilinear',
] as const;

test.each([
  ['odd, of other kinds', () => layerSuite(1, { shapes: ['odd'], kinds: pinnedToo }), '0364b5e10809c2a6'],
  ['vector, of other kinds', () => layerSuite(1, { shapes: ['vector'], kinds: pinnedToo }), 'c6d6880e3953d654'],
  ['random, of other kinds', () => layerSuite(1, { count: 100, kinds: pinnedToo }), '2eb7faf190991950'],
  ['odd', () => layerSuite(1, { shapes: ['odd'], kinds: pinned }), 'f514da0f4d67f35c'],
  ['vector', () => layerSuite(1, { shapes: ['vector'], kinds: pinned }), '4aea63cee39b40a0'],
  ['random', () => layerSuite(1, { count: 100, kinds: pinned }), '85f7e7285f5248b6'],
  ['mobilenet', () => mobilenetSuite(1, { alpha: 0.25, resolution: [32, 32], classes: 10 }), '74e2f8bf3125680c'],
])('%s: the same problems as in the release before', (_, suite, wanted) => {
  expect(sumOf(suite())).toBe(wanted);
});

function sumOf(problems: Iterable<Problem>): string {
  const hash = createHash('sha256');
  for (const { name, network, noise, seed, inputs } of problems) {
    const nodes = network.nodes.map(({ name, kind, inputs, attributes }) => [name, kind, inputs, sorted(attributes)]);
    hash.update(JSON.stringify([name, noise, seed, nodes]));
    for (const tensors of [inputs, network.weights]) {
      for (const [tensor, { shape, data }] of tensors) {
        hash.update(JSON.stringify([tensor, shape]));
        hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
    }
  }
  return hash.digest('hex').slice(0, 16);
}

const sorted = (attributes: object = {}) => Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));

test('--kinds leaves the others out', () => {
  const kinds = [...layerSuite(1, { kinds: ['add', 'softmax'] })].map(({ network }) => network.nodes[0].kind);
  expect(new Set(kinds)).toEqual(new Set(['add', 'softmax']));
});

test('random problems: every one computes; in many, every kind; the same for the same seed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      const [problem] = layerSuite(seed, { count: 1 });
      const [output] = run(problem.network, problem.inputs).values();
      expect(sizeOf(output.shape)).toBeGreaterThan(0);
      expect(output.data.some(Number.isNaN)).toBe(false);
    }),
    { numRuns: 40 },
  );
  const many = [...layerSuite(7, { count: 200 })];
  expect(new Set(many.map(({ network }) => network.nodes[0].kind))).toEqual(new Set(randomKinds));
  expect([...layerSuite(7, { count: 200 })]).toEqual(many);
  const windows = many.flatMap(({ network }) => {
    const [node] = network.nodes;
    return node.kind === 'conv2d' || node.kind === 'depthwiseConv2d' ? [node.attributes] : [];
  });
  expect(windows.some(({ strides }) => strides[0] !== strides[1])).toBe(true);
  expect(windows.some(({ dilation }) => dilation[0] > 1)).toBe(true);
  expect(windows.some(({ padding }) => typeof padding === 'object')).toBe(true);
});

test('only kinds that are drawn', () => {
  expect(() => [...layerSuite(1, { count: 1, kinds: ['dropout'] })]).toThrow(
    "there are no random layers of kind 'dropout'; wanted some of conv2d, depthwiseConv2d, ",
  );
});

test('inputs fit the networks', () => {
  for (const { network, inputs } of layerSuite(1)) {
    const shapes = inferShapes(network);
    expect([...inputs.values()].map(({ shape }) => shape)).toEqual(inputShapesOf(network.nodes[0], shapes));
  }
});
