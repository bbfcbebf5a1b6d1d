/** `depthwise trace`: every layer's output for a picture, a saved tensor or noise. */
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { writeNpz } from '../formats/tensors/npz.js';
import { writeSafetensors } from '../formats/tensors/safetensors.js';
import { type Network, toJson } from '../network/index.js';
import { type GoldenSource, makeGolden } from '../oracle/index.js';
import { type Tensor, toFloat64 } from '../tensor.js';
import { type BundleFormat, generator, writeBundle } from './bundle.js';
import { addTargetOption, type TargetFlags, targetOf, traceWith } from './executor.js';
import { addInputOptions, expectOneInput, type Fed, fed, type InputFlags } from './inputs.js';
import { addIntegerOptions } from './integers.js';
import { addModelOptions, MODEL, type ModelFlags, readModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, plural, printJson, writeWhole } from './output.js';
import { addLimitOptions } from './pictures.js';
import { onNodeOf, withProgress } from './progress.js';

interface Flags extends ModelFlags, TargetFlags, Omit<InputFlags, 'picture'> {
  readonly model: string;
  readonly out: string;
  readonly float64?: true;
  readonly bounds?: true;
  readonly weights?: true;
  readonly json?: true;
}

export function configure(command: Command): void {
  command
    .argument('[picture]', "a JPEG, PNG, WebP, GIF or BMP file, '-' for standard input; seeded noise without one")
    .description("Write the input tensor and every layer's output by name, to check another backend with.")
    .requiredOption('--model <file>', MODEL)
    .requiredOption('--out <file>', 'a .npz or .safetensors file; an old one is replaced')
    .addOption(
      new Option('--float64', 'compute and write in double precision, by the reference').implies({
        target: 'reference',
      }),
    )
    .addOption(
      new Option('--bounds', 'a golden bundle: also how far a correct backend may be from each number').implies({
        target: 'reference',
      }),
    )
    .option('--weights', "put the model's weights into the bundle");
  addLimitOptions(addInputOptions(addTargetOption(addIntegerOptions(addModelOptions(command)))))
    .option('--json', '{"picture", "network", "out", "tensors": [{"name", "shape"}]}')
    .addHelpText(
      'after',
      `
Examples:
  depthwise trace cat.jpg --model mobilenet_v1_0.25_224.h5 --out cat.npz
  depthwise trace cat.jpg --model mobilenet_v1_0.25_224.h5 --bounds --weights --out cat.safetensors
  depthwise trace --noise cancellation --model vww_96_float.tflite --float64 --out noise.safetensors`,
    )
    .action(async (picture: string | undefined, flags: Flags) => {
      const given = picture === undefined ? flags : { ...flags, picture };
      expectOneInput(given);
      expectCompatible(flags);
      const ending = expectEnding('--out', flags.out, ['.npz', '.safetensors']);
      const target = await expectWritable('--out', flags.out, [flags.model]);
      const real = flags.float64 || flags.bounds; // rules and numbers of the layers in real numbers
      const network = await readModel(flags.model, {
        ...flags,
        unlabelled: true,
        ...(real && { asRealNumbers: true }),
      });
      const input = await fed(network, flags.model, given);
      const write = flags.bounds ? writeGoldenTrace : writeTrace;
      const { tensors, bytes } = await write(network, input, target, ending === '.npz' ? 'npz' : 'safetensors', flags);
      const listed = [...tensors].map(([name, { shape }]) => ({ name, shape }));
      if (flags.json) printJson({ picture, network: network.name, out: flags.out, tensors: listed });
      else note(`wrote ${flags.out}: ${plural(tensors.size, 'tensor')}, ${formatBytes(bytes)}`);
    });
}

function expectCompatible({ float64, bounds, target, engine }: Flags): void {
  for (const [flag, on] of Object.entries({ float64, bounds })) {
    const asked = engine === 'wasm' ? '--engine wasm' : `--target ${target}`;
    if (on && (target !== 'reference' || engine === 'wasm')) {
      throw new UsageError(`--${flag} is computed by the reference; ${asked} was asked for`);
    }
  }
}

interface Written {
  /** Inputs and outputs by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Of the file. */
  readonly bytes: number;
}

async function writeTrace(
  network: Network,
  { inputs, source }: Fed,
  out: string,
  format: BundleFormat,
  { float64, ...flags }: Flags,
): Promise<Written> {
  return withProgress('trace', async (progress) => {
    const given = float64 ? new Map([...inputs].map(([name, x]) => [name, toFloat64(x)])) : inputs;
    const target = targetOf(flags);
    const tensors = await traceWith(flags, network, given, progress);
    const manifest = JSON.stringify(manifestOf(network, source, target === 'reference' ? 'reference' : 'wasm'));
    const bytes =
      format === 'npz'
        ? await writeNpz(tensors) // arrays alone, so that numpy's loops over all entries work
        : writeSafetensors(tensors, new Map([['depthwise.trace', manifest]]));
    await writeWhole(out, bytes);
    return { tensors, bytes: bytes.length };
  });
}

/** What the numbers come from. */
const manifestOf = (network: Network, source: GoldenSource, engine: 'reference' | 'wasm') => ({
  format: 'depthwise-trace',
  version: 1,
  generator: generator(),
  source,
  engine,
  layout: 'NHWC',
  network: toJson(network),
});

async function writeGoldenTrace(
  network: Network,
  { inputs, source }: Fed,
  out: string,
  format: BundleFormat,
  { weights }: Flags,
): Promise<Written> {
  return withProgress('trace', async (progress) => {
    const golden = makeGolden(network, inputs, { source, ...onNodeOf(progress) });
    const { bytes } = await writeBundle(golden, out, format, { weights: weights ?? false });
    return { tensors: new Map([...golden.inputs, ...golden.outputs]), bytes };
  });
}
