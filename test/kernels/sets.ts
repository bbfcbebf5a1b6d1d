/** Both sets of kernels, with their problems and the machines that run them. */
import { KERNELS } from '../../src/engine/kernels.js';
import { TRAINING_KERNEL_NAMES } from '../../src/training/wasm/kernels.js';
import { families } from './families/index.js';
import type { AnyKernelName, Family } from './problem.js';
import { engineMachines, type Machine, trainingMachines } from './targets.js';
import { trainingFamilies } from './training/index.js';

export interface KernelSet {
  readonly of: 'engine' | 'trainer';
  readonly kernels: readonly AnyKernelName[];
  readonly families: readonly Family[];
  readonly machines: readonly Machine[];
}

export const kernelSets = async (): Promise<readonly KernelSet[]> => [
  { of: 'engine', kernels: KERNELS, families, machines: await engineMachines() },
  { of: 'trainer', kernels: TRAINING_KERNEL_NAMES, families: trainingFamilies, machines: await trainingMachines() },
];
