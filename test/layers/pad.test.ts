import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { conv2d, cost, depthwiseConv2d, pad } from '../../src/layers/index.js';
import type { PadAttributes } from '../../src/layers/pad.js';
import { attributesOf } from './attributes-of.js';
import { anyGeometry } from './direct.js';
import { expectClose, grid, randomTensor } from './support.js';

test('one row above, two below, none left, one right', () => {
  const x = grid([1, 2, 2, 1], [1, 2, 3, 4]);
  const y = pad.forward([x], {}, { padding: { top: 1, bottom: 2, left: 0, right: 1 }, value: 9 });
  // biome-ignore format: drawn as it lies in memory
  expectClose(y, grid([1, 5, 3, 1], [
    9, 9, 9,
    1, 2, 9,
    3, 4, 9,
    9, 9, 9,
    9, 9, 9,
  ]));
});

test('two pictures of two channels', () => {
  const x = grid([2, 1, 1, 2], [1, 2, 3, 4]);
  const y = pad.forward([x], {}, { padding: { top: 0, bottom: 1, left: 1, right: 0 }, value: 0 });
  // biome-ignore format: drawn as it lies in memory
  expectClose(y, grid([2, 2, 2, 2], [
    0, 0,   1, 2,
    0, 0,   0, 0,

    0, 0,   3, 4,
    0, 0,   0, 0,
  ]));
});

test('pad and then a valid convolution is the convolution with that explicit padding, bit for bit', () => {
  fc.assert(
    fc.property(anyGeometry(), fc.nat(), (geometry, seed) => {
      fc.pre(typeof geometry.padding === 'object');
      const padding = geometry.padding as PadAttributes['padding'];
      const x = randomTensor(geometry.shape, seed);
      const padded = pad.forward([x], {}, { padding, value: 0 });
      const [KH, KW] = geometry.kernelSize;
      const C = geometry.shape[3];

      const standard = attributesOf(conv2d, { ...geometry, filters: 2, bias: false });
      const kernel = randomTensor([KH, KW, C, 2], seed + 1);
      expectClose(
        conv2d.forward([padded], { kernel }, { ...standard, padding: 'valid' }),
        conv2d.forward([x], { kernel }, standard),
      );
      const depthwise = attributesOf(depthwiseConv2d, { ...geometry, depthMultiplier: 2, bias: false });
      expectClose(
        depthwiseConv2d.forward([padded], { kernel }, { ...depthwise, padding: 'valid' }),
        depthwiseConv2d.forward([x], { kernel }, depthwise),
      );
    }),
  );
});

test('errors and cost', () => {
  expect(() =>
    pad.outputShape([[1, 2, 2, 1]], { padding: { top: 0, bottom: 0, left: 0, right: 0 }, value: -Infinity }),
  ).toThrow(new ShapeError('pad.value: wanted a finite number, found -Infinity'));
  const none = { top: 0, bottom: 0, left: 0, right: 0 };
  const shapeOf = (padding: object) => () =>
    pad.outputShape([[1, 2, 2, 1]], { padding: { ...none, ...padding }, value: 0 });
  expect(shapeOf({ top: -1 })).toThrow(
    new ShapeError('pad.padding.top: wanted a whole number from 0 to 2147483647, found -1'),
  );
  expect(shapeOf({ right: 0.5 })).toThrow(
    new ShapeError('pad.padding.right: wanted a whole number from 0 to 2147483647, found 0.5'),
  );
  expect(shapeOf({ left: undefined })).toThrow(
    new ShapeError('pad.padding.left: wanted a whole number from 0 to 2147483647, found undefined'),
  );
  expect(() => pad.outputShape([[2, 2]], { padding: none, value: 0 })).toThrow(
    new ShapeError('pad: wanted an input of shape [batch, height, width, channels], found [2,2]'),
  );
  expect(() => pad.outputShape([], { padding: none, value: 0 })).toThrow(
    new ShapeError('pad: takes one input, found 0'),
  );
  expect(() => pad.forward([], {}, { padding: none, value: 0 })).toThrow(
    new ShapeError('pad: takes one input, found 0'),
  );
  expect(cost(pad, [[1, 2, 2, 1]], { padding: none, value: 0 })).toEqual({ multiplyAdds: 0, trainable: 0, stored: 0 });
});
