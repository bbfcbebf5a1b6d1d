/** Labelled pictures of one size, in memory that workers share. */
import { UsageError } from '../../errors.js';
import { found } from '../../found.js';
import type { Preprocessing } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import { sharedMemory } from '../loop/memory.js';

export type Sizing = Pick<Preprocessing, 'crop' | 'resize'>;

/** The whole picture, squeezed: for data whose pictures have one size from the start. */
export const WHOLE: Sizing = { crop: { kind: 'stretch' }, resize: 'half-pixel-antialias' };

export interface Dataset {
  /** For messages: 'CIFAR-10, training'. */
  readonly name: string;
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: 1 | 3;
  /** How a picture of another size would be brought to this one. */
  readonly sizing: Sizing;
  /** [pictures, height, width, channels]. Worker threads want these arrays on SharedArrayBuffers, as `emptyDataset` makes them. */
  readonly pictures: Uint8Array;
  /** One for each picture. */
  readonly labels: Uint16Array;
  /** What is learnt in place of the labels, where teachers have been asked: [pictures, classes], rows that sum to 1. */
  readonly targets?: Float32Array;
}

/** What is learnt from, and what is never learnt from. */
export interface DataSplits {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** For callers without types. */
export function expectSplits(call: string, data: DataSplits | undefined): void {
  if (!data?.train || !data.test) {
    throw new UsageError(
      `${call}: wanted { train, test } as readPictureFolder() and readData() answer, found ${found(data)}`,
    );
  }
}

/** A data set without pictures yet: `pictures` and `labels` are to be filled. */
export function emptyDataset(count: number, description: Omit<Dataset, 'pictures' | 'labels'>): Dataset {
  const { height, width, channels } = description;
  const pictures = new Uint8Array(sharedMemory(count * height * width * channels));
  const labels = new Uint16Array(sharedMemory(count * Uint16Array.BYTES_PER_ELEMENT));
  return { ...description, pictures, labels };
}

/** [height, width]. */
export const pictureSize = ({ height, width }: Dataset): Pair => [height, width];

/**
 * Mean and standard deviation of each of the network's channels over all pictures, for bytes scaled to 0…1. Sums of bytes and of their squares are whole numbers: the result is the same in any order.
 */
export function channelStatistics(
  { channels, pictures }: Dataset,
  wanted: number,
): { mean: number[]; deviation: number[] } {
  const count = pictures.length / channels;
  const moments = Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    let squares = 0;
    for (let at = channel; at < pictures.length; at += channels) {
      sum += pictures[at];
      squares += pictures[at] * pictures[at];
    }
    const mean = sum / count;
    return { mean: mean / 255, deviation: Math.sqrt(squares / count - mean * mean) / 255 };
  });
  const fed = Array.from({ length: wanted }, (_, channel) => moments[channel % channels]);
  return { mean: fed.map(({ mean }) => mean), deviation: fed.map(({ deviation }) => deviation || 1) };
}
