/** The training kernels as TypeScript sees them. Their meaning and layouts stand at the head of each file of `assembly/training/`. */
import { compileBytes, instantiate, type WasmMemory } from '../../engine/wasm.js';
import { NetworkError } from '../../errors.js';
import { TRAINING_KERNELS } from './generated/wasm.js';

export type TrainingTarget = keyof typeof TRAINING_KERNELS;

export const TRAINING_KERNEL_NAMES = [
  'product',
  'weightGradient',
  'normalise',
  'normaliseBackward',
  'depthwise',
  'depthwiseWeightGradient',
  'depthwiseInputGradient',
  'toPatches',
  'addPatches',
  'clampForward',
  'clampBackward',
  'addMaps',
  'copyRows',
  'biasForward',
  'biasGradient',
  'poolForward',
  'poolBackward',
  'packPanels',
  'packTransposed',
  'unpackPanels',
  'turnFilters',
  'toGroups',
  'fromGroups',
] as const;

export type TrainingKernelName = (typeof TRAINING_KERNEL_NAMES)[number];

/** All kernels take numbers (addresses, sizes, bounds) and return nothing. */
export type TrainingKernels = Readonly<Record<TrainingKernelName, (...args: number[]) => void>>;

export function trainingBytes(target: TrainingTarget): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(TRAINING_KERNELS[target]), (character) => character.charCodeAt(0));
}

/** The kernels of one target, bound to a memory. Throws a NetworkError where this machine cannot compile them. */
export async function instantiateTraining(target: TrainingTarget, memory: WasmMemory): Promise<TrainingKernels> {
  const bytes = trainingBytes(target);
  if (!WebAssembly.validate(bytes)) {
    throw new NetworkError(`training: this machine does not know the instructions of target '${target}'`);
  }
  return instantiate(await compileBytes(bytes), memory);
}
