/**
 * The WASM memory that all plans of a target share. Each plan takes a region of it, which comes back when the plan is disposed or garbage
 * collected. A memory for every plan would not do: Chromium refuses a page more than about 120, however small they are.
 */
import type { Kernels } from './kernels.js';
import { align } from './memory.js';
import { allocate, instantiate, PAGE_BYTES, type WasmMemory, type WasmModule } from './wasm.js';

/** One memory, with the instance of the kernels that is bound to it. */
export interface Heap {
  readonly kernels: Kernels;
  readonly memory: WasmMemory;
  /** By address. */
  readonly regions: Region[];
}

/** Bytes [address, end) of a heap, in whole cache lines. They hold whatever was written there before. */
export interface Region {
  readonly heap: Heap;
  readonly address: number;
  readonly end: number;
}

/** Kernels take address 0 for "none", so that no region begins there. */
const FIRST_ADDRESS = align(1);

/** A larger memory is let go once it is empty: WASM memory can grow, but not shrink. */
const SMALL_BYTES = 2 ** 20;

/** The heaps of one module: more than one only if the first cannot grow any further. */
export class Heaps {
  readonly #module: WasmModule;
  #heaps: Heap[] = [];
  readonly #abandoned =
    typeof FinalizationRegistry === 'function'
      ? new FinalizationRegistry<Region>((region) => this.giveBack(region))
      : undefined;

  constructor(module: WasmModule) {
    this.#module = module;
  }

  /** Throws a NetworkError, beginning with `where`, if there is no such memory. */
  async take(where: string, bytes: number): Promise<Region> {
    const found = this.#find(bytes, SMALL_BYTES);
    if (found) return found;
    if (this.#heaps.some(({ regions }) => regions.length > 0)) await nextTask();
    return this.#find(bytes) ?? this.#takeNew(where, bytes);
  }

  /** A region of a heap that has room, or can grow to at most `limit` bytes to have it. */
  #find(bytes: number, limit?: number): Region | undefined {
    for (const heap of this.#heaps) {
      const region = regionIn(heap, bytes, limit);
      if (region) return region;
    }
    return undefined;
  }

  async #takeNew(where: string, bytes: number): Promise<Region> {
    const memory = allocate(where, FIRST_ADDRESS + align(bytes));
    const heap = { kernels: await instantiate<Kernels>(this.#module, memory), memory, regions: [] };
    this.#heaps.push(heap);
    return regionIn(heap, bytes)!;
  }

  /** Gives the region back when `owner` is garbage collected, unless that happens before. */
  giveBackAfter(owner: object, region: Region): void {
    this.#abandoned?.register(owner, region, region);
  }

  giveBack(region: Region): void {
    this.#abandoned?.unregister(region);
    const { regions, memory } = region.heap;
    regions.splice(regions.indexOf(region), 1);
    if (regions.length > 0 || memory.buffer.byteLength <= SMALL_BYTES) return;
    this.#heaps = this.#heaps.filter((heap) => heap !== region.heap);
  }
}

/**
 * Finalizers are tasks, which a program never comes to that compiles in a loop and awaits nothing else. Hosts that allow no timer at this
 * moment (Cloudflare's, while a worker starts) go on without.
 */
const nextTask = () => new Promise((resolve) => setTimeout(resolve)).catch(() => {});

/** The lowest free region of this size, if the memory has one or can grow by one. */
function regionIn(heap: Heap, bytes: number, limit = Number.POSITIVE_INFINITY): Region | undefined {
  const { memory, regions } = heap;
  let address = FIRST_ADDRESS;
  let index = 0;
  for (; index < regions.length && regions[index].address - address < align(bytes); index++) {
    address = regions[index].end;
  }
  const end = address + align(bytes);
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES);
  try {
    if (missing > 0) {
      if (end > limit) return undefined;
      memory.grow(missing);
    }
  } catch {
    return undefined;
  }
  const region = { heap, address, end };
  regions.splice(index, 0, region);
  return region;
}
