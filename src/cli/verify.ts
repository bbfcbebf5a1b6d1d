/** `depthwise verify`: another JavaScript runtime on the same model file and the same input, layer by layer. */
import { type Command, Option } from 'commander';
import type { Rounding } from '../layers/int8/fixed-point.js';
import { asRealNumbers } from '../network/index.js';
import { check, explain } from '../oracle/index.js';
import { openIntegerPeer, openPeer, type PeerName, peerNames } from '../oracle/peers/index.js';
import { precisionOf } from '../oracle/precision.js';
import type { Pair } from '../padding.js';
import { exitCodesHelp, judging } from './exit-codes.js';
import { addInputOptions, expectOneInput, fed, type InputFlags } from './inputs.js';
import { roundingOption } from './integers.js';
import { addJudgementOptions, type JudgementFlags, tell, withWritableMap } from './judgement.js';
import { cropOption, type ModelFlags, prepared, presetOption } from './model.js';
import { addLimitOptions } from './pictures.js';
import { onNodeOf, withProgress } from './progress.js';
import { resolution } from './values.js';
import { verifyIntegers } from './verify-integers.js';

interface Flags extends JudgementFlags, Omit<InputFlags, 'picture'>, Pick<ModelFlags, 'preset' | 'crop'> {
  readonly with: PeerName;
  readonly resolution?: Pair;
  readonly rounding: Rounding;
}

export function configure(command: Command): void {
  command
    .argument(
      '<model>',
      '.tflite for litert, model.json for tfjs and tfjs-wasm, .onnx for onnxruntime and onnxruntime-web',
    )
    .argument('[picture]', 'a JPEG, PNG, WebP, GIF or BMP file; seeded noise without one')
    .description(
      `Run another JavaScript runtime, installed where you are, on the same model and input, and compare every tensor that it shows.\n${exitCodesHelp}`,
    )
    .addOption(new Option('--with <runtime>', 'what to compare with').choices(peerNames).makeOptionMandatory())
    .addOption(roundingOption())
    .addOption(presetOption())
    .addOption(cropOption())
    .option('--resolution <side>', 'of the input, or height x width, where the file leaves it open', resolution);
  addJudgementOptions(addLimitOptions(addInputOptions(command)), 'float32', '"model", "runtime"')
    .addHelpText(
      'after',
      `
The runtimes, to be installed where you are:
  npm install @litertjs/core
  npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu @tensorflow/tfjs-layers @tensorflow/tfjs-converter
  npm install @tensorflow/tfjs-backend-wasm (for tfjs-wasm)
  npm install onnxruntime-node, or onnxruntime-web

Examples:
  depthwise verify vww_96_float.tflite --with litert
  depthwise verify mobilenet_v1_0.25_128_quant.tflite --with litert
  depthwise verify ultraface_slim_320.onnx --with onnxruntime --noise cancellation
  depthwise verify model.json cat.jpg --with tfjs --preset tfjs-hub --map worst.png`,
    )
    .action(
      judging(async (path: string, picture: string | undefined, given: Flags) => {
        const flags = await withWritableMap(given);
        const input = picture === undefined ? flags : { ...flags, picture };
        expectOneInput(input);
        const integers = await openIntegerPeer(flags.with, path, flags);
        if (integers) {
          const network = prepared(asRealNumbers(integers.network), flags);
          const { inputs } = await fed(network, path, input);
          const { rounding, json } = flags;
          return verifyIntegers(integers, { path, inputs, rounding, ...(json && { json }) });
        }
        const peer = await openPeer(flags.with, path, flags);
        const network = prepared(peer.network, flags);
        const { inputs } = await fed(network, path, input);
        const precision = precisionOf(flags.precision ?? 'float32', { flushesToZero: flags.flushToZero ?? false });
        await withProgress('verify', async (progress) => {
          progress.at(0, peer.runtime);
          const { tensors, theirNames } = await peer.run(inputs);
          const hidden = network.nodes.some(({ name }) => tensors.has(name) && !network.outputs.includes(name));
          const report = check({ network, inputs }, tensors, {
            mode: hidden ? 'isolated' : 'accumulated',
            precision,
            allowance: flags.allowance,
            ...onNodeOf(progress),
          });
          progress.stop();
          const explanation = explain({ network, inputs }, tensors, report, { precision, allowance: flags.allowance });
          const matched = { theirNames: new Map(theirNames), unmatched: [] };
          const head = { model: path, runtime: peer.runtime };
          await tell(
            report,
            { head, network, matched, precision, ...(explanation && { explanation }) },
            peer.runtime,
            flags,
          );
        });
      }),
    );
}
