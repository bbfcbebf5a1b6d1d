/** The files of a comparison: golden bundles, and what another backend has written. */
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { FormatError, UsageError } from '../errors.js';
import { isFolder } from '../files/is-there.js';
import { readWhole } from '../files/read-whole.js';
import { readFile } from '../formats/files.js';
import { readTensors } from '../formats/read.js';
import { type FileFormat, formatOf } from '../formats/sniff.js';
import { fromFloat16 } from '../formats/tensors/float16.js';
import { type Golden, readGolden } from '../oracle/golden.js';
import type { QuantizedGolden } from '../oracle/index.js';
import type { FloatArray, Tensor } from '../tensor.js';

/** Tensors without a shape, little-endian, by the ending of their files. */
const rawReaders: Readonly<Record<string, { bytes: number; read: (view: DataView, at: number) => number }>> = {
  '.f16': { bytes: 2, read: (view, at) => fromFloat16(view.getUint16(at, true)) },
  '.f32': { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  '.f64': { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  '.i8': { bytes: 1, read: (view, at) => view.getInt8(at) },
  '.u8': { bytes: 1, read: (view, at) => view.getUint8(at) },
  '.i32': { bytes: 4, read: (view, at) => view.getInt32(at, true) },
};
const tensorEndings = ['.npz', '.safetensors', '.npy', ...Object.keys(rawReaders)];

/** The bundle of real numbers in a file; undefined for any other file, and where there is none. */
export async function bundleIn(path: string): Promise<Golden | undefined> {
  const bytes = await readWhole(path).catch(() => undefined);
  if (bytes === undefined || !isBundle(bytes)) return undefined;
  const golden = await readGolden(bytes, path);
  if ('precision' in golden) return golden;
  throw new UsageError(`${path}: the bundle holds integers, wanted real numbers`);
}

/** The bundle in a file; `other` is the command's other argument, for callers who have swapped them. */
export async function readBundle(path: string, other?: string): Promise<Golden | QuantizedGolden> {
  const bytes = await readFile(path);
  if (!isBundle(bytes)) throw new FormatError(`${path}: ${await notABundle(bytes, path, other)}`);
  return readGolden(bytes, path);
}

/** The manifest's name stands in the header of a .safetensors file and in the directory of a .npz file. */
function isBundle(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('depthwise.golden');
}

async function notABundle(bytes: Uint8Array, path: string, other: string | undefined): Promise<string> {
  const found = `${whatIs(bytes, path)}, not a golden bundle`;
  const swapped = other !== undefined && !(await isFolder(other)) && isBundle(await readFile(other).catch(() => empty));
  return swapped ? `${found}; the second argument is one: swapped?` : `${found}; make one with depthwise golden`;
}
const empty = new Uint8Array();

/** What a file is, in words: 'an HDF5 model'. */
function whatIs(bytes: Uint8Array, path: string): string {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 1 << 16));
  if (text.startsWith('\xff\xd8\xff')) return 'a JPEG picture';
  if (text.startsWith('\x89PNG')) return 'a PNG picture';
  let format: FileFormat;
  try {
    format = formatOf(bytes, path);
  } catch (error) {
    return (error as Error).message.replace(`${path}: `, '');
  }
  if (format === 'zip' || format === 'safetensors') {
    const header = format === 'zip' ? new TextDecoder('latin1').decode(bytes.subarray(-(1 << 16))) : text;
    if (header.includes('depthwise.network')) return 'a model';
    if (header.includes('depthwise.trace')) return 'what depthwise trace wrote';
  }
  return names[format];
}

const names: Readonly<Record<FileFormat, string>> = {
  hdf5: 'an HDF5 model',
  tflite: 'a TFLite model',
  onnx: 'an ONNX model',
  tfjs: 'a TensorFlow.js model',
  npy: 'a .npy array',
  zip: 'a file of plain tensors',
  safetensors: 'a file of plain tensors',
};

/** Tensors by their names, or a single one that has none: from a .npy file or a raw dump. */
export interface Theirs {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The file's name without its ending, where that is all the name there is. */
  readonly unnamed?: string;
}

/** A file of tensors, or a folder of raw dumps and .npy files, each named by its layer: `conv1.f32`, `Conv/Relu6.npy`. */
export async function readTheirs(path: string): Promise<Theirs> {
  if (await isFolder(path)) return { tensors: await readDumps(path) };
  const bytes = await readFile(path);
  const ending = extname(path);
  const stem = basename(path, ending);
  if (ending in rawReaders) return { tensors: new Map([[stem, rawTensor(bytes, path)]]), unnamed: stem };
  if (!isBundle(bytes)) expectTensors(bytes, path);
  const tensors = await readTensors(bytes, path);
  return formatOf(bytes, path) === 'npy' ? { tensors, unnamed: stem } : { tensors };
}

function expectTensors(bytes: Uint8Array, path: string): void {
  const found = whatIs(bytes, path);
  if (!/ (model|picture)$/.test(found)) return;
  throw new FormatError(
    `${path}: ${found}; wanted the tensors that the other backend computed, in a .npz, .safetensors or .npy file or a folder of raw dumps`,
  );
}

async function readDumps(folder: string): Promise<Map<string, Tensor>> {
  const found = await readdir(folder, { recursive: true });
  const files = found.filter((name) => name.endsWith('.npy') || extname(name) in rawReaders).sort();
  if (files.length === 0) {
    throw new FormatError(
      `${folder}: holds no tensors; wanted files such as conv1.f32, conv1.f16, conv1.f64, conv1.i8, conv1.u8, conv1.i32 or conv1.npy`,
    );
  }
  const tensors = new Map<string, Tensor>();
  for (const file of files) {
    const name = file.slice(0, -extname(file).length).replaceAll('\\', '/');
    if (tensors.has(name)) throw new FormatError(`${folder}: there are several files for '${name}'`);
    const path = join(folder, file);
    const bytes = await readFile(path);
    tensors.set(
      name,
      file.endsWith('.npy') ? [...(await readTensors(bytes, path)).values()][0] : rawTensor(bytes, path),
    );
  }
  return tensors;
}

/** The numbers in a row: their layer gives them its shape. */
function rawTensor(bytes: Uint8Array, path: string): Tensor {
  const { bytes: size, read } = rawReaders[extname(path)];
  if (bytes.length === 0 || bytes.length % size !== 0) {
    throw new FormatError(
      `${path}: wanted numbers of ${size === 1 ? 'a byte' : `${size} bytes`}, found ${bytes.length} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / size;
  const isWide = size === 8 || extname(path) === '.i32';
  const data: FloatArray = isWide ? new Float64Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = read(view, i * size);
  return { shape: [count], data };
}

/** What a folder holds for a bundle of that name: a file of tensors, or a folder of dumps. */
export async function theirsOf(bundle: string, folder: string): Promise<string | undefined> {
  const stem = stemOf(bundle);
  for (const name of [...tensorEndings.map((ending) => `${stem}${ending}`), stem]) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined)) !== undefined) return path;
  }
  return undefined;
}

/** The name of a bundle: its file without folder and ending. */
export const stemOf = (bundle: string): string => basename(bundle).replace(/\.(safetensors|npz)$/, '');

/** The bundles in a folder, sorted by name. */
export async function bundlesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /\.(safetensors|npz)$/.test(name)).sort();
  if (names.length === 0) {
    throw new FormatError(
      `${folder}: holds no golden bundles; make some with depthwise golden --suite layers --out ${folder}`,
    );
  }
  return names.map((name) => join(folder, name));
}
