/** A detector whose boxes are known: its scores are weights of its own. */
import { type Network, NetworkBuilder, preprocessingPreset } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

/** Whatever it is shown: a cat in the upper left quarter, a dog in the whole picture. */
export const constantDetector = (): Network =>
  answering([0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 1, 1], [0, 0.75, 0.1, 0, 0.2, 0.5], new Array(8).fill(0));

/** 100,000 boxes, all over the picture, and beyond it; codes and scores that are ±∞ or NaN among them. */
export function crowdedDetector(): Network {
  const count = 100_000;
  const odd = [0, 0.5, 1, -1, 0, 5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e30];
  const pick = (at: number) => odd[Math.floor(at / 7) % odd.length];
  const anchors = Array.from({ length: 4 * count }, (_, at) => (at % 4 < 2 ? ((at * 7919) % 1009) / 900 : 0.05));
  const scores = Array.from({ length: 3 * count }, (_, at) => (at % 11 === 0 ? pick(at) : ((at * 31) % 97) / 100));
  return answering(
    anchors,
    scores,
    Array.from({ length: 4 * count }, (_, at) => pick(at)),
  );
}

/** A detector of cats and dogs that gives these scores [boxes, 3] and codes [boxes, 4] whatever it is shown. */
function answering(anchors: readonly number[], scores: readonly number[], codes: readonly number[]): Network {
  const count = anchors.length / 4;
  const net = new NetworkBuilder();
  const input = net.input('input', [1, 8, 8, 3]);
  const pooled = net.add('pooled', 'globalAveragePool', input, { keepDims: false });
  const answers = net.add('answers', 'dense', pooled, { units: 3 * count, bias: true });
  const moved = net.add('codes', 'dense', pooled, { units: 4 * count, bias: true });
  const network = net.build(
    'constant',
    [
      net.add('boxes', 'reshape', moved, { shape: [count, 4] }),
      net.add('scores', 'reshape', answers, { shape: [count, 3] }),
    ],
    {
      source: 'other',
      output: 'features',
      preprocessing: { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } },
      labels: ['cat', 'dog'],
      detection: {
        codes: 'boxes',
        scores: 'scores',
        background: 'slot 0',
        anchors,
        scales: [10, 10, 5, 5],
        suppression: {
          kind: 'class-agnostic',
          scoreThreshold: 0.1,
          iouThreshold: 0.6,
          maxPerClass: 100,
          maxResults: 1,
          classesPerBox: 1,
        },
      },
    },
  );
  const weightsOf = (name: string, bias: readonly number[]) =>
    [
      [`${name}/kernel`, tensor([3, bias.length], new Float32Array(3 * bias.length))],
      [`${name}/bias`, tensor([bias.length], bias)],
    ] as const;
  return { ...network, weights: new Map([...weightsOf('answers', scores), ...weightsOf('codes', codes)]) };
}
