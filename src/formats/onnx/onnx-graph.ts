/** The graph of an .onnx file while it grows. */

import { soleReaders } from '../../network/graph.js';
import type { Network, NetworkNode } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { isQuantizedTensor, isQuantizedType, sameType, type TypedTensors } from '../../network/quantized-network.js';
import { integerArrays, integerRanges } from '../../network/quantized-types.js';
import { roundHalfToEven } from '../../rounding.js';
import { type QuantizedTensor, type QuantizedType, type Shape, type Tensor, tensor } from '../../tensor.js';
import { OutGraph } from '../out-graph.js';
import { transposed } from '../strided.js';
import type { WriteOptions } from '../write-options.js';
import type { AttributeValue, OutConstant, OutNode } from './encode.js';
import { DATA_TYPES } from './schema.js';

export interface OnnxWriteOptions extends WriteOptions {
  /**
   * Axes of the pictures that go in and come out: 'nhwc', as in this library (the default), or 'nchw', as ONNX networks from PyTorch have
   * them. What is no picture is the same in both.
   */
  readonly pictures?: 'nhwc' | 'nchw';
}

/** Between our axes of a picture and ONNX's: axis i of the result is the given one's axis order[i]. */
export const TO_NCHW = [0, 3, 1, 2];
export const TO_NHWC = [0, 2, 3, 1];

/** Every tensor of the network has a name in it; that of a picture stands for [N, C, H, W]. */
export class OnnxGraph extends OutGraph<OutConstant> {
  readonly nodes: OutNode[] = [];
  readonly constants = new Map<string, OutConstant>();
  /** Name within the graph of each of the network's tensors. */
  readonly #names = new Map<string, string>();

  readonly #quantized: TypedTensors | undefined;
  readonly #readers: ReadonlyMap<string, NetworkNode | undefined>;

  /** Of a quantised network, `quantized` are its types and weights, and `network` is the same as shapes see it. */
  constructor(
    network: Network,
    shapes: ReadonlyMap<string, Shape>,
    { pictures = 'nhwc', kernels }: OnnxWriteOptions,
    quantized?: TypedTensors,
  ) {
    super(network, shapes, kernels);
    this.#quantized = quantized;
    this.#readers = soleReaders(network.nodes, network.outputs);
    const outside = new Set(network.outputs);
    for (const [name, shape] of shapes) {
      const isInput = network.inputs.some((input) => input.name === name);
      const inside = shape.length === 4 && pictures === 'nhwc' && (isInput || outside.has(name));
      this.#names.set(name, inside ? this.unique(`${name}/nchw`) : name);
      if (isInput && inside) this.node('Transpose', [name], this.#names.get(name)!, { perm: TO_NCHW });
      if (isInput) this.#names.set(name, this.#onGrid(name, this.nameOf(name)));
    }
  }

  /** The tensor, which stands for one of the network's, on the grid of that one's integers. */
  #onGrid(name: string, real: string, result?: string): string {
    const type = this.#byteType(name);
    if (type === undefined) return real;
    const grid = [
      this.constant(`${name}/scale`, tensor([], [type.scale])),
      this.constant(`${name}/zeroPoint`, { integers: integerArrays[type.type].of(type.zeroPoint), shape: [] }),
    ];
    const integers = this.node('QuantizeLinear', [real, ...grid], this.unique(`${name}/quantized`));
    return this.node('DequantizeLinear', [integers, ...grid], result ?? this.unique(`${name}/dequantized`));
  }

  /** The type of a tensor of 8-bit integers. */
  #byteType(name: string): QuantizedType | undefined {
    const type = this.#quantized?.types.get(name);
    return type !== undefined && isQuantizedType(type) && type.type !== 'int32' ? type : undefined;
  }

  /** An activation follows that no other reads before, of the same type: the layer's result is brought to the grid behind it. */
  #isClampedNext(name: string): boolean {
    const reader = this.#readers.get(name);
    const type = this.#byteType(name);
    const isActivation = reader && ['relu', 'relu6', 'clamp'].includes(reader.kind);
    return isActivation === true && type !== undefined && sameType(type, this.#quantized!.types.get(reader.name)!);
  }

  /**
   * Bounds of a layer that clips, within float32. Where both round to the ends of its result's grid, they are the ends: the integers are the
   * same, and onnxruntime 1.30 drops such a Clip. One that ends between the last two steps it drops by halves, and refuses the file ("two nodes
   * with same node name").
   */
  bounds({ name }: NetworkNode, min: number, max: number): readonly [min: number, max: number] {
    const type = this.#byteType(name);
    if (type === undefined) return [min, max];
    const scale = Math.fround(type.scale);
    const [first, last] = integerRanges[type.type].map((end) => end - type.zeroPoint);
    const steps = (bound: number): number => roundHalfToEven(Math.fround(Math.fround(bound) / scale));
    if (steps(min) > first || steps(max) < last) return [min, max];
    return [Math.min(min, Math.fround(first * scale)), Math.max(max, Math.fround(last * scale))];
  }

  get hasIntegers(): boolean {
    return this.#quantized !== undefined;
  }

  /** Name within the graph. */
  nameOf(name: string): string {
    return this.#names.get(name)!;
  }

  node(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ) {
    this.nodes.push({ op, inputs, output, attributes });
    return output;
  }

  /** The layer's own result: the operator's output is the node's. */
  result(
    node: NetworkNode,
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ) {
    const name = this.nameOf(node.name);
    if (this.#byteType(node.name) === undefined || this.#isClampedNext(node.name)) {
      this.node(op, inputs, name, attributes);
    } else {
      this.#onGrid(node.name, this.node(op, inputs, this.unique(`${node.name}/real`), attributes), name);
    }
  }

  /** Quantize and dequantize: their input's numbers, on the grid where there is one. */
  convert(node: NetworkNode): void {
    const [source] = node.inputs;
    const input = this.nameOf(source);
    const name = this.nameOf(node.name);
    if (this.#byteType(node.name)) this.#onGrid(node.name, input, name);
    else this.node('Identity', [input], name);
  }

  constant(name: string, value: OutConstant): string {
    const unique = this.unique(name);
    this.constants.set(unique, value);
    return unique;
  }

  real(name: string, x: Tensor): string {
    return this.constant(name, x);
  }

  /** A kernel with its axes in another order and shape. float16 numbers pass through an operator that makes them float32. */
  kernel(node: NetworkNode, order: readonly number[], shape?: Shape): string {
    const integers = this.#quantized?.weights.get(weightName(node.name, 'kernel'));
    if (integers && isQuantizedTensor(integers)) {
      const { data, ...moved } = transposed(integers, order);
      const outputs = moved.shape.length === 2 && shape === undefined ? 1 : 0;
      return this.#dequantized(
        weightName(node.name, 'kernel'),
        { ...integers, data, shape: shape ?? moved.shape },
        outputs,
      );
    }
    const { data, ...moved } = transposed(this.weight(node, 'kernel')!, order);
    const kernel = tensor(shape ?? moved.shape, data);
    const name = weightName(node.name, 'kernel');
    if (!this.float16) return this.constant(name, kernel);
    const half = this.constant(`${name}/float16`, { float16: kernel });
    return this.node('Cast', [half], this.unique(name), { to: DATA_TYPES.indexOf('FLOAT') });
  }

  /** The bias as a list of none or one. */
  bias(node: NetworkNode): string[] {
    const integers = this.#quantized?.weights.get(weightName(node.name, 'bias'));
    if (integers && isQuantizedTensor(integers)) return [this.#dequantized(weightName(node.name, 'bias'), integers, 0)];
    const bias = this.weight(node, 'bias');
    return bias ? [this.constant(weightName(node.name, 'bias'), bias)] : [];
  }

  /** A weight of integers as real numbers. `axis` has a scale for each index. */
  #dequantized(name: string, { shape, data, type }: QuantizedTensor, axis: number): string {
    const [scales, zeroPoint] = 'scales' in type ? [type.scales, 0] : [[type.scale], type.zeroPoint];
    const isSingle = 'scale' in type;
    const inputs = [
      this.constant(`${name}/integers`, { integers: data, shape }),
      this.constant(`${name}/scale`, tensor(isSingle ? [] : [scales.length], [...scales])),
    ];
    if (type.type !== 'int32') {
      const integers = new integerArrays[type.type](scales.length).fill(zeroPoint);
      inputs.push(this.constant(`${name}/zeroPoint`, { integers, shape: isSingle ? [] : [scales.length] }));
    }
    return this.node('DequantizeLinear', inputs, this.unique(name), isSingle ? {} : { axis });
  }
}
