/** How long each operation of a training step takes. */
import { UsageError } from '../errors.js';
import { timeOperations } from '../wasm/profile.js';
import type { TrainingOperationReport, TrainingProgram } from './program.js';

export interface TrainingOperationTime extends TrainingOperationReport {
  readonly milliseconds: number;
}

/** Time of each operation in one step, which takes the step's own arguments. Throws a UsageError for a program without kernels. */
export function profileStep(
  { operations, step }: TrainingProgram,
  ...[values, pictures, targets, gradients, statistics, seed]: Parameters<TrainingProgram['step']>
): TrainingOperationTime[] {
  if (!operations) {
    throw new UsageError("training: only kernels can be profiled, and the target 'reference' has none");
  }
  const times = timeOperations(operations.length, (onCall) =>
    step(values, pictures, targets, gradients, statistics, seed, onCall),
  );
  return operations.map((operation, i) => ({ ...operation, milliseconds: times[i] }));
}
