/** The attributes of everything that slides a window over height and width. */
import type { Padding, Pair } from '../../../padding.js';
import { slideWindow } from '../../../padding.js';
import { flag, ignored, ints, optional, or, word } from '../attributes.js';
import type { Call } from '../call.js';

export const windowRules = {
  auto_pad: or('NOTSET', word('NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID')),
  kernel_shape: optional(ints(2, 1)),
  pads: optional(ints(4, 0)),
  strides: or([1, 1] as readonly number[], ints(2, 1)),
};

export const dilationRule = or([1, 1] as readonly number[], ints(2, 1));

interface Window {
  readonly auto_pad: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[];
}

export const pairOf = ([height, width]: readonly number[]): Pair => [height, width];

/** Padding of both axes; with `ceil`, enough after them that the last window fits, unless it would begin behind the picture. */
export function paddingOf(
  call: Call,
  { auto_pad: rule, pads = [0, 0, 0, 0], strides }: Window,
  size: Pair,
  kernel: Pair,
  dilation: Pair,
  ceil = false,
): Padding {
  if (rule === 'SAME_UPPER') return 'same';
  if (rule === 'VALID') return 'valid';
  const [vertical, horizontal] = [0, 1].map((axis): [number, number] => {
    const span = (kernel[axis] - 1) * dilation[axis] + 1;
    if (rule === 'SAME_LOWER') {
      const where = `${call.node.op}, axis ${axis + 2}`;
      const { before, after } = slideWindow(where, size[axis], kernel[axis], strides[axis], dilation[axis], 'same');
      return [after, before];
    }
    const [before, after] = [pads[axis], pads[axis + 2]];
    if (!ceil) return [before, after];
    const windows = Math.ceil((before + size[axis] + after - span) / strides[axis]) + 1;
    const last = (windows - 1) * strides[axis];
    return [before, last < before + size[axis] ? Math.max(after, last + span - before - size[axis]) : after];
  });
  if ([...vertical, ...horizontal].every((samples) => samples === 0)) return 'valid';
  return { top: vertical[0], bottom: vertical[1], left: horizontal[0], right: horizontal[1] };
}

export const poolRules = { ...windowRules, ceil_mode: or(false, flag), storage_order: ignored };
