/** `depthwise compare`: another backend's tensors against a golden bundle, layer by layer. */
import { type Command, Option } from 'commander';
import { FormatError } from '../errors.js';
import { readFile, readTensorFile } from '../formats/files.js';
import {
  check,
  checkGolden,
  expectWeights,
  type Golden,
  inOurLayout,
  type Layout,
  layouts,
  lookalike,
  matchNames,
  type NameMap,
  type Precision,
  precisionOf,
  type Report,
  readGolden,
} from '../oracle/index.js';
import type { Tensor } from '../tensor.js';
import { addJudgementOptions, expectMapWritable, type JudgementFlags, tell } from './judgement.js';
import { addModelOptions, type ModelFlags, readModel } from './model.js';
import { onNodeOf, startProgress } from './progress.js';

interface Flags extends ModelFlags, JudgementFlags {
  readonly isolated?: true;
  readonly model?: string;
  readonly layout: Layout;
  readonly names?: string;
}

export function configure(command: Command): void {
  command
    .argument('<golden>', 'a bundle that depthwise golden wrote')
    .argument('<theirs>', "the other backend's tensors by name: .npz, .safetensors, or .npy for one")
    .description(
      'Find the first layer where another backend is wrong, and say whether it is wrong or only rounded.\nExit code 0: every layer within its bound; 1: one is not, or something failed; 2: a wrong call.',
    )
    .option('--isolated', "feed each layer the other backend's own inputs: what is beyond its bound is wrong itself")
    .option('--model <file>', 'the network, for a bundle without weights');
  addModelOptions(command)
    .addOption(new Option('--layout <order>', 'of their 4-dimensional tensors').choices(layouts).default('nhwc'))
    .option('--names <file>', 'JSON, {"their name": "our name"}, for what does not match by itself');
  addJudgementOptions(command, "the bundle's own", '"golden", "theirs"')
    .addHelpText(
      'after',
      `
Examples:
  depthwise compare golden/conv2d-normal.safetensors theirs.npz
  depthwise compare cat.safetensors theirs.npz --isolated --layout nchw --map worst.png
  depthwise compare cat.safetensors theirs.npz --model mobilenet_v1_0.25_224.h5 --isolated --precision mixed-float16`,
    )
    .action(async (goldenFile: string, theirFile: string, flags: Flags) => {
      await expectMapWritable(flags);
      const golden = await readGolden(await readFile(goldenFile), goldenFile);
      const theirs = await readTensorFile(theirFile);
      const matched = matchNames(golden.network, theirOutputs(theirs), await readNames(flags.names));
      if (matched.tensors.size === 0) throw new FormatError(noMatch(theirFile, theirs, golden));
      const tensors = inOurLayout(golden.network, golden.inputs, matched.tensors, flags.layout);
      const report = await judge(golden, tensors, flags);
      const { first } = report;
      const fits = first && lookalike(golden, first.name, tensors.get(first.name)!);
      const head = { golden: goldenFile, theirs: theirFile };
      const context = { head, network: golden.network, matched, precision: precisionFor(golden, flags), fits };
      await tell(report, context, theirFile, flags);
    });
}

async function judge(golden: Golden, theirs: ReadonlyMap<string, Tensor>, flags: Flags): Promise<Report> {
  const { isolated, allowance, model } = flags;
  const precision = precisionFor(golden, flags);
  const own = golden.precision;
  if (!isolated && precision.name === own.name && precision.flushesToZero === own.flushesToZero) {
    return checkGolden(golden, theirs, { allowance });
  }
  const given = model === undefined ? undefined : await readModel(model, flags);
  const network = expectWeights(golden, isolated ? '--isolated' : '--precision', given);
  const progress = await startProgress('compare');
  try {
    const mode = isolated ? 'isolated' : 'accumulated';
    return check(network, golden.inputs, theirs, { mode, precision, allowance, ...onNodeOf(progress) });
  } finally {
    progress.stop();
  }
}

const precisionFor = ({ precision: own }: Golden, { precision, flushToZero }: Flags): Precision =>
  precisionOf(precision ?? own.name, { flushesToZero: flushToZero ?? own.flushesToZero });

/** A bundle's own tensors when theirs is one too: what is in it besides outputs and inputs is not for comparison. */
function theirOutputs(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const groups = /^(inputs|outputs)\/(.*)$/s;
  const outputs = [...tensors].flatMap(([name, x]) => {
    const [, , own] = groups.exec(name) ?? [];
    return own === undefined ? [] : [[own, x] as const];
  });
  return outputs.length > 0 && [...tensors.keys()].some((name) => name.startsWith('outputs/'))
    ? new Map(outputs)
    : tensors;
}

async function readNames(file: string | undefined): Promise<NameMap> {
  if (file === undefined) return {};
  let names: unknown;
  try {
    names = JSON.parse(new TextDecoder().decode(await readFile(file)));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${file}: not JSON: ${(cause as Error).message}`, { cause });
  }
  const isMap = typeof names === 'object' && names !== null && !Array.isArray(names);
  if (!isMap || !Object.values(names as object).every((name) => typeof name === 'string')) {
    throw new FormatError(`${file}: wanted {"their name": "our name", …}`);
  }
  return names as NameMap;
}

function noMatch(file: string, theirs: ReadonlyMap<string, Tensor>, { network }: Golden): string {
  const some = (names: Iterable<string>): string => [...names].slice(0, 4).join(', ');
  return `${file}: none of its tensors (${some(theirs.keys())}, …) has the name of a layer (${some(network.nodes.map(({ name }) => name))}, …); say which is which with --names`;
}
