/** Weights that no file holds and a reader makes: a few hundred bytes must not ask for gigabytes of them. */
import { expect, test } from 'vitest';
import { FormatError, NetworkError } from '../../src/errors.js';
import { readTfjs } from '../../src/formats/tfjs.js';
import { MOST_MADE, networkFromKerasConfig } from './keras-network.js';
import { bytesOf, model } from './tfjs/models.js';

const WIDE = 2 ** 24;

/** A graph whose one operator reads a picture of [1, 1, 1, channels] and a constant. */
const graph = (channels: number, op: string, constant: Int32Array | Float32Array, shape: readonly number[]) => {
  const dims = [1, 1, 1, channels].map((size) => ({ size: `${size}` }));
  const nodes = [
    { name: 'x', op: 'Placeholder', attr: { shape: { shape: { dim: dims } } } },
    { name: 'k', op: 'Const' },
    { name: 'y', op, input: ['x', 'k', ...(op === 'PadV2' ? ['v'] : [])] },
    { name: 'v', op: 'Const' },
  ];
  const dtype = constant instanceof Int32Array ? 'int32' : 'float32';
  const weights = [
    { name: 'k', shape, dtype },
    { name: 'v', shape: [1], dtype: 'float32' },
  ];
  const data = new Uint8Array(constant.byteLength + 4);
  data.set(bytesOf(constant));
  return readTfjs(model({ node: nodes }, weights, data));
};

const sequential = (shape: readonly number[], layers: readonly object[]) => {
  const input = { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, ...shape] } };
  return networkFromKerasConfig({ class_name: 'Sequential', config: { name: 'm', layers: [input, ...layers] } });
};

const keras = (shape: readonly number[], class_name: string, config: object) =>
  sequential(shape, [{ class_name, config: { name: 'y', ...config } }]);

const tooMany = (where: string, most: number) =>
  `${where}needs weights that are not in the file, of more than ${most} bytes in all`;

test('TensorFlow.js: padded channels, and a factor for channels that only the input states', async () => {
  const pads = (after: number) => graph(3, 'PadV2', Int32Array.of(0, 0, 0, 0, 0, 0, 0, after), [4, 2]);
  expect((await pads(5)).weights.get('y/kernel')!.shape).toEqual([3, 8]);
  await expect(pads(2 ** 30)).rejects.toThrow(FormatError);
  await expect(pads(2 ** 30)).rejects.toThrow(
    /^model\.json: node 'y' \(PadV2\): needs weights that are not in the file, of more than 10\d{5} bytes in all$/,
  );
  await expect(graph(WIDE, 'Mul', Float32Array.of(2), [])).rejects.toThrow(
    /^model\.json: node 'y' \(Mul\): needs weights that are not in the file, of more than 10\d{5} bytes in all$/,
  );
});

test('Keras: a cropped picture of many rows, and a factor for channels that only the input states', () => {
  const cropping = (rows: number) => ({ cropping: [[rows - 1, 0], [0, 0]] }); // biome-ignore format: two pairs
  expect(keras([8, 1, 2], 'Cropping2D', cropping(8)).outputs).toEqual(['y']);
  expect(() => keras([WIDE + 1, 1, 1], 'Cropping2D', cropping(WIDE + 1))).toThrow(
    new NetworkError(tooMany("layer 'y' (Cropping2D): ", MOST_MADE)),
  );
  expect(() => keras([1, 1, WIDE], 'Rescaling', { scale: 2, offset: 1 })).toThrow(
    new NetworkError(tooMany("layer 'y' (Rescaling): ", MOST_MADE)),
  );
});

test('weights of 16 MiB each: three of them, not four', () => {
  const rows = [[2 ** 22, 0], [0, 0]]; // biome-ignore format: two pairs
  const layer = (class_name: string, config: object) => ({ class_name, config });
  const cropped = (times: number) =>
    sequential(
      [1, 1, 1],
      Array.from({ length: times }, (_, n) => [
        layer('ZeroPadding2D', { name: `pad${n}`, padding: rows }),
        layer('Cropping2D', { name: `crop${n}`, cropping: rows }),
      ]).flat(),
    );
  expect(cropped(3).outputs).toEqual(['crop2']);
  expect(() => cropped(4)).toThrow(new NetworkError(tooMany("layer 'crop3' (Cropping2D): ", MOST_MADE)));
});
