/** `depthwise golden`: bundles for another backend to check itself with. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { type Rounding, roundings } from '../layers/int8/index.js';
import type { LayerKind, Network, QuantizedNetwork } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import { typedInputs } from '../network/run-quantized.js';
import {
  layerSuite,
  makeGolden,
  mobilenetSuite,
  type PrecisionName,
  type Problem,
  type ShapeSet,
} from '../oracle/index.js';
import {
  type IntegerType,
  integerTypes,
  isQuantizedProblem,
  quantizedProblems,
} from '../oracle/integers/quantized-problems.js';
import { precisionNames, precisionOf } from '../oracle/precision.js';
import { randomKinds } from '../oracle/random-layers.js';
import { livelyWeights, type SuiteName, shapeSets, suiteNames } from '../oracle/suites.js';
import { architectureFlags, namedNetwork } from './architecture.js';
import { type Beside, type BundleFormat, besides, filesOf, type Written, writeBundle } from './bundle.js';
import { addInputOptions, expectOneInput, fed, type InputFlags, noiseSource } from './inputs.js';
import { addModelOptions, type ModelFlags, prepared, readModel } from './model.js';
import { expectEnding, expectFolder, expectWritable, formatBytes, note, plural, printJson } from './output.js';
import { expectOwnFiles } from './own-files.js';
import { addLimitOptions } from './pictures.js';
import { onNodeOf, withProgress } from './progress.js';
import { given, listOf, wholeNumber } from './values.js';

interface Flags extends ModelFlags, InputFlags {
  readonly suite?: SuiteName;
  readonly shapes?: readonly ShapeSet[];
  readonly kinds?: readonly LayerKind[];
  readonly count?: number;
  /** True without a type. */
  readonly integers?: IntegerType | true;
  readonly rounding?: Rounding;
  readonly model?: string;
  readonly precision: PrecisionName;
  readonly flushToZero?: true;
  readonly weights?: true;
  readonly with?: readonly Beside[];
  readonly format: BundleFormat;
  readonly out: string;
  readonly overwrite?: true;
  readonly json?: true;
}

const formats: readonly BundleFormat[] = ['safetensors', 'npz'];

/** Where the problem comes from, and the options that go with it besides those that go with all. */
const always = ['out', 'overwrite', 'json', 'seed', 'precision', 'flushToZero', 'with'];
const input = ['preset', 'picture', 'maxPixels', 'maxSide', 'input', 'noise', 'weights'];
const sources = {
  '--suite layers': ['suite', 'format', 'shapes', 'kinds', 'count', 'integers', 'rounding'],
  '--suite mobilenet': ['suite', 'format', 'alpha', 'resolution', 'classes', 'conventions', 'integers', 'rounding'],
  '--network without --model': ['network', ...architectureFlags, ...input],
  '--model': ['model', 'network', 'integers', 'rounding', ...architectureFlags, ...input],
} as const;

export function configure(command: Command): void {
  command
    .description(
      "Write golden bundles: inputs, every layer's output, how far a correct backend may be from it, and a JSON manifest.",
    )
    .addOption(
      new Option('--suite <name>', 'synthetic networks, weights included: single layers, or V1 and V2').choices(
        suiteNames,
      ),
    )
    .option('--shapes <sets>', 'of --suite layers: odd, vector, mobilenet; odd,vector unless given', listOf(shapeSets))
    .option('--kinds <kinds>', 'of --suite layers: these alone, conv2d,add', listOf(randomKinds))
    .addOption(
      new Option('--count <number>', 'of --suite layers: so many random problems in place of the fixed ones')
        .argParser(wholeNumber(1))
        .conflicts('shapes'),
    )
    .addOption(
      new Option(
        '--integers [type]',
        `the same suite quantised, as ${integerTypes.join(' or ')}; without a type, the integers of --model`,
      ).choices(integerTypes),
    )
    .addOption(
      new Option(
        '--rounding <name>',
        "of --integers: 'single' as TensorFlow Lite's optimised kernels, 'double' as its reference kernels; single unless given",
      ).choices(roundings),
    )
    .option(
      '--model <file>',
      'one network instead: Keras .h5, .tflite, .safetensors, .npz; or published weights by name',
    );
  addModelOptions(command, 'for a file of weights alone or, without --model, with seeded weights').option(
    '--picture <file>',
    'feed the model a picture, prepared as its conventions say',
  );
  addLimitOptions(addInputOptions(command, 'of noise and synthetic weights'))
    .addOption(
      new Option('--precision <name>', 'how the backends compute that will be compared')
        .choices(precisionNames)
        .default('float32'),
    )
    .option('--flush-to-zero', 'they turn numbers below the smallest normal one into zero')
    .option('--weights', "put the model's weights into the bundle, as isolated comparisons need them")
    .option(
      '--with <formats>',
      'write each network beside its bundle too, as onnx, tflite, c (a header)',
      listOf(besides),
    )
    .addOption(
      new Option('--format <name>', 'of a suite: the ending of its files').choices(formats).default('safetensors'),
    )
    .requiredOption('--out <path>', 'a folder for a suite; a .safetensors or .npz file for a model')
    .option('--overwrite', 'replace files of these names that are no golden bundles')
    .option('--json', '[{"out", "network", "layers", "bytes"}], and with --with "with", "without"')
    .addHelpText(
      'after',
      `
Shapes of --suite layers:
  odd        small sizes that are no multiples of anything; every padding, stride and dilation; three kinds of noise
  vector     two pictures, and 4, 8, 16, 32 or 64 channels, or one more or less
  mobilenet  every distinct layer of V1 and V2 at full size; some 350 MB

Examples:
  depthwise golden --suite layers --out golden
  depthwise golden --suite layers --count 200 --seed 7 --kinds conv2d,depthwiseConv2d --with onnx,tflite,c --out random
  depthwise golden --suite mobilenet --format npz --precision mixed-float16 --out golden
  depthwise golden --suite layers --integers int8 --out golden-int8
  depthwise golden --network mobilenet_v2 --alpha 0.35 --resolution 96 --seed 1 --out v2.safetensors
  depthwise golden --model mobilenet_v1_0.25_224.h5 --picture cat.jpg --weights --out cat.safetensors`,
    )
    .action(async (flags: Flags, command: Command) => {
      refuseOthers(command, sourceOf(flags));
      const written = flags.suite === undefined ? [await writeNetworkGolden(flags)] : await writeSuite(flags);
      if (flags.json) printJson(written);
      else tellWritten(written, flags.out);
    });
}

function sourceOf({ suite, model, network }: Flags): keyof typeof sources {
  if (suite !== undefined && model === undefined) return suite === 'layers' ? '--suite layers' : '--suite mobilenet';
  if (suite === undefined && model !== undefined) return '--model';
  if (suite === undefined && network !== undefined) return '--network without --model';
  throw new UsageError('wanted one of --suite, --model and --network');
}

/** What was given and would change nothing is an error. */
function refuseOthers(command: Command, source: keyof typeof sources): void {
  const honoured: readonly string[] = [...always, ...sources[source]];
  for (const option of command.options) {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== 'cli' || honoured.includes(name)) continue;
    throw new UsageError(`${option.long} does not go with ${source}`);
  }
}

function tellWritten(written: readonly Written[], out: string): void {
  const bytes = written.reduce((sum, file) => sum + file.bytes, 0);
  const beside = written.flatMap((file) => file.with ?? []).length;
  const also = beside > 0 ? ` and ${plural(beside, 'file')} beside them` : '';
  note(`wrote ${out}: ${plural(written.length, 'bundle')}, ${formatBytes(bytes)}${also}`);
  const without = written.flatMap((file) => file.without ?? []);
  for (const line of without.slice(0, MOST_LINES)) note(`not written: ${line}`);
  if (without.length > MOST_LINES) note(`and ${without.length - MOST_LINES} more not written`);
}

const MOST_LINES = 10;

async function writeSuite(flags: Flags): Promise<Written[]> {
  await expectFolder('--out', flags.out);
  return withProgress('golden', async (progress) => {
    const written: Written[] = [];
    const type = flags.integers === true ? 'int8' : flags.integers;
    const problems = type ? [...quantizedProblems(problemsOf(flags), type)] : [...problemsOf(flags)];
    if (problems.length === 0) {
      const those = type ? ' that are computed with integers' : '';
      throw new UsageError(`--kinds: the suite has no layers of kind ${flags.kinds?.join(', ')}${those}`);
    }
    const bundleOf = (problem: Pick<Problem, 'name'>) => join(flags.out, `${problem.name}.${flags.format}`);
    await expectOwn(problems.map(bundleOf), flags);
    for (const [index, problem] of problems.entries()) {
      progress.at(index / problems.length, problem.name);
      const source = noiseSource(problem.noise, problem.seed);
      const golden = isQuantizedProblem(problem)
        ? makeGolden(problem.network, problem.inputs, { source, ...roundingFlag(flags) })
        : makeGolden(problem.network, problem.inputs, { source, ...precisionFlags(flags) });
      const out = await expectWritable('--out', bundleOf(problem));
      written.push(await writeBundle(golden, out, flags.format, bundleOptions(flags, true)));
    }
    return written;
  });
}

function problemsOf(flags: Flags): Generator<Problem> {
  const { suite, seed } = flags;
  if (suite === 'layers') return layerSuite(seed, given(flags, ['shapes', 'kinds', 'count']));
  return mobilenetSuite(seed, given(flags, ['alpha', 'classes', 'conventions', 'resolution']));
}

async function writeNetworkGolden(flags: Flags): Promise<Written> {
  const ending = expectEnding('--out', flags.out, ['.safetensors', '.npz']);
  const target = await expectWritable('--out', flags.out, [flags.model]);
  await expectOwn([target], flags);
  expectOneInput(flags);
  const network = await networkOf(flags);
  const integers = flags.integers ? expectIntegers(network, flags) : undefined;
  const { inputs, source } = await fed(network, flags.model ?? flags.network!, flags);
  return withProgress('golden', async (progress) => {
    const golden = integers
      ? makeGolden(integers, typedInputs(integers, inputs), { source, ...roundingFlag(flags), ...onNodeOf(progress) })
      : makeGolden(network, inputs, { source, ...precisionFlags(flags), ...onNodeOf(progress) });
    const weights = flags.weights ?? flags.model === undefined;
    return await writeBundle(golden, target, ending === '.npz' ? 'npz' : 'safetensors', bundleOptions(flags, weights));
  });
}

function expectIntegers(network: Network, { model, integers }: Flags): QuantizedNetwork {
  if (integers !== true) throw new UsageError(`--integers ${integers} is for suites: a model has its own type`);
  const found = integersOf(network);
  if (found === undefined) throw new UsageError(`${model}: holds real numbers, and --integers is for quantised models`);
  return found;
}

const roundingFlag = ({ rounding }: Flags) => (rounding ? { rounding } : {});

async function expectOwn(bundles: readonly string[], { with: beside = [], overwrite }: Flags): Promise<void> {
  if (!overwrite)
    await expectOwnFiles(
      '--out',
      bundles.flatMap((out) => filesOf(out, beside)),
    );
}

/** Of a model file, or with seeded weights, which nobody else has: they go into the bundle. */
async function networkOf(flags: Flags): Promise<Network> {
  if (flags.model !== undefined) return readModel(flags.model, { ...flags, unlabelled: true });
  return livelyWeights(prepared(namedNetwork(flags.network!, flags), flags), flags.seed);
}

const bundleOptions = (flags: Flags, weights: boolean) => ({ weights, ...(flags.with && { beside: flags.with }) });

const precisionFlags = ({ precision, flushToZero }: Flags) => ({
  precision: precisionOf(precision, { flushesToZero: flushToZero ?? false }),
});
