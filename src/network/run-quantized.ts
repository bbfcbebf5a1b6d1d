/**
 * The reference executor of quantised networks: walks the nodes in order and calls each layer's `forward`, in integers where the node's type is
 * one of integers. The results are TensorFlow Lite's, to the bit, in the rounding that is asked for.
 */
import { expectOneOf } from '../checks.js';
import { NetworkError } from '../errors.js';
import { integerLayers, type Rounding, roundings } from '../layers/int8/index.js';
import type { AnyTensor } from '../tensor.js';
import { expectWithinBudget } from './budget.js';
import { lastUses } from './graph.js';
import {
  inferQuantizedShapes,
  isConversion,
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedInput,
  type QuantizedNetwork,
  type QuantizedNode,
  quantizedWeightsOf,
  sameType,
  shapesAlone,
  showType,
  wantedQuantizedWeights,
} from './quantized-network.js';
import { inferTypes } from './quantized-types.js';
import { inputTensors } from './run.js';
import { atNode, layerOf } from './shapes.js';

export interface RunQuantizedOptions {
  /** Which of the two roundings that are called TensorFlow Lite's: 'single' unless stated, the optimised kernels'. */
  readonly rounding?: Rounding;
  /** Called before each node, for progress bars and for stopping: what it throws ends the run. */
  readonly onNode?: (node: QuantizedNode, index: number, count: number) => void;
}

/** A tensor for a network of one input, or one for each input by name. */
export type QuantizedNetworkInputs = AnyTensor | ReadonlyMap<string, AnyTensor>;

/**
 * Computes the network's outputs, by name, with their stated types. Inputs are [batch, …] with the declared sizes after the batch: integers of the
 * input's type, or real numbers, of which the nearest integers are taken. Throws a NetworkError for inputs or weights that do not fit.
 */
export function runQuantized(
  network: QuantizedNetwork,
  inputs: QuantizedNetworkInputs,
  { rounding = 'single', onNode }: RunQuantizedOptions = {},
): Map<string, AnyTensor> {
  const live = typedInputs(network, inputs);
  expectOneOf(NetworkError, `${network.name}: rounding`, roundings, rounding);
  const shapes = inferQuantizedShapes(network, new Map([...live].map(([name, { shape }]) => [name, shape])));
  expectWithinBudget(shapesAlone(network), shapes, false, 4);
  expectAllWeights(network, shapes);
  inferTypes(network, shapes);
  const lastUse = lastUses(network);
  network.nodes.forEach((node, index) => {
    onNode?.(node, index, network.nodes.length);
    const read = node.inputs.map((name) => live.get(name)!);
    live.set(node.name, computeNode(node, read, quantizedWeightsOf(network, node, shapes), rounding));
    for (const name of [...node.inputs, node.name]) if (lastUse.get(name) === index) live.delete(name);
  });
  return new Map(network.outputs.map((name) => [name, live.get(name)!]));
}

/** Each input's tensor by name, in the type that the network states. */
export function typedInputs(network: QuantizedNetwork, inputs: QuantizedNetworkInputs): Map<string, AnyTensor> {
  const given = inputTensors<AnyTensor>(network, inputs);
  return new Map(network.inputs.map((input) => [input.name, typedInput(network, input, given.get(input.name)!)]));
}

function typedInput({ name: network }: QuantizedNetwork, { name, type }: QuantizedInput, given: AnyTensor): AnyTensor {
  if (!isQuantizedTensor(given)) {
    return isQuantizedType(type) ? integerLayers.quantize([given], {}, {}, type, 'single') : given;
  }
  if ('scale' in given.type && sameType(given.type, type)) return given;
  throw new NetworkError(`${network}: input '${name}' must be ${showType(type)}, found ${showType(given.type)}`);
}

/** What a node makes of its inputs. */
export function computeNode(
  node: QuantizedNode,
  inputs: readonly AnyTensor[],
  weights: Readonly<Record<string, AnyTensor>>,
  rounding: Rounding,
): AnyTensor {
  return atNode(node, () => forwardOf(node)(inputs, weights, node.attributes, node.type, rounding));
}

/** Inputs and weights agree with the layer and the type of the node by `inferTypes`, which TypeScript cannot follow through the lookup. */
export type Forward = (
  inputs: readonly AnyTensor[],
  weights: object,
  attributes: object | undefined,
  result: QuantizedNode['type'],
  rounding: Rounding,
) => AnyTensor;

/** The readable layer that computes the node. Throws a NetworkError where there is none for integers. */
export function forwardOf(node: QuantizedNode): Forward {
  if (!isConversion(node) && !isQuantizedType(node.type)) return layerOf(node).forward as Forward;
  const forward = Object.hasOwn(integerLayers, node.kind) && integerLayers[node.kind as keyof typeof integerLayers];
  if (forward) return forward as Forward;
  throw new NetworkError(
    `${node.name}: '${node.kind}' is not computed with integers; asRealNumbers computes all layers`,
  );
}

/** Throws a NetworkError where integers do not compute the network: where types do not fit each other, or a layer has no integer form. */
export function expectComputable(network: QuantizedNetwork): void {
  inferTypes({ ...network, weights: new Map() });
  for (const node of network.nodes) forwardOf(node);
}

function expectAllWeights(network: QuantizedNetwork, shapes: Parameters<typeof wantedQuantizedWeights>[1]): void {
  const missing = [...wantedQuantizedWeights(network, shapes).keys()].find((name) => !network.weights.has(name));
  if (missing !== undefined) {
    throw new NetworkError(`${network.name}: weight '${missing}' is missing; a network without weights cannot run`);
  }
}
