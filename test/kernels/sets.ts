/** Both sets of kernels, with their tables, their problems and the machines that run them. */
import { ENGINE_KERNELS } from '../../src/engine/kernels.js';
import { WASM_KERNELS } from '../../src/training/wasm/kernels.js';
import type { KernelTable } from '../../src/wasm/kernel-table.js';
import { families } from './families/index.js';
import type { Family } from './problem.js';
import { engineMachines, type Machine, trainingMachines } from './targets.js';
import { trainingFamilies } from './training/index.js';

export interface KernelSet {
  readonly of: 'engine' | 'trainer';
  readonly table: KernelTable;
  readonly families: readonly Family[];
  readonly machines: readonly Machine[];
}

export const kernelSets = async (): Promise<readonly KernelSet[]> => [
  { of: 'engine', table: ENGINE_KERNELS, families, machines: await engineMachines() },
  { of: 'trainer', table: WASM_KERNELS, families: trainingFamilies, machines: await trainingMachines() },
];
