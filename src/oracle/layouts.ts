/** Other backends' tensors in our layout: NHWC, with the batch first and no more axes than ours. */
import { UsageError } from '../errors.js';
import { inferShapes, inputShapesOf, inputTensors, type Network, type NetworkInputs } from '../network/index.js';
import { type Shape, sameShape, sizeOf, type Tensor } from '../tensor.js';

export const layouts = ['nhwc', 'nchw'] as const;
export type Layout = (typeof layouts)[number];

/**
 * The tensors, by our names, as ours are laid out: NCHW becomes NHWC, also within what a flatten has put into one axis, and axes of size 1
 * come and go ([1, 1, 1, 1000] is [1, 1000]). What fits in no way is left as it is.
 */
export function inOurLayout(
  network: Network,
  inputs: NetworkInputs,
  theirs: ReadonlyMap<string, Tensor>,
  layout: Layout,
): Map<string, Tensor> {
  if (!layouts.includes(layout)) throw new UsageError(`layout: wanted one of ${layouts.join(', ')}, found '${layout}'`);
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
      const source = flattened.get(name) ?? wanted;
      const channelsFirst = layout === 'nchw' && source.length === 4 ? toNhwc(x, source) : undefined;
      return [name, reshaped(channelsFirst ?? x, wanted)];
    }),
  );
}

/** [N, H, W, C] from numbers in the order of [N, C, H, W], if there are as many and the shape, 1s apart, is such. */
function toNhwc({ shape, data }: Tensor, nhwc: Shape): Tensor | undefined {
  const [N, H, W, C] = nhwc;
  const isFlat = sameShape(withoutOnes(shape), withoutOnes([N, C * H * W]));
  if (!isFlat && !sameShape(withoutOnes(shape), withoutOnes([N, C, H, W]))) return undefined;
  const moved = data.slice();
  let to = 0;
  for (let n = 0; n < N; n++) {
    for (let position = 0; position < H * W; position++) {
      for (let c = 0; c < C; c++) moved[to++] = data[(n * C + c) * H * W + position];
    }
  }
  return { shape: nhwc, data: moved };
}

function reshaped(x: Tensor, wanted: Shape): Tensor {
  const fits = sizeOf(x.shape) === sizeOf(wanted) && sameShape(withoutOnes(x.shape), withoutOnes(wanted));
  // [1, H, W, C] in one axis is what flatten makes of it; NHWC numbers stay in order.
  const flat = wanted.length === 2 && sizeOf(x.shape) === sizeOf(wanted);
  return fits || flat ? { shape: wanted, data: x.data } : x;
}

const withoutOnes = (shape: Shape): Shape => shape.filter((size) => size !== 1);

/** Whether NCHW would fit where a tensor as it is does not: for the advice in an error. */
export function looksLikeNchw(found: Shape, wanted: Shape): boolean {
  if (wanted.length !== 4) return false;
  const [N, H, W, C] = wanted;
  return (
    sameShape(withoutOnes(found), withoutOnes([N, C, H, W])) && !sameShape(withoutOnes(found), withoutOnes(wanted))
  );
}
