/** A resolution that the caller states is the input's, whatever the format, or an error where the layers fix another. */
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { readNetwork, writeNetwork, writeTfjs } from '../../src/formats/index.js';
import { readTfjs } from '../../src/formats/tfjs.js';
import { type Network, NetworkBuilder, randomWeights } from '../../src/network/index.js';

/** A convolution and a mean, of any size; or a flattened picture of one size. */
function network(end: 'globalAveragePool' | 'flatten'): Network {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 16, 16, 3]);
  const window = { kernelSize: [3, 3], strides: [2, 2], dilation: [1, 1], padding: 'same' } as const;
  const map = net.add('map', 'conv2d', x, { filters: 4, bias: true, ...window });
  const vector =
    end === 'flatten' ? net.add('flat', 'flatten', map, {}) : net.add('mean', end, map, { keepDims: false });
  const y = net.add('y', 'dense', vector, { units: 3, bias: true });
  return randomWeights(net.build('small', [y], { source: 'other', output: 'logits', labelOffset: 0 }), 1);
}

const resolution = [12, 20] as const;
const formats = ['safetensors', 'npz', 'onnx', 'tflite'] as const;

describe.each(formats)('.%s', (format) => {
  test('is read at the resolution', async () => {
    const bytes = await writeNetwork(network('globalAveragePool'), format);
    expect((await readNetwork(bytes, { resolution })).inputs[0].shape.slice(1)).toEqual([12, 20, 3]);
    expect((await readNetwork(bytes)).inputs[0].shape.slice(1)).toEqual([16, 16, 3]);
  });

  test('is refused where the layers fix the size', async () => {
    const read = readNetwork(await writeNetwork(network('flatten'), format), { resolution, fileName: 'f' });
    await expect(read).rejects.toThrow(ShapeError);
    await expect(read).rejects.toThrow(/^f: takes inputs of \[1, 16, 16, 3\], and no pictures of 12 x 20: /);
  });
});

test('a TensorFlow.js graph too', async () => {
  const files = await writeTfjs(network('globalAveragePool'));
  expect((await readTfjs(files, { resolution })).inputs[0].shape.slice(1)).toEqual([12, 20, 3]);
});
