/**
 * The WASM memory that all plans of a target share. Each plan takes a region of it, which comes back when the plan is disposed or garbage
 * collected. A memory for every plan would not do: Chromium refuses a page more than about 120, however small they are.
 */
import { align } from '../wasm/memory.js';
import { allocate, instantiate, PAGE_BYTES, type WasmMemory, type WasmModule } from '../wasm/web-assembly.js';
import type { EngineKernels } from './kernels.js';

/** One memory, and the kernels that work on it. */
export interface BoundKernels<Functions = EngineKernels> {
  readonly kernels: Functions;
  readonly memory: WasmMemory;
}

/** Makes a memory of at least `bytes` with its kernels. Throws a NetworkError, beginning with `where`, if there is no such memory. */
export type KernelSource<Functions = EngineKernels> = (
  where: string,
  bytes: number,
) => BoundKernels<Functions> | Promise<BoundKernels<Functions>>;

/** The kernels of a module. */
export const wasmKernels =
  <Functions = EngineKernels>(module: WasmModule): KernelSource<Functions> =>
  async (where, bytes) => {
    const memory = allocate(where, bytes);
    return { kernels: await instantiate(module, memory), memory };
  };

export interface Heap<Functions = EngineKernels> extends BoundKernels<Functions> {
  /** By address. */
  readonly regions: Region<Functions>[];
}

/** Bytes [address, end) of a heap, in whole cache lines. They hold whatever was written there before. */
export interface Region<Functions = EngineKernels> {
  readonly heap: Heap<Functions>;
  readonly address: number;
  readonly end: number;
}

/** Kernels take address 0 for "none", so that no region begins there. */
const FIRST_ADDRESS = align(1);

/** A larger memory is let go once it is empty: WASM memory can grow, but not shrink. */
const SMALL_BYTES = 2 ** 20;

/** The heaps of one source: more than one only if the first cannot grow any further. */
export class Heaps<Functions = EngineKernels> {
  readonly #source: KernelSource<Functions>;
  #heaps: Heap<Functions>[] = [];
  readonly #abandoned =
    typeof FinalizationRegistry === 'function'
      ? new FinalizationRegistry<Region<Functions>>((region) => this.giveBack(region))
      : undefined;

  constructor(source: KernelSource<Functions>) {
    this.#source = source;
  }

  /** Throws a NetworkError, beginning with `where`, if there is no such memory. */
  async take(where: string, bytes: number): Promise<Region<Functions>> {
    for (const limit of [SMALL_BYTES, Infinity]) {
      for (const heap of this.#heaps) {
        const region = regionIn(heap, bytes, limit);
        if (region) return region;
      }
      // The program may be one that compiles in a loop and awaits nothing else, so that no finalizer comes to its turn.
      if (this.#heaps.some(({ regions }) => regions.length > 0)) await nextTask();
    }
    const heap: Heap<Functions> = { ...(await this.#source(where, FIRST_ADDRESS + align(bytes))), regions: [] };
    this.#heaps.push(heap);
    return regionIn(heap, bytes, Infinity)!;
  }

  /** Gives the region back when `owner` is garbage collected, unless that happens before. */
  giveBackAfter(owner: object, region: Region<Functions>): void {
    this.#abandoned?.register(owner, region, region);
  }

  giveBack(region: Region<Functions>): void {
    this.#abandoned?.unregister(region);
    const { regions, memory } = region.heap;
    regions.splice(regions.indexOf(region), 1);
    if (regions.length > 0 || memory.buffer.byteLength <= SMALL_BYTES) return;
    this.#heaps = this.#heaps.filter((heap) => heap !== region.heap);
  }
}

/** Hosts that allow no timer at this moment (Cloudflare's, while a worker starts) go on without. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve)).catch(() => {});

/** The lowest free region of this size, if the memory has one, or can grow to at most `limit` bytes to have it. */
function regionIn<Functions>(heap: Heap<Functions>, bytes: number, limit: number): Region<Functions> | undefined {
  const { memory, regions } = heap;
  let address = FIRST_ADDRESS;
  let index = 0;
  while (index < regions.length && regions[index].address - address < align(bytes)) address = regions[index++].end;
  const end = address + align(bytes);
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES);
  if (missing > 0 && (end > limit || !grows(memory, missing))) return undefined;
  const region = { heap, address, end };
  regions.splice(index, 0, region);
  return region;
}

function grows(memory: WasmMemory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false;
  }
}
