/**
 * Integers for what a file computes between DequantizeLinear and QuantizeLinear. The network comes with real numbers, a clamp where QuantizeLinear
 * stood. An operator whose inputs lie on grids of 8 bits, whose kernel counts in integers and whose result goes to a grid, perhaps through an
 * activation, becomes a layer of integers:
 *
 *   grid → conv2d → relu → clamp (grid)    becomes    conv2d, relu of the grid's type
 *
 * All others stay real numbers between 'dequantize' and 'quantize', which is what the file says of them, too.
 */

import { cost } from '../../layers/cost.js';
import { nodesByName, readersOf, soleReaders, unusedName } from '../../network/graph.js';
import type { LayerKind, Network, NetworkNode } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import {
  isQuantizedType,
  type QuantizedInput,
  type QuantizedNetwork,
  type QuantizedNode,
  sameType,
  showType,
} from '../../network/quantized-network.js';
import { biasScales, channelAxes, integerArrays, integerRanges } from '../../network/quantized-types.js';
import { inferShapes, layerOf } from '../../network/shapes.js';
import type { AnyTensor, QuantizedTensor, QuantizedType, Tensor, TensorType } from '../../tensor.js';

/** What the numbers of a constant were before DequantizeLinear. */
export interface Grid {
  readonly type: QuantizedType['type'];
  /** One, or one for each output of the layer. */
  readonly scales: ArrayLike<number>;
  readonly zeroPoints: ArrayLike<number>;
}

/** What the file says of integers, by our names. */
export interface Marks {
  /** Types of the clamps that stand for QuantizeLinear, and of inputs that hold integers. */
  readonly grids: ReadonlyMap<string, QuantizedType>;
  readonly weights: ReadonlyMap<string, Grid>;
}

type Parts = Pick<Network, 'inputs' | 'nodes' | 'outputs' | 'weights'>;

export interface Typed extends Pick<QuantizedNetwork, 'inputs' | 'nodes' | 'outputs' | 'weights'> {
  /** By each name of the network of real numbers, the tensor with its values. */
  readonly names: ReadonlyMap<string, string>;
}

/** Real layers with kernels run in the readable TypeScript: more than this share of the products would be slow. */
const MOST_REAL = 0.1;

/** The network with its integers, or why it has to be computed with real numbers. Undefined where nothing of it has any. */
export function typed(real: Parts, marks: Marks): Typed | string | undefined {
  if (marks.grids.size === 0) return undefined;
  const asStated = new TypedNodes(real, marks);
  const nodes = asStated.mixes ? new TypedNodes(real, shifted(marks)) : asStated;
  const { integers, others } = nodes.multiplyAdds;
  return others > MOST_REAL * (integers + others) ? nodes.reasons[0] : nodes.result();
}

/** Bytes of uint8 as int8, 128 lower: the same real numbers. */
function shifted({ grids, weights }: Marks): Marks {
  return {
    grids: new Map(
      [...grids].map(([name, grid]) => [
        name,
        grid.type === 'uint8' ? { ...grid, type: 'int8', zeroPoint: grid.zeroPoint - 128 } : grid,
      ]),
    ),
    weights: new Map(
      [...weights].map(([name, grid]) => [
        name,
        grid.type === 'uint8'
          ? { ...grid, type: 'int8', zeroPoints: Array.from(grid.zeroPoints, (zero) => zero - 128) }
          : grid,
      ]),
    ),
  };
}

/** What a layer's result is to be. */
interface Plan {
  readonly type: QuantizedType;
  readonly name: string;
}

/** Results are numbers of the input, on its grid whether the file brings them there or not. */
const COPIES: readonly LayerKind[] = ['reshape', 'flatten', 'dropout', 'maxPool', 'relu'];
/** Rounding before these gives the same as rounding behind them. */
const GIVING_ON: readonly LayerKind[] = [...COPIES, 'relu6', 'clamp'];
/** Results lie between numbers of the input, and are rounded to its grid. */
const BETWEEN: readonly LayerKind[] = ['averagePool', 'pad', 'resizeBilinear'];
/** Results have the type that they are to have. */
const FREE: readonly LayerKind[] = ['relu', 'relu6', 'clamp', 'globalAveragePool', 'multiply', 'hardSwish'];

class TypedNodes {
  readonly reasons: string[] = [];
  readonly #real: Parts;
  readonly #marks: Marks;
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #shapes: ReturnType<typeof inferShapes>;
  readonly #isRead: (name: string) => boolean;
  readonly #inputs: QuantizedInput[];
  readonly #nodes: QuantizedNode[] = [];
  readonly #weights = new Map<string, AnyTensor>();
  readonly #names = new Map<string, string>();
  readonly #types = new Map<string, TensorType>();
  /** Nodes that change the type of a tensor, by what they are called without a number. */
  readonly #converted = new Map<string, string>();
  readonly #taken: Set<string>;
  readonly multiplyAdds = { integers: 0, others: 0 };
  /** Whether bytes of uint8 meet kernels that have to be int8: of int8, or with a scale for each output. */
  mixes = false;

  constructor(real: Parts, marks: Marks) {
    this.#real = real;
    this.#marks = marks;
    this.#plans = plansOf(real, marks);
    this.#shapes = inferShapes({ name: '', ...real, conventions: { source: 'other', output: 'features' } });
    this.#taken = new Set([...real.inputs, ...real.nodes].map(({ name }) => name));
    const readers = readersOf(real.nodes, ({ inputs }) => inputs);
    this.#isRead = (name) => readers.has(name);
    this.#inputs = real.inputs.map((input) => {
      // An input that is brought to one grid at once is given in its integers.
      const grids = (readers.get(input.name) ?? []).map(({ name }) => marks.grids.get(name));
      const [grid] = grids;
      const own = marks.grids.get(input.name);
      const brought = grid && grids.every((each) => each && sameType(each, grid)) && !real.outputs.includes(input.name);
      const type = own ?? (brought ? grid : 'float32');
      this.#names.set(input.name, input.name);
      this.#types.set(input.name, type);
      return { ...input, type };
    });
    for (const node of real.nodes) this.#add(node);
  }

  #add(node: NetworkNode): void {
    const grid = this.#marks.grids.get(node.name);
    if (grid) this.#bringTo(grid, node);
    else if (!this.#addIntegers(node)) this.#addReal(node);
  }

  result(): Typed {
    return {
      inputs: this.#inputs,
      nodes: this.#nodes,
      outputs: this.#real.outputs.map((name) => this.#names.get(name)!),
      weights: this.#weights,
      names: this.#names,
    };
  }

  /** Nothing where the numbers lie on the grid; an output keeps its name. */
  #bringTo(type: QuantizedType, { name, inputs }: NetworkNode): void {
    const source = this.#names.get(inputs[0])!;
    const isThere = sameType(this.#types.get(source)!, type);
    if (!isThere) this.#push(name, { name, kind: 'quantize', inputs: [source], attributes: {}, type });
    else if (source === name || !this.#real.outputs.includes(name)) this.#names.set(name, source);
    else this.#push(name, { name, kind: 'dropout', inputs: [source], attributes: { rate: 0 }, type });
  }

  /** Whether the node could be added as a layer of integers. */
  #addIntegers(node: NetworkNode): boolean {
    const inputs = node.inputs.map((name) => this.#names.get(name)!);
    const types = inputs.map((name) => this.#types.get(name)!);
    if (!types.every(isBytes)) return this.#leave(node, 'reads real numbers');
    const plan = this.#plans.get(node.name);
    const type = this.#typeOf(node, types, plan?.type);
    if (type === undefined) return this.#leave(node, plan ? 'is no layer of integers' : 'gives real numbers');
    const weights = layerOf(node).kernel ? this.#integersOf(node, types[0]) : {};
    if (typeof weights === 'string') return this.#leave(node, weights);
    const given = node.kind === 'concat' ? inputs.map((name) => this.#convert(name, type)) : inputs;
    const name = plan && sameType(plan.type, type) ? plan.name : node.name;
    this.#push(node.name, { ...node, name, inputs: given, type } as QuantizedNode);
    for (const [weight, numbers] of Object.entries(weights)) this.#weights.set(weightName(name, weight), numbers);
    this.multiplyAdds.integers += this.#multiplyAddsOf(node);
    return true;
  }

  #leave({ name, kind }: NetworkNode, why: string): false {
    if (layerOf({ name, kind }).kernel) this.reasons.push(`'${name}' (${kind}) ${why}`);
    return false;
  }

  #addReal(node: NetworkNode): void {
    const inputs = node.inputs.map((name) => this.#convert(this.#names.get(name)!, 'float32'));
    this.#push(node.name, { ...node, inputs, type: 'float32' } as QuantizedNode);
    for (const [name, x] of this.#real.weights) if (isOf(name, node.name)) this.#weights.set(name, x);
    this.multiplyAdds.others += this.#multiplyAddsOf(node);
  }

  /** The type of the layer's result; undefined where integers do not compute it. */
  #typeOf(
    { kind, name }: NetworkNode,
    types: readonly QuantizedType[],
    wanted: QuantizedType | undefined,
  ): QuantizedType | undefined {
    const [first] = types;
    // Hard swish has no finer result than that.
    const isFine = kind === 'hardSwish' && wanted && wanted.scale < first.scale / 128;
    const isWanted = wanted && wanted.type === first.type && !isFine;
    const alike = types.every((type) => sameType(type, first));
    if (BETWEEN.includes(kind)) return wanted && first;
    if (layerOf({ name, kind }).kernel || FREE.includes(kind) || (kind === 'add' && types.length === 2)) {
      if (isWanted) return wanted;
    }
    if (COPIES.includes(kind)) return first;
    if (kind === 'concat') return wanted ?? (alike ? first : undefined);
    if (kind === 'argMax') return this.#isRead(name) ? undefined : { type: 'int32', scale: 1, zeroPoint: 0 };
    if (kind !== 'softmax' && kind !== 'sigmoid') return undefined;
    const fixed: QuantizedType = { type: first.type, scale: 1 / 256, zeroPoint: integerRanges[first.type][0] };
    return wanted && sameType(wanted, fixed) ? wanted : undefined;
  }

  /** Kernel and bias in integers, or why there are none. */
  #integersOf(node: NetworkNode, input: QuantizedType): Record<string, QuantizedTensor> | string {
    const names = ['kernel', 'bias'].map((name) => weightName(node.name, name));
    const [kernel, bias] = names.map((name) => this.#real.weights.get(name));
    const [grid, biasGrid] = names.map((name) => this.#marks.weights.get(name));
    if (kernel === undefined || grid === undefined || !(grid.type in { int8: 0, uint8: 0 }))
      return 'has a kernel of real numbers';
    this.mixes ||= grid.type !== input.type || (grid.type === 'uint8' && grid.scales.length > 1);
    const integers = integersIn(kernel, grid, channelAxes[layerOf(node).kernel!]);
    if (integers === undefined)
      return 'has a kernel of integers that are no multiples of its scales, or with zero points for each output';
    if (integers.type.type !== input.type) return `has a kernel of ${grid.type} for ${showType(input)}`;
    if (bias === undefined) return { kernel: integers };
    const sums = biasIn(bias, biasGrid, biasScales(input, integers));
    return sums ? { kernel: integers, bias: sums } : 'has a bias that is too large for int32';
  }

  /** The tensor in this type. */
  #convert(name: string, type: TensorType): string {
    if (sameType(this.#types.get(name)!, type)) return name;
    const wanted = isQuantizedType(type) ? `${name}/${type.scale},${type.zeroPoint}` : `${name}/real`;
    const found = this.#converted.get(wanted);
    if (found !== undefined) return found;
    const own = unusedName(`${name}/${isQuantizedType(type) ? 'quantize' : 'real'}`, this.#taken);
    const kind = isQuantizedType(type) ? 'quantize' : 'dequantize';
    this.#push(own, { name: own, kind, inputs: [name], attributes: {}, type });
    this.#converted.set(wanted, own);
    return own;
  }

  #push(real: string, node: QuantizedNode): void {
    this.#nodes.push(node);
    this.#taken.add(node.name);
    this.#names.set(real, node.name);
    this.#types.set(node.name, node.type);
  }

  #multiplyAddsOf({ inputs, attributes, ...node }: NetworkNode): number {
    const shapes = inputs.map((name) => this.#shapes.get(name)!);
    return cost(layerOf(node), shapes, attributes as never).multiplyAdds;
  }
}

const isBytes = (type: TensorType): type is QuantizedType => isQuantizedType(type) && type.type !== 'int32';

const isOf = (weight: string, node: string): boolean =>
  weight.startsWith(`${node}/`) && !weight.slice(node.length + 1).includes('/');

/** What stands before QuantizeLinear, and before what gives it on or clamps it, by their names. */
function plansOf({ nodes, outputs }: Parts, { grids }: Marks): Map<string, Plan> {
  const byName = nodesByName({ nodes });
  const readers = soleReaders(nodes, outputs);
  const before = ({ inputs: [name] }: NetworkNode): NetworkNode | undefined =>
    readers.get(name) && !grids.has(name) ? byName.get(name) : undefined;
  const plans = new Map<string, Plan>();
  for (const grid of nodes) {
    const type = grids.get(grid.name);
    let source = type && before(grid);
    let name = grid.name;
    while (type && source) {
      plans.set(source.name, { type, name });
      source = GIVING_ON.includes(source.kind) ? before(source) : undefined;
      name = source?.name ?? '';
    }
  }
  return plans;
}

/** The integers whose multiples these real numbers are; undefined where they are none. Scales are those of the axes from `axis` on. */
function integersIn(
  { shape, data }: Tensor,
  { type, scales, zeroPoints }: Grid,
  axis: number,
): QuantizedTensor | undefined {
  const single = scales.length === 1;
  const outputs = shape.slice(axis).reduce((product, size) => product * size, 1);
  const [zeroPoint] = Array.from(zeroPoints);
  if (!single && (scales.length !== outputs || Array.from(zeroPoints).some((zero) => zero !== 0))) return undefined;
  const [least, greatest] = integerRanges[type];
  const integers = new integerArrays[type](data.length);
  for (const [i, x] of data.entries()) {
    const scale = scales[single ? 0 : i % outputs];
    // The quotient of a float32 number and its scale is a whole number to within 2⁻¹⁵, of a float64 number to within 2⁻²¹.
    const q = Math.round(x / scale) + zeroPoint;
    if (!(q >= least && q <= greatest) || Math.fround((q - zeroPoint) * scale) !== Math.fround(x)) return undefined;
    integers[i] = q;
  }
  return {
    shape,
    data: integers,
    type: single
      ? { type, scale: scales[0], zeroPoint }
      : ({ type, scales: Array.from(scales), axis } as QuantizedTensor['type']),
  };
}

/** How far a bias' unit may be from that of the products, which writers round to float32 in one way or another. */
const NEAR = 1e-6;

/** A bias in the unit of the products: as the file has it where it counts in that unit, otherwise the nearest. Undefined where int32 is too small. */
function biasIn(bias: Tensor, grid: Grid | undefined, units: readonly number[]): QuantizedTensor | undefined {
  const { type, scales } = grid ?? { type: 'float32', scales: [] };
  const isOwn =
    type === 'int32' &&
    (scales.length === units.length || scales.length === 1) &&
    units.every((unit, o) => Math.abs((scales[o] ?? scales[0]) - unit) <= NEAR * unit);
  if (isOwn) return integersIn(bias, grid!, 0);
  const integers = Array.from(bias.data, (x, o) => Math.round(x / units[units.length === 1 ? 0 : o]));
  const [least, greatest] = integerRanges.int32;
  if (!integers.every((q) => q >= least && q <= greatest)) return undefined;
  return {
    shape: bias.shape,
    data: Int32Array.from(integers),
    type:
      units.length === 1
        ? { type: 'int32', scale: units[0], zeroPoint: 0 }
        : ({ type: 'int32', scales: units, axis: 0 } as QuantizedTensor['type']),
  };
}
