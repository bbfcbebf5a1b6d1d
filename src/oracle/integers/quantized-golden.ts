/**
 * Golden bundles of quantised networks. They are files like those of real numbers (`golden.ts`); the tensors are integers as they are
 * stored, int8, uint8 or int32, and their bounds are 0. The manifest, of version 2, also says how factors were rounded: 'single' or 'double'
 * (`layers/int8/fixed-point.ts`). Its network states the type of every tensor; weights have their scales beside them, as in
 * `formats/quantized-file.ts`.
 */
import { FormatError } from '../../errors.js';
import { quantizedNetworkOf } from '../../formats/quantized-file.js';
import { type Rounding, roundings } from '../../layers/int8/index.js';
import { type QuantizedNetworkJson, quantizedFromJson, quantizedToJson } from '../../network/quantized-json.js';
import {
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  shapesAlone,
} from '../../network/quantized-network.js';
import { type AnyTensor, type Shape, type Tensor, type TensorType, toFloat32 } from '../../tensor.js';
import { boundAround, expectShapes, type GoldenSource } from '../golden-parts.js';
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
  readonly layers: readonly { name: string; kind: string; inputs: readonly string[]; shape: Shape }[];
  readonly network: QuantizedNetworkJson;
}

/** What stands in the manifest because the network is quantised. */
export function quantizedManifest({ network, rounding, outputs }: QuantizedGolden): QuantizedManifest {
  return {
    rounding,
    layers: network.nodes.map(({ name, kind, inputs }) => ({ name, kind, inputs, shape: outputs.get(name)!.shape })),
    network: quantizedToJson(network),
  };
}

type Groups = Readonly<Record<'inputs' | 'outputs' | 'bounds' | 'isolated' | 'weights', ReadonlyMap<string, Tensor>>>;

/** The bundle of the manifest and the numbers in the file. Throws a FormatError or a NetworkError for what does not fit together. */
export function quantizedGolden(
  { rounding, network: description }: QuantizedManifest,
  { inputs, outputs, bounds, isolated, weights }: Groups,
  file: string,
): Omit<QuantizedGolden, 'source'> {
  if (!roundings.includes(rounding)) {
    throw new FormatError(
      `${file}: the manifest's rounding must be one of ${roundings.join(', ')}, found '${rounding}'`,
    );
  }
  const network = weights.size > 0 ? quantizedNetworkOf(description, weights, file) : quantizedFromJson(description);
  const typed = (group: string, tensors: ReadonlyMap<string, Tensor>, of: QuantizedNetwork['inputs' | 'nodes']) =>
    new Map(
      of.flatMap(({ name, type }): [string, AnyTensor][] => {
        const x = tensors.get(name);
        return x ? [[name, withType(`${file}: '${group}/${name}'`, x, type)]] : [];
      }),
    );
  const golden = {
    network,
    rounding,
    inputs: typed('inputs', inputs, network.inputs),
    outputs: typed('outputs', outputs, network.nodes),
    bounds,
    isolated,
  };
  expectShapes(shapesAlone(network), golden, file);
  return golden;
}

function withType(what: string, x: Tensor, type: TensorType): AnyTensor {
  if (!isQuantizedType(type)) return toFloat32(x);
  const integers = asIntegers(x, type);
  if (integers === undefined) throw new FormatError(`${what} must hold integers of ${type.type}`);
  return integers;
}
