/** A network, exported to another format and run by that format's own runtime, against its derived bounds. */
import { writeTfjs } from '../../src/formats/index.js';
import { writeOnnx } from '../../src/formats/onnx.js';
import { modelOf } from '../../src/formats/tflite/write.js';
import { writeTflite } from '../../src/formats/tflite.js';
import type { Network } from '../../src/network/index.js';
import { check, type Report } from '../../src/oracle/index.js';
import { runLitert } from '../../src/oracle/peers/litert-runtime.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { noOnnxruntime, runOnnxruntime } from '../peers/onnxruntime.js';
import { noTfjs, runGraphModel } from '../peers/tfjs.js';

interface Exported {
  readonly name: string;
  /** What has to be installed for it, where it is not. */
  readonly missing?: string;
  /** The outputs by name, as the runtime gives them. */
  readonly run: (network: Network, x: Tensor) => Promise<ReadonlyMap<string, Tensor>>;
}

export const formats: readonly Exported[] = [
  {
    name: '.onnx → onnxruntime',
    ...(noOnnxruntime && { missing: 'bench/peers' }),
    run: async (network, x) => runOnnxruntime(await writeOnnx(network), { [network.inputs[0].name]: x }),
  },
  {
    name: '.tflite → LiteRT.js',
    async run(network, x) {
      const outputs = await runLitert(await writeTflite(network), Float32Array.from(x.data));
      return new Map(
        network.outputs.map((name, i) => [name, { ...outputs[i], data: outputs[i].data as Float32Array }] as const),
      );
    },
  },
  {
    name: 'graph model → TensorFlow.js',
    ...(noTfjs && { missing: '@tensorflow/tfjs-converter' }),
    run: async (network, x) =>
      runGraphModel(await writeTfjs(network), { [network.inputs[0].name]: x }, network.outputs),
  },
];

/** The outputs of the network as it is exported, each with the bound that has grown on the way from the picture. */
export async function accumulated(format: Exported, network: Network, x: Tensor): Promise<Report> {
  return check({ network, inputs: x }, await tensorsOf(format, network, x), { mode: 'accumulated' });
}

/** Every tensor that survives the fusing of batch norms and activations, made an output: each layer judged by what the runtime fed it. */
export async function isolated(format: Exported, network: Network, x: Tensor): Promise<Report> {
  const kept = modelOf(network).tensors;
  const outputs = network.nodes.map(({ name }) => name).filter((name) => kept.has(name));
  return check({ network, inputs: x }, await tensorsOf(format, { ...network, outputs }, x), { mode: 'isolated' });
}

async function tensorsOf(format: Exported, network: Network, x: Tensor): Promise<Map<string, Tensor>> {
  const outputs = await format.run(network, x);
  return new Map([...outputs].map(([name, { shape, data }]) => [name, tensor(shape, data)]));
}

/** The largest difference, and the largest in units of its bound. */
export function largest({ layers }: Report): { difference: number; share: number } {
  const differences = layers.map(({ difference }) => difference ?? { maxAbs: Infinity, maxUnits: Infinity });
  return {
    difference: Math.max(...differences.map(({ maxAbs }) => maxAbs)),
    share: Math.max(...differences.map(({ maxUnits }) => maxUnits)),
  };
}
