/** One damaged file: the readers answer with what they read or a DepthwiseError, soon, and make no more of it than its size allows. */
import { DepthwiseError } from '../../../src/errors.js';
import { damaged, damagedJson, seededRandom } from './damage.js';
import { realSpecimens, type Specimen, specimens } from './specimens.js';

export interface Cost {
  /** Processor time, which does not depend on who else uses the machine. */
  readonly ms: number;
  /** Bytes of all array buffers that were made, whether they were needed to the end or only for a moment. */
  readonly buffers: number;
  /** Bytes of all objects and texts that were made; likewise. */
  readonly heap: number;
}

export interface Outcome extends Cost {
  readonly specimen: string;
  /** Of the damaged file. */
  readonly size: number;
  /** How many of the readers accepted it. */
  readonly accepted: number;
  readonly readers: number;
  /** What went wrong; undefined for a file that was read or refused as it should be. */
  readonly fault?: string;
}

export const LONGEST_MS = 1000;

/**
 * Most bytes that are allocated for one of the file: this many, and what a small network takes in any case. The heap's are counted with the
 * garbage among them: `"k1":1,` is seven bytes of JSON and some seventy of an object, and an object that is read inside eight nested models,
 * the most there may be, is copied at each.
 */
export const GROWTH = { buffers: 20, heap: 160 };
const ANY_CASE = { buffers: 2 ** 20, heap: 2 ** 22 };

/** One trial in so many damages a real file, if there are any. */
const REAL_EVERY = 100;

export class Trials {
  readonly #small: readonly Specimen[];
  readonly #real: readonly Specimen[];

  static async load(): Promise<Trials> {
    return new Trials(await specimens(), realSpecimens());
  }

  private constructor(small: readonly Specimen[], real: readonly Specimen[]) {
    this.#small = small;
    this.#real = real;
  }

  /** The specimen of a trial, and its damaged file: the same for the same seed and number. */
  async damagedFile(seed: number, trial: number): Promise<{ specimen: Specimen; bytes: Uint8Array }> {
    const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(trial + 1, 0x85ebca6b));
    const donor = random.pick(this.#small).bytes;
    if (this.#real.length > 0 && trial % REAL_EVERY === REAL_EVERY - 1) {
      const specimen = random.pick(this.#real);
      return { specimen, bytes: damaged(specimen.bytes, donor, random) };
    }
    const specimen = this.#small[trial % this.#small.length];
    const { json } = specimen;
    if (json === undefined || random.below(4) === 0) return { specimen, bytes: damaged(specimen.bytes, donor, random) };
    const bytes = await json.put(damagedJson(json.text, random));
    return { specimen, bytes: random.below(4) === 0 ? damaged(bytes, donor, random) : bytes };
  }

  async run(seed: number, trial: number): Promise<Outcome> {
    const { specimen, bytes } = await this.damagedFile(seed, trial);
    const outcome = { specimen: specimen.name, size: bytes.length, readers: specimen.readers.length };
    let worst: Cost = { ms: 0, buffers: 0, heap: 0 };
    let accepted = 0;
    for (const read of specimen.readers) {
      const { cost, error } = await confirmed(() => read(bytes), bytes.length);
      worst = {
        ms: Math.max(worst.ms, cost.ms),
        buffers: Math.max(worst.buffers, cost.buffers),
        heap: Math.max(worst.heap, cost.heap),
      };
      if (error === undefined) accepted++;
      const fault = faultOf(error, cost, bytes.length);
      if (fault) return { ...outcome, ...cost, accepted, fault };
    }
    return { ...outcome, ...worst, accepted };
  }
}

function faultOf(error: unknown, cost: Cost, size: number): string | undefined {
  if (error !== undefined && !(error instanceof DepthwiseError && /\S/.test(error.message))) {
    return `wanted a DepthwiseError, found ${error instanceof Error ? error.stack : String(error)}`;
  }
  for (const name in {}) return `every object has a '${name}' now`;
  if (cost.ms > LONGEST_MS) return `took ${Math.round(cost.ms)} ms`;
  for (const kind of ['buffers', 'heap'] as const) {
    if (cost[kind] > GROWTH[kind] * size + ANY_CASE[kind])
      return `${kind} of ${cost[kind]} bytes for a file of ${size}`;
  }
  return undefined;
}

/** Measurements of a file that went over a bound. */
const REPEATS = 5;

/**
 * As `measured`. A file that went over a bound is measured again and the least counts: what is loaded at first use, and what V8 allocates
 * for itself while it compiles a busy function, is not the file's cost, and falls into some measurements only.
 */
async function confirmed(read: () => unknown, size: number): Promise<{ cost: Cost; error: unknown }> {
  let least = await measured(read);
  const isFine = least.error instanceof DepthwiseError || least.error === undefined;
  for (let i = 1; isFine && i < REPEATS && faultOf(least.error, least.cost, size) !== undefined; i++) {
    const { cost } = await measured(read);
    least = {
      ...least,
      cost: {
        ms: Math.min(least.cost.ms, cost.ms),
        buffers: Math.min(least.cost.buffers, cost.buffers),
        heap: Math.min(least.cost.heap, cost.heap),
      },
    };
  }
  return least;
}

/** Most attempts to measure what is allocated. */
const ATTEMPTS = 5;

/**
 * Runs the reader; again where the garbage collector came in between and hid what had been allocated. (Without it the heap only grows, so
 * that its growth is all that was allocated.)
 */
async function measured(read: () => unknown): Promise<{ cost: Cost; error: unknown }> {
  for (let attempt = 1; ; attempt++) {
    const begin = process.cpuUsage();
    const before = process.memoryUsage();
    let error: unknown;
    try {
      await read();
    } catch (thrown) {
      error = thrown ?? 'nothing';
    }
    const after = process.memoryUsage();
    const { user, system } = process.cpuUsage(begin);
    const collected = after.heapUsed < before.heapUsed || after.arrayBuffers < before.arrayBuffers;
    if (collected && attempt < ATTEMPTS) continue;
    const buffers = after.arrayBuffers - before.arrayBuffers;
    return { cost: { ms: (user + system) / 1000, buffers, heap: after.heapUsed - before.heapUsed }, error };
  }
}
