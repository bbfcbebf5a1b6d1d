/** `depthwise compare`: another backend's tensors against a golden bundle, layer by layer. */
import { type Command, Option } from 'commander';
import { isFolder } from '../files/is-there.js';
import { roundings } from '../layers/int8/index.js';
import { layouts } from '../oracle/layouts.js';
import { compareFolders } from './compare-folders.js';
import { type CompareFlags, compareFiles } from './comparison.js';
import { exitCodesHelp, judging } from './exit-codes.js';
import { addJudgementOptions, tell, withWritableMap } from './judgement.js';
import { junitOfLayers } from './junit.js';
import { addModelOptions } from './model.js';
import { expectWritable, writeWhole } from './output.js';

export function configure(command: Command): void {
  command
    .argument('<golden>', 'a bundle that depthwise golden wrote, or a folder of bundles')
    .argument(
      '<theirs>',
      "the other backend's tensors by name: .npz, .safetensors, a folder of raw dumps (conv1.f32, .f16, .f64, .i8, .u8, .i32 or .npy), or one such file; for a folder of bundles, a folder of such files, each called as its bundle",
    )
    .description(
      `Find the first layer where another backend is wrong, and say whether it is wrong or only rounded. Each layer is fed the other backend's own inputs: what is beyond its bound is wrong itself.\n${exitCodesHelp} In a folder, a bundle that theirs has nothing for counts as not decided.`,
    )
    .addOption(
      new Option('--accumulated', 'compare from the input on, with bounds that grow from layer to layer').conflicts([
        'isolated',
        'fedGolden',
      ]),
    )
    .option('--isolated', 'refuse to compare otherwise than layer by layer, where a bundle has no weights')
    .addOption(
      new Option('--fed-golden', "each of their layers was fed the bundle's outputs, as in a unit test").conflicts(
        'isolated',
      ),
    )
    .option('--model <file>', 'the network, for a bundle without weights');
  addModelOptions(command)
    .addOption(new Option('--layout <order>', 'of their feature maps').choices(layouts).default('nhwc'))
    .addOption(
      new Option(
        '--rounding <name>',
        "of integers: 'single' as TensorFlow Lite's optimised kernels, 'double' as its reference kernels; the bundle's own unless given",
      ).choices(roundings),
    )
    .option('--names <file>', 'JSON, {"their name": "our name"}, for what does not match by itself')
    .option(
      '--junit <file>',
      'also write the verdicts as JUnit XML: a test case for each layer, or for each bundle of a folder',
    );
  addJudgementOptions(command, "the bundle's own", '"golden", "theirs"')
    .addHelpText(
      'after',
      `
Examples:
  depthwise compare golden/conv2d-normal.safetensors theirs.npz
  depthwise compare golden/ theirs/ --only beyond --junit report.xml
  depthwise compare cat.safetensors theirs.npz --layout nchw --map worst.png
  depthwise compare cat.safetensors dumps/ --model mobilenet_v1_0.25_224.h5 --precision mixed-float16`,
    )
    .action(
      judging(async (goldenPath: string, theirPath: string, given: CompareFlags) => {
        const flags = await withWritableJunit(await withWritableMap(given));
        if (await isFolder(goldenPath)) return compareFolders(goldenPath, theirPath, flags);
        const { report, context } = await compareFiles(goldenPath, theirPath, flags);
        if (flags.junit !== undefined) await writeWhole(flags.junit, junitOfLayers(context.network.name, report));
        await tell(report, context, theirPath, flags);
      }),
    );
}

async function withWritableJunit(flags: CompareFlags): Promise<CompareFlags> {
  const { junit } = flags;
  return junit === undefined ? flags : { ...flags, junit: await expectWritable('--junit', junit) };
}
