/** The networks as files for each contestant: slim's conventions, 1001 outputs, seeded random weights. Random weights take the same time. */
import { writeNetwork, writeTfjs } from 'depthwise/formats';
import { mobilenet } from 'depthwise/models';
import { type Network, preprocessingPreset, randomWeights } from 'depthwise/network';
import { calibrate, quantizeNetwork } from 'depthwise/quantization';

export interface Row {
  readonly name: string;
  readonly architecture: 'mobilenet_v1' | 'mobilenet_v2';
  readonly version: 1 | 2;
  readonly alpha: number;
  readonly resolution: number;
  /** Our own file holds 8-bit integers; the others compute the same network in real numbers. */
  readonly integers?: true;
}

export const ROWS: readonly Row[] = [
  { name: 'v1-0.25-224', architecture: 'mobilenet_v1', version: 1, alpha: 0.25, resolution: 224 },
  { name: 'v2-0.35-96', architecture: 'mobilenet_v2', version: 2, alpha: 0.35, resolution: 96 },
  { name: 'v2-0.35-96-int8', architecture: 'mobilenet_v2', version: 2, alpha: 0.35, resolution: 96, integers: true },
];

/** Files by their path below the row's folder. */
export async function filesOf(row: Row): Promise<Map<string, Uint8Array>> {
  const probabilities = networkOf(row, 'probabilities');
  const logits = networkOf(row, 'logits');
  const files = new Map<string, Uint8Array>();
  const own = row.integers ? await inIntegers(probabilities) : probabilities;
  files.set('model.safetensors', await writeNetwork(own, 'safetensors'));
  files.set('model.tflite', await writeNetwork(probabilities, 'tflite'));
  // @tensorflow-models/mobilenet wants logits, of which it drops the background's.
  for (const [name, bytes] of await writeTfjs(logits)) files.set(`tfjs/${name}`, bytes);
  return files;
}

/** Calibrated with noise: which integers they are takes no time either. */
async function inIntegers(network: Network) {
  const [{ shape }] = network.inputs;
  const noise = (seed: number) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((size, side) => size * side) }, (_, i) => Math.sin(seed + i * i)),
  });
  return quantizeNetwork(await calibrate(network, [1, 2, 3, 4].map(noise)), { input: 'uint8' });
}

function networkOf({ architecture, alpha, resolution }: Row, output: 'logits' | 'probabilities'): Network {
  const network = randomWeights(mobilenet(architecture, { alpha, resolution, conventions: 'slim', output }), 1);
  const labels = Array.from({ length: 1001 }, (_, i) => (i === 0 ? 'background' : `class ${i - 1}`));
  const preprocessing = preprocessingPreset('tfjs', [resolution, resolution]);
  return { ...network, conventions: { ...network.conventions, labels, preprocessing } };
}
