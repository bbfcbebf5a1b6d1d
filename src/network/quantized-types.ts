/**
 * Type inference: the type of every tensor of a quantised network, checked like shapes. What the rules demand is what TensorFlow Lite's
 * kernels demand (tensorflow.org/lite/performance/quantization_spec), so that every executor may rely on it.
 */
import { NetworkError } from '../errors.js';
import type { KernelLayout } from '../layers/layer.js';
import {
  type AnyTensor,
  type PerChannelType,
  type QuantizedTensor,
  type QuantizedType,
  type Shape,
  sizeOf,
  type TensorType,
} from '../tensor.js';
import type { LayerKind, Weights } from './network.js';
import {
  inferQuantizedShapes,
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  quantizedWeightsOf,
  sameType,
  shapesAlone,
  showType,
} from './quantized-network.js';
import { layerOf } from './shapes.js';
import { withWeights } from './weights.js';

/** The least and the greatest integer of each type. */
export const integerRanges = {
  int8: [-128, 127],
  uint8: [0, 255],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const;

export const integerArrays = { int8: Int8Array, uint8: Uint8Array, int32: Int32Array } as const;

/** Layers whose result's numbers are the input's, or lie between them: the result has the input's scale and zero point. */
export const keepsType: readonly LayerKind[] = [
  'averagePool',
  'dropout',
  'flatten',
  'maxPool',
  'pad',
  'reshape',
  'resizeBilinear',
];

/** The axis of each kernel from which on a scale may stand for each index. */
export const channelAxes: Readonly<Record<KernelLayout, number>> = { HWIO: 3, HWCM: 2, IO: 1 };

/** The types of indices. */
const INDEX: QuantizedType = { type: 'int32', scale: 1, zeroPoint: 0 };

/**
 * The type of every tensor by name, inputs included. Throws a NetworkError that names the node whose type does not fit its inputs, its layer
 * or its weights, and the errors of `inferShapes`. A network without weights is checked without them.
 */
export function inferTypes(network: QuantizedNetwork, shapes = inferQuantizedShapes(network)): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  for (const { name, type } of network.inputs) types.set(name, validType(network.name, name, type));
  for (const node of network.nodes) {
    const fail: Fail = (what) => {
      throw new NetworkError(`${network.name}: '${node.name}' (${node.kind}) ${what}`);
    };
    const inputs = node.inputs.map((input) => types.get(input)!);
    types.set(node.name, validType(network.name, node.name, node.type));
    expectNode(node, inputs, fail);
    if (network.weights.size > 0) expectNodeWeights(node, inputs[0], quantizedWeightsOf(network, node, shapes), fail);
  }
  return types;
}

/** The network with these weights. Throws a NetworkError that says which of them do not fit, by shape or by type. */
export function withQuantizedWeights(
  network: QuantizedNetwork,
  weights: QuantizedNetwork['weights'],
): QuantizedNetwork {
  const shapes = inferQuantizedShapes(network);
  // Names and shapes alone are compared, which integers have as real numbers do.
  withWeights(shapesAlone(network), weights as unknown as Weights, shapes);
  const complete = { ...network, weights };
  inferTypes(complete, shapes);
  return complete;
}

type Fail = (what: string) => never;

function validType(network: string, name: string, type: TensorType): TensorType {
  const wrong = isQuantizedType(type) ? parameterFault(type) : undefined;
  if (wrong) throw new NetworkError(`${network}: the type of '${name}' ${wrong}`);
  return type;
}

const isScale = (scale: number): boolean => scale > 0 && scale < Infinity;

/** What is wrong with a scale and a zero point. */
function parameterFault({ type, scale, zeroPoint }: QuantizedType): string | undefined {
  const [least, greatest] = integerRanges[type];
  if (!isScale(scale)) return `has the scale ${scale}, wanted a number above 0`;
  if (Number.isInteger(zeroPoint) && zeroPoint >= least && zeroPoint <= greatest) return undefined;
  return `has the zero point ${zeroPoint}, wanted a whole number from ${least} to ${greatest}`;
}

function expectNode(node: QuantizedNode, inputs: readonly TensorType[], fail: Fail): void {
  const { kind, type } = node;
  const found = inputs.map(showType).join(', ');
  if (kind === 'quantize') {
    if (!isBytes(type)) fail(`gives ${showType(type)}, wanted int8 or uint8`);
    if (!inputs.every((input) => !isQuantizedType(input) || isBytes(input))) fail(`reads ${found}`);
  } else if (kind === 'dequantize') {
    if (type !== 'float32') fail(`gives ${showType(type)}, wanted float32`);
    if (!inputs.every(isBytes)) fail(`reads ${found}, wanted int8 or uint8`);
  } else if (!isQuantizedType(type)) {
    if (inputs.some((input) => input !== type))
      fail(`gives ${type}, but reads ${found}; 'dequantize' leads from one to the other`);
  } else {
    expectIntegers(node, type, inputs, fail);
  }
}

const isBytes = (type: TensorType): type is QuantizedType => isQuantizedType(type) && type.type !== 'int32';

/** The rules of the layers, where they compute integers. */
function expectIntegers({ kind }: QuantizedNode, type: QuantizedType, inputs: readonly TensorType[], fail: Fail): void {
  const found = inputs.map(showType).join(', ');
  const copies = kind === 'reshape' || kind === 'flatten' || kind === 'dropout';
  if (kind === 'argMax') {
    if (!sameType(type, INDEX)) fail(`gives ${showType(type)}, wanted indices of ${showType(INDEX)}`);
    if (!inputs.every(isBytes)) fail(`reads ${found}, wanted int8 or uint8`);
    return;
  }
  if (!isBytes(type) && !copies) fail(`gives ${showType(type)}, wanted int8 or uint8`);
  if (inputs.some((input) => !isQuantizedType(input) || input.type !== type.type)) {
    fail(`gives ${type.type}, but reads ${found}; 'quantize' leads from one to the other`);
  }
  const joinsInt8 = kind === 'concat' && type.type === 'int8';
  if ((joinsInt8 || keepsType.includes(kind as LayerKind)) && inputs.some((input) => !sameType(input, type))) {
    fail(`gives ${showType(type)}, but reads ${found}; wanted the same scale and zero point`);
  }
  if (kind === 'softmax' || kind === 'sigmoid') {
    const wanted: QuantizedType = { type: type.type, scale: 1 / 256, zeroPoint: integerRanges[type.type][0] };
    if (!sameType(type, wanted)) fail(`gives ${showType(type)}, wanted ${showType(wanted)}`);
  }
}

function expectNodeWeights(
  node: QuantizedNode,
  input: TensorType,
  weights: Readonly<Record<string, AnyTensor>>,
  fail: Fail,
): void {
  for (const [name, tensor] of Object.entries(weights)) {
    if (tensor !== undefined && isQuantizedTensor(tensor)) expectNumbers(name, tensor, fail);
  }
  const layout = node.kind === 'quantize' || node.kind === 'dequantize' ? undefined : layerOf(node).kernel;
  const { kernel, bias } = weights;
  if (layout === undefined || kernel === undefined || !isQuantizedType(node.type) || !isQuantizedType(input)) {
    const integers = Object.entries(weights).find(([, tensor]) => tensor !== undefined && isQuantizedTensor(tensor));
    if (integers) fail(`has the weight '${integers[0]}' of ${showType(tensorType(integers[1]))}, wanted real numbers`);
    return;
  }
  expectKernel(kernel, input, channelAxes[layout], fail);
  if (bias !== undefined) expectBias(bias, biasScales(input, kernel as QuantizedTensor), node.type, fail);
}

const tensorType = (tensor: AnyTensor): TensorType | PerChannelType =>
  isQuantizedTensor(tensor) ? tensor.type : tensor.data instanceof Float64Array ? 'float64' : 'float32';

/** Parameters, length and array of the integers. */
function expectNumbers(name: string, { shape, data, type }: QuantizedTensor, fail: Fail): void {
  const fault = parameterFault('scale' in type ? type : { ...type, scale: worstScale(type.scales), zeroPoint: 0 });
  if (fault) fail(`has a weight '${name}' that ${fault}`);
  if ('scales' in type) expectScales(name, type, shape, fail);
  if (!(data instanceof integerArrays[type.type]) || data.length !== sizeOf(shape)) {
    fail(
      `has a weight '${name}' of [${shape}] ${type.type} with ${data.length} numbers in an ${data.constructor.name}, wanted ${sizeOf(shape)} in an ${integerArrays[type.type].name}`,
    );
  }
}

/** The first that is not one; any, where all are. */
const worstScale = (scales: readonly number[]): number => scales.find((scale) => !isScale(scale)) ?? 1;

function expectScales(name: string, { scales, axis }: PerChannelType, shape: Shape, fail: Fail): void {
  const wanted = sizeOf(shape.slice(axis));
  if (scales.length !== wanted) {
    fail(
      `has a weight '${name}' with ${scales.length} scales for the axes of [${shape}] from ${axis} on, wanted ${wanted}`,
    );
  }
}

function expectKernel(kernel: AnyTensor, input: QuantizedType, axis: number, fail: Fail): void {
  const type = tensorType(kernel);
  if (typeof type === 'string' || type.type !== input.type) {
    fail(`has a kernel of ${showType(type)}, wanted ${input.type} as its input`);
  }
  if (!('scales' in type)) return;
  if (type.type !== 'int8') fail(`has a kernel of ${showType(type)}, wanted int8 where each channel has its own`);
  if (type.axis !== axis) fail(`has a kernel with scales from axis ${type.axis} on, wanted axis ${axis}`);
}

/** The unit of the products that a bias is added to, input scale · kernel scale: one, or one for each output. */
export function biasScales(input: QuantizedType, { type }: QuantizedTensor): number[] {
  return ('scales' in type ? type.scales : [type.scale]).map((scale) => input.scale * scale);
}

/** TensorFlow Lite allows 2 % of a step of the result between the unit that a bias states and that of the products. */
const MOST_STEPS = 0.02;

function expectBias(bias: AnyTensor, units: readonly number[], result: QuantizedType, fail: Fail): void {
  const type = tensorType(bias);
  if (typeof type === 'string' || type.type !== 'int32') fail(`has a bias of ${showType(type)}, wanted int32`);
  const stated = 'scales' in type ? type.scales : [type.scale];
  if (stated.length !== units.length && stated.length !== 1) {
    fail(`has a bias with ${stated.length} scales and a kernel with ${units.length}`);
  }
  if ('scale' in type && type.zeroPoint !== 0) fail(`has a bias with the zero point ${type.zeroPoint}, wanted 0`);
  units.forEach((unit, output) => {
    const scale = stated[output] ?? stated[0];
    if (Math.abs(unit - scale) > MOST_STEPS * result.scale) {
      fail(`has a bias that counts in ${scale}, wanted input scale · kernel scale = ${unit}`);
    }
  });
}
