/** The suites enter what they are meant to enter. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inferShapes, inputShapesOf, run } from '../../src/network/index.js';
import { layerSuite, mobilenetSuite, randomKinds } from '../../src/oracle/index.js';
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
