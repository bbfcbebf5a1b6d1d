/** `depthwise classify`: what pictures show. */
import type { Command } from 'commander';
import { readPicture } from '../image/index.js';
import type { Network } from '../network/index.js';
import { readLabels } from '../tasks/files.js';
import { classify, type Prediction } from '../tasks/index.js';
import { addEngineOption, addMirrorOption, type EngineFlags, executor, type MirrorFlag } from './executor.js';
import { addModelOptions, type ModelFlags, readPictureModel } from './model.js';
import { print, printJson } from './output.js';
import { startProgress } from './progress.js';
import { modelOption } from './shipped.js';
import { wholeNumber } from './values.js';

interface Flags extends ModelFlags, EngineFlags, MirrorFlag {
  readonly model: string;
  readonly labels?: string;
  readonly top: number;
  readonly json?: true;
}

interface Answer {
  readonly picture: string;
  readonly predictions: readonly Prediction[];
}

export function configure(command: Command): void {
  command
    .argument('<picture...>', 'JPEG, PNG, WebP, GIF or BMP files')
    .description("Say what is in each picture: the model's best labels, with their probabilities.")
    .addOption(modelOption('Keras .h5, .tflite, .safetensors, …; or published weights by name'))
    .option('--labels <file>', "a label a line, or JSON; the model's own unless given")
    .option('--top <count>', 'labels a picture', wholeNumber(1), 5);
  addMirrorOption(addEngineOption(addModelOptions(command)))
    .option(
      '--json',
      '[{"picture", "predictions": [{"label", "index", "probability"}]}]; index counts the model\'s outputs',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise classify cat.jpg
  depthwise classify cat.jpg --model mobilenet_v1_0.25_224
  depthwise classify cat.jpg --model mobilenet_v1_0.25_224.h5 --labels imagenet_labels_1001.txt
  depthwise classify *.png --model mobilenet_v2_1.0_224_quant.tflite --top 1 --json
  depthwise classify cat.jpg --model weights.h5 --network mobilenet_v1 --alpha 0.25 --resolution 224
  depthwise classify cat.jpg --model vww_96_float.tflite --preset tfjs-hub`,
    )
    .action(async (pictures: string[], flags: Flags) => {
      const network = await readPictureModel(flags.model, flags);
      const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
      const options = { top: flags.top, ...(labels && { labels }) };
      const answers = await answer(network, pictures, flags, options);
      if (flags.json) printJson(answers);
      else print(answers.map(asText).join('\n\n'));
    });
}

async function answer(
  network: Network,
  pictures: readonly string[],
  flags: EngineFlags & MirrorFlag,
  options: { top: number; labels?: readonly string[] },
): Promise<Answer[]> {
  const progress = await startProgress('classify');
  try {
    const run = executor(flags, progress, pictures.length);
    const answers: Answer[] = [];
    for (const picture of pictures) {
      const predictions = await classify(network, await readPicture(picture), { ...options, run });
      answers.push({ picture, predictions });
    }
    return answers;
  } finally {
    progress.stop();
  }
}

function asText({ picture, predictions }: Answer): string {
  const lines = predictions.map(
    ({ label, probability }) => `${(100 * probability).toFixed(1).padStart(5)} %  ${label}`,
  );
  return [picture, ...lines].join('\n');
}
