/**
 * Golden bundles: one file with all that another backend needs to check itself, in .safetensors or .npz.
 *
 *   inputs/NAME     what the network is fed
 *   outputs/NODE    every layer's output, the float64 reference rounded to float32
 *   bounds/NODE     how far a correct backend may be from it, element by element, from the inputs on; includes that rounding
 *   isolated/NODE   the same for a backend whose layer is fed the outputs in this file: for unit tests of single layers
 *   weights/NAME    where asked for; 'conv1/kernel'
 *
 * Those of quantised networks hold integers: `integers/quantized-golden.ts`.
 *
 * Numbers are float32, little-endian, row-major, NHWC; kernels are HWIO, HWC(M) and IO. The manifest, as JSON, is the metadata entry
 * `depthwise.golden` of a .safetensors file, the entry `depthwise.golden.json` of a .npz.
 */
import { FormatError } from '../errors.js';
import { inFile } from '../formats/in-file.js';
import { parseJson } from '../formats/json.js';
import { GOLDEN_KEY } from '../formats/network-file.js';
import { written } from '../formats/quantized-file-writer.js';
import { readNpz, writeNpz } from '../formats/tensors/npz.js';
import { ownType, type TypeChoice, type WrittenType } from '../formats/tensors/numbers.js';
import { readSafetensors, writeSafetensors } from '../formats/tensors/safetensors.js';
import {
  fromJson,
  type Network,
  type NetworkInputs,
  type NetworkJson,
  type RunOptions,
  toJson,
  withWeights,
} from '../network/index.js';
import { isQuantizedNetwork, isQuantizedTensor, type QuantizedNetwork } from '../network/quantized-network.js';
import { inputTensors } from '../network/run.js';
import { type AnyTensor, type Shape, type Tensor, toFloat32 } from '../tensor.js';
import { estimates } from './estimate-network.js';
import { boundAround, expectShapes, type GoldenSource } from './golden-parts.js';
import type { QuantizedInputs } from './integers/quantized-estimates.js';
import {
  makeQuantizedGolden,
  type QuantizedGolden,
  type QuantizedGoldenOptions,
  type QuantizedManifest,
  quantizedGolden,
  quantizedManifest,
} from './integers/quantized-golden.js';
import { asNumbers } from './integers/typed.js';
import { type Precision, type PrecisionName, precisionNames, precisionOf } from './precision.js';

const FORMAT = 'depthwise-golden';
const NPZ_ENTRY = `${GOLDEN_KEY}.json`;

export interface Golden {
  /** With weights if the bundle has them. */
  readonly network: Network;
  readonly precision: Precision;
  readonly source: GoldenSource;
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** By node, in the network's order; float32. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly bounds: ReadonlyMap<string, Tensor>;
  /** Bounds of each layer fed with `inputs` and `outputs`. Absent in bundles of version 0.1. */
  readonly isolated?: ReadonlyMap<string, Tensor>;
}

type Manifest =
  | FloatManifest
  | (Omit<FloatManifest, 'version' | 'network'> & { readonly version: 2 } & QuantizedManifest);

interface FloatManifest {
  readonly format: typeof FORMAT;
  readonly version: 1;
  /** 'depthwise 0.1.0'. */
  readonly generator: string;
  readonly source: GoldenSource;
  readonly precision: PrecisionName;
  readonly flushesToZero: boolean;
  readonly layout: 'NHWC';
  /** For readers who need nothing else: the layers in order. */
  readonly layers: readonly { name: string; kind: string; inputs: readonly string[]; shape: Shape }[];
  readonly network: NetworkJson;
}

export interface GoldenOptions extends RunOptions {
  readonly source: GoldenSource;
  /** How the backends compute that will be compared; float32 unless stated. */
  readonly precision?: Precision;
}

/**
 * Runs the network in float64 and bounds every tensor. Inputs are rounded to float32 first, as the file holds them. A quantised network's
 * integers have no bounds; its inputs must be of the types that it states.
 */
export function makeGolden(network: Network, inputs: NetworkInputs, options: GoldenOptions): Golden;
export function makeGolden(
  network: QuantizedNetwork,
  inputs: QuantizedInputs,
  options: QuantizedGoldenOptions,
): QuantizedGolden;
export function makeGolden(
  network: Network | QuantizedNetwork,
  inputs: NetworkInputs | QuantizedInputs,
  options: GoldenOptions & QuantizedGoldenOptions,
): Golden | QuantizedGolden {
  return isQuantizedNetwork(network)
    ? makeQuantizedGolden(network, inputs as QuantizedInputs, options)
    : makeRealGolden(network, inputs as NetworkInputs, options);
}

function makeRealGolden(network: Network, given: NetworkInputs, options: GoldenOptions): Golden {
  const { source, precision = precisionOf('float32'), onNode } = options;
  const inputs = new Map([...inputTensors(network, given)].map(([name, x]) => [name, toFloat32(x)]));
  const outputs = new Map<string, Tensor>();
  const bounds = new Map<string, Tensor>();
  const isolated = new Map<string, Tensor>();
  // What is shown is read after its layer has been yielded: each layer of the second walk is fed the outputs of the first.
  const fed = estimates(network, inputs, { precision, shown: outputs });
  for (const { node, estimate } of estimates(network, inputs, { precision, ...(onNode && { onNode }) })) {
    const output = toFloat32(estimate.value);
    bounds.set(node.name, boundAround(output, estimate));
    isolated.set(node.name, boundAround(output, fed.next().value!.estimate));
    outputs.set(node.name, output);
  }
  return { network, precision, source, inputs, outputs, bounds, isolated };
}

export interface WriteGoldenOptions {
  readonly format: 'safetensors' | 'npz';
  readonly weights?: boolean;
  /** Name and version of the program, for the manifest. */
  readonly generator: string;
}

const none: ReadonlyMap<string, AnyTensor> = new Map();

export async function writeGolden(golden: Golden | QuantizedGolden, options: WriteGoldenOptions): Promise<Uint8Array> {
  const { inputs, outputs, bounds, isolated = none } = golden;
  const stored = options.weights ? storedWeights(golden.network) : { tensors: none, typeOf: ownWeightType };
  const groups = { inputs, outputs, bounds, isolated, weights: stored.tensors };
  const tensors = new Map(
    Object.entries(groups).flatMap(([group, its]) =>
      [...its].map(([name, x]): [string, AnyTensor] => [`${group}/${name}`, x]),
    ),
  );
  const typeOf: TypeChoice = (name, x) =>
    name.startsWith('weights/') ? stored.typeOf(name.slice('weights/'.length), x) : writtenType(name, tensors);
  const manifest = JSON.stringify(manifestOf(golden, options), undefined, 1);
  const numbers = new Map([...tensors].map(([name, x]) => [name, asNumbers(x)]));
  if (options.format === 'safetensors') return writeSafetensors(numbers, new Map([[GOLDEN_KEY, manifest]]), typeOf);
  return writeNpz(numbers, typeOf, new Map([[NPZ_ENTRY, new TextEncoder().encode(manifest)]]));
}

const ownWeightType: TypeChoice = (_, x) => ownType(x);

function storedWeights(network: Network | QuantizedNetwork): {
  tensors: ReadonlyMap<string, Tensor>;
  typeOf: TypeChoice;
} {
  return isQuantizedNetwork(network) ? written(network) : { tensors: network.weights, typeOf: ownWeightType };
}

/** Integers as they are; so the bounds of integers, which are 0, in the least room. */
function writtenType(name: string, tensors: ReadonlyMap<string, AnyTensor>): WrittenType {
  const x = tensors.get(name)!;
  if (isQuantizedTensor(x)) return x.type.type;
  const output = tensors.get(name.replace(/^(bounds|isolated)\//, 'outputs/'))!;
  return isQuantizedTensor(output) && x.data.every((bound) => bound === 0) ? 'int8' : ownType(x);
}

function manifestOf(golden: Golden | QuantizedGolden, { generator }: WriteGoldenOptions): Manifest {
  const { source, outputs } = golden;
  const head = { format: FORMAT, generator, source, layout: 'NHWC' } as const;
  if ('rounding' in golden) {
    return { ...head, version: 2, precision: 'float32', flushesToZero: false, ...quantizedManifest(golden) };
  }
  const { network, precision } = golden;
  return {
    ...head,
    version: 1,
    precision: precision.name,
    flushesToZero: precision.flushesToZero,
    layers: network.nodes.map(({ name, kind, inputs }) => ({ name, kind, inputs, shape: outputs.get(name)!.shape })),
    network: toJson(network),
  };
}

/**
 * The bundle in a file: that of real numbers has a `precision`, that of a quantised network a `rounding`. Throws a FormatError that names the file for
 * anything that is not a whole one.
 */
export async function readGolden(bytes: Uint8Array, file = 'golden bundle'): Promise<Golden | QuantizedGolden> {
  return inFile(file, async () => {
    const { tensors, manifest } = await contentOf(bytes, file);
    const group = (name: string): Map<string, Tensor> =>
      new Map(
        [...tensors].flatMap(([key, x]) =>
          key.startsWith(`${name}/`) ? [[key.slice(name.length + 1), x] as const] : [],
        ),
      );
    const found = expectManifest(manifest, file);
    const { source } = found;
    const weights = group('weights');
    const isolated = group('isolated');
    const groups = { inputs: group('inputs'), outputs: group('outputs'), bounds: group('bounds') };
    if (found.version === 2) return { source, ...quantizedGolden(found, { ...groups, isolated, weights }, file) };
    const { network: description, precision, flushesToZero } = found;
    const described = fromJson(description);
    const network = weights.size > 0 ? withWeights(described, weights) : described;
    const golden = { ...groups, ...(isolated.size > 0 && { isolated }) };
    expectShapes(network, golden, file);
    return { network, precision: precisionOf(precision, { flushesToZero }), source, ...golden };
  });
}

/** Whether bytes that a reader of tensors accepted come with a manifest. */
async function contentOf(
  bytes: Uint8Array,
  file: string,
): Promise<{ tensors: Map<string, Tensor>; manifest: string | undefined }> {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) {
    const { tensors, others } = await readNpz(bytes, file);
    const entry = others.get(NPZ_ENTRY);
    return { tensors, manifest: entry && new TextDecoder().decode(entry) };
  }
  const { tensors, metadata } = readSafetensors(bytes, file);
  return { tensors, manifest: metadata.get(GOLDEN_KEY) };
}

function expectManifest(text: string | undefined, file: string): Manifest {
  if (text === undefined) {
    throw new FormatError(`${file}: not a golden bundle: it has no '${GOLDEN_KEY}'; make one with depthwise golden`);
  }
  const found = parseJson(text, `${file}: the manifest`) as Partial<Manifest> | null;
  if (found?.format !== FORMAT || (found.version !== 1 && found.version !== 2)) {
    throw new FormatError(
      `${file}: wanted a manifest of format '${FORMAT}', version 1 or 2, found '${found?.format}', version ${found?.version}`,
    );
  }
  if (!precisionNames.includes(found.precision!)) {
    throw new FormatError(`${file}: the manifest's precision must be one of ${precisionNames.join(', ')}`);
  }
  const source = isSource(found.source) ? found.source : { kind: 'tensor' as const, detail: 'not stated' };
  return { ...(found as Manifest), source, flushesToZero: found.flushesToZero === true };
}

const isSource = (source: unknown): source is GoldenSource =>
  typeof (source as GoldenSource | null)?.kind === 'string' && typeof (source as GoldenSource).detail === 'string';
