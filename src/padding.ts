/**
 * The only place that knows what 'same', 'valid' and explicit padding mean.
 *
 * Along one axis of n samples, a kernel of k taps that lie `dilation` apart spans k_eff = (k − 1)·dilation + 1 samples:
 *
 *   'same'   out = ⌈n / stride⌉,  total = max((out − 1)·stride + k_eff − n, 0),  before = ⌊total / 2⌋,  after = total − before
 *   'valid'  out = ⌊(n − k_eff) / stride⌋ + 1, no padding
 *   explicit out = ⌊(before + n + after − k_eff) / stride⌋ + 1
 *
 * 'same' is TensorFlow's rule: the odd sample goes after. A 3-tap kernel with stride 2 on an even size therefore pads (0, 1),
 * where PyTorch's symmetric padding=1 is the explicit (1, 1): same output size, samples shifted by one.
 */
import { ShapeError } from './errors.js';

/** Rows and columns of padding around a picture. */
export interface ExplicitPadding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export type Padding = 'same' | 'valid' | ExplicitPadding;

/** [height, width]. */
export type Pair = readonly [height: number, width: number];

/** How a kernel slides along one axis. */
export interface SlidingWindow {
  /** Number of positions that the kernel takes: the size of the output. */
  readonly out: number;
  /** Samples of padding before and after the axis. */
  readonly before: number;
  readonly after: number;
}

export type AxisPadding = 'same' | 'valid' | readonly [before: number, after: number];

/** Output size and padding along one axis. Throws a ShapeError, beginning with `where`, when not even one window fits. */
export function slideWindow(
  where: string,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: AxisPadding,
): SlidingWindow {
  const span = (kernel - 1) * dilation + 1;
  if (padding === 'same') {
    const out = Math.ceil(size / stride);
    const total = Math.max((out - 1) * stride + span - size, 0);
    const before = Math.floor(total / 2);
    return { out, before, after: total - before };
  }
  const [before, after] = padding === 'valid' ? [0, 0] : padding;
  const out = Math.floor((before + size + after - span) / stride) + 1;
  if (out < 1) {
    throw new ShapeError(
      `${where}: a kernel spanning ${span} (${kernel} taps, dilation ${dilation}) does not fit into ${size} samples padded by (${before}, ${after})`,
    );
  }
  return { out, before, after };
}

/** The windows of both axes, for the layer of that name. */
export function slideWindows(
  layer: string,
  [height, width]: Pair,
  kernelSize: Pair,
  strides: Pair,
  dilation: Pair,
  padding: Padding,
): { vertical: SlidingWindow; horizontal: SlidingWindow } {
  const [rows, columns] = axisPaddings(padding);
  return {
    vertical: slideWindow(`${layer}, height`, height, kernelSize[0], strides[0], dilation[0], rows),
    horizontal: slideWindow(`${layer}, width`, width, kernelSize[1], strides[1], dilation[1], columns),
  };
}

/** 'same' or 'valid' where it pads this size as the explicit padding does; with strides of 1 it then does so at every size. */
export function paddingInWords(
  layer: string,
  size: Pair,
  kernelSize: Pair,
  strides: Pair,
  dilation: Pair,
  padding: Padding,
): Padding {
  if (typeof padding === 'string') return padding;
  if (Object.values(padding).every((samples) => samples === 0)) return 'valid';
  const explicit = slideWindows(layer, size, kernelSize, strides, dilation, padding);
  const same = slideWindows(layer, size, kernelSize, strides, dilation, 'same');
  // Padding after the last window is read by none.
  const agrees = (axis: 'vertical' | 'horizontal') =>
    explicit[axis].out === same[axis].out && explicit[axis].before === same[axis].before;
  return agrees('vertical') && agrees('horizontal') ? 'same' : padding;
}

/** The padding of each axis. */
function axisPaddings(padding: Padding): [vertical: AxisPadding, horizontal: AxisPadding] {
  if (typeof padding === 'string') return [padding, padding];
  const { top, bottom, left, right } = padding;
  return [
    [top, bottom],
    [left, right],
  ];
}
