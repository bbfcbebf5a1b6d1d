/** `depthwise reduce`: the smallest problem that another backend still gets wrong. */
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { inputTensors } from '../network/run.js';
import { hasWeights } from '../oracle/check.js';
import { explain, makeGolden, type Precision, type Subject } from '../oracle/index.js';
import { type Layout, layouts } from '../oracle/layouts.js';
import { openInPeer, type PeerName, peerNames } from '../oracle/peers/index.js';
import { precisionOf } from '../oracle/precision.js';
import { type Backend, type Reduced, reduce } from '../oracle/reduce/reduce.js';
import type { Segment } from '../oracle/segment.js';
import { sameShape } from '../tensor.js';
import { type Beside, besides, filesOf, writeBundle } from './bundle.js';
import { bundleIn } from './compare-files.js';
import { blame, inWords } from './compare-table.js';
import { readNames } from './comparison.js';
import { harmless } from './display.js';
import { addInputOptions, expectOneInput, fed, type InputFlags } from './inputs.js';
import { addPrecisionOptions, type PrecisionFlags } from './judgement.js';
import { readModel } from './model.js';
import { expectEnding, expectWritable, note, plural, print, printJson } from './output.js';
import { outsideBackend } from './outside-backend.js';
import { expectOwnFiles } from './own-files.js';
import { withProgress } from './progress.js';
import { listOf, positiveNumber, wholeNumber } from './values.js';

interface Flags extends Omit<InputFlags, 'picture'>, PrecisionFlags {
  readonly with?: PeerName;
  readonly command?: string;
  readonly layout: Layout;
  readonly names?: string;
  readonly runs: number;
  readonly timeout: number;
  readonly beside?: readonly Beside[];
  readonly out: string;
  readonly overwrite?: true;
  readonly json?: true;
}

export function configure(command: Command): void {
  command
    .argument('<problem>', 'a golden bundle with weights; or a model, which is fed with noise or --input')
    .description(
      'Find the smallest problem that another backend still gets wrong: fewer layers, then smaller tensors and kernels. It is written as a golden bundle.',
    )
    .addOption(
      new Option('--with <runtime>', 'the backend: a JavaScript runtime that is installed where you are').choices(
        peerNames,
      ),
    )
    .addOption(
      new Option(
        '--command <program>',
        'the backend: a program and its arguments. It is called with two paths more: a bundle to read, and the file for its tensors by name, .npz or .safetensors',
      ).conflicts('with'),
    )
    .addOption(
      new Option('--layout <order>', 'of the feature maps that the program writes').choices(layouts).default('nhwc'),
    )
    .option('--names <file>', 'JSON, {"their name": "our name"}, for what does not match by itself')
    .option('--runs <number>', 'the backend is run no more often than this', wholeNumber(1), 500)
    .option('--timeout <seconds>', 'for one run of the program', positiveNumber, 60);
  addPrecisionOptions(addInputOptions(command), "the bundle's own, or float32,")
    .requiredOption('--out <file>', 'the smallest problem, a .safetensors or .npz file')
    .option('--beside <formats>', 'write it as a model beside it too: onnx, tflite, c (a header)', listOf(besides))
    .option('--overwrite', 'replace files of these names that are no golden bundles')
    .option(
      '--json',
      '{"problem", "backend", "layersBefore", "layers", "inputs", "wrong", "cause", "runs", "finished", "out"}',
    )
    .addHelpText(
      'after',
      `
A program that fails, or runs longer than --timeout, on a smaller problem is not asked for it again: what it cannot run is not what is looked for.

Examples:
  depthwise reduce golden/random-7-01035-conv2d.safetensors --with tfjs-wasm --out smallest.safetensors
  depthwise reduce mobilenet_v2_1.0_224.h5 --command ./my-backend --out smallest.safetensors --beside c
  depthwise reduce cat.safetensors --command "python3 backend.py" --precision mixed-float16 --out smallest.npz`,
    )
    .action(async (path: string, flags: Flags) => {
      if ((flags.with ?? flags.command) === undefined) throw new UsageError('wanted one of --with and --command');
      const ending = expectEnding('--out', flags.out, ['.safetensors', '.npz']);
      const out = await expectWritable('--out', flags.out, [path]);
      if (!flags.overwrite) await expectOwnFiles('--out', filesOf(out, flags.beside ?? []));
      const subject = await subjectOf(path, flags);
      const precision = precisionOfFlags(subject.precision, flags);
      const options = { precision, allowance: flags.allowance };
      const reduced = await reduceWith(await backendOf(flags), subject, options, flags.runs);
      const backend = flags.with ?? flags.command!;
      if (reduced === undefined) {
        throw new UsageError(`${path}: every layer of ${backend} is within its bound: there is nothing to reduce`);
      }
      const golden = makeGolden(reduced.network, reduced.inputs, {
        source: { kind: 'tensor', detail: `reduced from ${path}, ${backend}` },
        precision,
      });
      const written = await writeBundle(golden, out, ending === '.npz' ? 'npz' : 'safetensors', {
        weights: true,
        ...(flags.beside && { beside: flags.beside }),
      });
      const explanation = explain(reduced, reduced.theirs, reduced.report, options)!;
      const cause = inWords(explanation.cause, precision.name);
      const layersBefore = subject.network.nodes.length;
      if (flags.json) printJson({ problem: path, backend, layersBefore, ...asJson(reduced), cause, ...written });
      else print([...inLines(subject, reduced, flags.runs), cause].map(harmless).join('\n'));
      for (const line of written.without ?? []) note(`not written: ${line}`);
      note(`wrote ${flags.out}`);
    });
}

const precisionOfFlags = (own: Precision | undefined, { precision, flushToZero }: Flags): Precision =>
  precisionOf(precision ?? own?.name ?? 'float32', { flushesToZero: flushToZero ?? own?.flushesToZero ?? false });

/** A bundle's network and inputs, or a model's with the input that the flags choose. */
async function subjectOf(path: string, flags: Flags): Promise<Subject> {
  const golden = await bundleIn(path);
  if (golden === undefined) {
    expectOneInput(flags);
    const network = await readModel(path, { unlabelled: true });
    return { network, inputs: (await fed(network, path, flags)).inputs };
  }
  if (flags.input ?? flags.noise) throw new UsageError(`${path}: a golden bundle has its own inputs`);
  if (hasWeights(golden.network)) return golden;
  throw new UsageError(`${path}: the bundle holds no weights; make it with depthwise golden --weights`);
}

async function backendOf(flags: Flags): Promise<Backend> {
  const { with: runtime, command, layout, timeout } = flags;
  if (command !== undefined) return outsideBackend(command, { layout, timeout, names: await readNames(flags.names) });
  return async ({ network, inputs }) => (await (await openInPeer(runtime!, network)).run(inputs)).tensors;
}

async function reduceWith(
  backend: Backend,
  subject: Subject,
  options: { readonly precision: Precision; readonly allowance: number },
  mostRuns: number,
): Promise<Reduced | undefined> {
  return withProgress('reduce', async (progress) => {
    const onRun = ({ network: { nodes } }: Segment, runs: number): void =>
      progress.at(runs / mostRuns, `${plural(nodes.length, 'layer')}, run ${runs}`);
    return await reduce(subject, backend, { ...options, mostRuns, onRun });
  });
}

function inLines(before: Subject, { network, inputs, wrong, runs, finished }: Reduced, mostRuns: number): string[] {
  const { nodes } = network;
  const fedBefore = inputTensors(before.network, before.inputs);
  const fedWith = [...inputs].map(([name, { shape }]) => {
    const was = fedBefore.get(name)?.shape;
    return `${name} [${shape}]${was && !sameShape(was, shape) ? `, which was [${was}]` : ''}`;
  });
  return [
    `${before.network.name}: from ${plural(before.network.nodes.length, 'layer')} to ${nodes.length}, in ${plural(runs, 'run')}.`,
    `Fed with ${fedWith.join('; ')}.`,
    ...nodes.map(({ name, kind, attributes }) => `${name}: ${kind} ${JSON.stringify(attributes ?? {})}`),
    ...(finished ? [] : [`The search was not finished: --runs ${mostRuns}.`]),
    `Wrong: ${blame(wrong)}`,
  ];
}

const asJson = ({ network, inputs, wrong, runs, finished }: Reduced) => ({
  inputs: Object.fromEntries([...inputs].map(([name, { shape }]) => [name, shape])),
  nodes: network.nodes,
  wrong: blame(wrong),
  runs,
  finished,
});
