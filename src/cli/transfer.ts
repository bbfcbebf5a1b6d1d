/** `depthwise train PHOTOS --base MODEL`: a new classifier on the features of a trained network. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { writeNetwork } from '../formats/index.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import { type ClassResult, readPictureFolder, type TransferOptions } from '../training/index.node.js';
import { optimizerDefaults } from '../training/loop/optimizers.js';
import { trainClassifier } from '../training/transfer/transfer.js';
import { type ModelFlags, presetOption, readPictureModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, percent, print, printJson, writeWhole } from './output.js';
import { noteSkipped } from './pictures.js';
import { withProgress } from './progress.js';
import { type RecipeFlags, trainingTarget } from './recipe.js';
import { numbersBy, textTable } from './table.js';
import { given, optionWord, part, wholeNumber } from './values.js';

export interface TransferFlags extends Pick<ModelFlags, 'preset'> {
  readonly base?: string;
  readonly fineTune?: number;
  readonly layer?: string;
  readonly heldBack?: number;
}

interface Flags extends TransferFlags, RecipeFlags, PictureLimits {
  readonly out: string;
  readonly float16?: true;
  readonly json?: true;
}

/** The flags of `train` that say something here. */
const understood: ReadonlySet<string> = new Set([
  ...['fineTune', 'layer', 'heldBack', 'preset'],
  ...['base', 'out', 'float16', 'json', 'wide', 'seed', 'augment', 'target', 'engine', 'maxPixels', 'maxSide'],
  ...['epochs', 'batch', 'optimizer', 'learningRate', 'weightDecay', 'labelSmoothing'],
]);

export function addTransferOptions(command: Command): Command {
  command
    .option('--base <model>', 'a trained network whose features are learnt from: a file, or published weights by name')
    .option('--fine-tune <blocks>', 'of the base, the last ones, that learn too; 0 unless given', wholeNumber(0))
    .option(
      '--layer <name>',
      "of the base, whose output are the features; what the base's classifier reads unless given",
    )
    .option('--held-back <part>', 'of the pictures of each class, for the accuracy; 0.2 unless given', part);
  return command.addOption(presetOption());
}

export async function transfer(command: Command, photos: string | undefined, flags: Flags): Promise<void> {
  if (photos === undefined)
    throw new UsageError('--base: wanted a folder of pictures to learn from: depthwise train PHOTOS --base MODEL');
  expectUnderstood(command, flags);
  const { base: path, out, seed = 1 } = flags;
  const ending = expectEnding('--out', out, ['.safetensors', '.npz']);
  const target = await expectWritable('--out', out, [path]);
  const began = performance.now();
  const base = await readPictureModel(path!, given(flags, ['preset']));
  await withProgress('train', async (progress) => {
    const data = await readPictureFolder(photos, {
      preprocessing: base.conventions.preprocessing!,
      seed,
      ...given(flags, ['heldBack']),
      onSkipped: noteSkipped,
      limits: flags,
      onPicture: (done, all) => progress.at((0.5 * done) / all, `reading ${all} pictures`),
    });
    const { network, accuracy, classes } = await trainClassifier(base, data, {
      ...optionsOf(flags),
      onProgress: (part, doing) => progress.at(0.5 + 0.5 * part, doing),
    });
    const format = ending === '.npz' ? 'npz' : 'safetensors';
    const bytes = await writeNetwork(network, format, flags.float16 ? { kernels: 'float16' } : {});
    await writeWhole(target, bytes);
    progress.stop();
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    if (flags.json) printJson({ out, accuracy, classes, seconds, bytes: bytes.length });
    else print(asText(classes, accuracy, seconds));
    note(`wrote ${out}: ${classes.length} classes, ${formatBytes(bytes.length)}`);
  });
}

function optionsOf({ fineTune = 0, seed = 1, augment, optimizer, ...flags }: Flags): TransferOptions {
  const learning = {
    ...given(flags, ['epochs', 'batch', 'learningRate', 'weightDecay', 'labelSmoothing']),
    ...(optimizer !== undefined && { optimizer: optimizerDefaults[optimizer] }),
  };
  return {
    ...trainingTarget(flags),
    ...given(flags, ['layer']),
    fineTune,
    mirror: augment.some(({ word }) => word === 'flip'),
    seed,
    ...(fineTune > 0 ? { tuning: learning } : { head: learning }),
  };
}

/** Architecture and most of the recipe are the base's. */
function expectUnderstood(command: Command, { augment }: Flags): void {
  const given = Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === 'cli');
  if (given.includes('augment') && augment.some(({ word }) => word !== 'flip')) {
    throw new UsageError('--augment: with --base pictures are flipped or left alone; wanted flip or none');
  }
  const surplus = given.find((name) => !understood.has(name));
  if (surplus !== undefined)
    throw new UsageError(`${optionWord(surplus)} is for training from scratch, not for --base`);
}

function asText(classes: readonly ClassResult[], accuracy: number, seconds: number): string {
  const table = textTable(
    numbersBy('class', 'learnt', 'held back', 'right'),
    classes.map(({ label, learnt, heldBack, right }) => [label, `${learnt}`, `${heldBack}`, `${right}`]),
  );
  const heldBack = classes.reduce((sum, found) => sum + found.heldBack, 0);
  return `${table}\n\n${percent(accuracy)} of ${heldBack} held-back pictures are right; ${seconds} s`;
}
