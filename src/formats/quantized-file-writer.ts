/** Quantised networks in the project's own files, written; `quantized-file.ts` says how they look. */
import { weightName } from '../network/network.js';
import { quantizedToJson } from '../network/quantized-json.js';
import {
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  typesByName,
} from '../network/quantized-network.js';
import { biasScales, withQuantizedWeights } from '../network/quantized-types.js';
import { type FloatArray, type QuantizedType, type Tensor, tensor } from '../tensor.js';
import { METADATA_KEY, NPZ_ENTRY } from './network-file.js';
import { SCALE, ZERO_POINT } from './quantized-file.js';
import { writeNpz } from './tensors/npz.js';
import { ownType, type TypeChoice } from './tensors/numbers.js';
import { writeSafetensors } from './tensors/safetensors.js';

export function writeQuantizedSafetensors(network: QuantizedNetwork): Uint8Array {
  const { tensors, typeOf } = brief(network);
  const metadata = new Map([
    ['format', 'depthwise'],
    [METADATA_KEY, describe(network)],
  ]);
  return writeSafetensors(tensors, metadata, typeOf);
}

export function writeQuantizedNpz(network: QuantizedNetwork): Promise<Uint8Array> {
  const { tensors, typeOf } = brief(network);
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

/** Without what a reader works out, biases in as few bytes as they need. */
function brief(network: QuantizedNetwork): { tensors: Map<string, Tensor>; typeOf: TypeChoice } {
  const { tensors, typeOf } = written(network);
  for (const name of derivedBiases(network)) tensors.delete(weightName(name, SCALE));
  const fits = ({ data }: Tensor): boolean => data.every((number) => Math.abs(number) < 2 ** 15);
  return {
    tensors,
    typeOf(name, x) {
      const type = typeOf(name, x);
      return type === 'int32' && fits(x) ? 'int16' : type;
    },
  };
}

/** Biases that count in input scale · kernel scale, as a reader takes them to do. */
function derivedBiases({ inputs, nodes, weights }: QuantizedNetwork): Set<string> {
  const types = typesByName({ inputs, nodes });
  const isDerived = (node: QuantizedNode): boolean => {
    const [kernel, bias] = ['kernel', 'bias'].map((name) => weights.get(weightName(node.name, name)));
    const input = types.get(node.inputs[0])!;
    if (!kernel || !bias || !isQuantizedTensor(kernel) || !isQuantizedTensor(bias) || !isQuantizedType(input))
      return false;
    const units = biasScales(input, kernel).map(Math.fround);
    return (
      units.length === ('scales' in bias.type ? bias.type.scales.length : 1) &&
      units.every((unit, o) => unit === ('scales' in bias.type ? bias.type.scales[o] : bias.type.scale))
    );
  };
  return new Set(nodes.filter(isDerived).map(({ name }) => weightName(name, 'bias')));
}

/** float32 where it holds every number exactly, as scales of .tflite files do. */
const exact = (numbers: readonly number[]): FloatArray =>
  numbers.every((number) => Math.fround(number) === number) ? Float32Array.from(numbers) : Float64Array.from(numbers);
