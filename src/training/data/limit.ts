/** A part of a data set, for a short run. */
import { uniformRandom } from '../../random.js';
import { type Dataset, emptyDataset } from './dataset.js';

/** So many of its pictures, drawn by the seed, in their order; the data itself where it has no more. */
export function limited(data: Dataset, count: number, seed: number): Dataset {
  const all = data.labels.length;
  if (count >= all) return data;
  const { pictures, labels, targets: _, ...description } = data;
  const part = emptyDataset(count, { ...description, name: `${data.name}, ${count} of ${all}` });
  const size = pictures.length / all;
  for (const [to, from] of drawnIndices(all, count, seed).entries()) {
    part.pictures.set(pictures.subarray(from * size, (from + 1) * size), to * size);
    part.labels[to] = labels[from];
  }
  return part;
}

/** `count` of the numbers below `all`, each equally likely, in order: Knuth's algorithm S (TAOCP 3.4.2). */
function drawnIndices(all: number, count: number, seed: number): number[] {
  const random = uniformRandom(seed);
  const drawn: number[] = [];
  for (let index = 0; drawn.length < count; index++) {
    if ((all - index) * random() < count - drawn.length) drawn.push(index);
  }
  return drawn;
}
