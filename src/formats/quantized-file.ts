/**
 * Quantised networks in the project's own files (network-file.ts): the description is version 2, and every weight of integers lies there as int8, uint8
 * or int32 (int16 where its numbers fit), with its parameters beside it:
 *
 *   'conv1/kernel/scale'      with as many axes as the kernel, of 1 or the kernel's size, as `tensors/int8.ts` has them
 *   'conv1/kernel/zeroPoint'  of the same shape; left out where it is 0
 *   'conv1/bias/scale'        left out where it is the input's scale · the kernel's, in float32
 *
 * (kernel − zeroPoint) · scale by broadcasting, as NumPy does it, is the kernel in real numbers.
 */
import { FormatError } from '../errors.js';
import { nodesByName, ownerOf } from '../network/graph.js';
import { weightName } from '../network/network.js';
import { quantizedFromJson } from '../network/quantized-json.js';
import {
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  typesByName,
} from '../network/quantized-network.js';
import { channelAxes, integerArrays, withQuantizedWeights } from '../network/quantized-types.js';
import { layerOf } from '../network/shapes.js';
import {
  type AnyTensor,
  type IntegerArray,
  type QuantizedTensor,
  type QuantizedType,
  type Tensor,
  type TensorType,
  tensor,
} from '../tensor.js';
import { int8Of } from './tensors/numbers.js';

export const SCALE = 'scale';
export const ZERO_POINT = 'zeroPoint';

/** The network that version 2 of a description and the numbers beside it make up. */
export function quantizedNetworkOf(
  description: unknown,
  stored: ReadonlyMap<string, Tensor>,
  file: string,
): QuantizedNetwork {
  const described = quantizedFromJson(description);
  const nodes = nodesByName(described);
  const types = typesByName(described);
  const weights = new Map<string, AnyTensor>();
  const parameters = new Set(
    [...stored.keys()].flatMap((name) => [weightName(name, SCALE), weightName(name, ZERO_POINT)]),
  );
  for (const [name, numbers] of stored) {
    if (parameters.has(name)) continue;
    const node = nodes.get(ownerOf(name));
    const input = node && types.get(node.inputs[0]);
    const scale = stored.get(weightName(name, SCALE)) ?? derivedScale(name, node, input, stored);
    const weight =
      scale && node && input && isQuantizedType(input)
        ? integers(name, node, input.type, numbers, scale, stored.get(weightName(name, ZERO_POINT)), file)
        : numbers;
    weights.set(name, weight);
  }
  return withQuantizedWeights(described, weights);
}

/** Of a bias beside a kernel of integers, whose own is left out. */
function derivedScale(
  name: string,
  node: QuantizedNode | undefined,
  input: TensorType | undefined,
  stored: ReadonlyMap<string, Tensor>,
): Tensor | undefined {
  if (!node || !input || !isQuantizedType(input) || name !== weightName(node.name, 'bias')) return undefined;
  const kernelScale = stored.get(weightName(weightName(node.name, 'kernel'), SCALE));
  return (
    kernelScale &&
    tensor(
      [kernelScale.data.length],
      kernelScale.data.map((scale) => Math.fround(input.scale * scale)),
    )
  );
}

/** A bias is int32, a kernel of its input's type; scales lie along the axes of its layout. */
function integers(
  name: string,
  node: QuantizedNode,
  inputType: QuantizedType['type'],
  found: Tensor,
  scale: Tensor,
  zeroPoint: Tensor | undefined,
  file: string,
): QuantizedTensor {
  const isBias = name === weightName(node.name, 'bias');
  const type = isBias ? 'int32' : inputType;
  const { shape } = found;
  const data = (type === 'int8' && int8Of(found)) || wholeNumbers(name, type, found, file);
  if (scale.data.length === 1) {
    return { shape, data, type: { type, scale: scale.data[0], zeroPoint: zeroPoint?.data[0] ?? 0 } };
  }
  if (type === 'uint8')
    throw new FormatError(`${file}: '${name}' of uint8 has ${scale.data.length} scales, wanted one`);
  const axis = isBias ? 0 : channelAxes[layerOf(node).kernel ?? 'IO'];
  return { shape, data, type: { type, scales: Array.from(scale.data), axis } };
}

function wholeNumbers(name: string, type: QuantizedType['type'], { data }: Tensor, file: string): IntegerArray {
  const integers = new integerArrays[type](data);
  for (let i = 0; i < data.length; i++) {
    if (integers[i] === data[i]) continue;
    throw new FormatError(`${file}: '${name}' holds ${data[i]}, wanted numbers of ${type}`);
  }
  return integers;
}
