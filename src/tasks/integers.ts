/**
 * Tasks on a quantised network. They ask it as they ask a network of real numbers, by `asRealNumbers` or a part of that; the integers compute what
 * is asked for, and the answer is the real numbers that they stand for.
 */
import { UsageError } from '../errors.js';
import { prepareBy, type prepare as prepareReals } from '../image/prepare.js';
import { resample } from '../image/resample.js';
import { integerLayers } from '../layers/int8/index.js';
import { partFor } from '../network/graph.js';
import type { Network, NetworkInputs } from '../network/index.js';
import { isQuantizedTensor, type QuantizedNetwork } from '../network/quantized-network.js';
import { realNumbers } from '../network/rewriting/as-real-numbers.js';
import { typedInputs } from '../network/run-quantized.js';
import type { AnyTensor, Tensor } from '../tensor.js';
import type { Executor } from './execute.js';
import { integerInput } from './integer-input.js';

/** Computes a quantised network's outputs by name: `runQuantized`, or a plan of `compileQuantized`. The network may be a part of the one asked. */
export type QuantizedExecutor = (
  network: QuantizedNetwork,
  inputs: ReadonlyMap<string, AnyTensor>,
) => ReadonlyMap<string, AnyTensor> | Promise<ReadonlyMap<string, AnyTensor>>;

/**
 * The executor, for tasks, of a quantised network. Throws a UsageError where it is asked for a tensor that the integers do not have: a sum before it
 * is limited to what they can express.
 */
export function withIntegers(
  quantized: QuantizedNetwork,
  compute: QuantizedExecutor,
): ((network: Network, inputs: NetworkInputs) => Promise<Map<string, Tensor>>) & Pick<Executor, 'prepare'> {
  const partOf = integerParts(quantized);
  const parts = new WeakMap<Network, IntegerPart>();
  const run = async (network: Network, inputs: NetworkInputs) => {
    const part = parts.get(network) ?? partOf(network.outputs);
    parts.set(network, part);
    return part.answer(await compute(part.network, typedInputs(part.network, inputs)));
  };
  const { integersOf } = integerInput(quantized);
  if (integersOf === undefined) return run;
  const prepare = (...[pictures, preprocessing, options = {}]: Parameters<typeof prepareReals>) =>
    prepareBy(resample, pictures, preprocessing, options, integersOf) as unknown as Tensor;
  return Object.assign(run, { prepare });
}

/** The part of a quantised network that computes certain tensors, which are asked for by their names in real numbers. */
export interface IntegerPart {
  readonly network: QuantizedNetwork;
  /** Those tensors, out of the part's results. */
  answer(results: ReadonlyMap<string, AnyTensor>): Map<string, Tensor>;
}

/** The function that finds the part for tensors. It throws a UsageError for one that the integers do not have. */
export function integerParts(quantized: QuantizedNetwork): (names: readonly string[]) => IntegerPart {
  const own = quantizedNames(quantized);
  const nameOf = (name: string): string => {
    const found = own.get(name);
    if (found !== undefined) return found;
    throw new UsageError(
      `${quantized.name}: integers do not compute '${name}', which is not yet limited to what they can express; ask for the layer behind it, or for real numbers`,
    );
  };
  return (names) => {
    const asked = names.map(nameOf);
    return {
      network: partFor(quantized, [...new Set(asked)]),
      answer: (results) => new Map(names.map((name, i) => [name, asReal(results.get(asked[i])!)])),
    };
  };
}

/** The real numbers that integers stand for; real numbers as they are. */
export const asReal = (x: AnyTensor): Tensor => (isQuantizedTensor(x) ? integerLayers.dequantize([x]) : x);

/** By the names in `asRealNumbers`, those of the quantised network. Where several are one tensor there, an output comes first, then its own name. */
export function quantizedNames(quantized: QuantizedNetwork): Map<string, string> {
  const { network, names } = realNumbers({ ...quantized, weights: new Map() });
  const found = new Map<string, string>();
  for (const [own, real] of names) if (own === real || !found.has(real)) found.set(real, own);
  network.outputs.forEach((real, i) => {
    found.set(real, quantized.outputs[i]);
  });
  return found;
}
