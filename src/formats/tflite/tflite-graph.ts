/** The graph of a .tflite file while it grows: tensors by name, and the operators that make them. */
import { type Network, type NetworkNode, weightName } from '../../network/index.js';
import type { ExplicitPadding } from '../../padding.js';
import { type Shape, type Tensor, tensor } from '../../tensor.js';
import { OutGraph } from '../out-graph.js';
import { writeNumbers } from '../tensors/numbers.js';
import { transposedTensor } from '../transposed.js';
import type { WriteOptions } from '../write-options.js';
import type { WrittenPadding } from '../written-padding.js';
import type { OutOperator, OutTensor } from './encode.js';
import { fusedActivations } from './fusion.js';
import { ACTIVATIONS, PADDINGS } from './schema.js';

type Options = NonNullable<OutOperator['options']>;

export class TfliteGraph extends OutGraph<OutTensor> {
  readonly tensors = new Map<string, OutTensor>();
  readonly operators: OutOperator[] = [];
  /** Tensors that have another's values, such as what a dropout hands on. */
  readonly #aliases = new Map<string, string>();
  readonly #activations: ReturnType<typeof fusedActivations>;

  constructor(network: Network, shapes: ReadonlyMap<string, Shape>, kernels: WriteOptions['kernels']) {
    super(network, shapes, kernels);
    this.#activations = fusedActivations(network);
    for (const { name, shape } of network.inputs) this.tensors.set(name, computed(shape));
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
    this.#add(output, computed(this.shapeOf(output)), {
      code,
      version,
      inputs,
      outputs: [output],
      ...(fields && { options: [fields, { ...values, ...fused }] }),
    });
  }

  #add(name: string, output: OutTensor, operator: OutOperator): void {
    this.tensors.set(name, output);
    this.operators.push(operator);
  }

  /** A list of integers that steers an operator. */
  integers(name: string, numbers: readonly number[], shape: Shape = [numbers.length]): string {
    return this.constant(name, { shape, type: 'INT32', data: Int32Array.from(numbers) });
  }

  real(name: string, x: Tensor): string {
    return this.constant(name, { shape: x.shape, data: writeNumbers(x, 'float32', name) });
  }

  /** The kernel, its axes in another order and shape, and the bias: of zeros where there is none, since not all runtimes do without. */
  kernelAndBias(node: NetworkNode, order: readonly number[], shape?: Shape): string[] {
    const moved = transposedTensor(this.weight(node, 'kernel')!, order);
    const kernel = this.#kernel(weightName(node.name, 'kernel'), tensor(shape ?? moved.shape, moved.data));
    const outputs = this.shapeOf(node.name).at(-1)!;
    const bias = this.weight(node, 'bias') ?? tensor([outputs], new Float32Array(outputs));
    return [kernel, this.real(weightName(node.name, 'bias'), bias)];
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
    return { input: this.step(`${node.name}/padded`, code, inputs, computed(shape)), padding };
  }

  /** The operator that pads a node's input. */
  padding(node: NetworkNode, { top, bottom, left, right }: ExplicitPadding, value: number) {
    const sizes = this.integers(`${node.name}/paddings`, [0, 0, top, bottom, left, right, 0, 0], [4, 2]);
    const inputs = [this.nameOf(node.inputs[0]), sizes];
    if (value === 0) return { code: 'PAD', inputs };
    return { code: 'PADV2', inputs: [...inputs, this.number(node, 'value', value)] };
  }

  constant(name: string, constant: OutTensor): string {
    const unique = this.unique(name);
    this.tensors.set(unique, constant);
    return unique;
  }
}

/** The shape with the batch left open. */
export const openBatch = (shape: Shape): number[] => [-1, ...shape.slice(1)];

/** A tensor that is computed anew for each batch. */
export const computed = (shape: Shape): OutTensor => ({ shape, shapeSignature: openBatch(shape) });
