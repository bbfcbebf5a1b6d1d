/**
 * Golden bundles of quantised networks. They are files like those of real numbers (`golden.ts`); the tensors are integers as they are
 * stored, int8, uint8 or int32, and their bounds are 0. The manifest, of version 2, says besides
 *
 *   rounding   'single' or 'double', how factors were rounded (`layers/int8/fixed-point.ts`)
 *   types      of every tensor by its name in the file: 'float32', {type, scale, zeroPoint}, or {type, scales, axis} of weights
 *
 * `network` describes quantize and dequantize as dropout, which leaves shapes as they are too; `layers` has their kinds.
 */
import { FormatError } from '../../errors.js';
import { type Rounding, roundings } from '../../layers/int8/index.js';
import { fromJson, type NetworkJson, toJson } from '../../network/index.js';
import {
  inferQuantizedShapes,
  isQuantizedTensor,
  type QuantizedNetwork,
  type QuantizedNode,
  shapesAlone,
} from '../../network/quantized-network.js';
import { inferTypes, withQuantizedWeights } from '../../network/quantized-types.js';
import {
  type AnyTensor,
  type PerChannelType,
  type QuantizedTensor,
  type Shape,
  sameShape,
  type Tensor,
  type TensorType,
  toFloat32,
} from '../../tensor.js';
import { boundAround, type GoldenSource } from '../golden-parts.js';
import {
  type QuantizedEstimate,
  type QuantizedInputs,
  type QuantizedOptions,
  quantizedEstimates,
} from './quantized-estimates.js';
import { asIntegers } from './typed.js';

export interface QuantizedGolden {
  /** With weights if the bundle has them. */
  readonly network: QuantizedNetwork;
  readonly rounding: Rounding;
  readonly source: GoldenSource;
  readonly inputs: QuantizedInputs;
  /** By node, in the network's order. */
  readonly outputs: QuantizedInputs;
  readonly bounds: ReadonlyMap<string, Tensor>;
  /** Of each layer fed with `inputs` and `outputs`. */
  readonly isolated: ReadonlyMap<string, Tensor>;
}

export interface QuantizedGoldenOptions extends Pick<QuantizedOptions, 'onNode'> {
  readonly source: GoldenSource;
  /** Default 'single', as the optimised kernels of TensorFlow Lite round. */
  readonly rounding?: Rounding;
}

/** Runs a quantised network. Inputs must be of the types that it states. */
export function makeQuantizedGolden(
  network: QuantizedNetwork,
  inputs: QuantizedInputs,
  { source, rounding = 'single', onNode }: QuantizedGoldenOptions,
): QuantizedGolden {
  const outputs = new Map<string, AnyTensor>();
  const bounds = new Map<string, Tensor>();
  const isolated = new Map<string, Tensor>();
  const fed = quantizedEstimates(network, inputs, { rounding, shown: outputs });
  for (const its of quantizedEstimates(network, inputs, { rounding, ...(onNode && { onNode }) })) {
    const { name } = its.node;
    bounds.set(name, boundOf(its));
    isolated.set(name, boundOf(fed.next().value!));
    outputs.set(name, its.tensor);
  }
  return { network, rounding, source, inputs, outputs, bounds, isolated };
}

const boundOf = ({ tensor, estimate }: QuantizedEstimate): Tensor =>
  isQuantizedTensor(tensor) ? toFloat32(estimate.error) : boundAround(tensor, estimate);

export interface QuantizedManifest {
  readonly rounding: Rounding;
  readonly types: Readonly<Record<string, TensorType | PerChannelType>>;
  readonly layers: readonly { name: string; kind: string; inputs: readonly string[]; shape: Shape }[];
  readonly network: NetworkJson;
}

/** What stands in the manifest because the network is quantised. */
export function quantizedManifest(
  { network, rounding, outputs }: QuantizedGolden,
  weights: boolean,
): QuantizedManifest {
  const { nodes } = network;
  const plain = shapesAlone(network);
  return {
    rounding,
    types: {
      ...Object.fromEntries(network.inputs.map(({ name, type }) => [`inputs/${name}`, type])),
      ...Object.fromEntries(nodes.map(({ name, type }) => [`outputs/${name}`, type])),
      ...(weights && Object.fromEntries([...network.weights].map(([name, x]) => [`weights/${name}`, typeOf(x)]))),
    },
    layers: nodes.map(({ name, kind, inputs }) => ({ name, kind, inputs, shape: outputs.get(name)!.shape })),
    network: toJson({
      ...plain,
      inputs: plain.inputs.map(({ name, shape }) => ({ name, shape })),
      nodes: plain.nodes.map(
        ({ name, kind, inputs, attributes }) => ({ name, kind, inputs, attributes }) as (typeof plain.nodes)[0],
      ),
    }),
  };
}

const typeOf = (x: AnyTensor): TensorType | PerChannelType => (isQuantizedTensor(x) ? x.type : 'float32');

type Groups = Readonly<Record<'inputs' | 'outputs' | 'bounds' | 'isolated' | 'weights', ReadonlyMap<string, Tensor>>>;

/** The bundle of the manifest and the numbers in the file. Throws a FormatError or a NetworkError for what does not fit together. */
export function quantizedGolden(
  { rounding, types, layers, network: description }: QuantizedManifest,
  { inputs, outputs, bounds, isolated, weights }: Groups,
  file: string,
): Omit<QuantizedGolden, 'source'> {
  if (!roundings.includes(rounding)) {
    throw new FormatError(
      `${file}: the manifest's rounding must be one of ${roundings.join(', ')}, found '${rounding}'`,
    );
  }
  const typed = (group: string, tensors: ReadonlyMap<string, Tensor>): Map<string, AnyTensor> =>
    new Map([...tensors].map(([name, x]) => [name, withType(`${group}/${name}`, x, types, file)]));
  const described = quantizedNetwork(description, layers, types, file);
  const network = weights.size > 0 ? withQuantizedWeights(described, typed('weights', weights)) : described;
  inferTypes(network);
  const golden = {
    network,
    rounding,
    inputs: typed('inputs', inputs),
    outputs: typed('outputs', outputs),
    bounds,
    isolated,
  };
  expectShapes(golden, file);
  return golden;
}

function quantizedNetwork(
  description: NetworkJson,
  layers: QuantizedManifest['layers'],
  types: QuantizedManifest['types'],
  file: string,
): QuantizedNetwork {
  const network = fromJson(description);
  const typeAt = (name: string): TensorType => {
    const type = expectType(name, types, file);
    if (typeof type === 'object' && 'scales' in type)
      throw new FormatError(`${file}: '${name}' has a scale for each channel, wanted one`);
    return type;
  };
  const kinds = new Map(layers.map(({ name, kind }) => [name, kind]));
  return {
    ...network,
    inputs: network.inputs.map((input) => ({ ...input, type: typeAt(`inputs/${input.name}`) })),
    nodes: network.nodes.map((node) => {
      const kind = kinds.get(node.name);
      const isConversion = kind === 'quantize' || kind === 'dequantize';
      return {
        ...node,
        ...(isConversion && { kind, attributes: {} }),
        type: typeAt(`outputs/${node.name}`),
      } as QuantizedNode;
    }),
    weights: new Map(),
  };
}

/** `name` is that in the file. */
function withType(name: string, x: Tensor, types: QuantizedManifest['types'], file: string): AnyTensor {
  const type = expectType(name, types, file);
  if (typeof type === 'string') return toFloat32(x);
  const integers: QuantizedTensor | undefined = asIntegers(x, type);
  if (integers === undefined) throw new FormatError(`${file}: '${name}' must hold integers of ${type.type}`);
  return integers;
}

const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'number');

function expectType(name: string, types: QuantizedManifest['types'], file: string): TensorType | PerChannelType {
  const type = types !== null && typeof types === 'object' && Object.hasOwn(types, name) ? types[name] : undefined;
  if (type === 'float32') return type;
  if (typeof type === 'object' && type !== null && ['int8', 'uint8', 'int32'].includes(type.type)) {
    if (
      'scales' in type ? isNumbers(type.scales) && Number.isInteger(type.axis) : isNumbers([type.scale, type.zeroPoint])
    )
      return type;
  }
  throw new FormatError(
    `${file}: the manifest's type of '${name}' must be 'float32', {type, scale, zeroPoint} or {type, scales, axis}, found ${JSON.stringify(type)}`,
  );
}

/** Every input, output and bound is there in its shape. */
function expectShapes({ network, inputs, ...layers }: Omit<QuantizedGolden, 'source'>, file: string): void {
  const shapes = inferQuantizedShapes(network, new Map([...inputs].map(([name, { shape }]) => [name, shape])));
  for (const [group, tensors] of Object.entries({
    inputs,
    outputs: layers.outputs,
    bounds: layers.bounds,
    isolated: layers.isolated,
  })) {
    const wanted = group === 'inputs' ? network.inputs : network.nodes;
    for (const { name } of wanted) {
      const found = tensors.get(name)?.shape;
      if (found === undefined) throw new FormatError(`${file}: '${group}/${name}' is missing`);
      const shape = shapes.get(name)!;
      if (!sameShape(found, shape))
        throw new FormatError(`${file}: '${group}/${name}' must be [${shape}], found [${found}]`);
    }
  }
}
