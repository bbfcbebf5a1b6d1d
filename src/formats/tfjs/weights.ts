/**
 * The weights of a TensorFlow.js model. Its manifest lists groups of weights; the numbers of a group lie one after the other in its shards,
 * the files that `paths` names. Quantised weights are integers, real = scale · integer + min, or float16.
 */

import { type Check, finite, listOf, oneOf, text, wholeNumber } from '../../checks.js';
import { FormatError, NetworkError } from '../../errors.js';
import { type Shape, type Tensor, tensor } from '../../tensor.js';
import { bytesOf, readNumbers, statedSize } from '../tensors/numbers.js';

/** Most weights of a model that is read. */
const MOST_WEIGHTS = 10_000;

const dtype = oneOf('float32', 'int32', 'bool', 'uint8', 'float16');

interface Quantization {
  readonly dtype: 'uint8' | 'uint16' | 'float16';
  readonly scale: number;
  readonly min: number;
}

interface Entry {
  readonly name: string;
  readonly shape: Shape;
  readonly type: 'float32' | 'int32' | 'bool' | 'uint8' | 'float16';
  readonly quantization: Quantization | undefined;
}

interface Group {
  readonly paths: readonly string[];
  readonly weights: readonly Entry[];
}

const quantization: Check<Quantization> = (value, at) => {
  const { dtype: stored, scale, min } = fields(value, at);
  const type = oneOf('uint8', 'uint16', 'float16')(stored as string, `${at}.dtype`);
  if (type === 'float16') return { dtype: type, scale: 1, min: 0 };
  return { dtype: type, scale: finite(scale, `${at}.scale`), min: finite(min, `${at}.min`) };
};

const entry: Check<Entry> = (value, at) => {
  const { name, shape, dtype: type, quantization: stored } = fields(value, at);
  return {
    name: text(name, `${at}.name`),
    shape: listOf(wholeNumber(0), 0, 8)(shape, `${at}.shape`),
    type: dtype(type as string, `${at}.dtype`),
    quantization: stored === undefined ? undefined : quantization(stored, `${at}.quantization`),
  };
};

const group: Check<Group> = (value, at) => {
  const { paths, weights } = fields(value, at);
  return {
    paths: listOf(text, 1, MOST_WEIGHTS)(paths, `${at}.paths`),
    weights: listOf(entry, 0, MOST_WEIGHTS)(weights, `${at}.weights`),
  };
};

/** The fields of a JSON object. */
export function fields(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NetworkError(`${at}: wanted an object`);
  }
  return value as Record<string, unknown>;
}

/** Names of the files that the weights lie in. */
export function shardPaths(manifest: unknown, at: string): string[] {
  return groupsOf(manifest, at).flatMap(({ paths }) => paths);
}

/** The manifest's groups. A file may be listed once: a short manifest could otherwise state any number of bytes. */
function groupsOf(manifest: unknown, at: string): readonly Group[] {
  const groups = listOf(group, 0, MOST_WEIGHTS)(manifest, at);
  const seen = new Set<string>();
  for (const path of groups.flatMap(({ paths }) => paths)) {
    const plain = path
      .split(/[\\/]/)
      .filter((part) => part !== '' && part !== '.')
      .join('/');
    if (seen.has(plain)) throw new NetworkError(`${at}: lists the weights file '${plain}' more than once`);
    seen.add(plain);
  }
  return groups;
}

/** The weights by name. `shard` gives a file's bytes by its path in the manifest. */
export function readWeights(manifest: unknown, shard: (path: string) => Uint8Array, file: string): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const { paths, weights: entries } of groupsOf(manifest, 'weightsManifest')) {
    const bytes = joined(paths.map(shard));
    let end = 0;
    for (const found of entries) {
      const what = `${file}: weight '${found.name}'`;
      if (weights.has(found.name)) throw new FormatError(`${what}: there are two of this name`);
      const begin = end;
      end += statedSize(found.shape, what) * bytesOf(found.quantization?.dtype ?? found.type);
      if (end > bytes.length) {
        throw new FormatError(`${what}: ends at byte ${end} of ${paths.join(', ')}, which hold ${bytes.length} bytes`);
      }
      weights.set(found.name, readWeight(found, bytes.subarray(begin, end), what));
    }
    if (end !== bytes.length) {
      throw new FormatError(`${file}: ${paths.join(', ')} hold ${bytes.length} bytes, the manifest describes ${end}`);
    }
  }
  return weights;
}

function readWeight({ shape, type, quantization: stored }: Entry, bytes: Uint8Array, what: string): Tensor {
  const numbers = readNumbers(stored?.dtype ?? type, bytes, true, what);
  if (stored === undefined || stored.dtype === 'float16') return tensor(shape, numbers);
  const { scale, min } = stored;
  const real = numbers.map((integer) => scale * integer + min);
  return tensor(shape, type === 'int32' ? Float64Array.from(real, Math.round) : real);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
