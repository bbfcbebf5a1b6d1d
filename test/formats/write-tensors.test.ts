/** Tensors written alone, in each format, and read again. */
import { expect, test } from 'vitest';
import { readTensors, type TensorFormat, writeTensors } from '../../src/formats/index.js';
import { tensor } from '../../src/tensor.js';

const x = tensor([2, 2], Float32Array.of(0.5, -1, 2, 0.1));
const wide = tensor([1], Float64Array.of(0.1));

test.each<TensorFormat>(['npz', 'safetensors'])('%s keeps names, shapes and types', async (format) => {
  const tensors = new Map([
    ['x', x],
    ['wide', wide],
  ]);
  const read = await readTensors(await writeTensors(tensors, format));
  expect(new Map([...read].sort())).toEqual(new Map([...tensors].sort()));
});

test('.npy holds one tensor', async () => {
  const read = await readTensors(await writeTensors(new Map([['x', x]]), 'npy'), 'x.npy');
  expect([...read.values()]).toEqual([x]);
  await expect(writeTensors(new Map(), 'npy')).rejects.toThrow(/^a \.npy file holds a single tensor, found 0$/);
});

test.each<TensorFormat>(['npz', 'safetensors', 'npy'])('%s: the type can be chosen', async (format) => {
  const read = await readTensors(
    await writeTensors(new Map([['x', x]]), format, (name) => (name === 'x' ? 'float16' : 'float32')),
  );
  // 0.1 in half precision: 1.10011001_10 · 2⁻⁴
  expect([...read.values()][0].data).toEqual(Float32Array.of(0.5, -1, 2, 0.0999755859375));
});

test('another format', async () => {
  await expect(writeTensors(new Map([['x', x]]), 'csv' as never)).rejects.toThrow(
    /^writeTensors: format must be one of npz, safetensors, npy, found 'csv'$/,
  );
});
