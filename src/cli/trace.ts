/** `depthwise trace`: every layer's output for a picture. */
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { writeNpz, writeSafetensors } from '../formats/index.js';
import { readPicture } from '../image/index.js';
import { inputTensor } from '../tasks/index.js';
import { type Tensor, toFloat64 } from '../tensor.js';
import { addEngineOption, type EngineFlags, traceWith } from './executor.js';
import { addModelOptions, type ModelFlags, readPictureModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, plural, printJson, writeWhole } from './output.js';
import { startProgress } from './progress.js';

interface Flags extends ModelFlags, EngineFlags {
  readonly model: string;
  readonly out: string;
  readonly float64?: true;
  readonly json?: true;
}

export function configure(command: Command): void {
  command
    .argument('<picture>', 'a JPEG, PNG, WebP, GIF or BMP file')
    .description("Write the input tensor and every layer's output by name, to check another backend with.")
    .requiredOption('--model <file>', 'Keras .h5, .tflite, .safetensors or .npz; or published weights by name')
    .requiredOption('--out <file>', 'a .npz or .safetensors file; an old one is replaced')
    .addOption(
      new Option('--float64', 'compute and write in double precision, by the reference').implies({
        engine: 'reference',
      }),
    );
  addEngineOption(addModelOptions(command))
    .option('--json', '{"picture", "network", "out", "tensors": [{"name", "shape"}]}')
    .addHelpText(
      'after',
      `
Examples:
  depthwise trace cat.jpg --model mobilenet_v1_0.25_224.h5 --out cat.npz
  depthwise trace cat.jpg --model vww_96_float.tflite --preset tfjs-hub --float64 --out cat.safetensors`,
    )
    .action(async (picture: string, flags: Flags) => {
      if (flags.float64 && flags.engine !== 'reference') {
        throw new UsageError('--float64 is computed by the reference; --engine wasm was asked for');
      }
      const ending = expectEnding('--out', flags.out, ['.npz', '.safetensors']);
      const target = await expectWritable('--out', flags.out);
      const network = await readPictureModel(flags.model, flags);
      const input = inputTensor(network, await readPicture(picture));
      const progress = await startProgress('trace');
      let tensors: Map<string, Tensor>;
      try {
        tensors = await traceWith(flags.engine, network, flags.float64 ? toFloat64(input) : input, progress);
      } finally {
        progress.stop();
      }
      const bytes = ending === '.npz' ? await writeNpz(tensors) : writeSafetensors(tensors);
      await writeWhole(target, bytes);
      const listed = [...tensors].map(([name, { shape }]) => ({ name, shape }));
      if (flags.json) printJson({ picture, network: network.name, out: flags.out, tensors: listed });
      else note(`wrote ${flags.out}: ${plural(tensors.size, 'tensor')}, ${formatBytes(bytes.length)}`);
    });
}
