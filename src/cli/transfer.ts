/** `depthwise train PHOTOS --base MODEL`: a new classifier on the features of a trained network. */
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { writeNetwork } from '../formats/index.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import { type ClassResult, readPictureFolder, type TransferOptions } from '../training/index.node.js';
import { optimizerDefaults } from '../training/loop/optimizers.js';
import { trainClassifier } from '../training/transfer/transfer.js';
import { type ModelFlags, presetOption, readPictureModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, print, printJson, writeWhole } from './output.js';
import { noteSkipped } from './pictures.js';
import { startProgress } from './progress.js';
import { type RecipeFlags, trainingTarget } from './recipe.js';
import { textTable } from './table.js';
import { part, wholeNumber } from './values.js';

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

const transferFlags = ['fineTune', 'layer', 'heldBack', 'preset'] as const;

/** The flags of `train` that say something here. */
const understood: ReadonlySet<string> = new Set([
  ...transferFlags,
  ...['base', 'out', 'float16', 'json', 'wide', 'seed', 'augment', 'target', 'engine', 'maxPixels', 'maxSide'],
  ...['epochs', 'batch', 'optimizer', 'learningRate', 'weightDecay', 'labelSmoothing'],
]);

export function addTransferOptions(command: Command): Command {
  command
    .option('--base <model>', 'a trained network whose features are learnt from: a file, or published weights by name')
    .addOption(
      new Option('--fine-tune <blocks>', 'of the base, the last ones, that learn too; 0 unless given').argParser(
        wholeNumber(0),
      ),
    )
    .option(
      '--layer <name>',
      "of the base, whose output are the features; what the base's classifier reads unless given",
    )
    .addOption(
      new Option('--held-back <part>', 'of the pictures of each class, for the accuracy; 0.2 unless given').argParser(
        part,
      ),
    );
  return command.addOption(presetOption());
}

/** Throws a UsageError for what is said about a base that is not given. */
export function expectNoTransfer(photos: string | undefined, flags: TransferFlags): void {
  if (photos !== undefined) throw new UsageError(`'${photos}': a folder of pictures goes with --base, or as --data`);
  const surplus = transferFlags.find((name) => flags[name] !== undefined);
  if (surplus !== undefined) throw new UsageError(`${wordOf(surplus)} goes with --base, which was not given`);
}

export async function transfer(command: Command, photos: string | undefined, flags: Flags): Promise<void> {
  if (photos === undefined)
    throw new UsageError('--base: wanted a folder of pictures to learn from: depthwise train PHOTOS --base MODEL');
  expectUnderstood(command, flags);
  const { base: path, out, preset, heldBack, seed = 1 } = flags;
  const ending = expectEnding('--out', out, ['.safetensors', '.npz']);
  const target = await expectWritable('--out', out);
  const began = performance.now();
  const base = await readPictureModel(path!, preset === undefined ? {} : { preset });
  const progress = await startProgress('train');
  try {
    const data = await readPictureFolder(photos, {
      preprocessing: base.conventions.preprocessing!,
      seed,
      ...(heldBack !== undefined && { heldBack }),
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
  } finally {
    progress.stop();
  }
}

function optionsOf({ layer, fineTune = 0, seed = 1, augment, optimizer, ...flags }: Flags): TransferOptions {
  const { epochs, batch, learningRate, weightDecay, labelSmoothing } = flags;
  const learning = {
    ...(epochs !== undefined && { epochs }),
    ...(batch !== undefined && { batch }),
    ...(optimizer !== undefined && { optimizer: optimizerDefaults[optimizer] }),
    ...(learningRate !== undefined && { learningRate }),
    ...(weightDecay !== undefined && { weightDecay }),
    ...(labelSmoothing !== undefined && { labelSmoothing }),
  };
  return {
    ...trainingTarget(flags),
    ...(layer !== undefined && { layer }),
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
  if (surplus !== undefined) throw new UsageError(`${wordOf(surplus)} is for training from scratch, not for --base`);
}

/** labelSmoothing → --label-smoothing */
const wordOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function asText(classes: readonly ClassResult[], accuracy: number, seconds: number): string {
  const table = textTable(
    [
      { title: 'class', align: 'left' },
      { title: 'learnt', align: 'right' },
      { title: 'held back', align: 'right' },
      { title: 'right', align: 'right' },
    ],
    classes.map(({ label, learnt, heldBack, right }) => [label, `${learnt}`, `${heldBack}`, `${right}`]),
  );
  const heldBack = classes.reduce((sum, found) => sum + found.heldBack, 0);
  return `${table}\n\n${(100 * accuracy).toFixed(1)} % of ${heldBack} held-back pictures are right; ${seconds} s`;
}
