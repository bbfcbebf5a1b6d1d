/**
 * Learning rates. With t the epochs done (a real number: it grows with every step), T all epochs, w the epochs of warm-up and η the rate asked for:
 *
 *   constant      η
 *   exponential   η · 0.98^⌊t⌋                                    both papers' decay of 0.98 an epoch
 *   linear        η · (T − t) / (T − w)
 *   cosine        η · ½ · (1 + cos(π · (t − w) / (T − w)))         arXiv:1608.03983, eq. 5; each restart begins another: w is the epoch of
 *                                                                the last one, η its rate, T the epoch of the next one or the end
 *   one-cycle     a cosine from η / 25 up to η in the first 30 %, another down to η / 250,000   arXiv:1708.07120, with PyTorch's numbers
 *
 * Before t = w the first four grow in proportion to the step instead, from η / steps to η (arXiv:1706.02677, §2.2); one-cycle has its own
 * way up.
 */
import type { Augmentation } from '../data/augment.js';

export const schedules = ['constant', 'exponential', 'linear', 'cosine', 'one-cycle'] as const;
export type Schedule = (typeof schedules)[number];

/** A warm restart of the cosine (arXiv:1608.03983): from this epoch's beginning the rate falls from this one. */
export interface Restart {
  /** Epochs done before it. */
  readonly epoch: number;
  readonly learningRate: number;
  /** From here on; as before unless given. */
  readonly augmentation?: Augmentation;
}

export interface ScheduleOptions {
  readonly schedule: Schedule;
  readonly learningRate: number;
  readonly epochs: number;
  /** 0: none. */
  readonly warmupEpochs: number;
  /** Of the cosine, in order. */
  readonly restarts?: readonly Restart[];
}

/** The factor an epoch of `exponential`. */
const EXPONENTIAL_DECAY = 0.98;

const ONE_CYCLE = { wayUp: 0.3, first: 1 / 25, last: 1 / 250_000 };

/** The rate of a step, which counts from 0 over all epochs. */
export function learningRateAt(options: ScheduleOptions, step: number, stepsPerEpoch: number): number {
  const { schedule, learningRate, epochs: T, warmupEpochs, restarts = [] } = options;
  const t = step / stepsPerEpoch;
  if (schedule === 'one-cycle') return learningRate * oneCycle(t / T);
  const warmupSteps = Math.round(warmupEpochs * stepsPerEpoch);
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  const w = warmupSteps / stepsPerEpoch;
  switch (schedule) {
    case 'constant':
      return learningRate;
    case 'exponential':
      return learningRate * EXPONENTIAL_DECAY ** Math.floor(t);
    case 'linear':
      return (learningRate * (T - t)) / (T - w);
    case 'cosine': {
      const next = restarts.find(({ epoch }) => epoch > t);
      const last = restarts.filter(({ epoch }) => epoch <= t).at(-1) ?? { epoch: w, learningRate };
      return last.learningRate * between(1, 0, (t - last.epoch) / ((next?.epoch ?? T) - last.epoch));
    }
  }
}

function oneCycle(part: number): number {
  const { wayUp, first, last } = ONE_CYCLE;
  return part < wayUp ? between(first, 1, part / wayUp) : between(1, last, (part - wayUp) / (1 - wayUp));
}

/** Half a cosine wave from one value (part 0) to another (part 1). */
const between = (from: number, to: number, part: number): number =>
  to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * part));
