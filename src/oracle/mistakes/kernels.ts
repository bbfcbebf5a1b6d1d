/** Mistakes in kernels and biases. */
import type { NetworkNode } from '../../network/index.js';
import type { Tensor } from '../../tensor.js';
import { mapTensor } from '../estimate.js';
import type { Segment } from '../segment.js';
import { type Mistake, named, withWeight } from './mistake.js';
import { permuted, readAs } from './permuted.js';

export function* ofKernels(segment: Segment): Generator<Mistake> {
  const kernel = (change: (x: Tensor, node: NetworkNode) => Tensor | undefined) =>
    withWeight(segment, 'kernel', change);
  yield* named(
    "the kernel's height and width swapped",
    kernel((x) =>
      x.shape.length === 4 && x.shape[0] === x.shape[1] && x.shape[0] > 1
        ? permuted(x, ([i, j, c, o]) => [j, i, c, o])
        : undefined,
    ),
  );
  yield* named(
    'the kernel turned by 180°, as in a convolution of signals',
    kernel((x) => {
      if (x.shape.length !== 4 || x.shape[0] * x.shape[1] === 1) return undefined;
      const [KH, KW] = x.shape;
      return permuted(x, ([i, j, c, o]) => [KH - 1 - i, KW - 1 - j, c, o]);
    }),
  );
  yield* named(
    'red and blue swapped',
    kernel((x, { kind }) =>
      x.shape.length === 4 && kind === 'conv2d' && x.shape[2] === 3
        ? permuted(x, ([i, j, c, o]) => [i, j, 2 - c, o])
        : undefined,
    ),
  );
  yield* named(
    'the last input channel left out',
    kernel((x, { kind }) => {
      const [I, O] = x.shape.slice(-2);
      if (kind === 'depthwiseConv2d' || I === 1) return undefined;
      return mapTensor(x, (value, i) => (Math.floor(i / O) % I === I - 1 ? 0 : value));
    }),
  );
  for (const order of ['OIHW', 'OHWI', 'IHWO', 'IOHW', 'HWOI', 'OI']) {
    yield* named(
      `the kernel's numbers read in the order ${order}`,
      kernel((x, { kind }) => {
        const own = x.shape.length === 2 ? 'IO' : 'HWIO';
        if (kind === 'depthwiseConv2d' || order.length !== own.length) return undefined;
        return readAs(
          x,
          [...order].map((axis) => own.indexOf(axis)),
        );
      }),
    );
  }
  for (const order of ['CMHW', 'CHWM', 'HWMC']) {
    yield* named(
      `the depthwise kernel's numbers read in the order ${order}`,
      kernel((x, { kind }) =>
        kind === 'depthwiseConv2d'
          ? readAs(
              x,
              [...order].map((axis) => 'HWCM'.indexOf(axis)),
            )
          : undefined,
      ),
    );
  }
}

export function* ofBiases(segment: Segment): Generator<Mistake> {
  yield* named(
    'the bias left out',
    withWeight(segment, 'bias', (x) => mapTensor(x, () => 0)),
  );
  yield* named(
    'the bias added twice',
    withWeight(segment, 'bias', (x) => mapTensor(x, (value) => 2 * value)),
  );
}
