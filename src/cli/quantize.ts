/** `depthwise quantize`: a network of real numbers becomes one of 8-bit integers, with a report of what that costs. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { PictureError, UsageError } from '../errors.js';
import { cArrayOf } from '../formats/c-array.js';
import { writeNetwork } from '../formats/index.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import { prepare } from '../image/index.js';
import type { Network, QuantizedNetwork } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import { isQuantizedType } from '../network/quantized-network.js';
import { asRealNumbers } from '../network/rewriting/as-real-numbers.js';
import { arenaBytes } from '../quantization/arena.js';
import {
  calibrate,
  correctBiases,
  type QuantizationReport,
  type QuantizeOptions,
  quantizationReport,
  quantizeNetwork,
  type RangeRule,
} from '../quantization/index.js';
import { withCommonMean } from '../quantization/picture-bytes.js';
import { rangeRules } from '../quantization/ranges.js';
import type { Tensor } from '../tensor.js';
import { centralView } from '../training/data/augment.js';
import { Renderer } from '../training/data/batches.js';
import { limited } from '../training/data/limit.js';
import { type DataSplits, type Dataset, readData } from '../training/index.node.js';
import { evaluate, expectFit } from '../training/loop/evaluate.js';
import { DATA, expectSameClasses } from './evaluate.js';
import { executor } from './executor.js';
import { addModelOptions, MODEL, type ModelFlags, readPictureModel, theModel } from './model.js';
import {
  expectEnding,
  expectWritable,
  formatBytes,
  formatCount,
  note,
  percent,
  plural,
  print,
  printJson,
  writeWhole,
} from './output.js';
import { addLimitOptions, noteSkipped, openPicture, PICTURES, withoutFolders } from './pictures.js';
import { withProgress } from './progress.js';
import { numbersBy, textTable } from './table.js';
import { seedNumber, wholeNumber } from './values.js';

interface Flags extends ModelFlags, PictureLimits {
  readonly model?: string;
  readonly calibrate?: string[];
  readonly data?: string;
  readonly limit?: number;
  readonly seed: number;
  readonly out: string;
  readonly cArray?: string;
  readonly count: number;
  readonly ranges: RangeRule;
  readonly perTensor?: true;
  readonly biasCorrection: boolean;
  readonly input?: 'uint8' | 'float32';
  readonly json?: true;
}

const formats = { '.tflite': 'tflite', '.safetensors': 'safetensors', '.npz': 'npz', '.onnx': 'onnx' } as const;

export function configure(command: Command): void {
  command
    .argument('[model]', MODEL)
    .description(
      'Turn a network of real numbers into one of 8-bit integers: a quarter of the size, and faster. Ordinary pictures show the ranges of its tensors.',
    )
    .option('--model <file>', 'the same as the argument')
    .option('--calibrate <picture...>', `${PICTURES}; training pictures of --data unless given`)
    .option('--data <source>', `to say how often both networks are right about its test pictures: ${DATA}`)
    .requiredOption('--out <file>', 'a .tflite, .safetensors, .npz or .onnx (QDQ) file; an old one is replaced')
    .option(
      '--c-array <file>',
      'the .tflite file as a C array too, for a microcontroller: a .h, .c or .cc file. mine.h defines mine_tflite and mine_tflite_len',
    )
    .option('--count <pictures>', 'how many pictures at most, evenly from those given', wholeNumber(1), 100)
    .option('--limit <pictures>', 'of --data: ask about so many test pictures alone', wholeNumber(1))
    .option('--seed <number>', "of --data: decides which of a folder's pictures are test pictures", seedNumber, 1)
    .addOption(
      new Option('--ranges <rule>', 'how the range of a tensor follows from its numbers')
        .choices(rangeRules)
        .default('min-max'),
    )
    .option('--per-tensor', 'one scale for each kernel, in place of one for each output channel: seldom good enough')
    .option('--no-bias-correction', 'biases as they are; they make up for the mean error of rounded kernels otherwise')
    .addOption(
      new Option(
        '--input <type>',
        'bytes of the picture, where its preprocessing allows that, or real numbers',
      ).choices(['uint8', 'float32']),
    );
  addLimitOptions(addModelOptions(command))
    .option(
      '--json',
      '{"network", "out", "bytes", "arena", "pictures", "agreed", "sqnr", "layers": [{"name", "sqnr"}]}, with --data "right": {"float", "integers", "pictures"}',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise quantize mobilenet_v1_0.25_224 --calibrate photos --out small.tflite
  depthwise quantize run/model.safetensors --calibrate photos --out mine.tflite --c-array mine.h
  depthwise quantize run/model.safetensors --data cifar10:cifar-10-batches-bin --out mine.tflite
  depthwise quantize model.onnx --calibrate a.jpg b.jpg c.jpg --ranges percentile --out model.tflite --json

  SQNR is the ratio of signal to quantisation noise of a layer's numbers, in decibels. From about 20 on at the end, nearly all answers stay the same.
  The arena is what TensorFlow Lite Micro keeps for tensors; the interpreter's own records come on top of it.`,
    )
    .action(async (argument: string | undefined, flags: Flags) => {
      const ending = expectEnding('--out', flags.out, Object.keys(formats) as (keyof typeof formats)[]);
      if (flags.cArray !== undefined) {
        expectEnding('--c-array', flags.cArray, ['.h', '.c', '.cc']);
        if (ending !== '.tflite')
          throw new UsageError('--c-array: is made of a .tflite file; wanted --out FILE.tflite');
      }
      if (flags.calibrate === undefined && flags.data === undefined)
        throw new UsageError('wanted --calibrate PICTURES, or --data with training pictures to take');
      const model = theModel(argument, flags.model);
      const target = await expectWritable('--out', flags.out, [model]);
      const arrayTarget = flags.cArray === undefined ? undefined : await expectWritable('--c-array', flags.cArray);
      const network = await readPictureModel(model, flags);
      if (integersOf(network))
        throw new UsageError(
          `${network.name}: computes with integers already; depthwise convert --integers writes them to other files`,
        );
      // With one mean for all channels, so that bytes of pictures can go in.
      const subject = flags.input === 'float32' ? network : withCommonMean(network);
      const data = flags.data === undefined ? undefined : await labelledPictures(network, flags.data, flags);
      const pictures = flags.calibrate
        ? ofFiles(subject, evenly(await withoutFolders(flags.calibrate), flags.count), flags)
        : ofDataset(subject, data!.train, flags.count);
      const { integers, report, right } = await quantized(network, subject, pictures, data?.test, flags);
      const bytes = await writeNetwork(integers, formats[ending]);
      await writeWhole(target, bytes);
      if (arrayTarget !== undefined) await writeWhole(arrayTarget, cArrayOf(bytes, basename(flags.cArray!)));
      const arena = arenaBytes(integers);
      if (flags.json) {
        const { tensors, ...totals } = report;
        const file = { network: network.name, out: flags.out, bytes: bytes.length, arena };
        printJson({ ...file, ...totals, ...(right && { right }), layers: tensors });
      } else {
        print(asText(report, right));
        if (report.pictures < FEW)
          note(
            `${plural(report.pictures, 'picture')} may show too little of each range; 32 are enough for most networks`,
          );
        const takes = isQuantizedType(integers.inputs[0].type) ? 'bytes of pictures' : 'prepared real numbers';
        note(
          `wrote ${flags.out}: ${network.name}, ${formatBytes(bytes.length)}, for ${takes}; tensors take ${formatBytes(arena)} of a microcontroller's arena`,
        );
      }
    });
}

/** Fewer pictures are remarked upon. */
const FEW = 16;

/** At most so many, from the whole list. */
function evenly<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}

/** A classifier's data, whose classes and sizes are the network's. */
async function labelledPictures(network: Network, source: string, flags: Flags): Promise<DataSplits> {
  const { seed, limit } = flags;
  if (/^(coco|voc):/.test(source))
    throw new UsageError(`--data ${source}: quantize counts the right answers of classifiers alone; wanted ${DATA}`);
  const preprocessing = network.conventions.preprocessing!;
  const { train, test } = await readData(source, () => ({
    preprocessing,
    seed,
    onSkipped: noteSkipped,
    limits: flags,
  }));
  expectFit(network, test);
  expectSameClasses(network, test);
  return { train, test: limited(test, limit ?? test.labels.length, seed) };
}

/** Prepared inputs that can be had more than once. */
interface Pictures {
  readonly count: number;
  inputs(): AsyncIterable<Tensor> | Iterable<Tensor>;
}

/** One after the other, so that memory does not grow with their number. One that cannot be read is said and left out. */
function ofFiles(network: Network, paths: readonly string[], limits: PictureLimits): Pictures {
  const prepared = async (path: string) => prepare(await openPicture(path, limits), network.conventions.preprocessing!);
  const unreadable = new Set<string>();
  let fromStandardInput: Promise<Tensor> | undefined;
  return {
    count: paths.length,
    async *inputs() {
      for (const path of paths.filter((path) => !unreadable.has(path))) {
        try {
          if (path === '-') fromStandardInput ??= prepared(path);
          yield await (path === '-' ? fromStandardInput! : prepared(path));
        } catch (error) {
          if (!(error instanceof PictureError) || paths.length === 1) throw error;
          unreadable.add(path);
          note(`left out: ${error.message}`);
        }
      }
      if (paths.every((path) => unreadable.has(path)))
        throw new PictureError(`none of ${paths.length} pictures can be read`);
    },
  };
}

function ofDataset(network: Network, data: Dataset, most: number): Pictures {
  const size = expectFit(network, data);
  const renderer = new Renderer(data, network.conventions.preprocessing!);
  const indices = evenly([...data.labels.keys()], most);
  return {
    count: indices.length,
    *inputs() {
      for (const index of indices) yield renderer.batch([index], centralView(size, size), size);
    },
  };
}

/** More pictures do not make better biases, and each is run once for each layer. */
const MOST_FOR_BIASES = 32;

async function* few(pictures: Pictures): AsyncGenerator<Tensor> {
  const step = Math.ceil(pictures.count / MOST_FOR_BIASES);
  let index = 0;
  for await (const input of pictures.inputs()) if (index++ % step === 0) yield input;
}

/** How many test pictures each network is right about. */
interface Right {
  readonly float: number;
  readonly integers: number;
  readonly pictures: number;
}

/** `subject` is the network as it is quantised, for which the pictures are prepared. */
async function quantized(
  network: Network,
  subject: Network,
  pictures: Pictures,
  test: Dataset | undefined,
  flags: Flags,
): Promise<{ integers: QuantizedNetwork; report: QuantizationReport; right?: Right }> {
  const options: QuantizeOptions = {
    weights: flags.perTensor ? 'per-tensor' : 'per-channel',
    biasCorrection: flags.biasCorrection,
    ...(flags.input && { input: flags.input }),
  };
  return withProgress('quantize', async (progress) => {
    const [first, passes] = test ? [1, 5] : [0, 3];
    const during = (pass: number, what: string, all: number) => (done: number) =>
      progress.at((pass + done / all) / passes, what);
    const ask = async (asked: Network, pass: number, what: string): Promise<number> => {
      const run = executor(asked, { target: 'auto', rounding: 'single' }, { ...progress, at() {} }, 1);
      const onBatch = (done: number, all: number): void => during(pass, what, all)(done);
      const { top1 } = await evaluate(asked, test!, { run, onBatch });
      return Math.round(top1 * test!.labels.length);
    };
    // First, since the classes may differ.
    const float = test && (await ask(network, 0, 'real numbers'));
    const calibration = await calibrate(subject, pictures.inputs(), {
      ranges: flags.ranges,
      onPicture: during(first, 'ranges', pictures.count),
    });
    const rounded = quantizeNetwork(calibration, options);
    const integers = flags.biasCorrection
      ? await correctBiases(calibration.network, rounded, few(pictures), {
          onLayer: (done, layers) => during(first + 1, 'biases', layers)(done),
        })
      : rounded;
    const report = await quantizationReport(calibration.network, integers, pictures.inputs(), {
      onPicture: during(first + 2, 'report', pictures.count),
    });
    if (float === undefined) return { integers, report };
    const asked = { float, integers: await ask(asRealNumbers(integers), 4, 'integers'), pictures: test!.labels.length };
    return { integers, report, right: asked };
  });
}

function asText({ tensors, sqnr, agreed, pictures }: QuantizationReport, right: Right | undefined): string {
  const table = textTable(
    numbersBy('layer', 'SQNR, dB'),
    tensors.map(({ name, sqnr }) => [name, sqnr.toFixed(1)]),
  );
  const share =
    agreed &&
    (Number.isInteger(agreed)
      ? `to ${agreed} of ${plural(pictures, 'picture')}`
      : `at ${percent(agreed / pictures, 2)} of the positions`);
  const lines = [
    `on the ${pictures === 1 ? 'picture' : 'pictures'} that calibrated: SQNR of the answers ${sqnr.toFixed(1)} dB${agreed === undefined ? '' : `; the same answer ${share}`}`,
  ];
  if (right) {
    const { float, integers, pictures: asked } = right;
    lines.push(
      `right about ${percent(float / asked, 2)} of ${formatCount(asked)} test pictures as real numbers, ${percent(integers / asked, 2)} as integers`,
    );
  }
  return `${table}\n\n${lines.join('\n')}`;
}
