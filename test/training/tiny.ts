/** A data set and a network so small that every engine trains them in a moment. */
import { type Network, NetworkBuilder } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { emptyDataset, WHOLE } from '../../src/training/data/dataset.js';
import type { DataSplits, Dataset } from '../../src/training/index.js';
import { trainingNetwork } from '../../src/training/transfer/network.js';

/** Noise with a bright row, a bright column or a bright square: three classes of 8 × 8 pixels. */
export function shapesData(count: number, seed: number, name = 'shapes'): Dataset {
  const classes = ['row', 'column', 'square'];
  const data = emptyDataset(count, { name, classes, height: 8, width: 8, channels: 3, sizing: WHOLE });
  const random = uniformRandom(seed);
  for (let n = 0; n < count; n++) {
    const label = n % 3;
    const [top, left] = [Math.floor(random() * 6), Math.floor(random() * 6)];
    data.labels[n] = label;
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 8; x++) {
        const inRow = y >= top && y < top + 2;
        const inColumn = x >= left && x < left + 2;
        const bright = [inRow, inColumn, inRow && inColumn][label];
        for (let c = 0; c < 3; c++) data.pictures[((n * 8 + y) * 8 + x) * 3 + c] = (bright ? 180 : 40) + 40 * random();
      }
    }
  }
  return data;
}

export const shapes = (): DataSplits => ({ train: shapesData(48, 1), test: shapesData(30, 2, 'test shapes') });

/** One depthwise separable block after a convolution, as V1 begins. */
export function tinyNetwork(data: Dataset, dropout = 0): Network {
  const net = new NetworkBuilder();
  const normalised = (layer: string) => {
    const norm = net.add(`${layer}_bn`, 'batchNorm', layer, { epsilon: 1e-3, scale: true, center: true });
    return net.add(`${layer}_relu`, 'relu6', norm, {});
  };
  const sampling = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same', bias: false } as const;
  let x = net.input('input', [1, data.height, data.width, 3]);
  x = normalised(net.add('conv', 'conv2d', x, { ...sampling, filters: 8 }));
  x = normalised(net.add('depthwise', 'depthwiseConv2d', x, { ...sampling, depthMultiplier: 1 }));
  x = normalised(net.add('pointwise', 'pointwiseConv2d', x, { filters: 16, bias: false }));
  x = net.add('pool', 'globalAveragePool', x, { keepDims: false });
  x = net.add('logits', 'dense', x, { units: data.classes.length, bias: true });
  const architecture = net.build('tiny', [x], { source: 'other', output: 'logits' });
  return trainingNetwork(architecture, data, { dropout });
}
