/** A detector whose boxes are known: its scores are weights of its own. */
import { type Network, NetworkBuilder, preprocessingPreset } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

/** Whatever it is shown: a cat in the upper left quarter, a dog in the whole picture. */
export function constantDetector(): Network {
  const net = new NetworkBuilder();
  const input = net.input('input', [1, 8, 8, 3]);
  const pooled = net.add('pooled', 'globalAveragePool', input, { keepDims: false });
  const answers = net.add('answers', 'dense', pooled, { units: 6, bias: true });
  const codes = net.add('codes', 'dense', pooled, { units: 8, bias: true });
  const network = net.build(
    'constant',
    [net.add('boxes', 'reshape', codes, { shape: [2, 4] }), net.add('scores', 'reshape', answers, { shape: [2, 3] })],
    {
      source: 'other',
      output: 'features',
      preprocessing: { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } },
      labels: ['cat', 'dog'],
      detection: {
        codes: 'boxes',
        scores: 'scores',
        background: 'slot 0',
        anchors: [0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 1, 1],
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
  const zeros = (name: string, rows: number, columns: number, bias = new Array(columns).fill(0)) =>
    [
      [`${name}/kernel`, tensor([rows, columns], new Float32Array(rows * columns))],
      [`${name}/bias`, tensor([columns], bias)],
    ] as const;
  return {
    ...network,
    weights: new Map([...zeros('answers', 3, 6, [0, 0.75, 0.1, 0, 0.2, 0.5]), ...zeros('codes', 3, 8)]),
  };
}
