/**
 * Batches: which pictures, in which order, as which numbers. Every picture of every epoch follows from (seed, epoch, position) alone, so that
 * each worker prepares its own and a resumed run sees what an uninterrupted one would have seen.
 */
import { UsageError } from '../../errors.js';
import type { Preprocessing } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import { seedOf, uniformRandom } from '../../random.js';
import { type Tensor, tensor } from '../../tensor.js';
import { augmentationAt } from '../loop/recipe.js';
import type { Restart } from '../loop/schedules.js';
import { type Augmentation, drawBeta, drawView, reflect, type View } from './augment.js';
import { type Dataset, pictureSize } from './dataset.js';

/** Streams of random numbers that must not be the same. */
const ORDER = 1;
const VIEW = 2;
const PARTNER = 3;

export interface BatchOptions {
  readonly seed: number;
  /** The target of the right class is 1 − ε + ε / classes, of the others ε / classes (Szegedy et al., arXiv:1512.00567, §7). */
  readonly labelSmoothing: number;
  readonly augmentation: Augmentation;
  /** From which epochs on another is wanted. */
  readonly restarts?: readonly Restart[];
}

/** Steps of an epoch: whole batches only; a data set smaller than a batch is repeated to fill one. */
export const stepsPerEpoch = (pictures: number, batch: number): number => Math.max(1, Math.floor(pictures / batch));

/** The order of an epoch's pictures: Fisher and Yates' shuffle. */
export function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  const random = uniformRandom(seedOf(seed, ORDER, epoch));
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

export class Batches {
  readonly #data: Dataset;
  readonly #options: BatchOptions;
  readonly #render: Renderer;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array(0);

  constructor(data: Dataset, preprocessing: Preprocessing, options: BatchOptions) {
    this.#data = data;
    this.#options = options;
    this.#render = new Renderer(data, preprocessing);
  }

  /**
   * The pictures at positions first, first + 1, … of an epoch, at `size`: `pictures` is [count, height, width, 3], `targets` is
   * [count, classes], whose rows sum to 1.
   */
  fill(epoch: number, first: number, size: Pair, pictures: Float32Array, targets: Float32Array): void {
    const K = this.#data.classes.length;
    const numbers = size[0] * size[1] * this.#render.channels;
    for (let n = 0; n < targets.length / K; n++) {
      const picture = pictures.subarray(n * numbers, (n + 1) * numbers);
      this.#prepare(epoch, first + n, size, picture, targets.subarray(n * K, (n + 1) * K));
    }
  }

  #prepare(epoch: number, position: number, size: Pair, picture: Float32Array, target: Float32Array): void {
    const { seed } = this.#options;
    const augmentation = augmentationAt(this.#options, epoch);
    const random = uniformRandom(seedOf(seed, VIEW, epoch, position));
    const index = this.#indexAt(epoch, position);
    const view = drawView(random, augmentation, pictureSize(this.#data), size);
    const share = augmentation.mixup > 0 ? drawBeta(random, augmentation.mixup) : 1;
    this.#render.add(index, view, augmentation.cutout, size, share, picture.fill(0));
    this.#addTarget(index, share, target.fill(0));
    if (share === 1) return;
    const partner = this.#indexAt(epoch, position + 1);
    const partnersRandom = uniformRandom(seedOf(seed, PARTNER, epoch, position));
    const partnersView = drawView(partnersRandom, augmentation, pictureSize(this.#data), size);
    this.#render.add(partner, partnersView, augmentation.cutout, size, 1 - share, picture);
    this.#addTarget(partner, 1 - share, target);
  }

  #addTarget(index: number, share: number, target: Float32Array): void {
    const { labelSmoothing } = this.#options;
    const { labels, targets } = this.#data;
    if (targets) {
      for (let k = 0; k < target.length; k++) target[k] += share * targets[index * target.length + k];
      return;
    }
    const label = labels[index];
    for (let k = 0; k < target.length; k++) {
      target[k] += share * ((k === label ? 1 - labelSmoothing : 0) + labelSmoothing / target.length);
    }
  }

  /** The picture at a position of an epoch, round and round. */
  #indexAt(epoch: number, position: number): number {
    if (epoch !== this.#epoch) {
      this.#order = epochOrder(this.#data.labels.length, this.#options.seed, epoch);
      this.#epoch = epoch;
    }
    return this.#order[position % this.#order.length];
  }
}

/** Bytes to a network's input: (byte · scale − mean[c]) / deviation[c], as `preprocess` computes it, looked up in a table. */
export class Renderer {
  readonly #data: Dataset;
  /** The data's channel for each of the network's. */
  readonly #sources: readonly number[];
  /** [channels, 256]. */
  readonly #table: Float32Array;

  constructor(data: Dataset, { channels, scale, mean, deviation }: Preprocessing) {
    if (channels === 'grey' && data.channels === 3)
      throw new UsageError(`${data.name}: has pictures in colour, and the network wants grey ones`);
    this.#data = data;
    this.#sources = data.channels === 1 ? mean.map(() => 0) : channels === 'bgr' ? [2, 1, 0] : [0, 1, 2];
    this.#table = Float32Array.from({ length: mean.length * 256 }, (_, i) => {
      const c = i >> 8;
      return ((i & 255) * scale - mean[c]) / deviation[c];
    });
  }

  /** The network's. */
  get channels(): number {
    return this.#sources.length;
  }

  /** A view of each of these pictures, [count, height, width, channels]. */
  batch(indices: readonly number[], view: View, [H, W]: Pair): Tensor {
    const numbers = H * W * this.channels;
    const pictures = new Float32Array(indices.length * numbers);
    for (const [n, index] of indices.entries()) {
      this.add(index, view, 0, [H, W], 1, pictures.subarray(n * numbers, (n + 1) * numbers));
    }
    return tensor([indices.length, H, W, this.channels], pictures);
  }

  /** Adds `share` times a view of a picture to `output`, [height, width, channels]. What is cut out counts as 0, the mean. */
  add(index: number, view: View, cutout: number, [H, W]: Pair, share: number, output: Float32Array): void {
    const { height, width, channels, pictures } = this.#data;
    const { top, left, flipped, hole = [H, W] } = view;
    const start = index * height * width * channels;
    for (let y = 0; y < H; y++) {
      const row = start + reflect(top + y, height) * width * channels;
      const isCutRow = y >= hole[0] && y < hole[0] + cutout;
      for (let x = 0; x < W; x++) {
        if (isCutRow && x >= hole[1] && x < hole[1] + cutout) continue;
        const at = row + reflect(left + (flipped ? W - 1 - x : x), width) * channels;
        const to = (y * W + x) * this.channels;
        for (let c = 0; c < this.channels; c++) {
          output[to + c] += share * this.#table[(c << 8) + pictures[at + this.#sources[c]]];
        }
      }
    }
  }
}
