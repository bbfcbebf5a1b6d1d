/** Training that goes wrong without an error of its own: numbers that are none. */
import { TrainingError } from '../../errors.js';

/** Counted from 0. */
interface Moment {
  readonly epoch: number;
  readonly step: number;
}

const failed = (what: string, { epoch, step }: Moment, help: string): TrainingError =>
  new TrainingError(`training: ${what} in step ${step + 1} of epoch ${epoch + 1}: it diverged; ${help}`);

/** Throws a TrainingError for a loss that is no number. */
export function expectFiniteLoss(loss: number, moment: Moment, help: string): void {
  if (!Number.isFinite(loss)) throw failed(`the loss is ${loss}`, moment, help);
}

/** Throws a TrainingError for weights that the epoch's last update left as no numbers: no loss shows them. `steps` is the epoch's. */
export function expectFiniteWeights(values: Float32Array, epoch: number, steps: number, help: string): void {
  const found = values.find((value) => !Number.isFinite(value));
  if (found !== undefined) throw failed(`a weight is ${found}`, { epoch, step: steps - 1 }, help);
}
