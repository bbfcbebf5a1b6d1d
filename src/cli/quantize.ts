/** `depthwise quantize`: a network of real numbers becomes one of 8-bit integers, with a report of what that costs. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { PictureError, UsageError } from '../errors.js';
import { cArrayOf } from '../formats/c-array.js';
import { writeNetwork } from '../formats/index.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import { preprocess } from '../image/index.js';
import type { Network } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import {
  calibrate,
  type QuantizationReport,
  type QuantizeOptions,
  quantizationReport,
  quantizeNetwork,
  type RangeRule,
} from '../quantization/index.js';
import { rangeRules } from '../quantization/ranges.js';
import type { Tensor } from '../tensor.js';
import { addModelOptions, MODEL, type ModelFlags, readPictureModel, theModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, print, printJson, writeWhole } from './output.js';
import { addLimitOptions, openPicture, PICTURES, withoutFolders } from './pictures.js';
import { type Progress, startProgress } from './progress.js';
import { textTable } from './table.js';
import { wholeNumber } from './values.js';

interface Flags extends ModelFlags, PictureLimits {
  readonly model?: string;
  readonly calibrate: string[];
  readonly out: string;
  readonly cArray?: string;
  readonly count: number;
  readonly ranges: RangeRule;
  readonly perTensor?: true;
  readonly biasCorrection: boolean;
  readonly input?: 'uint8' | 'float32';
  readonly json?: true;
}

const formats = { '.tflite': 'tflite', '.safetensors': 'safetensors', '.npz': 'npz' } as const;

export function configure(command: Command): void {
  command
    .argument('[model]', MODEL)
    .description(
      'Turn a network of real numbers into one of 8-bit integers: a quarter of the size, and faster. Ordinary pictures show the ranges of its tensors.',
    )
    .option('--model <file>', 'the same as the argument')
    .requiredOption('--calibrate <picture...>', PICTURES)
    .requiredOption('--out <file>', 'a .tflite, .safetensors or .npz file; an old one is replaced')
    .option('--c-array <file>', 'the .tflite file as a C array too, for a microcontroller: a .h, .c or .cc file')
    .option('--count <pictures>', 'how many pictures at most, evenly from those given', wholeNumber(1), 100)
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
    .option('--json', '{"network", "out", "bytes", "pictures", "agreed", "sqnr", "layers": [{"name", "sqnr"}]}')
    .addHelpText(
      'after',
      `
Examples:
  depthwise quantize mobilenet_v1_0.25_224 --calibrate photos --out small.tflite
  depthwise quantize run/model.safetensors --calibrate photos --out mine.tflite --c-array mine.h
  depthwise quantize model.onnx --calibrate a.jpg b.jpg c.jpg --ranges percentile --out model.tflite --json

  SQNR is the ratio of signal to quantisation noise of a layer's numbers, in decibels. From about 20 on at the end, nearly all answers stay the same.
  How often the new file is right, "depthwise evaluate" tells.`,
    )
    .action(async (argument: string | undefined, flags: Flags) => {
      const ending = expectEnding('--out', flags.out, Object.keys(formats) as (keyof typeof formats)[]);
      if (flags.cArray !== undefined) {
        expectEnding('--c-array', flags.cArray, ['.h', '.c', '.cc']);
        if (ending !== '.tflite')
          throw new UsageError('--c-array: is made of a .tflite file; wanted --out FILE.tflite');
      }
      const target = await expectWritable('--out', flags.out);
      const arrayTarget = flags.cArray === undefined ? undefined : await expectWritable('--c-array', flags.cArray);
      const network = await readPictureModel(theModel(argument, flags.model), flags);
      if (integersOf(network)) throw new UsageError(`${network.name}: computes with integers already`);
      const paths = evenly(await withoutFolders(flags.calibrate), flags.count);
      const { bytes, report } = await quantized(network, paths, formats[ending], flags);
      await writeWhole(target, bytes);
      if (arrayTarget !== undefined) await writeWhole(arrayTarget, cArrayOf(bytes, basename(flags.out)));
      if (flags.json) {
        const { tensors, ...totals } = report;
        printJson({ network: network.name, out: flags.out, bytes: bytes.length, ...totals, layers: tensors });
      } else {
        print(tableOf(report));
        note(`wrote ${flags.out}: ${network.name}, ${formatBytes(bytes.length)}`);
      }
    });
}

/** At most so many, from the whole list. */
function evenly(paths: readonly string[], count: number): readonly string[] {
  if (paths.length <= count) return paths;
  return Array.from({ length: count }, (_, i) => paths[Math.floor((i * paths.length) / count)]);
}

async function quantized(
  network: Network,
  paths: readonly string[],
  format: 'tflite' | 'safetensors' | 'npz',
  flags: Flags,
): Promise<{ bytes: Uint8Array; report: QuantizationReport }> {
  const options: QuantizeOptions = {
    weights: flags.perTensor ? 'per-tensor' : 'per-channel',
    biasCorrection: flags.biasCorrection,
    ...(flags.input && { input: flags.input }),
  };
  const progress = await startProgress('quantize');
  try {
    const pass = (begin: number, what: string) => preparedPictures(network, paths, flags, progress, begin, what);
    const calibration = await calibrate(network, pass(0, 'ranges'), { ranges: flags.ranges });
    const integers = quantizeNetwork(calibration, options);
    const report = await quantizationReport(calibration.network, integers, pass(0.5, 'report'));
    return { bytes: await writeNetwork(integers, format), report };
  } finally {
    progress.stop();
  }
}

/** One after the other, so that memory does not grow with their number. A picture that cannot be read is said and left out. */
async function* preparedPictures(
  network: Network,
  paths: readonly string[],
  limits: PictureLimits,
  progress: Progress,
  begin: number,
  what: string,
): AsyncGenerator<Tensor> {
  for (const [i, path] of paths.entries()) {
    progress.at(begin + i / paths.length / 2, what);
    try {
      yield preprocess(await openPicture(path, limits), network.conventions.preprocessing!);
    } catch (error) {
      if (!(error instanceof PictureError) || paths.length === 1) throw error;
      if (begin === 0) note(`left out: ${error.message}`);
    }
  }
}

function tableOf({ tensors, sqnr, agreed, pictures }: QuantizationReport): string {
  const table = textTable(
    [
      { title: 'layer', align: 'left' },
      { title: 'SQNR, dB', align: 'right' },
    ],
    tensors.map(({ name, sqnr }) => [name, sqnr.toFixed(1)]),
  );
  return `${table}\n\nSQNR of the answers ${sqnr.toFixed(1)} dB; the same answer to ${agreed} of ${pictures} pictures`;
}
