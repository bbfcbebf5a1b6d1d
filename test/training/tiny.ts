/** Data sets and networks so small that the reference trains them in a moment. */
import { mobilenetV1 } from '../../src/models/index.js';
import type { Network } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { type DataSplits, type Dataset, emptyDataset, trainingNetwork, WHOLE } from '../../src/training/index.js';

/** Noise, with a bright row, a bright column or a bright square: three classes of 8 × 8 pixels. */
export function shapesData(count: number, seed: number, name = 'shapes'): Dataset {
  const data = emptyDataset(count, {
    name,
    classes: ['row', 'column', 'square'],
    height: 8,
    width: 8,
    channels: 3,
    sizing: WHOLE,
  });
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

export const shapes = (): DataSplits => ({ train: shapesData(48, 1), test: shapesData(30, 2) });

/** V1 of 8 to 16 channels up to its fifth layer would do; this is the whole of it at α 0.03, which has 8 to 30. */
export function tinyNetwork(data: Dataset): Network {
  const architecture = mobilenetV1({
    alpha: 0.03,
    conventions: 'slim',
    smallPictures: true,
    resolution: 8,
    classes: data.classes.length,
  });
  return trainingNetwork(architecture, data, { dropout: 0.1 });
}
