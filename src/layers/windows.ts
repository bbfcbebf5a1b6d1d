/** How the window of a convolution or a pool meets the picture: which taps of each position lie on which samples. */
import { type Padding, type Pair, type SlidingWindow, slideWindows } from '../padding.js';
import type { Shape } from '../tensor.js';
import { expectInside } from './expect.js';

interface Sliding {
  readonly strides: Pair;
  readonly dilation?: Pair;
  readonly padding: Padding;
}

export function windowsOf(
  layer: string,
  [, H, W]: Shape,
  size: Pair,
  { strides, dilation = [1, 1], padding }: Sliding,
): { vertical: SlidingWindow; horizontal: SlidingWindow } {
  return slideWindows(layer, [H, W], size, strides, dilation, padding);
}

/** A tap and the sample that it lies on: p = k·s + i·d − top. */
export type Tap = readonly [i: number, p: number];

/**
 * The taps of each position of a window along one axis, of the rows and of the columns. Taps on padding are left out: they meet zeros. They
 * are not looked at either, as a window may be far larger than the picture.
 */
export function tapsOf(
  x: Shape,
  size: Pair,
  sliding: Sliding,
): { readonly rows: readonly (readonly Tap[])[]; readonly columns: readonly (readonly Tap[])[] } {
  const { strides, dilation = [1, 1] } = sliding;
  const { vertical, horizontal } = windowsOf('taps', x, size, sliding);
  const along = ({ out, before }: SlidingWindow, axis: 0 | 1) =>
    Array.from({ length: out }, (_, k) => {
      const start = k * strides[axis] - before;
      const first = Math.max(Math.ceil(-start / dilation[axis]), 0);
      const end = Math.min(Math.ceil((x[axis + 1] - start) / dilation[axis]), size[axis]);
      return Array.from(
        { length: Math.max(end - first, 0) },
        (_, n): Tap => [first + n, start + (first + n) * dilation[axis]],
      );
    });
  return { rows: along(vertical, 0), columns: along(horizontal, 1) };
}

/** Shape of a pool's result. Throws a ShapeError where a window would lie on padding alone: it has no mean and no maximum. */
export function poolShape(layer: string, x: Shape, attributes: Sliding & { readonly poolSize: Pair }): Shape {
  const { poolSize, strides } = attributes;
  const { vertical, horizontal } = windowsOf(layer, x, poolSize, attributes);
  expectInside(`${layer}, height`, x[1], poolSize[0], strides[0], vertical);
  expectInside(`${layer}, width`, x[2], poolSize[1], strides[1], horizontal);
  return [x[0], vertical.out, horizontal.out, x[3]];
}
