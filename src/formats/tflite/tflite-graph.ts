/** The graph of a .tflite file while it grows: tensors by name, and the operators that make them. */
import type { Network, NetworkNode } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { isQuantizedTensor, isQuantizedType, type TypedTensors } from '../../network/quantized-network.js';
import { biasScales, integerRanges } from '../../network/quantized-types.js';
import type { ExplicitPadding } from '../../padding.js';
import {
  type PerChannelType,
  type QuantizedTensor,
  type QuantizedType,
  type Shape,
  type Tensor,
  type TensorType,
  tensor,
} from '../../tensor.js';
import { OutGraph } from '../out-graph.js';
import { CONVENTIONS_KEY, conventionsText } from '../stated-conventions.js';
import { transposed } from '../strided.js';
import { writeNumbers } from '../tensors/numbers.js';
import type { WriteOptions } from '../write-options.js';
import type { WrittenPadding } from '../written-padding.js';
import type { OutModel, OutOperator, OutTensor } from './encode.js';
import { fusedActivations } from './fusion.js';
import { withPostProcess } from './post-process.js';
import { ACTIVATIONS, PADDINGS } from './schema.js';

type Options = NonNullable<OutOperator['options']>;

export class TfliteGraph extends OutGraph<OutTensor> {
  readonly tensors = new Map<string, OutTensor>();
  readonly operators: OutOperator[] = [];
  /** Tensors that have another's values, such as what a dropout hands on. */
  readonly #aliases = new Map<string, string>();
  readonly #activations: ReturnType<typeof fusedActivations>;
  readonly #quantized: TypedTensors | undefined;

  /** Of a quantised network, `types` are its tensors' and `network` is the same as shapes see it. */
  constructor(
    network: Network,
    shapes: ReadonlyMap<string, Shape>,
    kernels: WriteOptions['kernels'],
    quantized?: TypedTensors,
  ) {
    super(network, shapes, kernels);
    this.#quantized = quantized;
    this.#activations = fusedActivations(network, quantized?.types);
    for (const { name, shape } of network.inputs) this.tensors.set(name, this.computed(shape, name));
  }

  /** A tensor that is computed anew for each batch, of the type of one of the network's tensors. */
  computed(shape: Shape, typeOf: string): OutTensor {
    return { ...computed(shape), ...storedType(this.#quantized?.types.get(typeOf)) };
  }

  /** Name of the file's tensor with this tensor's values. */
  nameOf(name: string): string {
    return this.#aliases.get(name) ?? name;
  }

  /** Whether the operator before it computes this activation. */
  isFused(node: NetworkNode): boolean {
    return this.#activations.get(node.inputs[0])?.node === node;
  }

  /** The node needs no operator: its values are its input's. False where it has to have a tensor of its own, as an output. */
  alias(node: NetworkNode): boolean {
    if (this.network.outputs.includes(node.name)) return false;
    this.#aliases.set(node.name, this.nameOf(node.inputs[0]));
    return true;
  }

  /** An operator on the way to a node's result, and the name of what it yields. */
  step(
    name: string,
    code: string,
    inputs: readonly string[],
    output: OutTensor,
    more: Pick<OutOperator, 'options' | 'version'> = {},
  ): string {
    const unique = this.unique(name);
    this.#add(unique, output, { code, inputs, outputs: [unique], ...more });
    return unique;
  }

  /** The operator whose output is the node's, or its activation's, if that is fused. */
  result(node: NetworkNode, code: string, inputs: readonly string[], options?: Options, version = 1): void {
    const activation = this.#activations.get(node.name);
    const output = activation?.node.name ?? node.name;
    const [fields, values] = options ?? [];
    const fused = activation && { fused_activation_function: ACTIVATIONS.indexOf(activation.name) };
    this.#add(output, this.computed(this.shapeOf(output), output), {
      code,
      version: this.#versionOf(code, output, version),
      inputs,
      outputs: [output],
      ...(fields && { options: [fields, { ...values, ...fused }] }),
    });
  }

  #add(name: string, output: OutTensor, operator: OutOperator): void {
    this.tensors.set(name, output);
    this.operators.push(operator);
  }

  /** The first version of an operator that computes with int8. */
  #versionOf(code: string, output: string, version: number): number {
    const type = this.#quantized?.types.get(output);
    const isInt8 = type !== undefined && isQuantizedType(type) && type.type === 'int8';
    return isInt8 ? Math.max(version, int8Versions[code] ?? 2) : version;
  }

  /** A list of integers that steers an operator. */
  integers(name: string, numbers: readonly number[], shape: Shape = [numbers.length]): string {
    return this.constant(name, { shape, type: 'INT32', data: Int32Array.from(numbers) });
  }

  real(name: string, x: Tensor): string {
    return this.constant(name, { shape: x.shape, data: writeNumbers(x, 'float32', name) });
  }

  /** An attribute of a layer as a constant of its result's type. */
  override number(node: NetworkNode, attribute: string, value: number): string {
    const type = this.#quantized?.types.get(node.name);
    if (type === undefined || !isQuantizedType(type)) return super.number(node, attribute, value);
    const [least, greatest] = integerRanges[type.type];
    const q = Math.min(Math.max(Math.round(value / type.scale) + type.zeroPoint, least), greatest);
    const data = type.type === 'int8' ? Int8Array.of(q) : Uint8Array.of(q);
    return this.constant(`${node.name}/${attribute}`, { shape: [], data, ...storedType(type) });
  }

  /** The kernel, its axes in another order and shape, and the bias: of zeros where there is none, since not all runtimes do without. */
  kernelAndBias(node: NetworkNode, order: readonly number[], shape?: Shape): string[] {
    const integers = this.#quantized?.weights.get(weightName(node.name, 'kernel'));
    if (integers && isQuantizedTensor(integers)) return this.#integerWeights(node, integers, order, shape);
    const moved = transposed(this.weight(node, 'kernel')!, order);
    const kernel = this.#kernel(weightName(node.name, 'kernel'), tensor(shape ?? moved.shape, moved.data));
    const outputs = this.shapeOf(node.name).at(-1)!;
    const bias = this.weight(node, 'bias') ?? tensor([outputs], new Float32Array(outputs));
    return [kernel, this.real(weightName(node.name, 'bias'), bias)];
  }

  #integerWeights(node: NetworkNode, kernel: QuantizedTensor, order: readonly number[], shape?: Shape): string[] {
    const { types, weights } = this.#quantized!;
    const moved = transposed(kernel, order);
    const outputs = this.shapeOf(node.name).at(-1)!;
    const units = biasScales(types.get(node.inputs[0]) as QuantizedType, kernel).map(Math.fround);
    const bias = (weights.get(weightName(node.name, 'bias')) as QuantizedTensor | undefined) ?? {
      shape: [outputs],
      data: new Int32Array(outputs),
      type:
        units.length > 1 ? { type: 'int32', scales: units, axis: 0 } : { type: 'int32', scale: units[0], zeroPoint: 0 },
    };
    const kernelShape = shape ?? moved.shape;
    const channels = order[0] === 0 ? kernelShape.length - 1 : 0;
    return [
      this.constant(weightName(node.name, 'kernel'), {
        shape: kernelShape,
        data: moved.data,
        ...storedType(kernel.type, channels),
      }),
      this.constant(weightName(node.name, 'bias'), { shape: bias.shape, data: bias.data, ...storedType(bias.type) }),
    ];
  }

  /** float16 numbers pass through an operator that makes them float32. */
  #kernel(name: string, kernel: Tensor): string {
    if (!this.float16) return this.real(name, kernel);
    const { shape } = kernel;
    const data = writeNumbers(kernel, 'float16', name);
    const half = this.constant(`${name}/float16`, { shape, type: 'FLOAT16', data });
    return this.step(name, 'DEQUANTIZE', [half], { shape }, { version: 3 });
  }

  /** The node's input after what is put around it, and the schema's number of the padding that is left. */
  padded(node: NetworkNode, { before, word }: WrittenPadding, value = 0): { input: string; padding: number } {
    const padding = PADDINGS.indexOf(word);
    const [name] = node.inputs;
    if (before === undefined) return { input: this.nameOf(name), padding };
    const [N, H, W, C] = this.shapeOf(name);
    const shape = [N, H + before.top + before.bottom, W + before.left + before.right, C];
    const { code, inputs } = this.padding(node, before, value);
    return { input: this.step(`${node.name}/padded`, code, inputs, this.computed(shape, name)), padding };
  }

  /** The operator that pads a node's input. */
  padding(node: NetworkNode, { top, bottom, left, right }: ExplicitPadding, value: number) {
    const sizes = this.integers(`${node.name}/paddings`, [0, 0, top, bottom, left, right, 0, 0], [4, 2]);
    const inputs = [this.nameOf(node.inputs[0]), sizes];
    if (value === 0) return { code: 'PAD', inputs };
    return { code: 'PADV2', inputs: [...inputs, this.number(node, 'value', value)] };
  }

  /** `heads`: names of the file's tensors that hold a detector's codes and scores, where they are not called as the network's. */
  model(heads?: { readonly codes: string; readonly scores: string }): OutModel {
    const { name, inputs, outputs, conventions } = this.network;
    const model = {
      tensors: this.tensors,
      operators: this.operators,
      inputs: inputs.map((input) => input.name),
      outputs,
      description: name,
      metadata: { [CONVENTIONS_KEY]: new TextEncoder().encode(conventionsText({ conventions })) },
    };
    const { detection } = conventions;
    return detection ? withPostProcess(model, { ...detection, ...heads }, this.shapeOf(detection.scores)) : model;
  }

  constant(name: string, constant: OutTensor): string {
    const unique = this.unique(name);
    this.tensors.set(unique, constant);
    return unique;
  }
}

/** Those that are not 2. */
const int8Versions: Readonly<Record<string, number>> = {
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 3,
  FULLY_CONNECTED: 4,
  HARD_SWISH: 1,
  RESHAPE: 1,
};

/** A type as the file states it. `axis` is the one of the file that has a scale for each index. Indices have no scale. */
function storedType(type: TensorType | PerChannelType | undefined, axis = 0): Pick<OutTensor, 'type' | 'quantization'> {
  if (type === undefined || typeof type === 'string') return {};
  const name = { type: type.type.toUpperCase() };
  if ('scales' in type) {
    return { ...name, quantization: { scales: type.scales, zeroPoints: type.scales.map(() => 0), axis } };
  }
  return { ...name, quantization: { scales: [type.scale], zeroPoints: [type.zeroPoint], axis: 0 } };
}

/** The shape with the batch left open. */
export const openBatch = (shape: Shape): number[] => [-1, ...shape.slice(1)];

/** A tensor that is computed anew for each batch. */
export const computed = (shape: Shape): OutTensor => ({ shape, shapeSignature: openBatch(shape) });
