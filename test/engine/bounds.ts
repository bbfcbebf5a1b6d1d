/**
 * How far float32 kernels may be from the float64 reference, tensor by tensor: each layer hands on the errors of its inputs and adds its own
 * rounding, terms · 2⁻²⁴ · Σ|x||w|. First order, with room for folded batch norms, fused clamps and any order of summation.
 */
import type { Network, NetworkNode } from '../../src/network/network.js';
import type { NetworkInputs } from '../../src/network/run.js';
import { layerOf, weightShapesOf } from '../../src/network/shapes.js';
import { sizeOf, type Tensor, toFloat64 } from '../../src/tensor.js';

const ROUNDING = 2 ** -24;
const SUBNORMAL = 2 ** -149;

export interface Bounds {
  /** Every tensor in float64. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** Largest allowed distance of each number; same shapes. */
  readonly errors: ReadonlyMap<string, Tensor>;
}

/** Errors add up from layer to layer, from exact inputs on. */
export function boundsOf(network: Network, inputs: NetworkInputs): Bounds {
  const named = 'shape' in inputs ? new Map([[network.inputs[0].name, inputs]]) : inputs;
  const values = new Map([...named].map(([name, x]) => [name, toFloat64(x)]));
  const errors = new Map([...values].map(([name, x]) => [name, filled(x, 0)]));
  for (const node of network.nodes) {
    const { value, error } = boundsOfNode(
      network,
      node,
      node.inputs.map((input) => values.get(input)!),
      node.inputs.map((input) => errors.get(input)!),
    );
    values.set(node.name, value);
    errors.set(node.name, error);
  }
  return { values, errors };
}

/** Each layer by itself, on the inputs that it had in this trace: tight however deep the network is. */
export function isolatedBoundsOf(network: Network, trace: ReadonlyMap<string, Tensor>): Bounds {
  const values = new Map<string, Tensor>();
  const errors = new Map<string, Tensor>();
  for (const { name } of network.inputs) {
    values.set(name, trace.get(name)!);
    errors.set(name, filled(trace.get(name)!, 0));
  }
  for (const node of network.nodes) {
    const x = node.inputs.map((input) => toFloat64(trace.get(input)!));
    const exact = x.map((input) => filled(input, 0));
    const { value, error } = boundsOfNode(network, node, x, exact);
    values.set(node.name, value);
    errors.set(node.name, error);
  }
  return { values, errors };
}

/** Most products in one of the network's sums. */
export const longestSum = ({ nodes, weights }: Network): number =>
  Math.max(4, ...nodes.map((node) => terms(node, weights.get(`${node.name}/kernel`))));

function boundsOfNode(network: Network, node: NetworkNode, x: readonly Tensor[], e: readonly Tensor[]) {
  const shapes = new Map(node.inputs.map((input, i) => [input, x[i].shape]));
  const weights = Object.fromEntries(
    Object.keys(weightShapesOf(node, shapes)).map((name) => [name, network.weights.get(`${node.name}/${name}`)!]),
  );
  const value = layerOf(node).forward(x, weights, node.attributes);
  return { value, error: errorOf(node, x, e, value, weights, longestSum(network)) };
}

/** Throws an Error that names tensor, coordinate, both values and the bound. */
export function expectWithin(
  what: string,
  found: ReadonlyMap<string, Tensor>,
  { values, errors }: Bounds,
  names: Iterable<string> = found.keys(),
): void {
  for (const name of names) {
    const [y, wanted, bound] = [found.get(name)!, values.get(name)!, errors.get(name)!];
    if (`${y.shape}` !== `${wanted.shape}`)
      throw new Error(`${what}: ${name} is [${y.shape}], wanted [${wanted.shape}]`);
    for (let i = 0; i < y.data.length; i++) {
      const distance = Math.abs(y.data[i] - wanted.data[i]);
      if (distance <= bound.data[i] || (Number.isNaN(y.data[i]) && Number.isNaN(wanted.data[i]))) continue;
      throw new Error(
        `${what}: ${name}[${coordinate(y, i)}] is ${y.data[i]}, the reference ${wanted.data[i]}, off by ${distance}, allowed ${bound.data[i]}`,
      );
    }
  }
}

export function coordinate({ shape }: Tensor, index: number): number[] {
  return shape.map((size, axis) => Math.floor(index / sizeOf(shape.slice(axis + 1))) % size);
}

/** Products and the bias in one of the node's sums. */
function terms(node: NetworkNode, kernel: Tensor | undefined): number {
  if (kernel === undefined) return 0;
  const [rows, columns] = kernel.shape;
  return 2 + (node.kind === 'depthwiseConv2d' ? rows * columns : sizeOf(kernel.shape.slice(0, -1)));
}

function errorOf(
  node: NetworkNode,
  x: readonly Tensor[],
  e: readonly Tensor[],
  y: Tensor,
  weights: Readonly<Record<string, Tensor>>,
  longest: number,
): Tensor {
  const forward = (inputs: readonly Tensor[], its: object = {}) => layerOf(node).forward(inputs, its, node.attributes);
  /** Linear layers: the inputs' errors go through the same sums, which then round. */
  const linear = (roundings: number, w: object = {}, unbiased: object = {}): Tensor => {
    const carried = forward(e, unbiased);
    const magnitude = forward(x.map(absolute), w);
    return map(y, (i) => carried.data[i] + rounded(roundings, magnitude.data[i] + carried.data[i]));
  };
  switch (node.kind) {
    case 'conv2d':
    case 'depthwiseConv2d':
    case 'pointwiseConv2d':
    case 'dense': {
      const w = mapValues(weights, absolute);
      const unbiased = mapValues(w, (weight, name) => (name === 'bias' ? filled(weight, 0) : weight));
      return linear(longest, w, unbiased);
    }
    case 'batchNorm': {
      const { epsilon } = node.attributes;
      const channels = y.shape[y.shape.length - 1];
      return map(y, (i) => {
        const c = i % channels;
        const scale = Math.abs((weights.gamma?.data[c] ?? 1) / Math.sqrt(weights.movingVariance.data[c] + epsilon));
        const shift = Math.abs(weights.movingMean.data[c]) * scale + Math.abs(weights.beta?.data[c] ?? 0);
        const magnitude = scale * (Math.abs(x[0].data[i]) + e[0].data[i]) + shift;
        return scale * e[0].data[i] + rounded(longest + 4, magnitude);
      });
    }
    case 'add':
      return linear(x.length);
    case 'averagePool':
      return linear(node.attributes.poolSize[0] * node.attributes.poolSize[1] + 2);
    case 'globalAveragePool':
      return linear(x[0].shape[1] * x[0].shape[2] + 2);
    case 'resizeBilinear': {
      // The shares are rounded to float32 too, so that a sample of hardly any share counts with all of its size.
      let largest = 0;
      for (const value of x[0].data) largest = Math.max(largest, Math.abs(value));
      const carried = forward(e);
      return map(y, (i) => carried.data[i] + rounded(8, largest));
    }
    case 'pad':
      return layerOf(node).forward(e, {}, { ...node.attributes, value: 0 });
    case 'softmax': {
      const channels = y.shape[y.shape.length - 1];
      return map(y, (i) => {
        const row = i - (i % channels);
        const largest = Math.max(...e[0].data.subarray(row, row + channels));
        return y.data[i] * Math.expm1(2 * largest) + rounded(4, y.data[i]);
      });
    }
    case 'sigmoid':
      return map(y, (i) => e[0].data[i] / 4 + rounded(3, y.data[i]));
    case 'multiply': {
      const larger = map(x[1], (i) => Math.abs(x[1].data[i]) + e[1].data[i]);
      const carried = [forward([absolute(x[0]), e[1]]), forward([e[0], larger])];
      return map(y, (i) => {
        const both = carried[0].data[i] + carried[1].data[i];
        return both + rounded(2, Math.abs(y.data[i]) + both);
      });
    }
    case 'hardSigmoid':
      return map(y, (i) => e[0].data[i] / 6 + rounded(5, 2));
    case 'hardSwish':
      return map(y, (i) => 1.5 * e[0].data[i] + rounded(5, 2 * (Math.abs(x[0].data[i]) + e[0].data[i])));
    case 'argMax':
      return argMaxError(x[0], e[0], y);
    case 'relu':
    case 'relu6':
    case 'dropout':
      return e[0];
    case 'clamp':
      // Its bounds are rounded to float32.
      return map(y, (i) => e[0].data[i] + rounded(1, Math.abs(y.data[i])));
    case 'maxPool':
    case 'concat':
    case 'flatten':
    case 'reshape':
      return forward(e);
    default:
      throw new Error(`no bound is known for the engine's '${(node as NetworkNode).kind}'`);
  }
}

/** 0 where the largest is certain; otherwise any index may win. */
function argMaxError(x: Tensor, e: Tensor, y: Tensor): Tensor {
  const channels = x.shape[x.shape.length - 1];
  return map(y, (row) => {
    const best = row * channels + y.data[row];
    for (let i = row * channels; i < (row + 1) * channels; i++) {
      if (i !== best && x.data[best] - x.data[i] <= e.data[best] + e.data[i]) return Number.POSITIVE_INFINITY;
    }
    return 0;
  });
}

const rounded = (roundings: number, magnitude: number): number => roundings * (ROUNDING * magnitude + SUBNORMAL);

const map = ({ shape, data }: Tensor, value: (index: number) => number): Tensor => ({
  shape,
  data: Float64Array.from({ length: data.length }, (_, i) => value(i)),
});

const absolute = (x: Tensor): Tensor => map(x, (i) => Math.abs(x.data[i]));

const filled = (x: Tensor, value: number): Tensor => map(x, () => value);

const mapValues = (
  tensors: Readonly<Record<string, Tensor>>,
  change: (x: Tensor, name: string) => Tensor,
): Record<string, Tensor> => Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, change(x, name)]));
