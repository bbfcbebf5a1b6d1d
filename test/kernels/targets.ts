/** The kernels of every target that this machine runs, each with a memory of its own. */
import { kernelsIn } from '../../src/engine/javascript-kernels.js';
import type { Kernel } from '../../src/engine/kernels.js';
import { allocate, compileBytes, instantiate, type WasmMemory } from '../../src/engine/wasm.js';
import { type WasmTarget, wasmBytes } from '../../src/engine/wasm-bytes.js';
import { instantiateTraining, trainingBytes } from '../../src/training/wasm/kernels.js';
import type { AnyKernelName } from './problem.js';

export interface Machine {
  readonly target: WasmTarget | 'javascript';
  /** The engine's, or the trainer's. */
  readonly kernels: { readonly [Name in AnyKernelName]?: Kernel };
  /** All of its memory. */
  readonly memory: Uint32Array;
}

const MEMORY_BYTES = 1 << 16;

/** The engine's kernels: scalar and SIMD, relaxed SIMD where the machine knows its instructions, and JavaScript. */
export async function engineMachines(): Promise<Machine[]> {
  const memory = new ArrayBuffer(MEMORY_BYTES);
  return [
    ...(await machines(wasmBytes, async (target, memory) =>
      instantiate(await compileBytes(wasmBytes(target)), memory),
    )),
    { target: 'javascript', kernels: kernelsIn(memory), memory: new Uint32Array(memory) },
  ];
}

/** The trainer's. */
export const trainingMachines = (): Promise<Machine[]> => machines(trainingBytes, instantiateTraining);

async function machines(
  bytesOf: (target: WasmTarget) => Uint8Array<ArrayBuffer>,
  instantiateIn: (target: WasmTarget, memory: WasmMemory) => Promise<Machine['kernels']>,
): Promise<Machine[]> {
  const found: Machine[] = [];
  for (const target of ['scalar', 'simd', 'relaxed'] as const) {
    if (target === 'relaxed' && !WebAssembly.validate(bytesOf(target))) continue;
    const memory = allocate('problems', MEMORY_BYTES);
    found.push({ target, kernels: await instantiateIn(target, memory), memory: new Uint32Array(memory.buffer) });
  }
  return found;
}
