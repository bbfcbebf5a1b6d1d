/** The kernels of every target that this machine runs, each with a memory of its own. */
import { RELAXED, SCALAR, SIMD } from '../../src/engine/generated/wasm.js';
import { allocate, instantiate, type Kernels } from '../../src/engine/kernels.js';

export type TargetName = 'scalar' | 'simd' | 'relaxed';

export interface Machine {
  readonly target: TargetName;
  readonly kernels: Kernels;
  /** All of its memory. */
  readonly memory: Uint32Array;
}

const MEMORY_BYTES = 1 << 16;

const bytesOf = (digits: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(digits, 'hex'));

/** Scalar and SIMD, and relaxed SIMD where the engine knows its instructions. */
export async function machines(): Promise<Machine[]> {
  const found: Machine[] = [];
  for (const [target, digits] of Object.entries({ scalar: SCALAR, simd: SIMD, relaxed: RELAXED })) {
    const bytes = bytesOf(digits);
    if (target === 'relaxed' && !WebAssembly.validate(bytes)) continue;
    const memory = allocate('problems', MEMORY_BYTES);
    const kernels = await instantiate(await WebAssembly.compile(bytes), memory);
    found.push({ target: target as TargetName, kernels, memory: new Uint32Array(memory.buffer) });
  }
  return found;
}
