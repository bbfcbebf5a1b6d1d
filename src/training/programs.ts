/** Which code computes gradients, by a name that workers understand too. */
import type { CompileOptions } from '../engine/index.js';
import type { Network } from '../network/index.js';
import { compileTraining, type TrainingProgram } from './program.js';
import { referenceTraining } from './step/reference.js';

/** 'wasm-relaxed' is faster where the machine has fused multiply-adds, and not the same on every machine in the last bit. */
export const engines = ['wasm', 'wasm-relaxed', 'reference'] as const;
export type EngineName = (typeof engines)[number];

/** How networks are run beside a training with this engine: what trains by the layers in TypeScript is measured by them too. */
export function executionOptions(engine: EngineName): CompileOptions {
  return engine === 'reference' ? { target: 'reference' } : { reproducible: true };
}

export async function createProgram(engine: EngineName, network: Network, batch: number): Promise<TrainingProgram> {
  if (engine === 'reference') return referenceTraining(network, batch);
  return compileTraining(network, batch, { target: engine === 'wasm' ? 'simd' : 'relaxed' });
}
