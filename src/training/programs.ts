/** Which code computes gradients, by the engine's names of targets. */
import { expectOneOf } from '../checks.js';
import type { CompileOptions, Target } from '../engine/index.js';
import { TARGETS } from '../engine/targets.js';
import { UsageError } from '../errors.js';
import type { Network } from '../network/index.js';
import { compileTraining, type TrainingProgram } from './program.js';
import type { Grids } from './step/fake-quantization.js';
import { referenceTraining } from './step/reference.js';

/** 'relaxed' is faster than 'simd' where the machine has fused multiply-adds, and not the same on every machine in the last bit. */
export type TrainingTarget = Exclude<Target, 'javascript'>;
export const trainingTargets = TARGETS.filter((target): target is TrainingTarget => target !== 'javascript');
export const DEFAULT_TARGET: TrainingTarget = 'simd';

/** Throws a UsageError for a target that is none, and for the option's older name, which would have no effect. */
export function expectTarget(options: { readonly target?: TrainingTarget }): void {
  if ('engine' in options) throw new UsageError('training: the option engine is called target');
  if (options.target !== undefined) expectOneOf(UsageError, 'training: target', trainingTargets, options.target);
}

/** The target that earlier versions wrote as an engine: 'wasm', 'wasm-relaxed' or 'reference'. */
export const targetOfEngine = (engine: string): TrainingTarget =>
  engine === 'reference' ? 'reference' : engine === 'wasm-relaxed' ? 'relaxed' : 'simd';

/** How networks are run beside a training with this target: what trains by the layers in TypeScript is measured by them too. */
export function executionOptions(target: TrainingTarget): CompileOptions {
  return target === 'reference' ? { target } : { reproducible: true };
}

/** With `grids`, of the forward pass' tensors, it is quantisation-aware. */
export async function createProgram(
  target: TrainingTarget,
  network: Network,
  batch: number,
  grids?: Grids,
): Promise<TrainingProgram> {
  return target === 'reference'
    ? referenceTraining(network, batch, grids)
    : compileTraining(network, batch, { target, grids });
}
