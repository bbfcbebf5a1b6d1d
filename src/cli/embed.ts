/** `depthwise embed`: the features of pictures at a named layer. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { writeNpy } from '../formats/index.js';
import { readPicture } from '../image/index.js';
import { embed } from '../tasks/index.js';
import type { Tensor } from '../tensor.js';
import { addEngineOption, type EngineFlags, executor } from './executor.js';
import { addModelOptions, type ModelFlags, readPictureModel } from './model.js';
import { expectEnding, expectWritable, note, printJson, writeWhole } from './output.js';
import { startProgress } from './progress.js';

interface Flags extends ModelFlags, EngineFlags {
  readonly model: string;
  readonly layer: string;
  readonly out?: string;
  readonly pool: boolean;
  readonly json?: true;
}

export function configure(command: Command): void {
  command
    .argument('<picture...>', 'JPEG, PNG, WebP, GIF or BMP files')
    .description(
      "Write the pictures' features at a layer: float32 [pictures, channels], averaged over the feature map.",
    )
    .requiredOption('--model <file>', 'Keras .h5, .tflite, .safetensors or .npz; or published weights by name')
    .requiredOption('--layer <name>', 'any layer that `depthwise summary` lists')
    .option('--out <file>', 'a .npy file; an old one is replaced')
    .option('--no-pool', 'keep the whole feature map: [pictures, height, width, channels]');
  addEngineOption(addModelOptions(command))
    .option('--json', '{"pictures", "layer", "shape", "out"}, or "values" in place of "out" without --out')
    .addHelpText(
      'after',
      `
Examples:
  depthwise embed cat.jpg --model mobilenet_v1_0.25_224.h5 --layer conv_pw_13_relu --out cat.npy
  depthwise embed *.jpg --model mobilenet_v1_0.25_224.h5 --layer global_average_pooling2d --json`,
    )
    .action(async (pictures: string[], flags: Flags) => {
      if (flags.out === undefined && !flags.json) throw new UsageError('nowhere to write to; wanted --out or --json');
      if (flags.out !== undefined) expectEnding('--out', flags.out, ['.npy']);
      const target = flags.out === undefined ? undefined : await expectWritable('--out', flags.out);
      const features = await featuresOf(pictures, flags);
      const { shape } = features;
      if (target !== undefined) await writeWhole(target, writeNpy(features));
      if (flags.json) {
        const result = target === undefined ? { values: [...features.data] } : { out: flags.out };
        printJson({ pictures, layer: flags.layer, shape, ...result });
      } else note(`wrote ${flags.out}: [${shape.join(', ')}]`);
    });
}

async function featuresOf(paths: readonly string[], flags: Flags): Promise<Tensor> {
  const network = await readPictureModel(flags.model, flags);
  const progress = await startProgress('embed');
  try {
    const pictures = await Promise.all(paths.map((path) => readPicture(path)));
    return await embed(network, pictures, {
      layer: flags.layer,
      pool: flags.pool,
      run: executor(flags, progress, pictures.length),
    });
  } finally {
    progress.stop();
  }
}
