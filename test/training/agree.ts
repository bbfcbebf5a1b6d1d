/** The training step on the kernels of every target beside the one of the readable layers: loss, every gradient, every statistic. */
import { isDeepStrictEqual } from 'node:util';
import type { Network } from '../../src/network/index.js';
import { type FloatArray, tensor } from '../../src/tensor.js';
import { compileTraining, type TrainingProgram } from '../../src/training/program.js';
import { forwardPass } from '../../src/training/step/gradients.js';
import { crossEntropy, withoutSoftmax } from '../../src/training/step/losses.js';
import { packParameters, parameterLayout, withParameters } from '../../src/training/step/parameters.js';
import { referenceTraining } from '../../src/training/step/reference.js';
import { ROUNDING, randomTensor } from '../layers/support.js';

const TARGETS = ['scalar', 'simd', 'relaxed'] as const;
const SEED = 5;

export interface Problem {
  readonly network: Network;
  readonly batch: number;
  readonly pictures: Float32Array;
  readonly targets: Float32Array;
}

interface Step {
  readonly loss: number;
  readonly gradients: Float32Array;
  readonly statistics: Float32Array;
}

interface Result extends Step {
  readonly correct: number;
}

function run(program: TrainingProgram, { network, pictures, targets }: Problem): Result {
  const { trainableSize, statisticsSize } = parameterLayout(network);
  const gradients = new Float32Array(trainableSize).fill(7);
  const statistics = new Float32Array(statisticsSize).fill(7);
  const { values } = packParameters(network);
  return { ...program.step(values, pictures, targets, gradients, statistics, SEED), gradients, statistics };
}

const norm = (numbers: ArrayLike<number>): number =>
  Math.sqrt(Array.from(numbers).reduce((sum, value) => sum + value ** 2, 0));
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  norm(Array.from(a, (value, i) => value - b[i]));

/** The network's tensors in training mode, computed in the numbers of `pictures`: float64, or each tensor rounded to float32. */
function pass({ network, batch }: Problem, pictures: FloatArray, values?: Float32Array) {
  const trained = withoutSoftmax(network);
  const current = values ? withParameters(trained, values, packParameters(trained).statistics) : trained;
  const x = tensor(trained.inputs[0].shape.with(0, batch), pictures);
  return forwardPass(current, x, { trainingSeed: SEED });
}

/** The step with every tensor, forward and backward, rounded once, from numbers that have been off by one rounding from the start. */
function roundedStep(problem: Problem, sample: number): Step {
  const { network, batch, targets } = problem;
  const layout = parameterLayout(network);
  const off = (numbers: Float32Array, seed: number) => {
    const shifts = randomTensor([Math.max(numbers.length, 1)], seed).data;
    return numbers.map((value, i) => value * (1 + ROUNDING * Math.sign(shifts[i])));
  };
  const { values } = packParameters(network);
  const computed = pass(problem, off(problem.pictures, sample), off(values, sample + 1));
  const [output] = withoutSoftmax(network).outputs;
  const logits = computed.tensors.get(output)!;
  const { mean, dLogits } = crossEntropy(logits.data, targets, targets.length / batch);
  const { weights } = computed.backward(new Map([[output, tensor(logits.shape, Float32Array.from(dLogits))]]));
  const gradients = new Float32Array(layout.trainableSize);
  for (const { name, offset } of layout.trainable) gradients.set(weights.get(name)!.data, offset);
  const statistics = new Float32Array(layout.statisticsSize);
  for (const { name, offset } of layout.statistics) statistics.set(computed.statistics.get(name)!.data, offset);
  return { loss: mean, gradients, statistics };
}

const SAMPLES = 4;

/**
 * Fails where the programs differ by more than float32 explains. How far rounding is amplified through batch norms cannot be derived in reason, so it
 * is measured: the reference is computed again with each tensor rounded to float32 and its numbers moved by one rounding, SAMPLES times, and each
 * weight's gradient, each statistic and the loss move by their noise. That counts one rounding a number where a kernel that sums n numbers makes n,
 * which wander √n far; n is at most some hundreds here, and 100 times the noise is allowed, which is some 10⁻⁵ of a gradient. So are 128 roundings of all
 * gradients together: one that is nothing, as that of a bias before a batch norm, is a sum of parts as large as the others. Wrong formulas are off by a
 * part of the gradient itself.
 */
function expectAgreement(problem: Problem, exact: Result, found: Result, target: string): void {
  const { network } = problem;
  const { trainable, statistics } = parameterLayout(network);
  const rounded = Array.from({ length: SAMPLES }, (_, sample) => roundedStep(problem, 2 * sample));
  const expectNear = (what: string, partOf: (step: Step) => ArrayLike<number>, least: number) => {
    const offOf = (step: Step) => distance(partOf(step), partOf(exact));
    const noise = norm(rounded.map(offOf)) / Math.sqrt(SAMPLES);
    const allowed = 100 * noise + least;
    const off = offOf(found);
    if (!(off <= allowed)) throw new Error(`${target}: ${what} is off by ${off}, allowed ${allowed}`);
  };
  for (const { name, offset, size } of trainable) {
    const gradientOf = ({ gradients }: Step) => gradients.subarray(offset, offset + size);
    expectNear(`the gradient of ${name}`, gradientOf, 128 * ROUNDING * norm(exact.gradients));
  }
  const largest = exact.statistics.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (const { name, offset, size } of statistics) {
    const statisticOf = ({ statistics: all }: Step) => all.subarray(offset, offset + size);
    expectNear(name, statisticOf, 1e-4 * largest);
  }
  expectNear('the loss', ({ loss }) => [loss], 1e-4 * Math.max(exact.loss, 1));
}

const EDGES: Readonly<Record<string, readonly number[]>> = { relu: [0], relu6: [0, 6], clamp: [-0.75, 1.5] };

/**
 * Whether rounding may decide if an activation lets a gradient pass, which no bound can cover: the gradient of an activation jumps there. Numbers that lie
 * exactly on an edge do so in every arithmetic (activations of activations, and what is all zero).
 */
function nearEdge(problem: Problem): boolean {
  const exact = pass(problem, Float64Array.from(problem.pictures)).tensors;
  const rounded = pass(problem, problem.pictures).tensors;
  return problem.network.nodes.some(({ kind, inputs }) => {
    if (!(kind in EDGES)) return false;
    const x = Array.from(exact.get(inputs[0])!.data);
    const other = rounded.get(inputs[0])!.data;
    const noise = x.reduce((largest, value, i) => Math.max(largest, Math.abs(value - other[i])), 0);
    return x.some((value) => EDGES[kind].some((edge) => value !== edge && Math.abs(value - edge) <= 8 * noise));
  });
}

/** With the first of many pictures that keep clear of the activations' edges; undefined if none do. */
export function problemOf(network: Network, batch: number, seed: number): Problem | undefined {
  const trained = withoutSoftmax(network);
  const [{ shape }] = trained.inputs;
  const targetsOf = (classes: number) =>
    Float32Array.from(
      { length: batch * classes },
      (_, i) => (i % classes === Math.trunc(i / classes) % classes ? 0.9 : 0) + 0.1 / classes,
    );
  const problem = (attempt: number): Problem => {
    const pictures = randomTensor(shape.with(0, batch), seed + attempt).data as Float32Array;
    const classes = pass({ network, batch } as Problem, pictures).tensors.get(trained.outputs[0])!.shape[1];
    return { network, batch, pictures, targets: targetsOf(classes) };
  };
  for (let attempt = 0; attempt < 50; attempt++) {
    const candidate = problem(attempt);
    if (!nearEdge(candidate)) return candidate;
  }
  return undefined;
}

/** Throws an Error that names the target, the weight, how far its gradient is off and how far it may be. */
export async function agree(problem: Problem): Promise<void> {
  const { network, batch } = problem;
  const exact = run(referenceTraining(network, batch), problem);
  const results: Result[] = [];
  for (const target of TARGETS) {
    const program = await compileTraining(network, batch, { target });
    const found = run(program, problem);
    if (!isDeepStrictEqual(run(program, problem), found)) throw new Error(`${target}: not the same a second time`);
    expectAgreement(problem, exact, found, target);
    results.push(found);
  }
  if (!isDeepStrictEqual(results[0], results[1])) throw new Error('scalar and SIMD differ');
}
