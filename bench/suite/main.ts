/**
 * The golden suites by other runtimes, each through its own file format: every problem is written in it, run, and judged by the derived
 * bounds. Prints what each runtime gets wrong, does not decide, does not run or is not written for: a line for each kind of layer and reason.
 *
 *   npm --prefix bench/suite ci && npm --prefix bench/suite start -- --with litert,tfjs --count 20000 --seed 7
 *   npm --prefix bench/suite start -- --with litert --integers int8
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { blame } from '../../src/cli/compare-table.js';
import { writeTflite } from '../../src/formats/tflite.js';
import { check, layerSuite, makeGolden, mobilenetSuite, type Problem, type ShapeSet } from '../../src/oracle/index.js';
import {
  type IntegerType,
  isQuantizedProblem,
  type QuantizedProblem,
  quantizedProblems,
} from '../../src/oracle/integers/quantized-problems.js';
import { openInPeer, Packages, type PeerName, peerNames } from '../../src/oracle/peers/index.js';
import { openLitertIntegers } from '../../src/oracle/peers/litert.js';

const packages = new Packages(new URL('../../../../bench/suite/', import.meta.url).pathname);

const { values } = parseArgs({
  options: {
    with: { type: 'string', default: peerNames.join() },
    seed: { type: 'string', default: '1' },
    count: { type: 'string' },
    shapes: { type: 'string', default: 'odd,vector' },
    integers: { type: 'string' },
  },
});
const seed = Number(values.seed);
if (values.integers !== undefined && values.with !== 'litert') throw new Error('--integers goes with --with litert');

/** So many random layers, or the suites of layers and of whole networks. */
function* problems(): Generator<Problem> {
  if (values.count !== undefined) return yield* layerSuite(seed, { count: Number(values.count) });
  yield* layerSuite(seed, { shapes: values.shapes.split(',') as ShapeSet[] });
  yield* mobilenetSuite(seed);
}

interface Outcome {
  readonly verdict: string;
  /** Why it is not within rounding. */
  readonly reason?: string;
}

/** By LiteRT.js, which alone of them computes with integers: the network that its file holds, and the inputs in integers. */
async function outcomeOfIntegers({ network, inputs }: QuantizedProblem): Promise<Outcome> {
  let model: Awaited<ReturnType<typeof openLitertIntegers>>;
  try {
    const bytes = await writeTflite(network);
    model = await openLitertIntegers(async () => bytes, 'problem.tflite', { packages });
  } catch (error) {
    return { verdict: 'not written', reason: (error as Error).message };
  }
  if (model === undefined) return { verdict: 'not written', reason: 'the file holds real numbers' };
  try {
    const golden = makeGolden(model.network, inputs, { source: { kind: 'noise', detail: 'normal' } });
    const theirs = [...(await model.run(inputs))].map(([name, data]) => {
      return [name, { shape: golden.outputs.get(name)!.shape, data: Float64Array.from(data as Int8Array) }] as const;
    });
    const { first, verdict } = check(golden, new Map(theirs));
    return { verdict, ...(first && { reason: blame(first) }) };
  } catch (error) {
    return { verdict: 'does not run', reason: (error as Error).message };
  }
}

async function outcomeOf(problem: Problem | QuantizedProblem, name: PeerName): Promise<Outcome> {
  if (isQuantizedProblem(problem)) return outcomeOfIntegers(problem);
  let model: Awaited<ReturnType<typeof openInPeer>>;
  try {
    model = await openInPeer(name, problem.network, { packages });
  } catch (error) {
    return { verdict: 'not written', reason: (error as Error).message };
  }
  try {
    const report = check(problem, (await model.run(problem.inputs)).tensors);
    const wrong = report.first ?? report.undecided;
    if (report.layers.length === 0) return { verdict: 'not shown', reason: 'the runtime shows none of its tensors' };
    return { verdict: report.verdict, ...(wrong && { reason: blame(wrong) }) };
  } catch (error) {
    return { verdict: 'does not run', reason: (error as Error).message };
  }
}

/** The same reason for other sizes and numbers. */
const keyOf = (reason: string): string => reason.replaceAll(/-?\d[\d.,e-]*/g, '#');

async function table(name: PeerName): Promise<void> {
  const counts = new Map<string, number>();
  const reasons = new Map<string, { count: number; readonly first: string }>();
  const integers = values.integers as IntegerType | undefined;
  for (const problem of integers ? quantizedProblems(problems(), integers) : problems()) {
    const { verdict, reason } = await outcomeOf(problem, name);
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    if (reason === undefined) continue;
    const key = `${verdict}, ${problem.network.nodes[0].kind}: ${keyOf(reason)}`;
    const known = reasons.get(key) ?? { count: 0, first: `${problem.name} ${verdict}: ${reason}` };
    known.count++;
    reasons.set(key, known);
  }
  console.log(`\n${name}: ${[...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ')}`);
  for (const { count, first } of reasons.values()) console.log(`  ${count} × like ${first}`);
}

const names = values.with.split(',') as PeerName[];
if (names.length === 1) await table(names[0]);
// Each in a process of its own: the two packages of onnxruntime share a register of backends, and the first one would serve both.
else {
  const { with: _, ...others } = values;
  const options = Object.entries(others).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option}`, value],
  );
  for (const name of names) {
    execFileSync(process.execPath, [process.argv[1], '--with', name, ...options], { stdio: 'inherit' });
  }
}
