/** A TensorFlow graph while it grows: nodes by name, constants beside them. Kernels have TensorFlow's layouts already. */
import { inferShapes, type Network, type NetworkNode } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import type { ExplicitPadding, Pair } from '../../padding.js';
import type { Shape, Tensor } from '../../tensor.js';
import { OutGraph } from '../out-graph.js';
import { writeNumbers } from '../tensors/numbers.js';
import type { WriteOptions } from '../write-options.js';
import type { WrittenPadding } from '../written-padding.js';

/** What attributes hold, in the JSON of a GraphDef: whole numbers as texts, texts in base64. */
export const attr = {
  int: (value: number) => ({ i: `${value}` }),
  float: (value: number) => ({ f: value }),
  bool: (value: boolean) => ({ b: value }),
  text: (value: string) => ({ s: btoa(value) }),
  texts: (values: readonly string[]) => ({ list: { s: values.map((value) => btoa(value)) } }),
  ints: (values: readonly number[]) => ({ list: { i: values.map(String) } }),
  shape: (values: readonly number[]) => ({ shape: { dim: values.map((size) => ({ size: `${size}` })) } }),
};

type Attributes = Readonly<Record<string, object>>;

/** The operators that also add a bias. */
const withBias = {
  Conv2D: '_FusedConv2D',
  DepthwiseConv2dNative: 'FusedDepthwiseConv2dNative',
  MatMul: '_FusedMatMul',
} as const;

export type Product = keyof typeof withBias;

interface Constant {
  readonly shape: Shape;
  readonly dtype: 'float32' | 'int32';
  /** How a float32 constant is stored. */
  readonly quantization?: { readonly dtype: 'float16' };
  readonly bytes: Uint8Array;
}

export class TfjsGraph extends OutGraph<Constant> {
  readonly nodes: object[] = [];
  readonly constants = new Map<string, Constant>();

  constructor(network: Network, { kernels }: WriteOptions) {
    super(network, inferShapes(network), kernels);
    for (const { name, shape } of network.inputs) {
      this.node('Placeholder', [], name, { shape: attr.shape([-1, ...shape.slice(1)]), dtype: { type: 'DT_FLOAT' } });
    }
  }

  node(op: string, inputs: readonly string[], name: string, attributes: Attributes = {}): string {
    this.nodes.push({ name, op, input: inputs, attr: { T: { type: 'DT_FLOAT' }, ...attributes } });
    return name;
  }

  real(name: string, x: Tensor): string {
    return this.constant(name, { shape: x.shape, dtype: 'float32', bytes: writeNumbers(x, 'float32', name) });
  }

  kernel(name: string, x: Tensor): string {
    if (!this.float16) return this.real(name, x);
    const bytes = writeNumbers(x, 'float16', name);
    return this.constant(name, { shape: x.shape, dtype: 'float32', quantization: { dtype: 'float16' }, bytes });
  }

  /** A list of whole numbers, or one alone. */
  integers(name: string, numbers: readonly number[], shape: Shape = [numbers.length]): string {
    return this.constant(name, { shape, dtype: 'int32', bytes: new Uint8Array(Int32Array.from(numbers).buffer) });
  }

  /** The product under this name, by the operator that adds the node's bias, where there is one. */
  biased(node: NetworkNode, op: Product, inputs: readonly string[], attributes: Attributes, name: string): string {
    const bias = this.weight(node, 'bias');
    if (bias === undefined) return this.node(op, inputs, name, attributes);
    const fused = { ...attributes, num_args: attr.int(1), fused_ops: attr.texts(['BiasAdd']) };
    return this.node(withBias[op], [...inputs, this.real(weightName(node.name, 'bias'), bias)], name, fused);
  }

  /** The node's input after what is put around it, and the padding that is left. */
  padded(node: NetworkNode, { before, word }: WrittenPadding, value = 0): { input: string; padding: object } {
    const padding = attr.text(word.toUpperCase());
    if (before === undefined) return { input: node.inputs[0], padding };
    return { input: this.pad(node, before, value, this.unique(`${node.name}/padded`)), padding };
  }

  pad(node: NetworkNode, sides: ExplicitPadding, value: number, name: string): string {
    const { top, bottom, left, right } = sides;
    const sizes = this.integers(`${node.name}/paddings`, [0, 0, top, bottom, left, right, 0, 0], [4, 2]);
    const constant = this.number(node, 'value', value);
    return this.node('PadV2', [node.inputs[0], sizes, constant], name, { Tpaddings: { type: 'DT_INT32' } });
  }

  constant(name: string, constant: Constant): string {
    const unique = this.unique(name);
    this.constants.set(unique, constant);
    const type = { type: constant.dtype === 'float32' ? 'DT_FLOAT' : 'DT_INT32' };
    this.nodes.push({ name: unique, op: 'Const', attr: { dtype: type } });
    return unique;
  }
}

/** [1, height, width, 1], as TensorFlow states what it does along each axis. */
export const alongPicture = ([height, width]: Pair) => attr.ints([1, height, width, 1]);
