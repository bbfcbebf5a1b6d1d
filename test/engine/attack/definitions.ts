/**
 * The layers once more, from their definitions and in float64, for judging the project's own: nothing here comes from `src/layers` or
 * `src/padding.ts`. One function of coordinates a layer, evaluated place by place: slow, and hard to get wrong in the same way.
 */
import type { Network, NetworkNode } from '../../../src/network/network.js';
import type { Tensor } from '../../../src/tensor.js';

type Sides = readonly [before: number, size: number];
type Window = {
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: 'same' | 'valid' | { top: number; bottom: number; left: number; right: number };
};

/** Every tensor of the network by name, inputs included. */
export function evaluate(network: Network, inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const tensors = new Map(
    [...inputs].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]),
  );
  for (const node of network.nodes) {
    const x = node.inputs.map((name) => tensors.get(name) as Tensor);
    tensors.set(node.name, layer(node, x, (weight) => network.weights.get(`${node.name}/${weight}`)) as never);
  }
  return tensors;
}

/** The number at the coordinates. */
const at = ({ shape, data }: Tensor, ...place: number[]): number =>
  data[place.reduce((index, coordinate, axis) => index * shape[axis] + coordinate, 0)];

/** The tensor of that shape whose number at each place is `value(place)`. */
function build(shape: readonly number[], value: (...place: number[]) => number): Tensor {
  const place = shape.map(() => 0);
  const data = new Float64Array(shape.reduce((a, b) => a * b, 1));
  for (let index = 0; index < data.length; index++) {
    data[index] = value(...place);
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0;
  }
  return { shape, data };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Samples before the first, and size of the result: 'same' is ⌈size / stride⌉ with the odd sample behind, as TensorFlow has it. */
function alongAxis(size: number, axis: 0 | 1, { kernelSize, strides, dilation, padding }: Window): Sides {
  const reach = (kernelSize[axis] - 1) * dilation[axis] + 1;
  const stride = strides[axis];
  if (padding === 'same') {
    const out = Math.ceil(size / stride);
    return [Math.floor(Math.max((out - 1) * stride + reach - size, 0) / 2), out];
  }
  const [before, after] =
    padding === 'valid' ? [0, 0] : axis === 0 ? [padding.top, padding.bottom] : [padding.left, padding.right];
  return [before, Math.floor((before + size + after - reach) / stride) + 1];
}

/** Sizes of the result, and the places [row, column, i, j] inside the picture that its place [k, l] looks at. */
function windows(x: Tensor, window: Window) {
  const [, H, W] = x.shape;
  const [top, rows] = alongAxis(H, 0, window);
  const [left, columns] = alongAxis(W, 1, window);
  const { kernelSize, strides, dilation } = window;
  const taps = range(kernelSize[0]).flatMap((i) => range(kernelSize[1]).map((j) => [i, j]));
  const seen = (k: number, l: number) =>
    taps
      .map(([i, j]) => [k * strides[0] + i * dilation[0] - top, l * strides[1] + j * dilation[1] - left, i, j])
      .filter(([row, column]) => row >= 0 && row < H && column >= 0 && column < W);
  return { rows, columns, seen };
}

type WeightOf = (name: string) => Tensor | undefined;

function layer({ kind, attributes }: NetworkNode, inputs: readonly Tensor[], weight: WeightOf): Tensor {
  const [x] = inputs;
  const { shape } = x;
  const C = shape[shape.length - 1];
  // biome-ignore lint/suspicious/noExplicitAny: attributes of every kind, read below by name
  const a = attributes as any;
  const kernel = weight('kernel') as Tensor;
  const bias = (channel: number): number => (a.bias ? at(weight('bias') as Tensor, channel) : 0);
  const each = (value: (v: number) => number): Tensor => ({ shape, data: Float64Array.from(x.data, value) });
  switch (kind) {
    case 'conv2d': {
      const { rows, columns, seen } = windows(x, a);
      return build([shape[0], rows, columns, a.filters], (n, k, l, o) => {
        const terms = seen(k, l).flatMap(([p, q, i, j]) =>
          range(C).map((c) => at(x, n, p, q, c) * at(kernel, i, j, c, o)),
        );
        return sum(terms) + bias(o);
      });
    }
    case 'depthwiseConv2d': {
      const { rows, columns, seen } = windows(x, a);
      const M = a.depthMultiplier;
      return build(
        [shape[0], rows, columns, C * M],
        (n, k, l, o) =>
          sum(
            seen(k, l).map(
              ([p, q, i, j]) => at(x, n, p, q, Math.floor(o / M)) * at(kernel, i, j, Math.floor(o / M), o % M),
            ),
          ) + bias(o),
      );
    }
    case 'pointwiseConv2d':
    case 'dense':
      // The kernel's last two axes are [channels in, channels out].
      return build([...shape.slice(0, -1), a.filters ?? a.units], (...place) => {
        const o = place[place.length - 1];
        const O = kernel.shape[kernel.shape.length - 1];
        return sum(range(C).map((c) => at(x, ...place.slice(0, -1), c) * kernel.data[c * O + o])) + bias(o);
      });
    case 'batchNorm':
      return build(shape, (...place) => {
        const c = place[place.length - 1];
        const of = (name: string): number => at(weight(name) as Tensor, c);
        const normal = (at(x, ...place) - of('movingMean')) / Math.sqrt(of('movingVariance') + a.epsilon);
        return normal * (a.scale ? of('gamma') : 1) + (a.center ? of('beta') : 0);
      });
    case 'relu':
      return each((v) => (v > 0 ? v : 0));
    case 'relu6':
      return each((v) => (v > 6 ? 6 : v > 0 ? v : 0));
    case 'clamp':
      return each((v) => (v < a.min ? a.min : v > a.max ? a.max : v));
    case 'sigmoid':
      return each((v) => (v < 0 ? Math.exp(v) / (1 + Math.exp(v)) : 1 / (1 + Math.exp(-v))));
    case 'hardSigmoid':
      return each(hardSigmoid);
    case 'hardSwish':
      return each((v) => v * hardSigmoid(v));
    case 'softmax':
      return build(shape, (...place) => {
        const mine = at(x, ...place);
        return 1 / sum(range(C).map((c) => Math.exp(at(x, ...place.slice(0, -1), c) - mine)));
      });
    case 'add':
      return build(shape, (...place) => sum(inputs.map((input) => at(input, ...place))));
    case 'multiply': {
      // A factor of one place is a gate: its one number of a channel goes with every place of the picture.
      const within = (input: Tensor, place: number[]) => place.map((at, axis) => (input.shape[axis] === 1 ? 0 : at));
      return build(shape, (...place) => inputs.reduce((y, input) => y * at(input, ...within(input, place)), 1));
    }
    case 'concat': {
      const axis = a.axis < 0 ? a.axis + shape.length : a.axis;
      const whole = shape.map((size, i) => (i === axis ? sum(inputs.map((input) => input.shape[axis])) : size));
      return build(whole, (...place) => {
        let along = place[axis];
        const from = inputs.find((input) => {
          if (along < input.shape[axis]) return true;
          along -= input.shape[axis];
          return false;
        }) as Tensor;
        return at(from, ...place.map((coordinate, i) => (i === axis ? along : coordinate)));
      });
    }
    case 'pad': {
      const { top, bottom, left, right } = a.padding;
      const [N, H, W] = shape;
      return build([N, top + H + bottom, left + W + right, C], (n, k, l, c) => {
        const [p, q] = [k - top, l - left];
        return p >= 0 && p < H && q >= 0 && q < W ? at(x, n, p, q, c) : a.value;
      });
    }
    case 'averagePool':
    case 'maxPool': {
      const { rows, columns, seen } = windows(x, { ...a, kernelSize: a.poolSize, dilation: [1, 1] });
      return build([shape[0], rows, columns, C], (n, k, l, c) => {
        const numbers = seen(k, l).map(([p, q]) => at(x, n, p, q, c));
        if (kind === 'maxPool') return Math.max(...numbers);
        return sum(numbers) / (a.includePadding ? a.poolSize[0] * a.poolSize[1] : numbers.length);
      });
    }
    case 'globalAveragePool': {
      const [N, H, W] = shape;
      const mean = (n: number, c: number): number =>
        sum(range(H).flatMap((p) => range(W).map((q) => at(x, n, p, q, c)))) / (H * W);
      return a.keepDims ? build([N, 1, 1, C], (n, _p, _q, c) => mean(n, c)) : build([N, C], mean);
    }
    case 'resizeBilinear': {
      const [N, H, W] = shape;
      const [rows, columns] = a.size;
      return build([N, rows, columns, C], (n, k, l, c) => {
        const sample = (p: number, q: number): number => at(x, n, p, q, c);
        const [p, q] = [position(a.rule, k, H, rows), position(a.rule, l, W, columns)];
        return sum(
          [Math.floor(p), Math.floor(p) + 1].flatMap((row) =>
            [Math.floor(q), Math.floor(q) + 1].map(
              (column) =>
                Math.max(0, 1 - Math.abs(p - row)) *
                Math.max(0, 1 - Math.abs(q - column)) *
                sample(Math.min(row, H - 1), Math.min(column, W - 1)),
            ),
          ),
        );
      });
    }
    case 'flatten':
      return { shape: [shape[0], x.data.length / shape[0]], data: x.data };
    case 'reshape': {
      const known = -a.shape.reduce((product: number, size: number) => product * size, 1);
      const sizes = a.shape.map((size: number) => (size === -1 ? x.data.length / shape[0] / known : size));
      return { shape: [shape[0], ...sizes], data: x.data };
    }
    case 'dropout':
      return x;
    case 'argMax':
      return build([...shape.slice(0, -1), 1], (...place) => {
        const row = range(C).map((c) => at(x, ...place.slice(0, -1), c));
        return row.indexOf(Math.max(...row));
      });
    default:
      throw new Error(`no definition of '${kind satisfies never}' here`);
  }
}

/** A straight line from 0 at −3 to 1 at 3, NaN as it is. */
const hardSigmoid = (v: number): number => (v <= -3 ? 0 : v >= 3 ? 1 : (v + 3) / 6);

/** Where in the input the output's sample lies, no further out than the first and the last sample. */
function position(rule: string, sample: number, size: number, out: number): number {
  const asked =
    rule === 'half-pixel'
      ? ((sample + 0.5) * size) / out - 0.5
      : rule === 'tf1-legacy'
        ? (sample * size) / out
        : (sample * (size - 1)) / Math.max(out - 1, 1);
  return Math.min(Math.max(asked, 0), size - 1);
}
