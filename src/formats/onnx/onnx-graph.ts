/** The graph of an .onnx file while it grows. */
import { type Network, type NetworkNode, weightName } from '../../network/index.js';
import { type Shape, type Tensor, tensor } from '../../tensor.js';
import { OutGraph } from '../out-graph.js';
import { transposedTensor } from '../transposed.js';
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

  constructor(network: Network, shapes: ReadonlyMap<string, Shape>, { pictures = 'nhwc', kernels }: OnnxWriteOptions) {
    super(network, shapes, kernels);
    const outside = new Set(network.outputs);
    for (const [name, shape] of shapes) {
      const isInput = network.inputs.some((input) => input.name === name);
      const inside = shape.length === 4 && pictures === 'nhwc' && (isInput || outside.has(name));
      this.#names.set(name, inside ? this.unique(`${name}/nchw`) : name);
      if (isInput && inside) this.node('Transpose', [name], this.#names.get(name)!, { perm: TO_NCHW });
    }
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
    this.node(op, inputs, this.nameOf(node.name), attributes);
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
    const { data, ...moved } = transposedTensor(this.weight(node, 'kernel')!, order);
    const kernel = tensor(shape ?? moved.shape, data);
    const name = weightName(node.name, 'kernel');
    if (!this.float16) return this.constant(name, kernel);
    const half = this.constant(`${name}/float16`, { float16: kernel });
    return this.node('Cast', [half], this.unique(name), { to: DATA_TYPES.indexOf('FLOAT') });
  }

  /** The bias as a list of none or one. */
  bias(node: NetworkNode): string[] {
    const bias = this.weight(node, 'bias');
    return bias ? [this.constant(weightName(node.name, 'bias'), bias)] : [];
  }
}
