/** Shards: the equal parts of a batch, computed on this thread and by workers, with the same result wherever each is computed. */
import type { Worker } from 'node:worker_threads';
import { UsageError } from '../errors.js';
import { atResolution, type Network } from '../network/index.js';
import type { Pair } from '../padding.js';
import { seedOf } from '../random.js';
import { Batches } from './batches.js';
import type { Dataset } from './dataset.js';
import type { TrainingProgram } from './program.js';
import { createProgram } from './programs.js';
import { type Recipe, sideAt } from './recipe.js';

/** What every worker needs to know; the arrays are on SharedArrayBuffers. */
export interface Job {
  /** Its weights do not matter. */
  readonly network: Network;
  readonly data: Dataset;
  readonly recipe: Recipe;
  /** Read by all shards while a step runs, changed between steps. */
  readonly values: Float32Array;
  /** One for each shard, which writes it. */
  readonly gradients: readonly Float32Array[];
  readonly statistics: readonly Float32Array[];
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
    const { preprocessing } = network.conventions;
    if (preprocessing === undefined)
      throw new UsageError(`${network.name}: nothing states how its pictures are prepared`);
    this.#job = job;
    this.#batches = new Batches(data, preprocessing, recipe);
    this.#targets = new Float32Array((recipe.batch / recipe.shards) * data.classes.length);
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
    const [, height, width] = network.inputs[0].shape;
    const side = sideAt(recipe, epoch);
    const size: Pair = side === undefined ? [height, width] : [side, side];
    if (this.#program && size[0] === this.#size[0] && size[1] === this.#size[1]) return this.#program;
    const batch = recipe.batch / recipe.shards;
    this.#program = await createProgram(recipe.engine, atResolution(network, size), batch);
    this.#size = size;
    this.#pictures = new Float32Array(batch * size[0] * size[1] * 3);
    return this.#program;
  }
}

/** This thread and the workers beside it. */
export class Team {
  readonly #runner: ShardRunner;
  readonly #workers: readonly Worker[];
  /** Shards of each member; this thread's come first. */
  readonly #shares: readonly (readonly number[])[];

  private constructor(job: Job, workers: readonly Worker[]) {
    const members = workers.length + 1;
    const shards = Array.from({ length: job.recipe.shards }, (_, shard) => shard);
    this.#runner = new ShardRunner(job);
    this.#workers = workers;
    this.#shares = Array.from({ length: members }, (_, member) => shards.filter((shard) => shard % members === member));
  }

  /** `members` counts this thread. More than there are shards would have nothing to do. */
  static async create(job: Job, members: number): Promise<Team> {
    const count = Math.min(members, job.recipe.shards) - 1;
    if (count === 0) return new Team(job, []);
    const { Worker } = await import('node:worker_threads');
    // The same path from src, from dist/training and from dist/chunks; in src there is no such file, and no worker.
    const file = new URL('../training/worker.js', import.meta.url);
    return new Team(
      job,
      Array.from({ length: count }, () => new Worker(file, { workerData: job })),
    );
  }

  /** Computes a step's shards: their gradients and statistics are in the job's arrays then. One message each way a step and worker. */
  async run(position: Position): Promise<ShardResult[]> {
    const { EventEmitter } = await import('node:events');
    const others = this.#workers.map(async (worker, index) => {
      worker.postMessage({ position, shards: this.#shares[index + 1] } satisfies Request);
      const [results] = await EventEmitter.once(worker, 'message'); // rejects with the worker's error
      return results as ShardResult[];
    });
    const own = this.#runner.run(position, this.#shares[0]);
    const found = await Promise.all([own, ...others]);
    const byShard = new Array<ShardResult>(this.#shares.flat().length);
    for (const [member, shards] of this.#shares.entries()) {
      for (const [at, shard] of shards.entries()) byShard[shard] = found[member][at];
    }
    return byShard;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** From the team to a worker, which answers with its ShardResults. */
export interface Request {
  readonly position: Position;
  readonly shards: readonly number[];
}
