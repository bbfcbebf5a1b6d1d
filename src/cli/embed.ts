/** `depthwise embed`: the features of pictures at a named layer. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { writeNpy } from '../formats/tensors/npy.js';
import { embeddingLayer } from '../network/heads.js';
import type { Network } from '../network/index.js';
import { embed, stack } from '../tasks/embed.js';
import { MODEL, readPictureModel } from './model.js';
import { expectEnding, expectWritable, note, printJson, writeWhole } from './output.js';
import { addPictureOptions, answer, type PictureFlags } from './picture-command.js';
import { errorsIn, expectAllRead, PICTURES, withoutFolders } from './pictures.js';

interface Flags extends PictureFlags {
  readonly layer?: string;
  readonly out?: string;
  readonly pool: boolean;
}

export function configure(command: Command): void {
  command
    .argument('<picture...>', PICTURES)
    .description(
      "Write the pictures' features at a layer: float32 [pictures, channels], averaged over the feature map.",
    )
    .requiredOption('--model <file>', MODEL)
    .option('--layer <name>', 'any layer that `depthwise summary` lists; what the classifier reads unless given')
    .option('--out <file>', 'a .npy file; an old one is replaced')
    .option('--no-pool', 'keep the whole feature map: [pictures, height, width, channels]');
  addPictureOptions(command)
    .option(
      '--json',
      '{"pictures", "layer", "shape", "out"}, or "values" in place of "out" without --out; "errors" where pictures cannot be read',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise embed cat.jpg --model mobilenet_v1_0.25_224.h5 --layer conv_pw_13_relu --out cat.npy
  depthwise embed photos --model mobilenet_v1_0.25_224 --out photos.npy
  depthwise embed *.jpg --model mobilenet_v1_0.25_224.h5 --layer global_average_pooling2d --json`,
    )
    .action(async (paths: string[], flags: Flags) => {
      if (flags.out === undefined && !flags.json) throw new UsageError('nowhere to write to; wanted --out or --json');
      if (flags.out !== undefined) expectEnding('--out', flags.out, ['.npy']);
      const target = flags.out === undefined ? undefined : await expectWritable('--out', flags.out);
      const pictures = await withoutFolders(paths);
      const network = await readPictureModel(flags.model, flags);
      const layer = flags.layer ?? expectEmbeddingLayer(network);
      const outcomes = await answer('embed', network, pictures, flags, (run) => (picture) => {
        return embed(network, picture, { layer, pool: flags.pool, run });
      });
      const rows = outcomes.flatMap((outcome) => ('error' in outcome ? [] : [outcome]));
      if (rows.length === 0) return expectAllRead(outcomes);
      const features = stack(rows.map(({ result }) => result));
      const { shape } = features;
      if (target !== undefined) await writeWhole(target, writeNpy(features));
      if (flags.json) {
        const result = target === undefined ? { values: [...features.data] } : { out: flags.out };
        printJson({
          pictures: rows.map(({ picture }) => picture),
          layer,
          shape,
          ...result,
          ...errorsIn(outcomes),
        });
      } else note(`wrote ${flags.out}: [${shape.join(', ')}]`);
      expectAllRead(outcomes);
    });
}

function expectEmbeddingLayer(network: Network): string {
  const layer = embeddingLayer(network);
  if (layer !== undefined) return layer;
  throw new UsageError(`${network.name}: it is not known what its classifier reads; wanted --layer`);
}
