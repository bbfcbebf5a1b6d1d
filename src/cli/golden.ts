/** `depthwise golden`: bundles for another backend to check itself with. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { readTensorFile } from '../formats/files.js';
import { readPicture } from '../image/index.js';
import type { Network } from '../network/index.js';
import {
  type Golden,
  type GoldenSource,
  makeGolden,
  type NoiseKind,
  noise,
  noiseKinds,
  type PrecisionName,
  precisionNames,
  precisionOf,
  type SuiteName,
  suite,
  suiteNames,
  writeGolden,
} from '../oracle/index.js';
import { inputTensor } from '../tasks/index.js';
import type { Tensor } from '../tensor.js';
import { addModelOptions, type ModelFlags, readModel, readPictureModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, plural, printJson, writeWhole } from './output.js';
import { onNodeOf, startProgress } from './progress.js';
import { wholeNumber } from './values.js';

interface Flags extends ModelFlags {
  readonly suite?: SuiteName;
  readonly model?: string;
  readonly picture?: string;
  readonly input?: string;
  readonly noise?: NoiseKind;
  readonly seed: number;
  readonly precision: PrecisionName;
  readonly flushToZero?: true;
  readonly weights?: true;
  readonly format: Format;
  readonly out: string;
  readonly json?: true;
}

const formats = ['safetensors', 'npz'] as const;
type Format = (typeof formats)[number];

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
  addModelOptions(command)
    .option('--picture <file>', 'feed the model a picture, prepared as its conventions say')
    .option('--input <file>', 'feed it a tensor: .npy, or .npz and .safetensors with its inputs by name')
    .addOption(
      new Option('--noise <kind>', 'feed it seeded noise; normal unless another input is given').choices(noiseKinds),
    )
    .addOption(new Option('--seed <number>', 'of noise and synthetic weights').argParser(wholeNumber(0)).default(1))
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

interface Written {
  readonly out: string;
  readonly network: string;
  readonly layers: number;
  readonly bytes: number;
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
      written.push(await write(golden, await expectWritable('--out', out), flags.format, true));
    }
  } finally {
    progress.stop();
  }
  return written;
}

async function writeModelGolden(flags: Flags): Promise<Written> {
  const ending = expectEnding('--out', flags.out, ['.safetensors', '.npz']);
  const target = await expectWritable('--out', flags.out);
  const { network, inputs, source } = await fed(flags);
  const progress = await startProgress('golden');
  try {
    const golden = makeGolden(network, inputs, { source, ...precisionFlags(flags), ...onNodeOf(progress) });
    return await write(golden, target, ending === '.npz' ? 'npz' : 'safetensors', flags.weights ?? false);
  } finally {
    progress.stop();
  }
}

const precisionFlags = ({ precision, flushToZero }: Flags) => ({
  precision: precisionOf(precision, { flushesToZero: flushToZero ?? false }),
});

interface Fed {
  readonly network: Network;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly source: GoldenSource;
}

/** The model, and the input that the flags choose for it. */
async function fed(flags: Flags): Promise<Fed> {
  const { picture, input, noise: kind } = flags;
  if ([picture, input, kind].filter((given) => given !== undefined).length > 1) {
    throw new UsageError('wanted one of --picture, --input and --noise, found more');
  }
  if (picture !== undefined) {
    const network = await readPictureModel(flags.model!, flags);
    const inputs = new Map([[network.inputs[0].name, inputTensor(network, await readPicture(picture))]]);
    return { network, inputs, source: { kind: 'picture', detail: picture } };
  }
  const network = await readModel(flags.model!, flags);
  if (input !== undefined)
    return { network, inputs: await savedInputs(network, input), source: { kind: 'tensor', detail: input } };
  const inputs = network.inputs.map(
    ({ name, shape }, i) => [name, noise(kind ?? 'normal', shape, flags.seed + i)] as const,
  );
  return { network, inputs: new Map(inputs), source: noiseSource(kind ?? 'normal', flags.seed) };
}

const noiseSource = (kind: NoiseKind, seed: number): GoldenSource => ({ kind: 'noise', detail: kind, seed });

/** A file's only tensor for a network of one input; otherwise each by name. */
async function savedInputs(network: Network, file: string): Promise<Map<string, Tensor>> {
  const tensors = await readTensorFile(file);
  if (network.inputs.length === 1 && tensors.size === 1)
    return new Map([[network.inputs[0].name, [...tensors.values()][0]]]);
  return new Map(
    network.inputs.map(({ name }) => {
      const found = tensors.get(name) ?? tensors.get(`inputs/${name}`);
      if (found === undefined) {
        throw new UsageError(
          `${file}: the input '${name}' is missing; found ${[...tensors.keys()].slice(0, 5).join(', ')}`,
        );
      }
      return [name, found];
    }),
  );
}

async function write(golden: Golden, out: string, format: Format, weights: boolean): Promise<Written> {
  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const bytes = await writeGolden(golden, { format, weights, generator: `${name} ${version}` });
  await writeWhole(out, bytes);
  return { out, network: golden.network.name, layers: golden.outputs.size, bytes: bytes.length };
}
