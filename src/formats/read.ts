/** Files by their content: the first bytes decide which reader gets them, whatever the name's ending says. */
import { expectOneOf } from '../checks.js';
import { FormatError, UsageError } from '../errors.js';
import { expectNetwork, found, tagOf } from '../found.js';
import type { Network } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import { isQuantizedNetwork, type QuantizedNetwork } from '../network/quantized-network.js';
import type { Tensor } from '../tensor.js';
import { asStated, expectNoArchitecture, type ReadOptions } from './architecture.js';
import type { Hdf5Group } from './hdf5/hdf5.js';
import { inFile } from './in-file.js';
import {
  isKerasArchive,
  isTfjsArchive,
  networkInNpz,
  networkInSafetensors,
  type OfIntegers,
  pickleIn,
  type WeightsAlone,
} from './network-file.js';
import { writeNetworkNpz, writeNetworkSafetensors } from './network-file-writer.js';
import { writeOnnx } from './onnx.js';
import { REAL_NUMBERS, type Reader } from './reader.js';
import { type FileFormat, formatOf, knownFormat } from './sniff.js';
import { readNpy } from './tensors/npy.js';
import { npzOf } from './tensors/npz.js';
import { readSafetensors } from './tensors/safetensors.js';
import { readTfjs } from './tfjs.js';
import { writeTflite } from './tflite.js';
import type { WriteOptions } from './write-options.js';

export type FileBytes = Uint8Array | ArrayBuffer;

/** The readers of all formats, each loaded with its first file. */
const readers: { readonly [Name in FileFormat]: (file: string) => Promise<Reader> } = {
  hdf5: async () => (await import('./readers/keras.js')).keras,
  tflite: async () => (await import('./readers/tflite.js')).tflite,
  onnx: async () => (await import('./readers/onnx.js')).onnx,
  tfjs: async () => (await import('./readers/tfjs.js')).tfjs,
  zip: async () => zip,
  safetensors: async () => safetensors,
  npy: async (file) => {
    throw new FormatError(`${file}: a .npy file holds a single array, not a network`);
  },
};

const ofWeightsAlone: WeightsAlone = async (...given) => {
  const { ofWeightsAlone } = await import('./weights-alone.js');
  return ofWeightsAlone(...given);
};

const ofIntegers: OfIntegers<QuantizedNetwork> = async (description, weights, options, file) => {
  expectNoArchitecture(options, file);
  const { quantizedNetworkOf } = await import('./quantized-file.js');
  return quantizedNetworkOf(description, weights, file);
};

const asRealNumbers: OfIntegers<Network> = async (...given) => {
  const { asRealNumbers } = await import('../network/rewriting/as-real-numbers.js');
  return asRealNumbers(await ofIntegers(...given));
};

const safetensors: Reader = {
  format: 'safetensors',
  read: (bytes, options) => networkInSafetensors(bytes, options, ofWeightsAlone, asRealNumbers),
  readTyped: (bytes, options) => networkInSafetensors(bytes, options, ofWeightsAlone, ofIntegers),
};

/** Of .npz files, Keras 3's .keras files, PyTorch's .pth and .pt files and, in archives, TensorFlow.js models. */
const zip: Reader = {
  format: 'zip',
  async read(bytes, options) {
    const file = options.fileName ?? 'zip file';
    const { unzip } = await import('./zip.js');
    const archive = await unzip(bytes, file);
    if (isKerasArchive(archive)) return (await import('./keras/zip.js')).readKerasZip(archive, file, options);
    if (isTfjsArchive(archive)) return readTfjs(archive, { ...options, fileName: file });
    if (pickleIn(archive) !== undefined) {
      const tensors = await tensorsInCheckpoint(archive, file);
      return inFile(file, () => ofWeightsAlone(tensors, options, file));
    }
    const { modelIn, withArchivedLabels } = await import('./archived-model.js');
    const model = modelIn(archive);
    if (model !== undefined) {
      const network = await (await archived(archive, model, file)).read(archive.get(model)!, {
        ...options,
        fileName: file,
      });
      return withArchivedLabels(network, archive, model, file);
    }
    return networkInNpz(npzOf(archive, file), options, ofWeightsAlone, asRealNumbers);
  },
  async readTyped(bytes, options) {
    const file = options.fileName ?? 'zip file';
    const { unzip } = await import('./zip.js');
    const archive = await unzip(bytes, file);
    if (isKerasArchive(archive) || isTfjsArchive(archive) || pickleIn(archive) !== undefined) {
      return zip.read(bytes, options);
    }
    const model = (await import('./archived-model.js')).modelIn(archive);
    if (model !== undefined) {
      const reader = await archived(archive, model, file);
      return reader.readTyped?.(archive.get(model)!, { ...options, fileName: file }) ?? zip.read(bytes, options);
    }
    return networkInNpz(npzOf(archive, file), options, ofWeightsAlone, ofIntegers);
  },
};

/** The reader of a model in an archive. */
const archived = (archive: ReadonlyMap<string, Uint8Array>, model: string, file: string): Promise<Reader> =>
  readerOf(archive.get(model)!, `${file}: ${model}`);

async function tensorsInCheckpoint(
  archive: ReadonlyMap<string, Uint8Array>,
  file: string,
): Promise<Map<string, Tensor>> {
  const { tensorsInCheckpoint } = await import('./pytorch/checkpoint.js');
  return tensorsInCheckpoint(archive, file);
}

/** What a file is, whatever its name says. SavedModels and Core ML models begin as ONNX's files do. */
async function formatFor(bytes: Uint8Array, file: string): Promise<FileFormat> {
  const format = knownFormat(bytes);
  if (format === undefined || format === 'onnx') (await import('./unread.js')).refuseUnread(bytes, file);
  return formatOf(bytes, file);
}

/** The reader for a file, by its first bytes. Throws a FormatError for what is no model. */
export async function readerOf(bytes: Uint8Array, file: string): Promise<Reader> {
  return readers[await formatFor(bytes, file)](file);
}

/**
 * The network of a model file, with its weights: Keras HDF5, .tflite, .onnx, .safetensors, .npz or .pth. Throws a FormatError for bytes that are
 * none of these, damaged, unsupported or contradictory; a UsageError for a file of weights alone whose network nobody says. Weights may be views
 * of the bytes, which must not change afterwards.
 */
export async function readNetwork(bytes: FileBytes, options: ReadOptions = {}): Promise<Network> {
  const content = asBytes(bytes);
  const file = options.fileName ?? 'model file';
  const { architecture } = options;
  if (architecture !== undefined && !Array.isArray(architecture?.nodes)) {
    throw new UsageError(`architecture: wanted a network, such as mobilenetV1() makes, found ${found(architecture)}`);
  }
  const reader = await readerOf(content, file);
  if (reader.format === 'tfjs') {
    throw new FormatError(
      `${file}: is the model.json of a TensorFlow.js model, whose weights are in other files; use load with its address or path, or readNetwork with a .zip of them all`,
    );
  }
  return asStated(await reader.read(content, options), options, file);
}

/**
 * The network of a quantised file with its integers and their scales, which `readNetwork` turns into real numbers (`asRealNumbers`). Throws a
 * FormatError for a file of real numbers, and the errors of `readNetwork`.
 */
export async function readQuantizedNetwork(
  bytes: FileBytes,
  options: Pick<ReadOptions, 'fileName'> = {},
): Promise<QuantizedNetwork> {
  const content = asBytes(bytes);
  const file = options.fileName ?? 'model file';
  const reader = await readerOf(content, file);
  const network = await (reader.readTyped ?? reader.read).call(reader, content, options);
  if (isQuantizedNetwork(network)) return network;
  // Golden bundles and ONNX files are read as real numbers, which know the integers that they stand for.
  const integers = integersOf(network);
  if (integers === undefined) throw new FormatError(`${file}: ${REAL_NUMBERS}`);
  return integers;
}

/** The tensors of a .npz, .safetensors, .pth or HDF5 file by name; that of a .npy file is called 'array'. They may be views of the bytes. */
export async function readTensors(bytes: FileBytes, fileName = 'tensor file'): Promise<Map<string, Tensor>> {
  const content = asBytes(bytes);
  const format = await formatFor(content, fileName);
  switch (format) {
    case 'npy':
      return new Map([['array', readNpy(content, fileName)]]);
    case 'zip':
      return tensorsInArchive(content, fileName);
    case 'safetensors':
      return readSafetensors(content, fileName).tensors;
    case 'hdf5': {
      const { openHdf5 } = await import('./hdf5/hdf5.js');
      const tensors = new Map<string, Tensor>();
      collect(openHdf5(content, fileName), tensors, fileName);
      return tensors;
    }
    case 'tflite':
    case 'onnx':
      throw new FormatError(`${fileName}: a .${format} file is a network; read it with readNetwork`);
    case 'tfjs':
      throw new FormatError(`${fileName}: a TensorFlow.js model is a network; read it with readNetwork`);
  }
}

async function tensorsInArchive(bytes: Uint8Array, file: string): Promise<Map<string, Tensor>> {
  const { unzip } = await import('./zip.js');
  const archive = await unzip(bytes, file);
  return pickleIn(archive) === undefined ? npzOf(archive, file).tensors : tensorsInCheckpoint(archive, file);
}

const networkFormats = ['safetensors', 'npz', 'tflite', 'onnx'] as const;
export type NetworkFormat = (typeof networkFormats)[number];

/**
 * The network with its weights and conventions as one file, a quantised one with its integers: .safetensors or .npz, which readNetwork reads back as it was, or .tflite or
 * .onnx, for other runtimes, which it reads back as the same function of its inputs. A TensorFlow.js model is several files: `writeTfjs`.
 */
export async function writeNetwork(
  network: Network | QuantizedNetwork,
  format: NetworkFormat,
  options: WriteOptions = {},
): Promise<Uint8Array> {
  if (!networkFormats.includes(format)) {
    throw new UsageError(`networks are written as ${networkFormats.join(' or ')}, not as '${format}'`);
  }
  expectNetwork('writeNetwork', network);
  const { kernels } = options;
  if (kernels !== undefined) expectOneOf(UsageError, 'writeNetwork: kernels', ['float16', 'int8'], kernels);
  if (isQuantizedNetwork(network)) return writeQuantized(network, format, options);
  switch (format) {
    case 'safetensors':
      return writeNetworkSafetensors(network, options);
    case 'npz':
      return writeNetworkNpz(network, options);
    case 'tflite':
      return writeTflite(network, options);
    case 'onnx':
      return writeOnnx(network, options);
  }
}

async function writeQuantized(
  network: QuantizedNetwork,
  format: NetworkFormat,
  options: WriteOptions,
): Promise<Uint8Array> {
  if (options.kernels) {
    throw new UsageError(`${network.name}: its kernels are integers already and are not written as ${options.kernels}`);
  }
  if (format === 'tflite') return writeTflite(network);
  if (format === 'onnx') return writeOnnx(network);
  const { writeQuantizedNpz, writeQuantizedSafetensors } = await import('./quantized-file-writer.js');
  return format === 'npz' ? writeQuantizedNpz(network) : writeQuantizedSafetensors(network);
}

function asBytes(bytes: FileBytes): Uint8Array {
  const tag = tagOf(bytes);
  if (tag === 'Uint8Array') return bytes as Uint8Array;
  if (tag === 'ArrayBuffer' || tag === 'SharedArrayBuffer') return new Uint8Array(bytes as ArrayBuffer);
  throw new UsageError(
    `a file's content must be a Uint8Array or an ArrayBuffer, found ${found(bytes)}; load takes addresses, responses and blobs as they are`,
  );
}

/** Groups in groups; a file cannot nest them deeper than this, which only a circle does. */
const DEEPEST = 32;

function collect(group: Hdf5Group, tensors: Map<string, Tensor>, file: string, depth = 0): void {
  if (depth > DEEPEST) throw new FormatError(`${file}: groups nested deeper than ${DEEPEST} at '${group.path}'`);
  for (const name of group.names) {
    if (group.isGroup(name)) collect(group.group(name), tensors, file, depth + 1);
    else tensors.set(group.path === '' ? name : `${group.path}/${name}`, group.tensor(name));
  }
}
