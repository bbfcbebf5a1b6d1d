/** Which code computes gradients, by a name that workers understand too. */
import type { Network } from '../network/index.js';
import type { TrainingProgram } from './program.js';

/** 'wasm-relaxed' is faster where the machine has fused multiply-adds, and not the same on every machine in the last bit. */
export const engines = ['wasm', 'wasm-relaxed', 'reference'] as const;
export type EngineName = (typeof engines)[number];

export async function createProgram(engine: EngineName, network: Network, batch: number): Promise<TrainingProgram> {
  if (engine === 'reference') {
    const { referenceTraining } = await import('./reference.js');
    return referenceTraining(network, batch);
  }
  const { compileTraining } = await import('./program.js');
  return compileTraining(network, batch, { target: engine === 'wasm' ? 'simd' : 'relaxed' });
}
