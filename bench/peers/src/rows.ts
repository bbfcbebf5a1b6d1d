/** The networks of the table: the same seeded random weights and picture for everyone. */
import { type MobilenetOptions, mobilenetV1, mobilenetV2 } from '../../../dist/models/index.js';
import { type Network, randomWeights, summarize } from '../../../dist/network/index.js';
import { uniformRandom } from '../../../src/random.js';

export interface Row {
  readonly name: RowName;
  readonly network: Network;
  /** [1, height, width, 3], from −1 to 1. */
  readonly picture: Float32Array;
  readonly shape: readonly number[];
  readonly multiplyAdds: number;
}

const architectures = {
  'v1-1.0-224': () => mobilenetV1({ ...SLIM, alpha: 1, resolution: 224 }),
  'v1-0.25-224': () => mobilenetV1({ ...SLIM, alpha: 0.25, resolution: 224 }),
  'v1-0.25-128': () => mobilenetV1({ ...SLIM, alpha: 0.25, resolution: 128 }),
  'v2-1.0-224': () => mobilenetV2({ ...SLIM, alpha: 1, resolution: 224 }),
  'v2-0.35-96': () => mobilenetV2({ ...SLIM, alpha: 0.35, resolution: 96 }),
} satisfies Record<string, () => Network>;

/** 'same' padding throughout, which .tflite, ONNX and TF.js all have a word for; 1001 classes; ends in a softmax. */
const SLIM: MobilenetOptions = { conventions: 'slim' };

const SEED = 20170417;

export type RowName = keyof typeof architectures;

export const rowNames = Object.keys(architectures) as readonly RowName[];

export function makeRow(name: RowName): Row {
  const network = withBatchNorms(randomWeights(architectures[name](), SEED), SEED + 1);
  const { shape } = network.inputs[0];
  const random = uniformRandom(SEED + 2);
  const picture = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * random() - 1);
  return { name, network, picture, shape, multiplyAdds: summarize(network).totals.multiplyAdds };
}

/** Random batch norms, since those of `randomWeights` change nothing: a runtime that folded them wrongly would still agree. */
function withBatchNorms(network: Network, seed: number): Network {
  const random = uniformRandom(seed);
  const ranges = { gamma: [0.75, 1.25], beta: [-0.25, 0.25], movingMean: [-0.25, 0.25], movingVariance: [0.5, 1.5] };
  const weights = new Map(network.weights);
  for (const { name, kind } of network.nodes) {
    if (kind !== 'batchNorm') continue;
    for (const [weight, [low, high]] of Object.entries(ranges)) {
      const { shape, data } = weights.get(`${name}/${weight}`)!;
      weights.set(`${name}/${weight}`, { shape, data: data.map(() => low + (high - low) * random()) });
    }
  }
  return { ...network, weights };
}
