/** Labelled pictures in memory, cut and resized to one size. */
import { UsageError } from '../../errors.js';
import type { Picture } from '../../image/picture.js';
import { prepare } from '../../image/prepare.js';
import type { Preprocessing } from '../../network/index.js';
import { type Dataset, emptyDataset } from './dataset.js';

export interface LabelledPicture {
  readonly picture: Picture;
  readonly label: string;
}

export interface PictureDatasetOptions {
  /** How pictures get the network's size; range and channel order are left to training. */
  readonly preprocessing: Preprocessing;
  /** All labels, in the order of the network's outputs; those of the pictures, in the order in which they first occur, unless given. */
  readonly classes?: readonly string[];
  /** For messages; 'pictures' unless given. */
  readonly name?: string;
}

/** A data set of pictures of any sizes. Throws a UsageError for no pictures, and for a label that is none of the classes. */
export function datasetOf(pictures: readonly LabelledPicture[], options: PictureDatasetOptions): Dataset {
  const { preprocessing, name = 'pictures' } = options;
  const classes = options.classes ?? [...new Set(pictures.map(({ label }) => label))];
  if (pictures.length === 0) throw new UsageError(`${name}: found no pictures to learn from`);
  const data = pictureDataset(name, classes, pictures.length, preprocessing);
  for (const [index, { picture, label }] of pictures.entries()) {
    const position = classes.indexOf(label);
    if (position === -1) {
      throw new UsageError(`${name}: picture ${index} has the label '${label}'; wanted one of ${classes.join(', ')}`);
    }
    setPicture(data, index, picture, position, preprocessing);
  }
  return data;
}

/** Room for so many pictures of the preprocessing's size: grey for a network of grey pictures, else in red, green and blue. */
export function pictureDataset(
  name: string,
  classes: readonly string[],
  count: number,
  { crop, resize, channels, size: [height, width] }: Preprocessing,
): Dataset {
  return emptyDataset(count, {
    name,
    classes,
    height,
    width,
    channels: channels === 'grey' ? 1 : 3,
    sizing: { crop, resize },
  });
}

/** Puts the picture in its place: cropped and resized, rounded to bytes. */
export function setPicture(
  { pictures, labels }: Dataset,
  index: number,
  picture: Picture,
  label: number,
  preprocessing: Preprocessing,
): void {
  const channels = preprocessing.channels === 'grey' ? 'grey' : 'rgb';
  const plain = { channels, scale: 1, mean: [0, 0, 0], deviation: [1, 1, 1] } as const;
  const bytes = Uint8Array.from(prepare(picture, { ...preprocessing, ...plain }).data, Math.round);
  pictures.set(bytes, index * bytes.length);
  labels[index] = label;
}
