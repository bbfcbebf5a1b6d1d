/** Shards: the equal parts of a batch, computed on this thread and by workers, with the same result wherever each is computed. */
import { compile } from '../../engine/index.js';
import { atResolution, type Network } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import { seedOf } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import { Batches } from '../data/batches.js';
import type { DataSplits } from '../data/dataset.js';
import type { TrainingProgram } from '../program.js';
import { createProgram, executionOptions } from '../programs.js';
import type { Grids } from '../step/fake-quantization.js';
import { withParameters } from '../step/parameters.js';
import { type Counts, countAnswers, type Evaluation, evaluationOf } from './evaluate.js';
import { type Recipe, sideAt } from './recipe.js';

/** What every member needs to know; where there are several, the arrays are on SharedArrayBuffers. */
export interface Job {
  /** Its weights do not matter. */
  readonly network: Network;
  readonly data: DataSplits;
  readonly recipe: Recipe;
  /** Of a quantisation-aware training. */
  readonly grids?: Grids;
  /** Read by all shards while a step runs, changed between steps. */
  readonly values: Float32Array;
  /** One for each shard, which writes it. */
  readonly gradients: readonly Float32Array[];
  readonly statistics: readonly Float32Array[];
  /** What is tested. */
  readonly average: { readonly values: Float32Array; readonly statistics: Float32Array };
}

export interface Position {
  readonly epoch: number;
  /** Within the epoch, from 0. */
  readonly step: number;
}

export interface ShardResult {
  /** Mean over the shard's pictures. */
  readonly loss: number;
  readonly correct: number;
}

/** A stream of random numbers beside those of `batches.ts`. */
const DROPOUT = 4;

/** Computes shards one after another: pictures prepared, forward, backward. */
export class ShardRunner {
  readonly #job: Job;
  readonly #batches: Batches;
  readonly #targets: Float32Array;
  #pictures = new Float32Array(0);
  #size: Pair = [0, 0];
  #program: TrainingProgram | undefined;

  constructor(job: Job) {
    const { network, data, recipe } = job;
    this.#job = job;
    this.#batches = new Batches(data.train, network.conventions.preprocessing!, recipe);
    this.#targets = new Float32Array((recipe.batch / recipe.shards) * data.train.classes.length);
  }

  async run({ epoch, step }: Position, shards: readonly number[]): Promise<ShardResult[]> {
    const { recipe, values, gradients, statistics } = this.#job;
    const program = await this.#programAt(epoch);
    return shards.map((shard) => {
      const first = step * recipe.batch + shard * program.batch;
      this.#batches.fill(epoch, first, this.#size, this.#pictures, this.#targets);
      const seed = seedOf(recipe.seed, DROPOUT, epoch, step, shard);
      return program.step(values, this.#pictures, this.#targets, gradients[shard], statistics[shard], seed);
    });
  }

  /** One program is kept: the size of the pictures changes seldom. */
  async #programAt(epoch: number): Promise<TrainingProgram> {
    const { network, recipe } = this.#job;
    const [, height, width, channels] = network.inputs[0].shape;
    const side = sideAt(recipe, epoch);
    const size: Pair = side === undefined ? [height, width] : [side, side];
    if (this.#program && size[0] === this.#size[0] && size[1] === this.#size[1]) return this.#program;
    const batch = recipe.batch / recipe.shards;
    this.#program = await createProgram(recipe.target, atResolution(network, size), batch, this.#job.grids);
    this.#size = size;
    this.#pictures = new Float32Array(batch * size[0] * size[1] * channels);
    return this.#program;
  }
}

/** Answers of the averaged weights to some of the test pictures, by the layers in TypeScript if those train. */
export async function countTest(
  { network, data, average, recipe }: Job,
  { first, count }: TestRange,
  onBatch?: (done: number, all: number) => void,
): Promise<Counts> {
  const tested = withParameters(network, average.values, average.statistics);
  const plan = await compile(tested, executionOptions(recipe.target));
  try {
    const options = { run: (_: Network, input: Tensor) => plan.run(input), ...(onBatch && { onBatch }) };
    return await countAnswers(tested, data.test, first, count, options);
  } finally {
    plan.dispose();
  }
}

export interface TestRange {
  readonly first: number;
  readonly count: number;
}

/** From the team to a member, which answers with its ShardResults or Counts. */
export type Request =
  | { readonly position: Position; readonly shards: readonly number[] }
  | { readonly test: TestRange };

/** One of a team that computes beside this thread, at the same time: a worker thread. */
export interface Member {
  readonly ask: <Answer>(request: Request) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

/** Starts so many of them. */
export type StartMembers = (job: Job, count: number) => Promise<readonly Member[]>;

/** This thread and the members beside it. */
export class Team {
  readonly #job: Job;
  readonly #runner: ShardRunner;
  readonly #members: readonly Member[];
  /** Shards of each member; this thread's come first. */
  readonly #shares: readonly (readonly number[])[];

  private constructor(job: Job, members: readonly Member[]) {
    const size = members.length + 1;
    const shards = Array.from({ length: job.recipe.shards }, (_, shard) => shard);
    this.#job = job;
    this.#runner = new ShardRunner(job);
    this.#members = members;
    this.#shares = Array.from({ length: size }, (_, member) => shards.filter((shard) => shard % size === member));
  }

  /** `size` counts this thread. More than there are shards would have nothing to do. */
  static async create(job: Job, size: number, startMembers: StartMembers): Promise<Team> {
    const count = Math.min(size, job.recipe.shards) - 1;
    return new Team(job, count > 0 ? await startMembers(job, count) : []);
  }

  /** Computes a step's shards: their gradients and statistics are in the job's arrays then. One message each way a step and member. */
  async step(position: Position): Promise<ShardResult[]> {
    const others = this.#ask<ShardResult[]>((member) => ({ position, shards: this.#shares[member] }));
    const found = await Promise.all([this.#runner.run(position, this.#shares[0]), ...others]);
    const size = this.#shares.length;
    // They are dealt in turn.
    return Array.from({ length: this.#job.recipe.shards }, (_, shard) => found[shard % size][Math.floor(shard / size)]);
  }

  /** Tests the averaged weights, each member an equal part of the pictures. */
  async test(onBatch?: (done: number, all: number) => void): Promise<Evaluation> {
    const { test } = this.#job.data;
    const all = test.labels.length;
    const members = this.#shares.length;
    const rangeOf = (member: number): TestRange => {
      const first = Math.floor((member * all) / members);
      return { first, count: Math.floor(((member + 1) * all) / members) - first };
    };
    const others = this.#ask<Counts>((member) => ({ test: rangeOf(member) }));
    const range = rangeOf(0);
    const own = countTest(this.#job, range, (done) => onBatch?.(Math.round((done / range.count) * all), all));
    return evaluationOf(test, await Promise.all([own, ...others]));
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.close()));
  }

  /** Asks every member, at once: they compute while this thread does. Members count from 1 here. */
  #ask<Answer>(requestOf: (member: number) => Request): Promise<Answer>[] {
    return this.#members.map((member, index) => member.ask<Answer>(requestOf(index + 1)));
  }
}
