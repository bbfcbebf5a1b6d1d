/** Correct backends are never blamed: every order of summation, fused multiply-adds, folded batch norms, other number formats, the engine. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { foldBatchNorm, type Network, trace } from '../../src/network/index.js';
import { check } from '../../src/oracle/check.js';
import { makeGolden } from '../../src/oracle/golden.js';
import { type PrecisionName, precisionOf } from '../../src/oracle/precision.js';
import type { Mode, Report } from '../../src/oracle/report.js';
import { layerSuite, mobilenetSuite, type Problem } from '../../src/oracle/suites.js';
import { type Tensor, toFloat32, toFloat64 } from '../../src/tensor.js';
import { anyDraft, networkOf, randomInputs } from '../engine/networks.js';
import { nightly } from '../nightly.js';
import { type Arithmetic, float32, otherFormats, runBackend, sums, variation } from './backend.js';

const modes: readonly Mode[] = ['isolated', 'accumulated'];
const orders = Object.keys(sums) as (keyof typeof sums)[];
function complaints({ first, mode }: Report, problem: Problem, backend: string): string[] {
  if (first === undefined) return [];
  return [`${problem.name}, ${backend}, ${mode}: ${first.name} ${JSON.stringify(first.difference?.worst)}`];
}

/** Only what a backend with fused layers shows: nothing that the next layer takes into itself. */
function fused(network: Network, tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const kinds = new Map(network.nodes.map(({ name, kind }) => [name, kind]));
  const inside = network.nodes.flatMap(({ kind, inputs }) => (fusing.has(kind) ? inputs : []));
  const foldable = ['conv2d', 'depthwiseConv2d', 'pointwiseConv2d', 'dense', 'batchNorm', 'add'];
  return new Map([...tensors].filter(([name]) => !(inside.includes(name) && foldable.includes(kinds.get(name) ?? ''))));
}
const fusing = new Set(['batchNorm', 'relu', 'relu6', 'clamp']);

function judge(problem: Problem, arithmetic: Arithmetic, precision: PrecisionName): string[] {
  const { network, inputs } = problem;
  const unfused = runBackend(network, inputs, arithmetic);
  // The folded network is rounded once as its weights are stored.
  const folded = runBackend(foldBatchNorm(network), inputs, arithmetic);
  return modes.flatMap((mode) => [
    ...complaints(check(problem, unfused, { mode, precision: precisionOf(precision) }), problem, arithmetic.name),
    ...complaints(
      check(problem, fused(network, folded), { mode, precision: precisionOf(precision) }),
      problem,
      `${arithmetic.name} folded`,
    ),
  ]);
}

/** All problems for 3 seeds in the nightly run; otherwise a few layers and one network, others for every backend. */
function problems(turn: number): Problem[] {
  if (!nightly) {
    const layers = [...layerSuite(turn)].filter((_, i) => i % 23 === turn % 23);
    return [...layers, ...[...mobilenetSuite(turn)].filter((_, i) => i === turn % 12)];
  }
  return [0, 1, 2].flatMap((i) => [...layerSuite(100 * i + turn), ...mobilenetSuite(100 * i + turn)]);
}

test.each(orders)('float32, %s', (order) => {
  expect(problems(orders.indexOf(order)).flatMap((problem) => judge(problem, float32(order), 'float32'))).toEqual([]);
});

const formats = Object.keys(otherFormats) as PrecisionName[];

test.each(formats)('%s', (format) => {
  const found = problems(formats.indexOf(format)).flatMap((problem) => judge(problem, otherFormats[format], format));
  expect(found).toEqual([]);
});

test.each(['scalar', 'simd'] as const)("the engine's %s kernels", async (target) => {
  const found: string[] = [];
  for (const problem of problems(target.length)) {
    const plan = await compile(problem.network, { target, everyTensor: true });
    const tensors = await plan.run(problem.inputs);
    for (const mode of modes) found.push(...complaints(check(problem, tensors, { mode }), problem, target));
    plan.dispose();
  }
  expect(found).toEqual([]);
});

test('a float64 backend that shows float32', () => {
  const found = problems(3).flatMap((problem) => {
    const inputs = new Map([...problem.inputs].map(([name, x]) => [name, toFloat64(x)]));
    const shown = new Map([...trace(problem.network, inputs)].map(([name, x]) => [name, toFloat32(x)]));
    return modes.flatMap((mode) => complaints(check(problem, shown, { mode }), problem, 'float64'));
  });
  expect(found).toEqual([]);
});

const VARIATIONS = Number(process.env.VARIATIONS ?? (nightly ? 20_000 : 300));

test(`${VARIATIONS} random layers in orders, blocks and multiply-adds of their own: within every bound, and decided`, {
  timeout: 3_600_000,
}, () => {
  const found: string[] = [];
  for (let seed = 0; seed < VARIATIONS; seed++) {
    const [problem] = layerSuite(seed, { count: 1 });
    const { network, inputs } = problem;
    const backend = variation(seed);
    const theirs = runBackend(network, inputs, backend);
    const golden = makeGolden(network, inputs, { source: { kind: 'noise', detail: problem.noise } });
    const reports = [
      check(problem, theirs),
      check(golden, theirs, { mode: 'accumulated' }),
      check(golden, theirs, { mode: 'fed' }),
    ];
    for (const report of reports) {
      found.push(...complaints(report, problem, backend.name));
      if (report.undecided) found.push(`${problem.name}, ${backend.name}, ${report.mode}: not decided`);
    }
  }
  expect(found).toEqual([]);
});

const RUNS = nightly ? 4000 : 150;

test(`${RUNS} random networks, in every order of summation and by the engine`, { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyDraft, fc.constantFrom(...orders), async (draft, order) => {
      const network = networkOf(draft);
      const inputs = randomInputs(network, 1, draft.seed);
      const problem: Problem = { name: 'drafted', network, inputs, noise: 'normal', seed: draft.seed };
      const plan = await compile(network, { target: 'simd', everyTensor: true });
      const engine = plan.run(inputs);
      plan.dispose();
      const byEngine = modes.flatMap((mode) => complaints(check(problem, engine, { mode }), problem, 'simd'));
      expect([...judge(problem, float32(order), 'float32'), ...byEngine]).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
