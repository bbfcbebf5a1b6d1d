/**
 * The memory plan: where in WASM memory each buffer lies, decided once. A buffer lives from the first step that touches it to the last;
 * buffers whose lives overlap must not overlap in memory.
 */

export interface Buffer {
  readonly bytes: number;
  /** Indices of the first and the last step that touch it. */
  first: number;
  last: number;
  /** Bytes from the start of the activations, once placed. */
  offset: number;
}

/** A position in a buffer. */
export interface Place {
  readonly buffer: Buffer;
  readonly byte: number;
}

/** Cache line: vectors of a buffer never straddle one more than they must. */
const ALIGNMENT = 64;

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/**
 * Gives every buffer its offset and returns the bytes needed in all, the peak. Largest first, each at the lowest place that is free for its
 * whole life: the greedy rule of Pisarchyk and Lee (arXiv:2001.03288, "greedy by size"), at or near the lower bound for such chains.
 */
export function placeBuffers(buffers: readonly Buffer[]): number {
  const placed: Buffer[] = [];
  let peak = 0;
  for (const buffer of [...buffers].sort((a, b) => b.bytes - a.bytes)) {
    buffer.offset = lowestFree(buffer, placed);
    let index = placed.length;
    while (index > 0 && placed[index - 1].offset > buffer.offset) index--;
    placed.splice(index, 0, buffer);
    peak = Math.max(peak, buffer.offset + align(buffer.bytes));
  }
  return peak;
}

/** `placed` is sorted by offset. */
function lowestFree(buffer: Buffer, placed: readonly Buffer[]): number {
  let offset = 0;
  for (const other of placed) {
    if (other.first > buffer.last || other.last < buffer.first) continue;
    if (offset + buffer.bytes <= other.offset) break;
    offset = Math.max(offset, align(other.offset + other.bytes));
  }
  return offset;
}
