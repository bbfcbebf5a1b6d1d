/** `depthwise segment`: which classes the pixels of pictures belong to. */
import type { Command } from 'commander';
import { type DecodeOptions as PictureLimits, toRgb } from '../image/index.js';
import { overlay, type Segmentation, segment } from '../segmentation/index.js';
import { readLabels } from '../tasks/files.js';
import { annotatedNames, asPng } from './annotated.js';
import { harmless } from './display.js';
import { addTargetOption, executor, type TargetFlags } from './executor.js';
import { addModelOptions, MODEL, type ModelFlags, readPictureModel } from './model.js';
import { expectFolder, note, plural, print, printJson, writeWhole } from './output.js';
import {
  addLimitOptions,
  eachPicture,
  errorJson,
  expectAllRead,
  type Outcome,
  PICTURES,
  withoutFolders,
} from './pictures.js';
import { startProgress } from './progress.js';
import { textTable } from './table.js';

interface Flags extends ModelFlags, TargetFlags, PictureLimits {
  readonly model: string;
  readonly labels?: string;
  readonly out?: string;
  readonly json?: true;
}

export function configure(command: Command): void {
  command
    .argument('<picture...>', PICTURES)
    .description('Say how much of each picture belongs to each class.')
    .requiredOption('--model <file>', MODEL)
    .option('--labels <file>', "a label a line, or JSON; the model's own unless given")
    .option(
      '--out <folder>',
      "write each picture with its classes in Pascal VOC's colours into this folder, as NAME.png",
    );
  addLimitOptions(addTargetOption(addModelOptions(command)))
    .option(
      '--json',
      '[{"picture", "width", "height", "classes": [{"classIndex", "pixels", "share", "label"}]}]; a picture that cannot be read has "error" in place of "classes"',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise segment cat.jpg --model deeplabv3_mnv2_pascal_quant.tflite
  depthwise segment photos --model deeplabv3_mnv2_pascal_quant.tflite --out coloured --json`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const pictures = await withoutFolders(paths);
      const files = flags.out === undefined ? undefined : annotatedNames(pictures, flags.out);
      const network = await readPictureModel(flags.model, flags);
      if (flags.out !== undefined) await expectFolder('--out', flags.out);
      const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
      const progress = await startProgress('segment');
      try {
        const options = { run: executor(flags, progress, pictures.length), ...(labels && { labels }) };
        const outcomes = await eachPicture(pictures, flags, async (picture, path) => {
          const answer = await segment(network, picture, options);
          const file = files?.get(path);
          if (file !== undefined) await writeWhole(file, await asPng(overlay(toRgb(picture), answer)));
          return answer;
        });
        progress.stop();
        if (flags.json) printJson(outcomes.map(asJson));
        else print(outcomes.flatMap(asText).join('\n\n'));
        const written = outcomes.filter((one) => 'result' in one).length;
        if (files !== undefined) note(`wrote ${plural(written, 'picture')} into ${flags.out}`);
        expectAllRead(outcomes);
      } finally {
        progress.stop();
      }
    });
}

function asJson(outcome: Outcome<Segmentation>): object {
  if ('error' in outcome) return { picture: outcome.picture, error: errorJson(outcome.error) };
  const { width, height, classes } = outcome.result;
  return { picture: outcome.picture, width, height, classes };
}

/** Nothing for a picture that cannot be read: that is said on stderr. */
function asText(outcome: Outcome<Segmentation>): string[] {
  if ('error' in outcome) return [];
  const table = textTable(
    [
      { title: 'class', align: 'left' },
      { title: 'of the picture', align: 'right' },
    ],
    outcome.result.classes.map(({ label, share }) => [harmless(label), `${(100 * share).toFixed(1)} %`]),
  );
  return [`${harmless(outcome.picture)}\n${table}`];
}
