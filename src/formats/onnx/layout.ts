/**
 * Where the numbers of a file's tensor lie in ours. ONNX's pictures are [N, C, H, W], ours [N, H, W, C]; nothing is transposed while the
 * network runs. Instead every tensor of the file carries, for each of its axes, the digits of the position that its index stands for:
 *
 *   position within one batch entry = Σ over the axes Σ over the axis' digits of digit · stride
 *
 * A picture's axes are then C: C digits of stride 1, H: H digits of stride W·C, W: W digits of stride C. A transposition permutes the axes
 * and leaves the numbers where they are; a reshape splits and joins digits. An operator asks for the order that it needs, and where the
 * digits do not have it, that is an error, since there is no layer that would move the numbers.
 */
import { type Shape, sizeOf } from '../../tensor.js';
import type { Draft } from '../drafts.js';

interface Digits {
  readonly size: number;
  readonly stride: number;
}

export interface Layout {
  /** The batch is the outermost of our axes always; here, which of the file's it is. */
  readonly batchAxis: number;
  readonly batch: number;
  /** Digits of each of the file's axes, the most significant first; none for the batch and for axes of size 1. */
  readonly axes: readonly (readonly Digits[])[];
}

/** A tensor of the file: the node that yields it, and where in the node's output its numbers lie. */
export interface Value {
  readonly node: Draft;
  readonly layout: Layout;
}

/** Our [N, H, W, C] from the file's [N, C, H, W]: our axis i is the file's axis NHWC[i]. */
export const NHWC = [0, 2, 3, 1] as const;

export const asIs = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);

/** The layout of a tensor of the file's shape whose axes lie in the given order in ours; the batch is axis 0. */
export function laidOut(shape: Shape, order: readonly number[]): Layout {
  const axes: Digits[][] = shape.map(() => []);
  let stride = 1;
  for (const axis of [...order].reverse()) {
    if (axis !== 0 && shape[axis] !== 1) axes[axis] = [{ size: shape[axis], stride }];
    if (axis !== 0) stride *= shape[axis];
  }
  return { batchAxis: 0, batch: shape[0], axes };
}

/** The file's shape. */
export function fileShape({ axes, batchAxis, batch }: Layout): number[] {
  return axes.map((digits, axis) => (axis === batchAxis ? batch : sizeOf(digits.map(({ size }) => size))));
}

/** True when the axes lie in this order, so that our shape is the file's in that order. */
export function liesIn(layout: Layout, order: readonly number[]): boolean {
  if (layout.batchAxis !== 0 || order[0] !== 0 || order.length !== layout.axes.length) return false;
  const wanted = laidOut(fileShape(layout), order);
  return layout.axes.every(
    (digits, axis) =>
      digits.length === wanted.axes[axis].length &&
      digits.every(({ stride }, index) => stride === wanted.axes[axis][index].stride),
  );
}

/** True when both tensors have the same numbers at the same places. */
export function sameLayout(a: Layout, b: Layout): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function transposed({ axes, batchAxis, batch }: Layout, permutation: readonly number[]): Layout {
  return { batchAxis: permutation.indexOf(batchAxis), batch, axes: permutation.map((axis) => axes[axis]) };
}

/** The layout with other sizes after the batch; undefined where that would take numbers apart that lie together. */
export function reshaped(layout: Layout, sizes: Shape): Layout | undefined {
  if (layout.batchAxis !== 0) return undefined;
  const left = joined(layout.axes.flat());
  const axes: Digits[][] = [];
  for (const size of sizes) {
    let wanted = size;
    const digits: Digits[] = [];
    while (wanted > 1) {
      const next = left.shift();
      if (next === undefined) return undefined;
      if (wanted % next.size === 0) {
        digits.push(next);
        wanted /= next.size;
      } else if (next.size % wanted === 0) {
        const rest = next.size / wanted;
        digits.push({ size: wanted, stride: next.stride * rest });
        left.unshift({ size: rest, stride: next.stride });
        wanted = 1;
      } else return undefined;
    }
    axes.push(joined(digits));
  }
  return { batchAxis: 0, batch: layout.batch, axes: [[], ...axes] };
}

/** Neighbours that count on in one another become one. */
function joined(digits: readonly Digits[]): Digits[] {
  const result: Digits[] = [];
  for (const next of digits) {
    const last = result.at(-1);
    if (last?.stride === next.size * next.stride) {
      result[result.length - 1] = { size: last.size * next.size, stride: next.stride };
    } else result.push(next);
  }
  return result;
}

/** How many numbers the axes hold together, if they are the innermost of ours, in whatever order; otherwise undefined. */
export function innermost({ axes, batchAxis }: Layout, chosen: readonly number[]): number | undefined {
  if (chosen.includes(batchAxis)) return undefined;
  const digits = chosen.flatMap((axis) => axes[axis]).sort((a, b) => a.stride - b.stride);
  let count = 1;
  for (const { size, stride } of digits) {
    if (stride !== count) return undefined;
    count *= size;
  }
  return count;
}

/** Position of each index of these axes, the last axis counting fastest; other axes at 0. */
export function positions({ axes }: Layout, chosen: readonly number[]): number[] {
  let found = [0];
  for (const { size, stride } of chosen.flatMap((axis) => axes[axis])) {
    found = found.flatMap((position) => Array.from({ length: size }, (_, index) => position + index * stride));
  }
  return found;
}

/** The layout without these axes of size 1. */
export function withoutAxes({ axes, batchAxis, batch }: Layout, removed: readonly number[]): Layout {
  const kept = axes.filter((_, axis) => !removed.includes(axis));
  return { batchAxis: batchAxis - removed.filter((axis) => axis < batchAxis).length, batch, axes: kept };
}

/** The layout with axes of size 1 at these places of the result. */
export function withAxes(layout: Layout, added: readonly number[]): Layout {
  const left = layout.axes.map((digits, axis) => ({ digits, isBatch: axis === layout.batchAxis }));
  const rank = layout.axes.length + added.length;
  const all = asIs(rank).map((axis) => (added.includes(axis) ? { digits: [], isBatch: false } : left.shift()!));
  return {
    batchAxis: all.findIndex(({ isBatch }) => isBatch),
    batch: layout.batch,
    axes: all.map(({ digits }) => digits),
  };
}
