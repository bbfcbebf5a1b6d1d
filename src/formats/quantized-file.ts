/**
 * Quantised networks in the project's own files (network-file.ts): the description is version 2, and every weight of integers lies there as int8, uint8
 * or int32, with its parameters beside it:
 *
 *   'conv1/kernel/scale'      with as many axes as the kernel, of 1 or the kernel's size, as `tensors/int8.ts` has them
 *   'conv1/kernel/zeroPoint'  of the same shape; left out where it is 0
 *
 * (kernel − zeroPoint) · scale by broadcasting, as NumPy does it, is the kernel in real numbers.
 */
import { FormatError } from '../errors.js';
import { nodesByName, ownerOf } from '../network/graph.js';
import { weightName } from '../network/network.js';
import { quantizedFromJson, quantizedToJson } from '../network/quantized-json.js';
import {
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
} from '../network/quantized-network.js';
import { channelAxes, integerArrays, integerRanges, withQuantizedWeights } from '../network/quantized-types.js';
import { layerOf } from '../network/shapes.js';
import {
  type AnyTensor,
  type FloatArray,
  type QuantizedTensor,
  type QuantizedType,
  type Tensor,
  tensor,
} from '../tensor.js';
import { METADATA_KEY, NPZ_ENTRY } from './network-file.js';
import { writeNpz } from './tensors/npz.js';
import { ownType, type TypeChoice } from './tensors/numbers.js';
import { writeSafetensors } from './tensors/safetensors.js';

const SCALE = 'scale';
const ZERO_POINT = 'zeroPoint';

/** The network that version 2 of a description and the numbers beside it make up. */
export function quantizedNetworkOf(
  description: unknown,
  stored: ReadonlyMap<string, Tensor>,
  file: string,
): QuantizedNetwork {
  const described = quantizedFromJson(description);
  const nodes = nodesByName(described);
  const types = new Map([...described.inputs, ...described.nodes].map(({ name, type }) => [name, type]));
  const weights = new Map<string, AnyTensor>();
  const parameters = new Set(
    [...stored.keys()].flatMap((name) => [weightName(name, SCALE), weightName(name, ZERO_POINT)]),
  );
  for (const [name, numbers] of stored) {
    if (parameters.has(name)) continue;
    const scale = stored.get(weightName(name, SCALE));
    const node = nodes.get(ownerOf(name));
    const input = node && types.get(node.inputs[0]);
    const weight =
      scale && node && input && isQuantizedType(input)
        ? integers(name, node, input.type, numbers, scale, stored.get(weightName(name, ZERO_POINT)), file)
        : numbers;
    weights.set(name, weight);
  }
  return withQuantizedWeights(described, weights);
}

/** A bias is int32, a kernel of its input's type; scales lie along the axes of its layout. */
function integers(
  name: string,
  node: QuantizedNode,
  inputType: QuantizedType['type'],
  { shape, data }: Tensor,
  scale: Tensor,
  zeroPoint: Tensor | undefined,
  file: string,
): QuantizedTensor {
  const isBias = name === weightName(node.name, 'bias');
  const type = isBias ? 'int32' : inputType;
  const [least, greatest] = integerRanges[type];
  const wrong = data.find((q) => !Number.isInteger(q) || q < least || q > greatest);
  if (wrong !== undefined) throw new FormatError(`${file}: '${name}' holds ${wrong}, wanted numbers of ${type}`);
  const stored = integerArrays[type].from(data);
  if (scale.data.length === 1) {
    return { shape, data: stored, type: { type, scale: scale.data[0], zeroPoint: zeroPoint?.data[0] ?? 0 } };
  }
  if (type === 'uint8')
    throw new FormatError(`${file}: '${name}' of uint8 has ${scale.data.length} scales, wanted one`);
  const axis = isBias ? 0 : channelAxes[layerOf(node).kernel ?? 'IO'];
  return { shape, data: stored, type: { type, scales: Array.from(scale.data), axis } };
}

export function writeQuantizedSafetensors(network: QuantizedNetwork): Uint8Array {
  const { tensors, typeOf } = written(network);
  const metadata = new Map([
    ['format', 'depthwise'],
    [METADATA_KEY, describe(network)],
  ]);
  return writeSafetensors(tensors, metadata, typeOf);
}

export function writeQuantizedNpz(network: QuantizedNetwork): Promise<Uint8Array> {
  const { tensors, typeOf } = written(network);
  return writeNpz(tensors, typeOf, new Map([[NPZ_ENTRY, new TextEncoder().encode(describe(network))]]));
}

const describe = (network: QuantizedNetwork): string =>
  JSON.stringify(quantizedToJson(withQuantizedWeights(network, network.weights)));

/** The weights with their parameters beside them, and the types to write them in. */
export function written({ weights }: Pick<QuantizedNetwork, 'weights'>): {
  tensors: Map<string, Tensor>;
  typeOf: TypeChoice;
} {
  const tensors = new Map<string, Tensor>();
  const types = new Map<string, QuantizedType['type']>();
  for (const [name, weight] of weights) {
    if (!isQuantizedTensor(weight)) {
      tensors.set(name, weight);
      continue;
    }
    const { shape, data, type } = weight;
    types.set(name, type.type);
    tensors.set(name, tensor(shape, Float64Array.from(data)));
    const single = shape.map(() => 1);
    if ('scale' in type) {
      tensors.set(weightName(name, SCALE), tensor(single, exact([type.scale])));
      if (type.zeroPoint !== 0) tensors.set(weightName(name, ZERO_POINT), tensor(single, [type.zeroPoint]));
    } else {
      const sizes = shape.map((size, axis) => (axis < type.axis ? 1 : size));
      tensors.set(weightName(name, SCALE), tensor(sizes, exact(type.scales)));
    }
  }
  return { tensors, typeOf: (name, x) => types.get(name) ?? ownType(x) };
}

/** float32 where it holds every number exactly, as scales of .tflite files do. */
const exact = (numbers: readonly number[]): FloatArray =>
  numbers.every((number) => Math.fround(number) === number) ? Float32Array.from(numbers) : Float64Array.from(numbers);
