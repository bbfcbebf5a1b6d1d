/** The kernels of every target that this machine runs, each with a memory of its own. */
import { allocate, instantiate, type Kernels } from '../../src/engine/kernels.js';
import { type WasmTarget, wasmBytes } from '../../src/engine/wasmBytes.js';

export interface Machine {
  readonly target: WasmTarget;
  readonly kernels: Kernels;
  /** All of its memory. */
  readonly memory: Uint32Array;
}

const MEMORY_BYTES = 1 << 16;

/** Scalar and SIMD, and relaxed SIMD where the engine knows its instructions. */
export async function machines(): Promise<Machine[]> {
  const found: Machine[] = [];
  for (const target of ['scalar', 'simd', 'relaxed'] as const) {
    const bytes = wasmBytes(target);
    if (target === 'relaxed' && !WebAssembly.validate(bytes)) continue;
    const memory = allocate('problems', MEMORY_BYTES);
    const kernels = await instantiate(await WebAssembly.compile(bytes), memory);
    found.push({ target, kernels, memory: new Uint32Array(memory.buffer) });
  }
  return found;
}
