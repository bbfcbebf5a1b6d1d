/** From a program of training kernels to functions that can be called. */
import { base64Bytes } from '../../wasm/base64.js';
import type { KernelTable } from '../../wasm/kernel-table.js';
import type { Linked, Program } from '../../wasm/program.js';
import { allocate, compileBytes, instantiate, type WasmTarget } from '../../wasm/web-assembly.js';
import { TRAINING_KERNELS } from './generated/wasm.js';
import type { WasmKernels } from './kernels.js';

export const trainingBytes = (target: WasmTarget): Uint8Array<ArrayBuffer> => base64Bytes(TRAINING_KERNELS[target]);

/** No kernel takes an address for "none", so that memory is used from 0 on. */
const FIRST_ADDRESS = 0;

/** A program in a memory of its own, which is all zeros. */
export interface Instantiated extends Linked {
  /** The whole memory. */
  readonly numbers: Float32Array;
}

/** `typescript` makes the kernels that are not WASM. Throws a NetworkError, beginning with `where`, if there is no such memory. */
export async function instantiateProgram<Table extends KernelTable>(
  where: string,
  program: Program<Table>,
  target: WasmTarget,
  typescript: (numbers: Float32Array) => object,
): Promise<Instantiated> {
  const bufferBytes = program.layOut();
  const memory = allocate(where, program.constants.bytes + bufferBytes);
  const numbers = new Float32Array(memory.buffer);
  const module = await compileBytes(target, trainingBytes(target));
  const kernels = { ...(await instantiate<WasmKernels>(module, memory)), ...typescript(numbers) };
  return { numbers, ...program.link(kernels, memory, FIRST_ADDRESS) };
}
