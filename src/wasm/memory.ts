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

/** A buffer that lives at the same time as more than this share of those that are placed is compared with all of them. */
const FEW = 1 / 16;

/**
 * Gives every buffer its offset and returns the bytes needed in all, the peak. Largest first, each at the lowest place that is free for its
 * whole life: the greedy rule of Pisarchyk and Lee (arXiv:2001.03288, "greedy by size"), at or near the lower bound for such chains.
 */
export function placeBuffers(buffers: readonly Buffer[]): number {
  const lives = new Lives(buffers);
  const inOrder: Buffer[] = [];
  const others: Buffer[] = [];
  let peak = 0;
  for (const buffer of [...buffers].sort((a, b) => b.bytes - a.bytes)) {
    const few = lives.meeting(buffer, FEW * (inOrder.length + others.length));
    if (few === undefined) for (const other of others.splice(0)) insert(inOrder, other);
    buffer.offset = lowestFree(buffer, few ?? inOrder);
    others.push(buffer);
    lives.add(buffer);
    peak = Math.max(peak, buffer.offset + align(buffer.bytes));
  }
  return peak;
}

/** By offset. */
function insert(sorted: Buffer[], buffer: Buffer): void {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle].offset > buffer.offset) to = middle;
    else from = middle + 1;
  }
  sorted.splice(from, 0, buffer);
}

const byOffset = (a: Buffer, b: Buffer): number => a.offset - b.offset;

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

/** Finds the placed buffers that live at the same time as another: a tree over all buffers by their first step, which knows the last steps below it. */
class Lives {
  readonly #sorted: readonly Buffer[];
  readonly #indices: ReadonlyMap<Buffer, number>;
  /** Node n is above 2n and 2n + 1; the leaf of buffer i is #leaves + i. */
  readonly #last: Float64Array;
  readonly #leaves: number;

  constructor(buffers: readonly Buffer[]) {
    this.#sorted = [...buffers].sort((a, b) => a.first - b.first);
    this.#indices = new Map(this.#sorted.map((buffer, index) => [buffer, index]));
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(buffers.length, 1)));
    this.#last = new Float64Array(2 * this.#leaves).fill(-Infinity);
  }

  add(buffer: Buffer): void {
    const leaf = this.#leaves + this.#indices.get(buffer)!;
    for (let node = leaf; node >= 1; node >>= 1) this.#last[node] = Math.max(this.#last[node], buffer.last);
  }

  /** By offset; undefined where there are more than `most`. */
  meeting({ first, last }: Buffer, most: number): Buffer[] | undefined {
    const found: Buffer[] = [];
    const collect = (node: number, from: number, count: number): void => {
      if (found.length > most || this.#last[node] < first || this.#sorted[from].first > last) return;
      if (count === 1) {
        found.push(this.#sorted[from]);
        return;
      }
      collect(2 * node, from, count / 2);
      collect(2 * node + 1, from + count / 2, count / 2);
    };
    collect(1, 0, this.#leaves);
    return found.length > most ? undefined : found.sort(byOffset);
  }
}
