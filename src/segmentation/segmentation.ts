/** From a segmenter's answer to the class of every pixel of the picture. */
import { NetworkError, UsageError } from '../errors.js';
import { mirror, type Picture, turn } from '../image/picture.js';
import { regionOf, type Seen } from '../image/way-back.js';
import type { Network } from '../network/index.js';
import { sizeOf, type Tensor } from '../tensor.js';
import { type ClassShare, classShares, IGNORED, type LabelMap, labelMap, labelsOfPicture } from './labels.js';

/** What is said of the pixels, once the network has answered. */
export interface PixelOptions {
  /** 'picture': a label for each pixel of the picture; 'network': for each position of the network's output. Default 'picture'. */
  readonly size?: 'picture' | 'network';
  /** By class; the network's own unless stated. */
  readonly labels?: readonly string[];
}

export interface NamedShare extends ClassShare {
  /** 'class 7' where nothing names it. */
  readonly label: string;
}

export interface Segmentation extends LabelMap {
  /** The classes that occur, the largest first. */
  readonly classes: readonly NamedShare[];
}

/** The class of each pixel, by what the network answered to the picture: the part of `segment` behind the network. */
export function segmentation(
  network: Network,
  output: Tensor,
  seen: Seen,
  { size = 'picture', labels: names = network.conventions.labels }: PixelOptions = {},
): Segmentation {
  if (size !== 'picture' && size !== 'network') {
    throw new UsageError(`segment: size must be 'picture' or 'network', found '${size}'`);
  }
  const { shape } = output;
  if (shape.length !== 4 && shape.length !== 3) {
    throw new NetworkError(
      `${network.name}: does not segment pictures; wanted scores [1, height, width, classes] or labels [1, height, width], found [${shape}]`,
    );
  }
  const answer = yieldsLabels(output) ? labelsOf(network, output) : output;
  const map = size === 'picture' ? inPicture(labelsOfPicture(answer, seen), seen) : rawMap(answer);
  const classes = classShares(map).map((one) => ({
    ...one,
    label: names?.[one.classIndex] ?? `class ${one.classIndex}`,
  }));
  return { ...map, classes };
}

const rawMap = (answer: Tensor | LabelMap): LabelMap => ('labels' in answer ? answer : labelMap(answer));

/** [1, h, w] or [1, h, w, 1]. */
const yieldsLabels = ({ shape }: Tensor): boolean => shape.length === 3 || (shape.length === 4 && shape[3] === 1);

function labelsOf({ name }: Network, { shape, data }: Tensor): LabelMap {
  const [batch, height, width] = shape;
  const wrong = data.find((label) => !(Number.isInteger(label) && label >= 0 && label <= IGNORED));
  if (batch !== 1 || sizeOf(shape) !== height * width || wrong !== undefined) {
    throw new NetworkError(
      `${name}: wanted labels [1, height, width] from 0 to 255, found [${shape}]${wrong === undefined ? '' : ` with ${wrong}`}`,
    );
  }
  return { width, height, labels: Uint8Array.from(data) };
}

/** The map of the region, as it was turned, at its place in the picture. */
function inPicture({ width, height, labels }: LabelMap, seen: Seen): LabelMap {
  const { region, rotation = 0, mirror: mirrored = false } = seen.options ?? {};
  if (region === undefined && rotation === 0 && !mirrored) return { width, height, labels };
  const upright: Picture = { width, height, channels: 1, data: labels };
  const lying = turn(mirrored ? mirror(upright) : upright, ((360 - rotation) % 360) as typeof rotation);
  const { picture } = seen;
  const { left, top } = regionOf(seen);
  const whole = new Uint8Array(picture.width * picture.height).fill(IGNORED);
  for (let y = 0; y < lying.height; y++) {
    whole.set(lying.data.subarray(y * lying.width, (y + 1) * lying.width), (top + y) * picture.width + left);
  }
  return { width: picture.width, height: picture.height, labels: whole };
}
