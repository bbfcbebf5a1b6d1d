/** Readers that the caller brings along, where `import()` is not possible. */
import { FormatError, UsageError } from '../errors.js';
import type { Reader } from '../formats/reader.js';
import { type FileFormat, formatOf } from '../formats/sniff.js';
import type { ReaderOf } from './origin.js';

/** What a file of each format is, the reader's name and its door. */
const DOORS: { readonly [Name in FileFormat]?: readonly [what: string, reader: string, door: string] } = {
  hdf5: ['a Keras HDF5 file', 'keras', 'formats/keras'],
  tflite: ['a TensorFlow Lite file', 'tflite', 'formats/tflite'],
  onnx: ['an ONNX file', 'onnx', 'formats/onnx'],
  tfjs: ['a TensorFlow.js model', 'tfjs', 'formats/tfjs'],
  zip: ['a .npz file', 'npz', 'formats/npz'],
  safetensors: ['a .safetensors file', 'safetensors', 'safetensors'],
};

const KERAS_ZIP = ['a .keras file', 'kerasZip', 'formats/keras-zip'] as const;

/** Whether the archive's first entry, whose name begins at byte 30, is one of those that Keras writes first. */
const startsAsKeras = (bytes: Uint8Array): boolean =>
  /^(metadata|config)\.json/.test(String.fromCharCode(...bytes.subarray(30, 43)));

/** The one of these that reads a file, by its first bytes. The error for a missing one says where it is. */
export const fromReaders =
  (readers: readonly Reader[]): ReaderOf =>
  async (bytes, file) => {
    const format = formatOf(bytes, file);
    const reader = readers.find((one) => one.format === format);
    if (reader !== undefined) return reader;
    const missing = format === 'zip' && startsAsKeras(bytes) ? KERAS_ZIP : DOORS[format];
    if (missing === undefined) throw new FormatError(`${file}: a .npy file holds a single array, not a network`);
    const [what, name, door] = missing;
    throw new UsageError(
      `${file}: is ${what}, whose reader was not given: import { ${name} } from 'depthwise/${door}', and load(…, { readers: [${name}] })`,
    );
  };
