/** `depthwise bench`: milliseconds of a network and of each of its layers, on the WASM engine. */
import { type Command, Option } from 'commander';
import { compile, type OperationTime, profile } from '../engine/index.js';
import { compileQuantized } from '../engine/int8/engine.js';
import type { Rounding } from '../layers/int8/fixed-point.js';
import { integers } from '../layers/int8/layer.js';
import { type Network, randomWeights, summarize } from '../network/index.js';
import { isQuantizedType, type QuantizedInput, shapesAlone } from '../network/quantized-network.js';
import { uniformRandom } from '../random.js';
import { type AnyTensor, type Shape, sizeOf, type Tensor, tensor } from '../tensor.js';
import { harmless } from './display.js';
import { addIntegerOptions, type IntegerFlags, integersFor } from './integers.js';
import { addNetworkOptions, type ModelFlags, NETWORK, networkNamedOrIn, theModel } from './model.js';
import { percent, print, printJson } from './output.js';
import { type Progress, withProgress } from './progress.js';
import { hanging, numbersBy, textTable } from './table.js';
import { positiveNumber } from './values.js';

interface Flags extends ModelFlags, IntegerFlags {
  readonly model?: string;
  readonly target: 'auto' | 'relaxed' | 'simd' | 'scalar';
  readonly seconds: number;
  readonly json?: true;
}

interface Timing {
  readonly median: number;
  /** One run in ten is faster than this. */
  readonly fast: number;
  /** One run in ten is slower than this. */
  readonly slow: number;
}

interface LayerTiming {
  readonly layers: readonly string[];
  readonly milliseconds: number;
  readonly multiplyAdds: number;
  /** Part of the sum over all layers, from 0 to 1. */
  readonly share: number;
}

export function configure(command: Command): void {
  command
    .argument('[model]', NETWORK)
    .description(
      'Time a network and each of its layers on the WASM engine, one thread, batch 1. A name gets random weights, which take the same time as real ones: nothing is fetched. Quantised models run as integers.',
    )
    .addOption(
      new Option('--target <name>', 'the kernels; auto is the fastest that work here')
        .choices(['auto', 'relaxed', 'simd', 'scalar'])
        .default('auto'),
    )
    .option('--seconds <number>', 'how long to measure', positiveNumber, 3);
  command.option('--model <file>', 'the same as the argument');
  addIntegerOptions(addNetworkOptions(command))
    .option(
      '--json',
      '{"network", "weights", "target", "rounding", "milliseconds": {"median", "fast", "slow"}, "multiplyAdds", "runs", "layers": […]}',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise bench mobilenet_v2_0.35_96
  depthwise bench mobilenet_v1_0.25_224.h5 --target simd --seconds 10 --json`,
    )
    .action(async (name: string | undefined, flags: Flags) => {
      const described = await networkNamedOrIn(theModel(name, flags.model), flags);
      const weights = described.weights.size > 0 ? 'of the file' : 'random';
      const network = weights === 'random' ? randomWeights(described, 1) : described;
      const subject = await subjectOf(network, flags);
      await withProgress('bench', async (progress) => {
        const whole = timeRuns(subject, flags.seconds / 2, progress);
        const layers = timeLayers(subject, flags.seconds / 2, progress);
        const { multiplyAdds } = summarize(network).totals;
        const { target, rounding } = subject;
        const result = { network: network.name, weights, target, rounding, ...whole, multiplyAdds, layers };
        if (flags.json) printJson(result);
        else print(asText(result));
      });
    });
}

/** What is timed. */
interface Subject {
  readonly target: string;
  readonly rounding?: Rounding;
  /** The nodes that it times, by the names that they have there. */
  readonly computed: Network;
  run(): unknown;
  times(): OperationTime[];
}

async function subjectOf(network: Network, flags: Flags): Promise<Subject> {
  const { rounding = 'single' } = flags;
  const target = flags.target === 'auto' ? {} : { target: flags.target };
  const random = uniformRandom(1);
  const quantized = integersFor(network, flags);
  if (quantized === undefined) {
    const plan = await compile(network, { target: ['relaxed', 'simd', 'scalar'], ...target });
    const inputs = new Map(network.inputs.map(({ name, shape }) => [name, noise(shape, random)]));
    const into = plan.run(inputs);
    return {
      target: plan.report().target,
      computed: network,
      run: () => plan.run(inputs, into),
      times: () => profile(plan, inputs),
    };
  }
  const plan = await compileQuantized(quantized, { ...target, rounding });
  const inputs = new Map(quantized.inputs.map((input) => [input.name, integerNoise(input, random)]));
  const into = plan.run(inputs);
  return {
    target: plan.report().target,
    rounding,
    computed: shapesAlone(quantized),
    run: () => plan.run(inputs, into),
    times: () => profile(plan, inputs),
  };
}

/** Numbers between −1 and 1: zeros would be timed too kindly. */
const noise = (shape: Shape, random: () => number): Tensor =>
  tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1),
  );

/** Integers of the whole range. */
function integerNoise({ shape, type }: QuantizedInput, random: () => number): AnyTensor {
  if (!isQuantizedType(type)) return noise(shape, random);
  const x = integers(shape, type);
  for (let i = 0; i < x.data.length; i++) x.data[i] = Math.floor(256 * random());
  return x;
}

/** The first fifth of the time warms up: V8 optimises kernels while they run. */
const WARM_UP = 0.2;

function timeRuns(subject: Subject, seconds: number, progress: Progress) {
  const times: number[] = [];
  repeat(seconds, (part) => {
    const began = performance.now();
    subject.run();
    if (part > WARM_UP || times.length === 0) times.push(performance.now() - began);
    progress.at(part / 2, 'whole network');
  });
  return { milliseconds: timingOf(times), runs: times.length };
}

function timeLayers(subject: Subject, seconds: number, progress: Progress): LayerTiming[] {
  const runs: number[][] = [];
  repeat(seconds, (part) => {
    runs.push(subject.times().map(({ milliseconds }) => milliseconds));
    progress.at((1 + part) / 2, 'layer by layer');
  });
  const counted = new Map(summarize(subject.computed).layers.map(({ name, multiplyAdds }) => [name, multiplyAdds]));
  const timed = subject.times().map(({ nodes }, i) => ({
    layers: nodes,
    milliseconds: timingOf(runs.map((run) => run[i])).median,
    multiplyAdds: nodes.reduce((sum, node) => sum + (counted.get(node) ?? 0), 0),
  }));
  const total = timed.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return timed.map((layer) => ({ ...layer, share: layer.milliseconds / total }));
}

/** Calls `body` for so long, at least once, with the part of the time that has passed. */
function repeat(seconds: number, body: (part: number) => void): void {
  const began = performance.now();
  for (let part = 0; part < 1; part = (performance.now() - began) / (1000 * seconds)) body(part);
}

function timingOf(times: readonly number[]): Timing {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))];
  return { median: at(0.5), fast: at(0.1), slow: at(0.9) };
}

function asText(result: {
  network: string;
  weights: string;
  target: string;
  rounding: string | undefined;
  milliseconds: Timing;
  runs: number;
  multiplyAdds: number;
  layers: readonly LayerTiming[];
}): string {
  const rows = result.layers.map(({ layers, milliseconds, multiplyAdds, share }) => [
    layers.join(' + '),
    milliseconds.toFixed(3),
    multiplyAdds === 0 ? '' : perSecond(multiplyAdds, milliseconds),
    percent(share),
  ]);
  const { median, fast, slow } = result.milliseconds;
  return [
    `${harmless(result.network)}, weights ${result.weights}, ${result.rounding ? `integers, ${result.rounding} rounding, ` : ''}on '${result.target}', one thread, batch 1`,
    '',
    textTable(COLUMNS, rows),
    '',
    hanging(
      `whole: ${median.toFixed(2)} ms (median of ${result.runs} runs; one in ten below ${fast.toFixed(2)}, one in ten above ${slow.toFixed(2)}), ${perSecond(result.multiplyAdds, median)} multiply-adds/s`,
    ),
  ].join('\n');
}

const COLUMNS = numbersBy('layers that run as one', 'ms', 'multiply-adds/s', 'share');

const perSecond = (multiplyAdds: number, milliseconds: number): string =>
  `${(multiplyAdds / milliseconds / 1e6).toFixed(2)} G`;
