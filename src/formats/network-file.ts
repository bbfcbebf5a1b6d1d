/**
 * The project's own network files: weights under their full names (`conv1/kernel`) and the network's description as JSON beside them,
 * in a .safetensors file's metadata under `depthwise.network` or in a .npz file's entry `depthwise.network.json`. Any reader of these
 * formats reads the weights; ours reads the network. Files of weights alone may have ours or other libraries' names (`state-dict.ts`).
 */

import { FormatError } from '../errors.js';
import { fromJson, type Network, type Weights, withWeights } from '../network/index.js';
import type { ReadOptions } from './architecture.js';
import { inFile } from './in-file.js';
import { parseJson } from './json.js';
import { withoutScales } from './tensors/int8.js';
import type { Npz } from './tensors/npz.js';
import { readSafetensors } from './tensors/safetensors.js';

export const METADATA_KEY = 'depthwise.network';
export const NPZ_ENTRY = 'depthwise.network.json';
/** The manifest of a golden bundle of the oracle (`oracle/golden.ts`), in the metadata or, with '.json', as an entry. */
export const GOLDEN_KEY = 'depthwise.golden';

/** The network of weights whose file does not describe it; or of a golden bundle, whose manifest does. */
export type WeightsAlone = (
  weights: Weights,
  options: ReadOptions,
  file: string,
  manifest?: string,
) => Network | Promise<Network>;

/** The network of a description of version 2 (quantized-file.ts) and the numbers beside it. */
export type OfIntegers<Result = Network> = (
  description: unknown,
  weights: Weights,
  options: ReadOptions,
  file: string,
) => Result | Promise<Result>;

/** The network in a .safetensors file; `alone` makes it of weights without description, `ofIntegers` a quantised one. */
export async function networkInSafetensors<Result = never>(
  bytes: Uint8Array,
  options: ReadOptions,
  alone: WeightsAlone,
  ofIntegers: OfIntegers<Result>,
): Promise<Network | Result> {
  const file = options.fileName ?? 'safetensors file';
  return inFile(file, () => {
    const { tensors, metadata } = readSafetensors(bytes, file);
    const golden = metadata.get(GOLDEN_KEY);
    if (golden !== undefined) return alone(tensors, options, file, golden);
    return assemble(tensors, metadata.get(METADATA_KEY), options, file, alone, ofIntegers);
  });
}

/** Teachable Machine's downloads are a TensorFlow.js model in a zip archive. */
export const isTfjsArchive = (archive: ReadonlyMap<string, Uint8Array>): boolean =>
  [...archive.keys()].some((name) => /^(.*\/)?model\.json$/.test(name)) &&
  ![...archive.keys()].some((name) => name.endsWith('.npy'));

/** Keras 3's .keras files (`keras/zip.ts`), perhaps packed again with their folder. */
export const isKerasArchive = (archive: ReadonlyMap<string, Uint8Array>): boolean =>
  [...archive.keys()].some((name) => {
    const folder = /^(.*\/)?metadata\.json$/.exec(name)?.[1] ?? '';
    return (
      /^(.*\/)?model\.weights\.h5$/.test(name) ||
      (name.endsWith('metadata.json') && archive.has(`${folder}config.json`))
    );
  });

/** The pickle of a PyTorch file (`pytorch/checkpoint.ts`), in the archive's only folder. */
export const pickleIn = (archive: ReadonlyMap<string, Uint8Array>): string | undefined =>
  [...archive.keys()].find((name) => /^([^/]*\/)?data\.pkl$/.test(name));

/** The network in a .npz file, of which these are the entries. */
export async function networkInNpz<Result = never>(
  { tensors, others }: Npz,
  options: ReadOptions,
  alone: WeightsAlone,
  ofIntegers: OfIntegers<Result>,
): Promise<Network | Result> {
  const file = options.fileName ?? 'npz file';
  const text = (name: string): string | undefined => {
    const entry = others.get(name);
    return entry && new TextDecoder().decode(entry);
  };
  const golden = text(`${GOLDEN_KEY}.json`);
  return inFile(file, () =>
    golden === undefined
      ? assemble(tensors, text(NPZ_ENTRY), options, file, alone, ofIntegers)
      : alone(tensors, options, file, golden),
  );
}

function assemble<Result>(
  tensors: Weights,
  description: string | undefined,
  options: ReadOptions,
  file: string,
  alone: WeightsAlone,
  ofIntegers: OfIntegers<Result>,
): Network | Result | Promise<Network | Result> {
  const described = description && parseJson(description, `${file}: the network's description`);
  if (isVersion2(described)) return ofIntegers(described, tensors, options, file);
  const weights = withoutScales(tensors, file);
  if (options.architecture !== undefined || !described) return alone(weights, options, file);
  return withWeights(fromJson(described), weights);
}

const isVersion2 = (described: unknown): boolean => (described as { version?: unknown } | null)?.version === 2;

/** For readers that read real numbers only; `reader` is the one that reads integers too. */
export const refuseIntegers =
  (reader: string): OfIntegers<never> =>
  (_, __, ___, file) => {
    throw new FormatError(
      `${file}: holds a quantised network, whose reader was not given: import { ${reader} } from 'depthwise/formats/quantized', and load(…, { readers: [${reader}] })`,
    );
  };
