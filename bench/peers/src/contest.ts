/** One network, all contestants: everyone's output is compared with the engine's, then those who agree take turns. */
import type { Contestant } from './contestants/contestant.js';
import type { Limit } from './limit.js';
import { makeRow, type Row, type RowName } from './rows.js';
import { median, quantile } from './statistics.js';
import { type Clock, type Entrant, type Pair, takeTurns } from './turns.js';

/** Largest difference that float32 sums in another order may make, as a part of the largest output. */
const TOLERANCE = 1e-4;

/** Milliseconds. */
export interface Times {
  readonly median: number;
  /** One turn in ten was faster. */
  readonly bestTenth: number;
  readonly turns: number;
}

export interface PeerResult {
  readonly name: string;
  readonly kind: Contestant['kind'];
  /** Largest difference to the engine's output, as a part of the largest output. */
  readonly difference?: number;
  /** Why it was not timed. */
  readonly problem?: string;
  readonly times?: Times;
  /** The engine's time as a part of the peer's, by pairs of turns. */
  readonly ratio?: { readonly median: number; readonly quartiles: readonly [number, number] };
}

export interface RowResult {
  readonly row: RowName;
  readonly multiplyAdds: number;
  readonly engine: Times;
  readonly peers: readonly PeerResult[];
  /** GFLOP/s of the machine, and the engine's part of it. */
  readonly limit: { readonly median: number; readonly bestTenth: number; readonly share: number };
}

export interface ContestOptions {
  /** For the turns of one network; warming up and slow contestants come on top. */
  readonly seconds: number;
  readonly clock: Clock;
}

export async function contest(
  name: RowName,
  engine: Contestant,
  peers: readonly Contestant[],
  limit: Limit,
  { seconds, clock }: ContestOptions,
  log: (line: string) => void,
): Promise<RowResult> {
  const row = makeRow(name);
  const own: Entrant = { name: engine.name, loaded: await engine.load(row.network), checkMs: 0 };
  const expected = Float32Array.from(await own.loaded.run(row.picture));
  log(`${name}: ${engine.name} is ready, its largest probability ${Math.max(...expected).toPrecision(2)}`);

  const results: PeerResult[] = [];
  const entrants: Entrant[] = [];
  for (const peer of peers) {
    const { result, entrant } = await check(peer, row, expected);
    results.push(result);
    if (entrant) entrants.push(entrant);
    log(`${name}: ${peer.name}: ${result.problem ?? `agrees within ${result.difference!.toExponential(1)}`}`);
  }
  const { pairs, limits } = await takeTurns(own, entrants, limit, row.picture, seconds, clock);
  for (const { loaded } of [own, ...entrants]) await loaded.dispose();

  const speeds = limits.map(({ gflops }) => gflops);
  return {
    row: name,
    multiplyAdds: row.multiplyAdds,
    engine: timesOf([...pairs.values(), limits].flat().map((turn) => turn.own)),
    peers: results.map((result) => withTimes(result, pairs.get(result.name))),
    limit: {
      median: median(speeds),
      bestTenth: quantile(speeds, 0.9),
      share: median(limits.map(({ own, gflops }) => (2 * row.multiplyAdds) / own / 1e6 / gflops)),
    },
  };
}

async function check(
  peer: Contestant,
  { network, picture }: Row,
  expected: Float32Array,
): Promise<{ result: PeerResult; entrant?: Entrant }> {
  const { name, kind } = peer;
  try {
    const loaded = await peer.load(network);
    await loaded.prepare?.();
    const difference = largestDifference(await loaded.run(picture), expected);
    const begin = performance.now();
    await loaded.run(picture);
    const checkMs = performance.now() - begin;
    if (difference <= TOLERANCE) return { result: { name, kind, difference }, entrant: { name, loaded, checkMs } };
    await loaded.dispose();
    return { result: { name, kind, difference, problem: `disagrees by ${difference.toExponential(1)}` } };
  } catch (error) {
    return { result: { name, kind, problem: `does not run: ${error instanceof Error ? error.message : error}` } };
  }
}

/** As a part of the largest expected number; NaN where a number is missing or is none. */
function largestDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.NaN;
  const differences = expected.map((value, i) => Math.abs(value - found[i]));
  return Math.max(...differences) / Math.max(...expected.map(Math.abs));
}

const timesOf = (turns: readonly number[]): Times => ({
  median: median(turns),
  bestTenth: quantile(turns, 0.1),
  turns: turns.length,
});

function withTimes(result: PeerResult, pairs: readonly Pair[] | undefined): PeerResult {
  if (pairs === undefined) return result;
  const ratios = pairs.map(({ own, peer }) => own / peer);
  return {
    ...result,
    times: timesOf(pairs.map(({ peer }) => peer)),
    ratio: { median: median(ratios), quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)] },
  };
}

type TimedPeer = PeerResult & Required<Pick<PeerResult, 'ratio' | 'times'>>;

/** The peers that competed in WASM, the fastest first. */
export function wasmPeers({ peers }: RowResult): TimedPeer[] {
  return peers
    .filter((peer): peer is TimedPeer => peer.kind === 'wasm' && peer.ratio !== undefined)
    .sort((a, b) => b.ratio.median - a.ratio.median);
}
