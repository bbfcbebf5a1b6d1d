/** Which code computes gradients, by a name that workers understand too. */
import type { Network } from '../network/index.js';
import { compileTraining, type TrainingProgram } from './program.js';
import { referenceTraining } from './step/reference.js';

/** 'wasm-relaxed' is faster where the machine has fused multiply-adds, and not the same on every machine in the last bit. */
export const engines = ['wasm', 'wasm-relaxed', 'reference'] as const;
export type EngineName = (typeof engines)[number];

export async function createProgram(engine: EngineName, network: Network, batch: number): Promise<TrainingProgram> {
  if (engine === 'reference') return referenceTraining(network, batch);
  return compileTraining(network, batch, { target: engine === 'wasm' ? 'simd' : 'relaxed' });
}
