/**
 * Backends to be judged: they compute a network one rounded operation at a time, in any number format and order of summation. Only what
 * moves numbers is left to the layers of the library.
 */
import { fromFloat16, toFloat16 } from '../../src/formats/tensors/float16.js';
import { layers } from '../../src/layers/index.js';
import type { Network, NetworkNode } from '../../src/network/index.js';
import { weightName } from '../../src/network/network.js';
import { slideWindows } from '../../src/padding.js';
import { uniformRandom } from '../../src/random.js';
import { sizeOf, type Tensor } from '../../src/tensor.js';

type Round = (value: number) => number;
type Numbers = ArrayLike<number>;

export interface Arithmetic {
  readonly name: string;
  /** To the nearest number that tensors and weights are stored in. */
  readonly store: Round;
  /** What the factors of convolutions and dense layers are rounded to; nothing unless stated. */
  readonly factor?: Round;
  /** To the nearest number that sums are kept in. */
  readonly round: Round;
  /** Σ x·w + bias. */
  readonly sum: (x: Numbers, w: Numbers, bias: number | undefined, round: Round) => number;
}

export const float16: Round = (value) => fromFloat16(toFloat16(value));
/** A float32 with the lowest bits rounded away, ties to even: half a step below the last bit that stays, and that bit. */
const withoutLowest =
  (bits: number): Round =>
  (value) => {
    scratch.setFloat32(0, value);
    const pattern = scratch.getUint32(0);
    const rounded = pattern + 2 ** (bits - 1) - 1 + ((pattern >>> bits) & 1);
    scratch.setUint32(0, ((rounded >>> bits) << bits) >>> 0);
    return scratch.getFloat32(0);
  };
const scratch = new DataView(new ArrayBuffer(4));

const bfloat16 = withoutLowest(16);
const tf32 = withoutLowest(13);

const inOrder =
  (order: (count: number) => number[]): Arithmetic['sum'] =>
  (x, w, bias, round) => {
    let sum = 0;
    for (const i of order(x.length)) sum = round(sum + round(x[i] * w[i]));
    return bias === undefined ? sum : round(sum + bias);
  };
const upwards = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Sums of float32, in the orders that backends use. */
export const sums = {
  forward: inOrder(upwards),
  reversed: inOrder((count) => upwards(count).reverse()),
  biasFirst: (x, w, bias, round) => {
    let sum = bias ?? 0;
    for (let i = 0; i < x.length; i++) sum = round(sum + round(x[i] * w[i]));
    return sum;
  },
  pairwise: (x, w, bias, round) => {
    const half = (from: number, to: number): number => {
      if (to - from === 1) return round(x[from] * w[from]);
      const middle = (from + to) >> 1;
      return round(half(from, middle) + half(middle, to));
    };
    const sum = x.length === 0 ? 0 : half(0, x.length);
    return bias === undefined ? sum : round(sum + bias);
  },
  blocked: (x, w, bias, round) => {
    const lanes = [bias ?? 0, 0, 0, 0];
    for (let i = 0; i < x.length; i++) lanes[i % 4] = round(lanes[i % 4] + round(x[i] * w[i]));
    return round(round(lanes[0] + lanes[2]) + round(lanes[1] + lanes[3]));
  },
  /** One rounding for product and sum. The float64 in between rounds a second time, 2⁻²⁹ of the first. */
  fused: (x, w, bias, round) => {
    let sum = bias ?? 0;
    for (let i = 0; i < x.length; i++) sum = round(sum + x[i] * w[i]);
    return sum;
  },
} satisfies Record<string, Arithmetic['sum']>;

export const float32 = (name: keyof typeof sums): Arithmetic => ({
  name,
  store: Math.fround,
  round: Math.fround,
  sum: sums[name],
});

/**
 * A correct float32 backend of its own: terms in an order of its own, in blocks of a length of its own, with or without fused
 * multiply-adds, the bias first or last.
 */
export function variation(seed: number): Arithmetic {
  const uniform = uniformRandom(seed);
  const [length, fused, biasFirst] = [1 + Math.floor(16 * uniform()), uniform() < 0.5, uniform() < 0.5];
  const orders = new Map<number, number[]>();
  const orderOf = (count: number): number[] => {
    const known =
      orders.get(count) ??
      upwards(count)
        .map((i) => [uniform(), i] as const)
        .sort(([a], [b]) => a - b)
        .map(([, i]) => i);
    orders.set(count, known);
    return known;
  };
  const sum: Arithmetic['sum'] = (x, w, bias, round) => {
    let total = biasFirst ? (bias ?? 0) : 0;
    let block = 0;
    for (const [place, i] of orderOf(x.length).entries()) {
      block = round(block + (fused ? x[i] * w[i] : round(x[i] * w[i])));
      if ((place + 1) % length > 0 && place + 1 < x.length) continue;
      total = round(total + block);
      block = 0;
    }
    return biasFirst || bias === undefined ? total : round(total + bias);
  };
  return { name: `variation ${seed}`, store: Math.fround, round: Math.fround, sum };
}

/** Backends of other number formats, by the names of the precisions. */
export const otherFormats: Readonly<Record<string, Arithmetic>> = {
  float16: { name: 'float16', store: float16, round: float16, sum: sums.forward },
  bfloat16: { name: 'bfloat16', store: bfloat16, round: bfloat16, sum: sums.forward },
  'mixed-float16': { name: 'mixed-float16', store: float16, round: Math.fround, sum: sums.blocked },
  'mixed-bfloat16': { name: 'mixed-bfloat16', store: bfloat16, round: Math.fround, sum: sums.reversed },
  tf32: { name: 'tf32', store: Math.fround, factor: tf32, round: Math.fround, sum: sums.fused },
};

/** Every tensor of the network, computed with this arithmetic; inputs included. */
export function runBackend(
  network: Network,
  inputs: ReadonlyMap<string, Tensor>,
  arithmetic: Arithmetic,
): Map<string, Tensor> {
  const tensors = new Map([...inputs].map(([name, x]) => [name, stored(x, arithmetic)]));
  for (const node of network.nodes) {
    const x = node.inputs.map((name) => tensors.get(name)!);
    const prefix = weightName(node.name, '');
    const weights = Object.fromEntries(
      [...network.weights]
        .filter(([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'))
        .map(([name, weight]) => [name.slice(prefix.length), stored(weight, arithmetic)]),
    );
    tensors.set(node.name, stored(forward(node, x, weights, arithmetic), arithmetic));
  }
  return tensors;
}

const stored = ({ shape, data }: Tensor, { store }: Arithmetic): Tensor => ({
  shape,
  data: Float32Array.from(data, store),
});

type Weights = Readonly<Record<string, Tensor>>;

function forward(node: NetworkNode, x: readonly Tensor[], weights: Weights, arithmetic: Arithmetic): Tensor {
  const { round, factor = (value) => value } = arithmetic;
  const shapes = x.map(({ shape }) => shape);
  const layer = layers[node.kind] as unknown as {
    outputShape: (inputs: unknown, attributes: unknown) => number[];
    forward: (inputs: unknown, weights: unknown, attributes: unknown) => Tensor;
  };
  const shape = layer.outputShape(shapes, node.attributes);
  const filled = (value: (at: number[], index: number) => number): Tensor => {
    const data = new Float32Array(sizeOf(shape));
    const at = shape.map(() => 0);
    for (let i = 0; i < data.length; i++) {
      data[i] = value(at, i);
      for (let axis = at.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
    }
    return { shape, data };
  };
  const biasOf = (o: number): number | undefined => weights.bias?.data[o];
  switch (node.kind) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const [, H, W, C] = x[0].shape;
      const { kernelSize, strides, dilation, padding } = node.attributes;
      const { vertical, horizontal } = slideWindows('', [H, W], kernelSize, strides, dilation, padding);
      const deep = node.kind === 'depthwiseConv2d';
      const last = weights.kernel.shape[3];
      return filled(([n, k, l, o]) => {
        const xs: number[] = [];
        const ws: number[] = [];
        for (let i = 0; i < kernelSize[0]; i++) {
          for (let j = 0; j < kernelSize[1]; j++) {
            const row = k * strides[0] + i * dilation[0] - vertical.before;
            const column = l * strides[1] + j * dilation[1] - horizontal.before;
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            const channels = deep ? [Math.floor(o / last)] : Array.from({ length: C }, (_, c) => c);
            for (const c of channels) {
              xs.push(x[0].data[((n * H + row) * W + column) * C + c]);
              ws.push(weights.kernel.data[((i * kernelSize[1] + j) * C + c) * last + (deep ? o % last : o)]);
            }
          }
        }
        return arithmetic.sum(xs.map(factor), ws.map(factor), biasOf(o), round);
      });
    }
    case 'pointwiseConv2d':
    case 'dense': {
      const [C, O] = weights.kernel.shape;
      const columns = Array.from({ length: O }, (_, o) =>
        Float64Array.from({ length: C }, (_, c) => factor(weights.kernel.data[c * O + o])),
      );
      return filled((_, i) => {
        const row = Math.floor(i / O) * C;
        return arithmetic.sum(x[0].data.subarray(row, row + C).map(factor), columns[i % O], biasOf(i % O), round);
      });
    }
    case 'batchNorm': {
      const C = weights.movingMean.data.length;
      const epsilon = round(node.attributes.epsilon);
      return filled((_, i) => {
        const c = i % C;
        const deviation = round(Math.sqrt(round(weights.movingVariance.data[c] + epsilon)));
        const scale = round((weights.gamma?.data[c] ?? 1) / deviation);
        const shift = round((weights.beta?.data[c] ?? 0) - round(weights.movingMean.data[c] * scale));
        return round(round(x[0].data[i] * scale) + shift);
      });
    }
    case 'add':
      return filled((_, i) => x.slice(1).reduce((sum, { data }) => round(sum + data[i]), x[0].data[i]));
    case 'globalAveragePool': {
      const [, H, W, C] = x[0].shape;
      const part = round(1 / (H * W));
      return filled((at, i) => {
        const samples = Array.from({ length: H * W }, (_, p) => x[0].data[(at[0] * H * W + p) * C + (i % C)]);
        return round(arithmetic.sum(samples, new Array(H * W).fill(1), undefined, round) * part);
      });
    }
    case 'averagePool': {
      const [, H, W, C] = x[0].shape;
      const { poolSize, strides, padding, includePadding } = node.attributes;
      const { vertical, horizontal } = slideWindows('', [H, W], poolSize, strides, [1, 1], padding);
      return filled(([n, k, l, c]) => {
        const samples: number[] = [];
        for (let i = 0; i < poolSize[0]; i++) {
          for (let j = 0; j < poolSize[1]; j++) {
            const row = k * strides[0] + i - vertical.before;
            const column = l * strides[1] + j - horizontal.before;
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            samples.push(x[0].data[((n * H + row) * W + column) * C + c]);
          }
        }
        const count = includePadding ? poolSize[0] * poolSize[1] : samples.length;
        return round(arithmetic.sum(samples, new Array(samples.length).fill(1), undefined, round) / count);
      });
    }
    case 'sigmoid':
      return filled((_, i) => round(1 / round(1 + round(Math.exp(-x[0].data[i])))));
    case 'softmax': {
      const C = shape[shape.length - 1];
      const powers = filled((_, i) => {
        const row = x[0].data.subarray(i - (i % C), i - (i % C) + C);
        return round(Math.exp(round(x[0].data[i] - Math.max(...row))));
      });
      return filled((_, i) => {
        const row = powers.data.subarray(i - (i % C), i - (i % C) + C);
        return round(powers.data[i] / arithmetic.sum(row, new Array(C).fill(1), undefined, round));
      });
    }
    case 'resizeBilinear': {
      const [, H, W, C] = x[0].shape;
      const { size, rule } = node.attributes;
      const mix = (at: number, input: number, out: number) => {
        const scale = rule === 'tf1-align-corners' ? round((input - 1) / Math.max(out - 1, 1)) : round(input / out);
        const wanted = rule === 'half-pixel' ? round(round(round(at + 0.5) * scale) - 0.5) : round(at * scale);
        const position = Math.min(Math.max(wanted, 0), input - 1);
        const lower = Math.floor(position);
        return { lower, upper: Math.min(lower + 1, input - 1), share: round(position - lower) };
      };
      return filled(([n, i, j, c]) => {
        const [rows, columns] = [mix(i, H, size[0]), mix(j, W, size[1])];
        const sample = (row: number, column: number) => x[0].data[((n * H + row) * W + column) * C + c];
        const along = (a: number, b: number, share: number) => round(a + round(round(b - a) * share));
        const above = along(sample(rows.lower, columns.lower), sample(rows.lower, columns.upper), columns.share);
        const below = along(sample(rows.upper, columns.lower), sample(rows.upper, columns.upper), columns.share);
        return along(above, below, rows.share);
      });
    }
    default:
      return layer.forward(x, weights, node.attributes);
  }
}
