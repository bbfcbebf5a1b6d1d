import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { receptiveFields } from '../../src/network/counting/receptive-field.js';
import { NetworkBuilder, randomWeights, run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { conv, features } from './helpers.js';

describe('receptive field', () => {
  test('VGG: two 3 × 3 see 5 × 5, three see 7 × 7; a 2 × 2 pool doubles the step', () => {
    const net = new NetworkBuilder();
    let x = net.input('x', [1, 32, 32, 1]);
    for (const name of ['a', 'b', 'c']) x = conv(net, name, x, 1);
    net.add('pool', 'maxPool', x, { poolSize: [2, 2], strides: [2, 2], padding: 'valid' });
    const fields = receptiveFields(net.build('n', ['pool'], features));
    expect(fields.get('x')).toEqual({ size: [1, 1], stride: [1, 1], padding: [0, 0] });
    expect(fields.get('b')).toEqual({ size: [5, 5], stride: [1, 1], padding: [2, 2] });
    expect(fields.get('c')).toEqual({ size: [7, 7], stride: [1, 1], padding: [3, 3] });
    expect(fields.get('pool')).toEqual({ size: [8, 8], stride: [2, 2], padding: [3, 3] });
  });

  test('axes by themselves, dilation, explicit padding and padding layers', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 40, 40, 1]);
    const padded = net.add('pad', 'pad', x, { padding: { top: 2, bottom: 0, left: 1, right: 0 }, value: 0 });
    const a = net.add('a', 'conv2d', padded, {
      filters: 1,
      kernelSize: [3, 5],
      strides: [2, 1],
      dilation: [2, 3],
      padding: 'valid',
      bias: false,
    });
    net.add('b', 'depthwiseConv2d', a, {
      kernelSize: [2, 2],
      strides: [1, 3],
      dilation: [1, 1],
      padding: { top: 1, bottom: 0, left: 0, right: 0 },
      depthMultiplier: 1,
      bias: false,
    });
    const fields = receptiveFields(net.build('n', ['b'], features));
    expect(fields.get('a')).toEqual({ size: [5, 13], stride: [2, 1], padding: [2, 1] });
    expect(fields.get('b')).toEqual({ size: [7, 14], stride: [2, 3], padding: [4, 1] });
  });

  test('paths that meet: the largest counts; resizing halves the step; global pooling has none', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 8, 8, 1]);
    const wide = conv(net, 'wide', x, 1);
    const sum = net.add('sum', 'add', [x, wide], {});
    net.add('resized', 'resizeBilinear', sum, { size: [16, 8], rule: 'half-pixel' });
    net.add('pooled', 'globalAveragePool', sum, { keepDims: true });
    net.add('point', 'pointwiseConv2d', 'pooled', { filters: 2, bias: false });
    const fields = receptiveFields(net.build('n', ['resized', 'point'], features));
    expect(fields.get('sum')).toEqual({ size: [3, 3], stride: [1, 1], padding: [1, 1] });
    expect(fields.get('resized')).toEqual({ size: [4, 3], stride: [0.5, 1], padding: [1, 1] });
    expect(fields.has('pooled')).toBe(false);
    expect(fields.has('point')).toBe(false);
  });

  test('the larger of two paths counts, in whichever order; wide and flat are compared by area', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 9, 9, 1]);
    const window = { filters: 1, strides: [1, 1], dilation: [1, 1], padding: 'same', bias: false } as const;
    const wide = net.add('wide', 'conv2d', x, { ...window, kernelSize: [1, 7] });
    const square = net.add('square', 'conv2d', x, { ...window, kernelSize: [3, 3] });
    net.add('first', 'add', [wide, square], {});
    net.add('last', 'add', [square, wide], {});
    const fields = receptiveFields(net.build('n', ['first', 'last'], features));
    expect(fields.get('first')!.size).toEqual([3, 3]);
    expect(fields.get('last')!.size).toEqual([3, 3]);
  });

  test('padding after a stride, an average pool, and what has lost its positions', () => {
    const net = new NetworkBuilder();
    const strided = conv(net, 'strided', net.input('x', [1, 9, 9, 1]), 1, 2);
    const padded = net.add('padded', 'pad', strided, { padding: { top: 1, bottom: 0, left: 2, right: 0 }, value: 0 });
    net.add('average', 'averagePool', padded, {
      poolSize: [2, 2],
      strides: [1, 1],
      padding: 'valid',
      includePadding: false,
    });
    net.add('flat', 'flatten', strided, {});
    net.add('shaped', 'reshape', strided, { shape: [5, 5] });
    net.input('vector', [1, 25]);
    net.add('mixed', 'add', ['flat', 'vector'], {});
    const fields = receptiveFields(net.build('n', ['average', 'shaped', 'mixed'], features));
    expect(fields.get('strided')).toEqual({ size: [3, 3], stride: [2, 2], padding: [1, 1] });
    expect(fields.get('padded')).toEqual({ size: [3, 3], stride: [2, 2], padding: [3, 5] });
    expect(fields.get('average')).toEqual({ size: [5, 5], stride: [2, 2], padding: [3, 5] });
    for (const name of ['flat', 'shaped', 'vector', 'mixed']) expect(fields.has(name), name).toBe(false);
  });

  test('where one path has no positions any more, the sum has none', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 1, 1, 4]);
    const pooled = net.add('pooled', 'globalAveragePool', x, { keepDims: true });
    net.add('sum', 'add', [x, pooled], {});
    const fields = receptiveFields(net.build('n', ['sum'], features));
    expect([...fields.keys()]).toEqual(['x']);
  });

  /** The witness: change one pixel, and see which positions of the last map change. */
  test('is what a changed pixel reaches', () => {
    const layer = fc.record({
      kernelSize: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      strides: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
      dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
      padding: fc.constantFrom('same' as const, { top: 1, bottom: 2, left: 0, right: 2 }),
    });
    const size = 17;
    fc.assert(
      fc.property(
        fc.array(layer, { minLength: 1, maxLength: 3 }),
        fc.nat(size - 1),
        fc.nat(size - 1),
        (layers, row, column) => {
          const net = new NetworkBuilder();
          let last = net.input('x', [1, size, size, 1]);
          for (const [i, attributes] of layers.entries()) {
            last = net.add(`conv_${i}`, 'conv2d', last, { filters: 1, bias: false, ...attributes });
          }
          const bare = net.build('n', [last], features);
          const weights = new Map(
            [...randomWeights(bare, 1).weights].map(([name, w]) => [
              name,
              tensor(
                w.shape,
                w.data.map(() => 1),
              ),
            ]),
          );
          const pixel = tensor([1, size, size, 1], new Float32Array(size * size));
          pixel.data[row * size + column] = 1;
          const map = run({ ...bare, weights }, pixel).get(last)!;
          const { size: field, stride, padding } = receptiveFields(bare).get(last)!;
          const [, height, width] = map.shape;
          // A position's field spans [k · stride − padding, … + field); dilation may leave holes inside, so: nothing outside is reached.
          for (let k = 0; k < height; k++) {
            for (let l = 0; l < width; l++) {
              const top = k * stride[0] - padding[0];
              const left = l * stride[1] - padding[1];
              const sees = row >= top && row < top + field[0] && column >= left && column < left + field[1];
              const corner = [top, top + field[0] - 1].includes(row) && [left, left + field[1] - 1].includes(column);
              const reached = map.data[k * width + l] !== 0;
              if (reached) expect(sees, `position ${k}, ${l}`).toBe(true);
              if (corner) expect(reachesThroughPadding(layers) || reached, `corner of ${k}, ${l}`).toBe(true);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** A corner's path can run through positions that a later layer's padding replaces by zeros; then it may be cut. */
function reachesThroughPadding(layers: readonly unknown[]): boolean {
  return layers.length > 1;
}
