/** Files by their content: the first bytes decide which reader gets them, whatever the name's ending says. */
import { FormatError, UsageError } from '../errors.js';
import type { Network } from '../network/index.js';
import type { Tensor } from '../tensor.js';
import { expectNoArchitecture, type ReadOptions } from './architecture.js';
import type { Hdf5Group } from './hdf5.js';
import { isHdf5 } from './hdf5-signature.js';
import { readKerasH5 } from './keras-h5.js';
import { readNetworkNpz, readNetworkSafetensors, writeNetworkNpz, writeNetworkSafetensors } from './network-file.js';
import { isNpy, readNpy } from './npy.js';
import { readNpz } from './npz.js';
import { readOnnx, writeOnnx } from './onnx.js';
import { isSafetensors, readSafetensors } from './safetensors.js';
import { readTflite, writeTflite } from './tflite.js';
import type { WriteOptions } from './write-options.js';
import { isZip } from './zip.js';

export type FileBytes = Uint8Array | ArrayBuffer;

export type FileFormat = 'hdf5' | 'tflite' | 'onnx' | 'zip' | 'npy' | 'safetensors';

/**
 * The network of a model file, with its weights: Keras HDF5, .tflite, .onnx, .safetensors or .npz. Throws a FormatError for bytes that are
 * none of these, damaged, unsupported or contradictory; a UsageError for a file of weights alone whose network nobody says. Weights may be views
 * of the bytes, which must not change afterwards.
 */
export async function readNetwork(bytes: FileBytes, options: ReadOptions = {}): Promise<Network> {
  const content = asBytes(bytes);
  const file = options.fileName ?? 'model file';
  switch (formatOf(content, file)) {
    case 'hdf5':
      return readKerasH5(content, options);
    case 'tflite':
      expectNoArchitecture(options, file);
      return readTflite(content, file);
    case 'onnx':
      expectNoArchitecture(options, file);
      return readOnnx(content, { fileName: file, ...(options.outputs && { outputs: options.outputs }) });
    case 'zip':
      return readNetworkNpz(content, options);
    case 'safetensors':
      return readNetworkSafetensors(content, options);
    case 'npy':
      throw new FormatError(`${file}: a .npy file holds a single array, not a network`);
  }
}

/** The tensors of a .npz, .safetensors or HDF5 file by name; that of a .npy file is called 'array'. They may be views of the bytes. */
export async function readTensors(bytes: FileBytes, fileName = 'tensor file'): Promise<Map<string, Tensor>> {
  const content = asBytes(bytes);
  switch (formatOf(content, fileName)) {
    case 'npy':
      return new Map([['array', readNpy(content, fileName)]]);
    case 'zip':
      return (await readNpz(content, fileName)).tensors;
    case 'safetensors':
      return readSafetensors(content, fileName).tensors;
    case 'hdf5': {
      const { openHdf5 } = await import('./hdf5.js');
      const tensors = new Map<string, Tensor>();
      collect(await openHdf5(content, fileName), tensors, fileName);
      return tensors;
    }
    case 'tflite':
    case 'onnx':
      throw new FormatError(
        `${fileName}: a .${formatOf(content, fileName)} file is a network; read it with readNetwork`,
      );
  }
}

const networkFormats = ['safetensors', 'npz', 'tflite', 'onnx'] as const;
export type NetworkFormat = (typeof networkFormats)[number];

/**
 * The network with its weights and conventions as one file: .safetensors or .npz, which readNetwork reads back as it was, or .tflite or
 * .onnx, for other runtimes, which it reads back as the same function of its inputs. A TensorFlow.js model is several files: `writeTfjs`.
 */
export async function writeNetwork(
  network: Network,
  format: NetworkFormat,
  options: WriteOptions = {},
): Promise<Uint8Array> {
  if (!networkFormats.includes(format)) {
    throw new UsageError(`networks are written as ${networkFormats.join(' or ')}, not as '${format}'`);
  }
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

function asBytes(bytes: FileBytes): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new UsageError(`a file's content must be a Uint8Array or an ArrayBuffer, found a ${typeof bytes}`);
}

/** By the first bytes. Throws a FormatError that says what else the file may be. */
export function formatOf(bytes: Uint8Array, file: string): FileFormat {
  if (isHdf5(bytes)) return 'hdf5';
  if (startOf(bytes.subarray(4, 8)) === 'TFL3') return 'tflite';
  if (isZip(bytes)) return 'zip';
  if (isOnnx(bytes)) return 'onnx';
  if (isNpy(bytes)) return 'npy';
  if (isSafetensors(bytes)) return 'safetensors';
  throw new FormatError(`${file}: ${whatElse(bytes)}`);
}

/** ONNX has no signature. Its first field is the version of the format, a small number; the next is one of the model's other fields. */
function isOnnx(bytes: Uint8Array): boolean {
  const [tag, version, next] = bytes;
  return tag === 0x08 && version > 0 && version < 32 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(next);
}

/** What people hand in by mistake; a server's error page comes first (microsoft/onnxruntime#22071 and many others). */
function whatElse(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  const start = startOf(bytes.subarray(0, 512)).trimStart().toLowerCase();
  if (/^(\ufeff)?(<!doctype|<html|<\?xml|<head|<body|<!--)/.test(start)) {
    return 'is HTML, not a model: the server answered with a page, perhaps an error page; check the address';
  }
  if (start.startsWith('version https://git-lfs'))
    return 'is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`';
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'is compressed by gzip; decompress it first';
  if (start.startsWith('{')) {
    return 'is JSON text; a TensorFlow.js model.json is read with the files of its weights: from its path or address (load), or all together (readTfjs)';
  }
  const shown = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `not a model or tensor file: wanted Keras HDF5, .tflite, .onnx, .safetensors, .npz or .npy, found ${bytes.length} bytes that begin with ${shown}`;
}

const startOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Groups in groups; a file cannot nest them deeper than this, which only a circle does. */
const DEEPEST = 32;

function collect(group: Hdf5Group, tensors: Map<string, Tensor>, file: string, depth = 0): void {
  if (depth > DEEPEST) throw new FormatError(`${file}: groups nested deeper than ${DEEPEST} at '${group.path}'`);
  for (const name of group.names) {
    if (group.isGroup(name)) collect(group.group(name), tensors, file, depth + 1);
    else tensors.set(group.path === '' ? name : `${group.path}/${name}`, group.tensor(name));
  }
}
