/** A small network with every kind of layer, for the writers of other formats. */
import { type Network, NetworkBuilder } from '../../../src/network/index.js';
import { wantedWeights } from '../../../src/network/shapes.js';
import { normalRandom } from '../../../src/random.js';
import { sizeOf, tensor } from '../../../src/tensor.js';

const norm = { epsilon: 1e-3, scale: true, center: true } as const;
const sliding = { kernelSize: [3, 3], dilation: [1, 1], bias: true } as const;

export function everyKind(): Network {
  const net = new NetworkBuilder();
  const input = net.input('picture', [1, 11, 9, 3]);
  let x = net.add('pad', 'pad', input, { padding: { top: 0, bottom: 1, left: 1, right: 2 }, value: 0.5 });
  x = net.add('conv', 'conv2d', x, { ...sliding, filters: 6, strides: [2, 1], padding: 'same' });
  x = net.add('norm', 'batchNorm', x, { ...norm, center: false });
  x = net.add('relu6', 'relu6', x, {});
  const shortcut = x;
  x = net.add('dw', 'depthwiseConv2d', x, {
    ...sliding,
    bias: false,
    dilation: [2, 1],
    strides: [1, 1],
    padding: 'same',
    depthMultiplier: 2,
  });
  x = net.add('pw', 'pointwiseConv2d', x, { filters: 6, bias: false });
  x = net.add('sum', 'add', [x, shortcut, x], {});
  x = net.add('clamp', 'clamp', x, { min: -2, max: 3 });
  const average = net.add('average', 'averagePool', x, {
    poolSize: [3, 2],
    strides: [2, 2],
    padding: { top: 1, bottom: 1, left: 0, right: 0 },
    includePadding: true,
  });
  const inside = net.add('inside', 'averagePool', x, {
    poolSize: [2, 3],
    strides: [2, 2],
    padding: 'same',
    includePadding: false,
  });
  const largest = net.add('largest', 'maxPool', x, { poolSize: [3, 3], strides: [2, 2], padding: 'same' });
  x = net.add('joined', 'concat', [inside, largest], { axis: -1 });
  const resized = net.add('resized', 'resizeBilinear', x, { size: [7, 5], rule: 'half-pixel' });
  const corners = net.add('corners', 'resizeBilinear', x, { size: [7, 5], rule: 'tf1-align-corners' });
  const legacy = net.add('legacy', 'resizeBilinear', x, { size: [6, 12], rule: 'tf1-legacy' });
  const both = net.add('both', 'add', [resized, corners], {});
  const map = net.add('map', 'argMax', both, {});
  const rows = net.add('rows', 'reshape', legacy, { shape: [-1, 4] });
  const scores = net.add('scores', 'softmax', net.add('rowsDense', 'dense', rows, { units: 3, bias: true }), {});
  const perPosition = net.add('perPosition', 'dense', average, { units: 4, bias: true });
  const again = net.add('again', 'reshape', net.add('rowsRelu', 'relu', rows, {}), { shape: [12, 6, 12] });
  const gate = net.add('gate', 'hardSigmoid', net.add('squeezed', 'globalAveragePool', both, { keepDims: true }), {});
  const gated = net.add('gated', 'multiply', [net.add('swished', 'hardSwish', both, {}), gate], {});
  const pooled = net.add('pooled', 'globalAveragePool', both, { keepDims: false });
  const kept = net.add('kept', 'globalAveragePool', both, { keepDims: true });
  x = net.add('logit', 'dense', net.add('dropout', 'dropout', net.add('flat', 'flatten', kept, {}), { rate: 0.2 }), {
    units: 2,
    bias: false,
  });
  const probability = net.add('probability', 'sigmoid', net.add('vector', 'batchNorm', x, norm), {});
  const flatMap = net.add('flatMap', 'dense', net.add('flatten', 'flatten', inside, {}), { units: 2, bias: true });
  const outputs = [map, scores, perPosition, again, pooled, gated, probability, flatMap];
  return withNormalWeights(net.build('every-kind', outputs, { source: 'other', output: 'features' }), 5);
}

/** Every weight normal with deviation ½, variances above 0. */
export function withNormalWeights(network: Network, seed: number): Network {
  const normal = normalRandom(seed);
  const weights = [...wantedWeights(network)].map(([name, shape]) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => normal() / 2);
    return [name, tensor(shape, name.endsWith('/movingVariance') ? data.map((v) => Math.exp(v)) : data)] as const;
  });
  return { ...network, weights: new Map(weights) };
}
