/** Files that are recognised but not read: each as its format begins, each answered in one line with the way out. */
import { expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { readNetwork } from '../../src/formats/index.js';
import { writeOnnx } from '../../src/formats/onnx.js';
import { everyKind } from './onnx/every-kind.js';

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
/** A field of protocol buffers that holds bytes: less than 128 of them. */
const field = (number: number, content: readonly number[]): number[] => [8 * number + 2, content.length, ...content];
/** A field of a number of two bytes. */
const farField = (number: number, content: readonly number[]): number[] => {
  const tag = 8 * number + 2;
  return [(tag & 127) | 128, tag >> 7, content.length, ...content];
};
const node = field(1, [...field(1, utf8('input')), ...field(2, utf8('Placeholder'))]);

const TENSORFLOW =
  'convert it with TensorFlow: tf.lite.TFLiteConverter writes .tflite, tensorflowjs_converter a model.json';
const CHECKPOINT =
  'its numbers lie in several files; load it with TensorFlow and save the model as .h5, or its weights as .npz by their names';
const ORIGIN = 'convert the model that it was made of: ONNX, .tflite or .h5';

test.each([
  [
    'saved_model.pb',
    [8, 1, ...field(2, [...field(1, field(4, utf8('serve'))), ...field(2, node)])],
    `a TensorFlow SavedModel (saved_model.pb), which is not read; ${TENSORFLOW}`,
  ],
  [
    'a SavedModel by another name',
    [8, 1, ...field(2, field(2, node))],
    `a TensorFlow SavedModel (saved_model.pb), which is not read; ${TENSORFLOW}`,
  ],
  ['frozen_graph.pb', node, `a TensorFlow graph (frozen .pb), which is not read; ${TENSORFLOW}`],
  ['keras_metadata.pb', [10, 3, 1, 2, 3], `a TensorFlow file (.pb), which is not read; ${TENSORFLOW}`],
  [
    'MobileNetV2.mlmodel',
    [8, 1, ...field(2, field(1, utf8('image'))), ...farField(500, [10, 0])],
    `a Core ML model (.mlmodel), which is not read; ${ORIGIN}`,
  ],
  [
    'new.mlmodel',
    [8, 7, ...field(2, field(10, [])), ...farField(502, [10, 0])],
    `a Core ML model (.mlmodel), which is not read; ${ORIGIN}`,
  ],
  [
    'model.ckpt-7.index',
    [0, 0, 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb],
    `the index of a TensorFlow checkpoint (.ckpt), which is not read; ${CHECKPOINT}`,
  ],
  [
    'model.ckpt.data-00000-of-00001',
    [1, 2, 3, 4, 5, 6, 7, 8],
    `part of a TensorFlow checkpoint (.ckpt), which is not read; ${CHECKPOINT}`,
  ],
  ['model.ckpt', [1, 2, 3, 4, 5, 6, 7, 8], `part of a TensorFlow checkpoint (.ckpt), which is not read; ${CHECKPOINT}`],
  [
    'checkpoint',
    utf8('model_checkpoint_path: "model.ckpt-7"'),
    `the list of TensorFlow checkpoints in a folder, which is not read; ${CHECKPOINT}`,
  ],
  [
    'model.xml',
    utf8('<?xml version="1.0"?>\n<net name="x" version="11">'),
    `an OpenVINO model (.xml), which is not read; ${ORIGIN}`,
  ],
  ['model.param', utf8('7767517\n75 83\n'), `an ncnn model (.param), which is not read; ${ORIGIN}`],
])('%s', async (name, bytes, message) => {
  const error = await readNetwork(Uint8Array.from(bytes), { fileName: name }).catch((reason) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect(error.message).toBe(`${name}: is ${message}`);
});

test('an ONNX file is none of them, whatever its name', async () => {
  const network = await readNetwork(await writeOnnx(everyKind()), { fileName: 'model.pb.onnx' });
  expect(network.nodes.length).toBeGreaterThan(10);
});
