/**
 * WebAssembly as the engine and the trainer use it. Its types are written down here, as far as they are needed: a project without lib DOM or
 * WebWorker has no `WebAssembly` namespace, and the declarations of the package must compile there too.
 */
import { NetworkError } from '../errors.js';

/** What the kernels are compiled for. */
export type WasmTarget = 'relaxed' | 'simd' | 'scalar';

/** A `WebAssembly.Module`. */
export type WasmModule = object;

/** A `WebAssembly.Memory`. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** A WASM page. */
export const PAGE_BYTES = 65536;

/** A memory of at least `bytes`. Throws a NetworkError, beginning with `where`, if there is no such memory. */
export function allocate(where: string, bytes: number): WasmMemory {
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  } catch (error) {
    const size = `${Math.ceil(bytes / 2 ** 20)} MiB of WASM memory`;
    throw new NetworkError(`${where}: it needs ${size}, which this machine refuses (${(error as Error).message})`);
  }
}

/** Throws a NetworkError where this machine does not know the target's instructions. */
export async function compileBytes(target: WasmTarget, bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule> {
  if (!WebAssembly.validate(bytes)) {
    throw new NetworkError(`this machine does not know the instructions of '${target}'`);
  }
  return atOnce(
    () => new WebAssembly.Module(bytes),
    () => WebAssembly.compile(bytes),
  );
}

/** The functions of an instance of the module that is bound to this memory. */
export async function instantiate<Functions>(module: WasmModule, memory: WasmMemory): Promise<Functions> {
  const imports = { env: { memory: memory as WebAssembly.Memory } };
  const { exports } = await atOnce<WebAssembly.Instance>(
    () => new WebAssembly.Instance(module, imports),
    () => WebAssembly.instantiate(module, imports),
  );
  return exports as Functions;
}

/**
 * Synchronously where that is allowed. Node 20 can wait for ever for the promise of `WebAssembly.compile` or `instantiate`: when nothing else
 * is pending it drains its task queue and waits for a compiler thread, which in turn waits for the main thread to collect garbage. Older
 * Chromium refuses more than 4 kB at once on a page's main thread with a RangeError, and has no such fault.
 */
function atOnce<Result>(now: () => Result, later: () => Promise<Result>): Result | Promise<Result> {
  try {
    return now();
  } catch (error) {
    if (error instanceof RangeError) return later();
    throw error;
  }
}
