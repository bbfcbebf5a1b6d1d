/** A tiny training of each kind, in memory: the same script runs in a page and in Node. */
import { writeNetwork } from '../../src/formats/index.js';
import { mobilenetV1 } from '../../src/models/index.js';
import { type Network, preprocessingPreset, randomWeights } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { tensor } from '../../src/tensor.js';
import { datasetOf, train, trainClassifier, trainHead } from '../../src/training/index.js';
import { trainingNetwork } from '../../src/training/transfer/network.js';

const SIDE = 32;
const COLOURS = { red: [200, 40, 40], green: [40, 180, 60], blue: [50, 60, 220] };
const base = mobilenetV1({ alpha: 0.25, resolution: SIDE, classes: 3 });
const preprocessing = preprocessingPreset('tfjs', [SIDE, SIDE]);

/** `count` noisy pictures of each colour. */
function coloured(count: number, seed: number) {
  const random = uniformRandom(seed);
  const pictures = Object.entries(COLOURS).flatMap(([label, colour]) =>
    Array.from({ length: count }, () => {
      const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => colour[i % 3] + 30 * (random() - 0.5));
      return { label, picture: { width: SIDE, height: SIDE, channels: 3, data } as const };
    }),
  );
  return datasetOf(pictures, { preprocessing, name: 'colours' });
}

/** The weights of what each training ends with, as the bytes of a file in hexadecimal digits, and its losses. */
export async function trainAll(): Promise<Record<string, string>> {
  const data = { train: coloured(5, 1), test: coloured(2, 2) };
  const recipe = {
    epochs: 2,
    batch: 6,
    learningRate: 0.05,
    augmentation: { flip: true, crop: 2, cutout: 4, mixup: 0.2 },
  };
  const trained = await train(trainingNetwork(base, data.train, { dropout: 0.1 }), data, recipe);
  const tuned = await trainClassifier(randomWeights(base, 3), data, { fineTune: 1, tuning: { epochs: 2 } });
  const random = uniformRandom(4);
  const examples = Array.from({ length: 12 }, (_, n) => ({
    label: `${n % 3}`,
    features: tensor(
      [1, 8],
      Float32Array.from({ length: 8 }, (_, c) => random() + (c === n % 3 ? 1 : 0)),
    ),
  }));
  return {
    losses: trained.state.history.map(({ trainLoss }) => trainLoss).join(' '),
    train: await digits(trained.network),
    trainClassifier: await digits(tuned.network),
    trainHead: await digits(await trainHead(examples)),
  };
}

async function digits(network: Network): Promise<string> {
  const bytes = await writeNetwork(network, 'safetensors');
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
