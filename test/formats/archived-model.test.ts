/** Zip archives of one model file, as Teachable Machine's downloads for Keras and TensorFlow Lite are. */
import { describe, expect, test } from 'vitest';
import { FormatError, NetworkError } from '../../src/errors.js';
import { readNetwork, readQuantizedNetwork } from '../../src/formats/read.js';
import { zip } from '../../src/formats/zip.js';
import { preprocessingPreset } from '../../src/network/index.js';
import { kerasModelFile } from './h5.js';
import { buildTflite } from './tflite-builder.js';

const bytes = (text: string) => new TextEncoder().encode(text);

/** The greatest number of each of three channels, as a classifier of three classes. */
const keras = () =>
  kerasModelFile(
    {
      class_name: 'Sequential',
      config: {
        name: 'm',
        layers: [
          { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 2, 2, 3] } },
          { class_name: 'GlobalMaxPooling2D', config: { name: 'x' } },
        ],
      },
    },
    {},
  );

const quantized = () => {
  const type = { shape: [1, 1, 1, 3], type: 'UINT8', scale: [0.5], zeroPoint: [3] };
  return buildTflite({
    tensors: { x: type, y: type },
    operators: [{ code: 'RELU', inputs: ['x'], outputs: ['y'] }],
    inputs: ['x'],
    outputs: ['y'],
  });
};

describe('Teachable Machine', () => {
  test.each([
    ['', '0 Kings\n1 Spurs\n2 Jazz\n'],
    ['converted_keras/', '\uFEFF0 Kings\r\n1 Spurs\r\n2 Jazz'],
  ])('keras_model.h5 in "%s" with its labels and preprocessing', async (folder, labels) => {
    const archive = await zip(
      new Map([
        [`${folder}keras_model.h5`, await keras()],
        [`${folder}labels.txt`, bytes(labels)],
        [`__MACOSX/${folder}._keras_model.h5`, bytes('junk')],
      ]),
    );
    const { conventions } = await readNetwork(archive, { fileName: 'converted_keras.zip' });
    expect(conventions.labels).toEqual(['Kings', 'Spurs', 'Jazz']);
    expect(conventions.preprocessing).toEqual(preprocessingPreset('teachable-machine', [2, 2], 3));
  });

  test('a quantised model keeps its integers, and what it says of pictures', async () => {
    const archive = await zip(
      new Map([
        ['model.tflite', quantized()],
        ['labels.txt', bytes('1 rupee\n2 rupees\n5 rupees')],
      ]),
    );
    expect((await readQuantizedNetwork(archive)).inputs[0].type).toEqual({ type: 'uint8', scale: 0.5, zeroPoint: 3 });
    expect((await readNetwork(archive)).conventions.labels).toEqual(['1 rupee', '2 rupees', '5 rupees']);
  });
});

test('a model without labels is read as the file alone', async () => {
  const archive = await zip(new Map([['a/m.h5', await keras()]]));
  expect((await readNetwork(archive)).nodes).toEqual((await readNetwork(await keras())).nodes);
});

test('errors name the archive and the file in it', async () => {
  const read = async (files: [string, Uint8Array][]) => readNetwork(await zip(new Map(files)), { fileName: 'm.zip' });
  await expect(read([['m.tflite', bytes('none')]])).rejects.toThrow(
    new FormatError(
      'm.zip: m.tflite: not a model or tensor file: wanted .h5, .keras, .tflite, .onnx, .safetensors, .npz, .npy, .pth or model.json, found 4 bytes that begin with 6e 6f 6e 65',
    ),
  );
  await expect(
    read([
      ['m.h5', await keras()],
      ['labels.txt', bytes('0 a\n1 b')],
    ]),
  ).rejects.toThrow(new NetworkError('m.zip: labels.txt: found 2 labels for the 3 outputs of m.h5'));
});
