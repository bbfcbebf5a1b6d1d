/** `depthwise golden`: bundles for another backend to check itself with. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import {
  makeGolden,
  type PrecisionName,
  precisionNames,
  precisionOf,
  type SuiteName,
  suite,
  suiteNames,
} from '../oracle/index.js';
import { type BundleFormat, type Written, writeBundle } from './bundle.js';
import { addInputOptions, expectOneInput, fed, type InputFlags, noiseSource } from './inputs.js';
import { addModelOptions, type ModelFlags, readModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, plural, printJson } from './output.js';
import { onNodeOf, startProgress } from './progress.js';

interface Flags extends ModelFlags, InputFlags {
  readonly suite?: SuiteName;
  readonly model?: string;
  readonly precision: PrecisionName;
  readonly flushToZero?: true;
  readonly weights?: true;
  readonly format: BundleFormat;
  readonly out: string;
  readonly json?: true;
}

const formats: readonly BundleFormat[] = ['safetensors', 'npz'];

export function configure(command: Command): void {
  command
    .description(
      "Write golden bundles: inputs, every layer's output, how far a correct backend may be from it, and a JSON manifest.",
    )
    .addOption(new Option('--suite <name>', 'small synthetic networks, weights included').choices(suiteNames))
    .option(
      '--model <file>',
      'one network instead: Keras .h5, .tflite, .safetensors, .npz; or published weights by name',
    );
  addModelOptions(command).option('--picture <file>', 'feed the model a picture, prepared as its conventions say');
  addInputOptions(command, 'of noise and synthetic weights')
    .addOption(
      new Option('--precision <name>', 'how the backends compute that will be compared')
        .choices(precisionNames)
        .default('float32'),
    )
    .option('--flush-to-zero', 'they turn numbers below the smallest normal one into zero')
    .option('--weights', "put the model's weights into the bundle, as isolated comparisons need them")
    .addOption(
      new Option('--format <name>', 'of a suite: the ending of its files').choices(formats).default('safetensors'),
    )
    .requiredOption('--out <path>', 'a folder for a suite; a .safetensors or .npz file for a model')
    .option('--json', '[{"out", "network", "layers", "bytes"}]')
    .addHelpText(
      'after',
      `
Examples:
  depthwise golden --suite layers --out golden
  depthwise golden --suite mobilenet --format npz --precision mixed-float16 --out golden
  depthwise golden --model mobilenet_v1_0.25_224.h5 --picture cat.jpg --weights --out cat.safetensors`,
    )
    .action(async (flags: Flags) => {
      if ((flags.suite === undefined) === (flags.model === undefined)) {
        throw new UsageError('wanted either --suite or --model');
      }
      const written =
        flags.suite === undefined ? [await writeModelGolden(flags)] : await writeSuite(flags.suite, flags);
      if (flags.json) printJson(written);
      else {
        const bytes = written.reduce((sum, file) => sum + file.bytes, 0);
        note(`wrote ${flags.out}: ${plural(written.length, 'bundle')}, ${formatBytes(bytes)}`);
      }
    });
}

async function writeSuite(name: SuiteName, flags: Flags): Promise<Written[]> {
  for (const flag of ['picture', 'input', 'noise', 'preset', 'network'] as const) {
    if (flags[flag] !== undefined)
      throw new UsageError(`--${flag} goes with --model; a suite brings its own networks and inputs`);
  }
  await mkdir(flags.out, { recursive: true }).catch((cause) => {
    throw new UsageError(`--out: '${flags.out}' cannot be made a folder: ${cause.code ?? cause.message}`, { cause });
  });
  const written: Written[] = [];
  const problems = [...suite(name, flags.seed)];
  const progress = await startProgress('golden');
  try {
    for (const [index, problem] of problems.entries()) {
      progress.at(index / problems.length, problem.name);
      const source = noiseSource(problem.noise, flags.seed);
      const golden = makeGolden(problem.network, problem.inputs, { source, ...precisionFlags(flags) });
      const out = join(flags.out, `${problem.name}.${flags.format}`);
      written.push(await writeBundle(golden, await expectWritable('--out', out), flags.format, true));
    }
  } finally {
    progress.stop();
  }
  return written;
}

async function writeModelGolden(flags: Flags): Promise<Written> {
  const ending = expectEnding('--out', flags.out, ['.safetensors', '.npz']);
  const target = await expectWritable('--out', flags.out);
  expectOneInput(flags);
  const network = await readModel(flags.model!, flags);
  const { inputs, source } = await fed(network, flags.model!, flags);
  const progress = await startProgress('golden');
  try {
    const golden = makeGolden(network, inputs, { source, ...precisionFlags(flags), ...onNodeOf(progress) });
    return await writeBundle(golden, target, ending === '.npz' ? 'npz' : 'safetensors', flags.weights ?? false);
  } finally {
    progress.stop();
  }
}

const precisionFlags = ({ precision, flushToZero }: Flags) => ({
  precision: precisionOf(precision, { flushesToZero: flushToZero ?? false }),
});
