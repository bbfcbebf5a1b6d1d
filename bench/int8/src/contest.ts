/** One network: outputs are compared, then the integer kernels take turns with LiteRT.js, and with our own engine on the same network in real numbers. */
import { loadAndCompile, Tensor } from '@litertjs/core';
import { compile } from '../../../src/engine/engine.js';
import { compileQuantized } from '../../../src/engine/int8/engine.js';
import { readNetwork, readQuantizedNetwork } from '../../../src/formats/index.js';
import type { QuantizedNetwork } from '../../../src/network/quantized-network.js';
import { uniformRandom } from '../../../src/random.js';
import { type QuantizedType, sizeOf } from '../../../src/tensor.js';
import { geometricMean, median, quantile } from '../../peers/src/statistics.js';
import type { Row } from './rows.js';

export type Simd = 'scalar' | 'simd' | 'relaxed';

/** A turn is one untimed run, then as many as fit into this time. */
const TURN_MS = 20;
const WARM_UP_RUNS = 20;

/** Milliseconds, of the wall or of the processor. */
export type Clock = () => number;

type Run = () => unknown;

export interface RowResult {
  readonly name: string;
  /** Numbers of the output that differ from LiteRT.js's, of all, and by how much at most. */
  readonly differing: readonly [count: number, of: number, most: number];
  /** Milliseconds: median and best tenth. */
  readonly int8: Times;
  readonly litert: Times;
  readonly float: Times;
  /** Medians over pairs of turns, with quartiles. */
  readonly toLitert: Ratio;
  readonly toFloat: Ratio;
  /** Bytes of weights and activations, in integers and in real numbers. */
  readonly memory: readonly { readonly weightBytes: number; readonly activationBytes: number }[];
}

type Times = readonly [median: number, bestTenth: number];
type Ratio = readonly [median: number, lower: number, upper: number];

export async function contest({ name, file }: Row, target: Simd, seconds: number, clock: Clock): Promise<RowResult> {
  const network = await readQuantizedNetwork(file);
  const plan = await compileQuantized(network, { target });
  const real = await compile(await readNetwork(file), { target });
  const model = await loadAndCompile(file, { accelerator: 'wasm' });
  const [{ shape }] = network.inputs;
  const picture = drawnPicture(network);

  const litert = async () => {
    const input = new Tensor(picture, [...shape]);
    const [output] = await model.run([input]);
    const result = output.toTypedArray();
    input.delete();
    output.delete();
    return result;
  };
  const int8 = () => [...plan.run(picture).values()][0].data;
  const type = network.inputs[0].type as QuantizedType;
  const realPicture = Float32Array.from(picture, (q) => type.scale * (q - type.zeroPoint));
  const float = () => real.run({ shape, data: realPicture });

  const differences = Array.from(await litert(), (q, i) => Math.abs(Number(q) - int8()[i]));
  const differing = [
    differences.filter((difference) => difference > 0).length,
    differences.length,
    Math.max(...differences),
  ] as const;
  const { own, peers } = await takeTurns(int8, [litert, float], seconds, clock);
  const memory = [plan.report().memory, real.report().memory!];
  for (const each of [plan, real]) each.dispose();
  model.delete();
  const ratio = (peer: readonly number[]): Ratio => {
    const ratios = peer.map((time, i) => own[i] / time);
    return [median(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75)];
  };
  return {
    name,
    differing,
    int8: timesOf(own),
    litert: timesOf(peers[0]),
    float: timesOf(peers[1]),
    toLitert: ratio(peers[0]),
    toFloat: ratio(peers[1]),
    memory,
  };
}

const timesOf = (turns: readonly number[]): Times => [median(turns), quantile(turns, 0.1)];

function drawnPicture({ inputs: [{ shape }] }: QuantizedNetwork): Uint8Array<ArrayBuffer> {
  const random = uniformRandom(224);
  return Uint8Array.from({ length: sizeOf(shape) }, () => Math.floor(random() * 256));
}

/** Milliseconds of a run, by turns: the peers' lie next to our own, now before it, now behind. */
async function takeTurns(own: Run, peers: readonly Run[], seconds: number, clock: Clock) {
  for (const run of [own, ...peers]) for (let i = 0; i < WARM_UP_RUNS; i++) await run();
  const times = { own: [] as number[], peers: peers.map(() => [] as number[]) };
  const begin = performance.now();
  for (let round = 0; round < 5 || performance.now() - begin < seconds * 1000; round++) {
    const before = round % 2 === 0;
    if (before) times.own.push(await turn(own, clock));
    for (const [i, peer] of peers.entries()) times.peers[i].push(await turn(peer, clock));
    if (!before) times.own.push(await turn(own, clock));
  }
  return times;
}

async function turn(run: Run, clock: Clock): Promise<number> {
  await run();
  const begin = clock();
  let runs = 0;
  let elapsed: number;
  do {
    const result = run();
    if (result instanceof Promise) await result;
    runs++;
    elapsed = clock() - begin;
  } while (elapsed < TURN_MS);
  return elapsed / runs;
}

/** The table as Markdown. */
export function markdown(title: string, rows: readonly RowResult[]): string {
  const ms = ([middle, best]: Times) => `${middle.toFixed(2)} / ${best.toFixed(2)}`;
  const part = ([middle, lower, upper]: Ratio) => `**${middle.toFixed(2)}** (${lower.toFixed(2)}-${upper.toFixed(2)})`;
  const mb = ({ weightBytes, activationBytes }: { weightBytes: number; activationBytes: number }) =>
    `${(weightBytes / 1e6).toFixed(2)} + ${(activationBytes / 1e6).toFixed(2)}`;
  const lines = rows.map(({ name, differing: [count, of, most], int8, litert, float, toLitert, toFloat, memory }) => [
    name,
    ms(int8),
    ms(litert),
    part(toLitert),
    ms(float),
    part(toFloat),
    count === 0 ? `0 of ${of}` : `${count} of ${of}, by ${most}`,
    memory.map(mb).join('; '),
  ]);
  const head = [
    'network',
    'int8',
    'LiteRT.js',
    'ratio',
    'our float',
    'ratio',
    'bytes that differ',
    'MB, weights + activations: int8; float',
  ];
  const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`);
  const mean = geometricMean(rows.map(({ toLitert }) => toLitert[0]));
  return [`## ${title}`, '', ...table, '', `Geometric mean of the ratios to LiteRT.js: **${mean.toFixed(2)}**`].join(
    '\n',
  );
}
