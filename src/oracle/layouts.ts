/**
 * Other backends' tensors in our layout: NHWC, with the batch first and no more axes than ours. In the order of their axes, slowest first:
 *
 *   nchw     [N, C, H, W]
 *   chwn     [C, H, W, N]
 *   nc4hw4   [N, ⌈C/4⌉, H, W, 4], the channels filled up to a multiple of 4
 */
import { expectOneOf } from '../checks.js';
import { UsageError } from '../errors.js';
import { inferShapes, type Network, type NetworkInputs } from '../network/index.js';
import { inputTensors } from '../network/run.js';
import { inputShapesOf } from '../network/shapes.js';
import { type Shape, sameShape, sizeOf, type Tensor } from '../tensor.js';

export const layouts = ['nhwc', 'nchw', 'chwn', 'nc4hw4'] as const;
export type Layout = (typeof layouts)[number];

/**
 * The tensors, by our names, as ours are laid out: other layouts become NHWC, also within what a flatten has put into one axis. Axes of
 * size 1 come and go ([1, 1, 1, 1000] is [1, 1000]), and neighbours may be one axis, down to a row of numbers without a shape. What fits
 * in no way is left as it is.
 */
export function inOurLayout(
  network: Network,
  inputs: NetworkInputs,
  theirs: ReadonlyMap<string, Tensor>,
  layout: Layout,
): Map<string, Tensor> {
  expectOneOf(UsageError, 'layout', layouts, layout);
  const given = [...inputTensors(network, inputs)].map(([name, { shape }]): [string, Shape] => [name, shape]);
  const shapes = inferShapes(network, new Map(given));
  const flattened = new Map(
    network.nodes.flatMap((node) =>
      node.kind === 'flatten' ? [[node.name, inputShapesOf(node, shapes)[0]] as const] : [],
    ),
  );
  return new Map(
    [...theirs].map(([name, x]) => {
      const wanted = shapes.get(name);
      if (wanted === undefined) return [name, x];
      const source = flattened.get(name) ?? (wanted.length === 2 ? [wanted[0], 1, 1, wanted[1]] : wanted);
      const moved = layout !== 'nhwc' && source.length === 4 ? toNhwc(x, source, layout) : undefined;
      return [name, reshaped(moved ?? x, wanted)];
    }),
  );
}

/** [N, H, W, C] from numbers in another order, if there are as many and the shape, 1s and merged neighbours apart, is such. */
function toNhwc({ shape, data }: Tensor, nhwc: Shape, layout: Exclude<Layout, 'nhwc'>): Tensor | undefined {
  const { axes, indexOf } = orders[layout](nhwc);
  if (!merges(shape, axes)) return undefined;
  const [N, H, W, C] = nhwc;
  const moved = data instanceof Float64Array ? new Float64Array(sizeOf(nhwc)) : new Float32Array(sizeOf(nhwc));
  let to = 0;
  for (let n = 0; n < N; n++) {
    for (let position = 0; position < H * W; position++) {
      for (let c = 0; c < C; c++) moved[to++] = data[indexOf(n, c, position)];
    }
  }
  return { shape: nhwc, data: moved };
}

/** The axes of a layout, and where it has channel c of picture n at a position, the row times W plus the column. */
const orders: Readonly<
  Record<
    Exclude<Layout, 'nhwc'>,
    (nhwc: Shape) => { axes: Shape; indexOf: (n: number, c: number, position: number) => number }
  >
> = {
  nchw: ([N, H, W, C]) => ({ axes: [N, C, H, W], indexOf: (n, c, position) => (n * C + c) * H * W + position }),
  chwn: ([N, H, W, C]) => ({ axes: [C, H, W, N], indexOf: (n, c, position) => (c * H * W + position) * N + n }),
  nc4hw4: ([N, H, W, C]) => {
    const blocks = Math.ceil(C / 4);
    return {
      axes: [N, blocks, H, W, 4],
      indexOf: (n, c, position) => ((n * blocks + Math.floor(c / 4)) * H * W + position) * 4 + (c % 4),
    };
  },
};

function reshaped(x: Tensor, wanted: Shape): Tensor {
  return merges(x.shape, wanted) || merges(wanted, x.shape) ? { shape: wanted, data: x.data } : x;
}

/** Whether a shape is another one with some neighbouring axes made one, 1s apart: the numbers are then in the same order. */
function merges(shape: Shape, wanted: Shape): boolean {
  if (sizeOf(shape) !== sizeOf(wanted)) return false;
  const rest = withoutOnes(wanted);
  return withoutOnes(shape).every((size) => {
    let product = 1;
    while (product < size && rest.length > 0) product *= rest.shift()!;
    return product === size;
  });
}

const withoutOnes = (shape: Shape): number[] => shape.filter((size) => size !== 1);

/** Whether NCHW would fit where a tensor as it is does not: for the advice in an error. */
export function looksLikeNchw(found: Shape, wanted: Shape): boolean {
  if (wanted.length !== 4) return false;
  const [N, H, W, C] = wanted;
  return (
    sameShape(withoutOnes(found), withoutOnes([N, C, H, W])) && !sameShape(withoutOnes(found), withoutOnes(wanted))
  );
}
