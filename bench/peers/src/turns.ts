/** Who runs when. Each peer's turn lies next to one of the engine's, so that both meet the same state of a noisy machine. */
import type { Loaded } from './contestants/contestant.js';
import type { Limit } from './limit.js';

/** A turn is one untimed run, then as many as fit into this time. */
const TURN_MS = 20;

/** Whoever takes longer for one run gets few turns of one run each, after the others. */
const SLOW_MS = 500;
const SLOW_TURNS = 3;

const WARM_UP_MS = 600;
const WARM_UP_RUNS = 8;

const FEWEST_ROUNDS = 3;

/** Milliseconds: of the wall, or of the processor where other programs take it away. */
export type Clock = () => number;

export interface Entrant {
  readonly name: string;
  readonly loaded: Loaded;
  /** Milliseconds of an early run. */
  readonly checkMs: number;
}

/** Milliseconds of one run, of two turns that followed each other. */
export interface Pair {
  readonly own: number;
  readonly peer: number;
}

export interface Turns {
  /** By the peers' names. */
  readonly pairs: ReadonlyMap<string, readonly Pair[]>;
  /** The engine's turns with the machine's limit around them. */
  readonly limits: readonly { readonly own: number; readonly gflops: number }[];
}

export async function takeTurns(
  own: Entrant,
  peers: readonly Entrant[],
  limit: Limit,
  picture: Float32Array,
  seconds: number,
  clock: Clock,
): Promise<Turns> {
  const pairs = new Map<string, Pair[]>(peers.map(({ name }) => [name, []]));
  const limits: { own: number; gflops: number }[] = [];
  const quick = peers.filter(({ checkMs }) => checkMs <= SLOW_MS);
  const slow = peers.filter((entrant) => !quick.includes(entrant));

  for (const entrant of [own, ...quick]) await warmUp(entrant, picture);
  const begin = performance.now();
  for (let round = 0; round < FEWEST_ROUNDS || performance.now() - begin < seconds * 1000; round++) {
    const before = limit.measure(clock);
    const ownMs = await turn(own, picture, clock);
    limits.push({ own: ownMs, gflops: (before + limit.measure(clock)) / 2 });
    for (const entrant of quick) await takePair(entrant, round % 2 === 0);
  }
  for (const entrant of slow) {
    for (let i = 0; i < SLOW_TURNS; i++) await takePair(entrant, i % 2 === 0);
  }
  return { pairs, limits };

  async function takePair(entrant: Entrant, ownFirst: boolean): Promise<void> {
    const before = ownFirst ? await turn(own, picture, clock) : undefined;
    const peer = await turn(entrant, picture, clock);
    pairs.get(entrant.name)!.push({ own: before ?? (await turn(own, picture, clock)), peer });
  }
}

async function warmUp({ loaded }: Entrant, picture: Float32Array): Promise<void> {
  await loaded.prepare?.();
  const begin = performance.now();
  for (let runs = 0; runs < WARM_UP_RUNS || performance.now() - begin < WARM_UP_MS; runs++) await loaded.run(picture);
}

/** Milliseconds a run. */
async function turn({ loaded, checkMs }: Entrant, picture: Float32Array, clock: Clock): Promise<number> {
  await loaded.prepare?.();
  if (checkMs <= SLOW_MS) await loaded.run(picture);
  const begin = clock();
  let runs = 0;
  let elapsed: number;
  do {
    const result = loaded.run(picture);
    if (result instanceof Promise) await result;
    runs++;
    elapsed = clock() - begin;
  } while (elapsed < TURN_MS);
  return elapsed / runs;
}
