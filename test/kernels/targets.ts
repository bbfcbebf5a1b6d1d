/** The kernels of every target that this machine runs, each with a memory of its own. */
import { kernelsIn } from '../../src/engine/javascript/kernels.js';
import { ENGINE_KERNELS } from '../../src/engine/kernels.js';
import { wasmBytes } from '../../src/engine/wasm-bytes.js';
import { trainingBytes } from '../../src/training/wasm/instantiate.js';
import { WASM_KERNELS } from '../../src/training/wasm/kernels.js';
import type { Kernel, KernelTable } from '../../src/wasm/kernel-table.js';
import { allocate, compileBytes, instantiate, type WasmTarget } from '../../src/wasm/web-assembly.js';

export interface Machine {
  readonly target: WasmTarget | 'javascript';
  readonly table: KernelTable;
  readonly kernels: Readonly<Record<string, Kernel>>;
  /** All of its memory. */
  readonly memory: Uint32Array;
}

/** The largest problem, a convolution of 400 windows over 5 channels with a residual, takes less than half of it. */
const MEMORY_BYTES = 1 << 18;

/** The engine's kernels: scalar and SIMD, relaxed SIMD where the machine knows its instructions, and JavaScript. */
export async function engineMachines(): Promise<Machine[]> {
  const memory = new ArrayBuffer(MEMORY_BYTES);
  const kernels = kernelsIn(memory) as unknown as Machine['kernels'];
  return [
    ...(await machines(ENGINE_KERNELS, wasmBytes)),
    { target: 'javascript', table: ENGINE_KERNELS, kernels, memory: new Uint32Array(memory) },
  ];
}

/** The trainer's. */
export const trainingMachines = (): Promise<Machine[]> => machines(WASM_KERNELS, trainingBytes);

async function machines(
  table: KernelTable,
  bytesOf: (target: WasmTarget) => Uint8Array<ArrayBuffer>,
): Promise<Machine[]> {
  const found: Machine[] = [];
  for (const target of ['scalar', 'simd', 'relaxed'] as const) {
    const bytes = bytesOf(target);
    if (target === 'relaxed' && !WebAssembly.validate(bytes)) continue;
    const memory = allocate('problems', MEMORY_BYTES);
    const kernels = await instantiate<Machine['kernels']>(await compileBytes(target, bytes), memory);
    found.push({ target, table, kernels, memory: new Uint32Array(memory.buffer) });
  }
  return found;
}
