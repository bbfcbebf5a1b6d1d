/** What a file is, by its first bytes, whatever the ending of its name says. */
import { FormatError } from '../errors.js';
import { isNpy } from './tensors/npy.js';
import { isSafetensors } from './tensors/safetensors.js';

export type FileFormat = 'hdf5' | 'tflite' | 'onnx' | 'tfjs' | 'zip' | 'npy' | 'safetensors';

/** Throws a FormatError that says what else the bytes are. */
export function formatOf(bytes: Uint8Array, file: string): FileFormat {
  const format = knownFormat(bytes);
  if (format === undefined) throw new FormatError(`${file}: ${whatElse(bytes)}`);
  return format;
}

/** Undefined for what is none of them. */
export function knownFormat(bytes: Uint8Array): FileFormat | undefined {
  if (isHdf5(bytes)) return 'hdf5';
  if (startOf(bytes.subarray(4, 8)) === 'TFL3') return 'tflite';
  if (isZip(bytes)) return 'zip';
  if (isOnnx(bytes)) return 'onnx';
  if (isNpy(bytes)) return 'npy';
  if (isSafetensors(bytes)) return 'safetensors';
  return isTfjs(bytes) ? 'tfjs' : undefined;
}

/** ONNX has no signature. Its first field is the version of the format, a small number; the next is one of the model's other fields. */
function isOnnx(bytes: Uint8Array): boolean {
  const [tag, version, next] = bytes;
  return tag === 0x08 && version > 0 && version < 32 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(next);
}

/** A model.json: JSON with one of the keys that every one of them has. */
const isTfjs = (bytes: Uint8Array): boolean =>
  /^\s*\{/.test(startOf(bytes.subarray(0, 64))) && /"(modelTopology|weightsManifest)"/.test(startOf(bytes));

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
  if (start.startsWith('{'))
    return 'is JSON text, but no TensorFlow.js model, which has modelTopology and weightsManifest; wanted a model file';
  const shown = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `not a model or tensor file: wanted .h5, .keras, .tflite, .onnx, .safetensors, .npz, .npy, .pth or model.json, found ${bytes.length} bytes that begin with ${shown}`;
}

const startOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const HDF5_SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

export const isHdf5 = (bytes: Uint8Array): boolean => HDF5_SIGNATURE.every((byte, at) => bytes[at] === byte);

const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6));
