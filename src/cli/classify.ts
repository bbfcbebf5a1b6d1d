/** `depthwise classify`: what pictures show. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { inferShapes, type Network } from '../network/index.js';
import { labelsIn, readLabels } from '../tasks/files.js';
import { classify, type Prediction } from '../tasks/index.js';
import { labelsForOutputs } from '../tasks/labels.js';
import { harmless } from './display.js';
import { addMirrorOption, type MirrorFlag } from './executor.js';
import { expectNoDetector, expectNoSegmenter, MODEL, readPictureModel } from './model.js';
import { addPictureOptions, answer, noteUnnamed, type PictureFlags, printAnswers } from './picture-command.js';
import { expectAllRead, PICTURES, withoutFolders } from './pictures.js';
import { modelOption } from './shipped.js';
import { readFileOrInput } from './standard-input.js';
import { wholeNumber } from './values.js';

interface Flags extends PictureFlags, MirrorFlag {
  readonly labels?: string;
  readonly top: number;
}

export function configure(command: Command): void {
  command
    .argument('<picture...>', PICTURES)
    .description("Say what is in each picture: the model's best labels, with their probabilities.")
    .addOption(modelOption(MODEL))
    .option('--labels <file>', LABELS)
    .option('--top <count>', 'labels a picture', wholeNumber(1), 5);
  addPictureOptions(addMirrorOption(command))
    .option(
      '--json',
      '[{"picture", "predictions": [{"label", "index", "probability"}]}]; index counts the model\'s outputs; a picture that cannot be read has "error" in place of "predictions"',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise classify cat.jpg
  depthwise classify cat.jpg --model mobilenet_v1_0.25_224
  depthwise classify photos --top 1 --json
  depthwise classify - --json < cat.jpg
  depthwise classify cat.jpg --model mobilenet_v1_0.25_224.h5 --labels imagenet_labels_1001.txt
  depthwise classify *.png --model mobilenet_v2_1.0_224_quant.tflite --top 1 --json
  depthwise classify cat.jpg --model weights.h5 --network mobilenet_v1 --alpha 0.25 --resolution 224
  depthwise classify cat.jpg --model vww_96_float.tflite --preset tfjs-hub`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const pictures = await withoutFolders(paths);
      const network = await readPictureModel(flags.model, flags);
      expectNoDetector(network, 'classifies pictures');
      expectNoSegmenter(network);
      const labels = flags.labels === undefined ? undefined : await labelsOf(network, flags.labels);
      const options = { top: flags.top, ...(labels && { labels }) };
      const outcomes = await answer('classify', network, pictures, flags, (run) => (picture) => {
        return classify(network, picture, { ...options, run });
      });
      printAnswers(outcomes, flags, (predictions) => ({ predictions }), asText);
      noteUnnamed(network, labels, flags);
      expectAllRead(outcomes);
    });
}

/** The help of `--labels`. */
export const LABELS = "a label a line, or JSON; the model's own unless given";

/** The labels in a file, or on standard input, one for each output. Throws an error that names the file. */
export async function labelsOf(network: Network, path: string): Promise<readonly string[]> {
  const labels = path === '-' ? await pipedLabels() : await readLabels(path);
  const outputs = inferShapes(network).get(network.outputs[0])!.at(-1)!;
  try {
    return labelsForOutputs(labels, outputs, network.conventions.labelOffset ?? 0);
  } catch (error) {
    throw error instanceof UsageError
      ? new UsageError(`--labels ${path}: ${error.message.replace(/^labels: /, '')}`)
      : error;
  }
}

async function pipedLabels(): Promise<string[]> {
  const { name, bytes } = await readFileOrInput('-', 'the labels');
  return labelsIn(bytes, name);
}

const asText = (predictions: readonly Prediction[]): string =>
  predictions
    .map(({ label, probability }) => `${(100 * probability).toFixed(1).padStart(5)} %  ${harmless(label)}`)
    .join('\n');
