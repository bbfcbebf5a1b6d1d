/** Attributes that may be left out, and the values that they have then. */
import { describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import { backward, conv2d, depthwiseConv2d, globalAveragePool, layers } from '../../src/layers/index.js';
import { NetworkBuilder } from '../../src/network/index.js';
import { expectClose, grid } from './support.js';

/**
 * "Stride one and padding" (§3.1 of arXiv:1704.04861); convolutions without a bias, a classifier with one; batch norm as slim's 0.001, gamma
 * and beta; bilinear resizing as TensorFlow 2, PyTorch and ONNX do it unasked.
 */
const DEFAULTS = {
  averagePool: { includePadding: false },
  batchNorm: { epsilon: 0.001, scale: true, center: true },
  concat: { axis: -1 },
  conv2d: { strides: [1, 1], dilation: [1, 1], padding: 'same', bias: false },
  dense: { bias: true },
  depthwiseConv2d: { strides: [1, 1], dilation: [1, 1], padding: 'same', depthMultiplier: 1, bias: false },
  globalAveragePool: { keepDims: false },
  pad: { value: 0 },
  pointwiseConv2d: { bias: false },
  resizeBilinear: { rule: 'half-pixel' },
};

test('each is an attribute of its layer and passes its check', () => {
  const found = Object.entries(layers).filter(([, { defaults }]) => Object.keys(defaults).length > 0);
  expect(Object.fromEntries(found.map(([kind, { defaults }]) => [kind, defaults]))).toEqual(DEFAULTS);
  for (const [kind, { attributes, defaults }] of found) {
    const checks = attributes as Readonly<Record<string, (value: unknown, at: string) => unknown>>;
    for (const [name, value] of Object.entries(defaults)) expect(checks[name](value, kind)).toEqual(value);
  }
});

// biome-ignore format: drawn as it lies in memory
const x = grid([1, 2, 3, 1], [
  1, 2, 3,
  4, 5, 6,
]);
// biome-ignore format: drawn as it lies in memory
const kernel = grid([1, 3, 1, 1], [
  1, 10, 100,
]);

describe('a layer that is told no more than it must be', () => {
  test('conv2d keeps the size of the map', () => {
    // biome-ignore format: drawn as it lies in memory
    expectClose(conv2d.forward([x], { kernel }, { filters: 1, kernelSize: [1, 3] }), grid([1, 2, 3, 1], [
      210, 321, 32, // 2·100 + 1·10, …
      540, 654, 65,
    ]));
  });

  test('depthwiseConv2d, and another padding', () => {
    // biome-ignore format: drawn as it lies in memory
    expectClose(depthwiseConv2d.forward([x], { kernel }, { kernelSize: [1, 3], padding: 'valid' }), grid([1, 2, 1, 1], [
      321,
      654,
    ]));
  });

  test('globalAveragePool takes the picture alone', () => {
    expectClose(globalAveragePool.forward([x]), grid([1, 1], [3.5]));
  });

  test('the gradient too', () => {
    const dy = grid([1, 2, 3, 1], [1, 0, 0, 0, 0, 0]);
    const { inputs, weights } = backward.conv2d(dy, [x], { kernel }, { filters: 1, kernelSize: [1, 3] });
    expectClose(inputs[0], grid([1, 2, 3, 1], [10, 100, 0, 0, 0, 0]));
    expectClose(weights.kernel, grid([1, 3, 1, 1], [0, 1, 2]));
  });

  test('what has no default is missed by name', () => {
    const attributes = { filters: 1 } as unknown as { filters: number; kernelSize: [number, number] };
    expect(() => conv2d.forward([x], { kernel }, attributes)).toThrow(
      new ShapeError('conv2d.kernelSize: wanted a list of 2, found undefined'),
    );
  });
});

test('a network states them all', () => {
  const net = new NetworkBuilder();
  net.input('x', [1, 4, 4, 3]);
  net.add('conv', 'conv2d', 'x', { filters: 8, kernelSize: [3, 3], strides: [2, 2] });
  net.add('norm', 'batchNorm', 'conv');
  net.add('relu', 'relu', 'norm');
  const { nodes } = net.build('small', ['relu'], { source: 'keras', output: 'features' });
  expect(nodes.map(({ attributes }) => attributes)).toEqual([
    { filters: 8, kernelSize: [3, 3], strides: [2, 2], dilation: [1, 1], padding: 'same', bias: false },
    { epsilon: 0.001, scale: true, center: true },
    {},
  ]);
});

test('a misspelt attribute is no reason to take the default', () => {
  const misspelt = { filters: 1, kernelSize: [1, 3], stride: [2, 2] } as const;
  const said = "there is no field 'stride'; wanted filters, kernelSize, strides, dilation, padding, bias";
  expect(() => conv2d.forward([x], { kernel }, misspelt)).toThrow(new ShapeError(`conv2d: ${said}`));
  expect(() => backward.conv2d(x, [x], { kernel }, misspelt)).toThrow(new ShapeError(`conv2d: ${said}`));
  const net = new NetworkBuilder();
  const y = net.add('stem', 'conv2d', [net.input('x', [1, 2, 3, 1])], misspelt);
  expect(() => net.build('odd', [y], { source: 'other', output: 'features' })).toThrow(
    new NetworkError(`stem: ${said}`),
  );
});
