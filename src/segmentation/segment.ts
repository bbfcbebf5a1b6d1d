/** From a picture to the class of every pixel. */
import { NetworkError, UsageError } from '../errors.js';
import type { Picture } from '../image/picture.js';
import type { Network } from '../network/index.js';
import { checkCall, execute, preprocessingFor, type TaskOptions } from '../tasks/execute.js';
import { sizeOf, type Tensor } from '../tensor.js';
import { type ClassShare, classShares, type LabelMap, labelMap, resizeLabels } from './labels.js';

export interface SegmentOptions extends Omit<TaskOptions, 'region' | 'rotation' | 'mirror'> {
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

/**
 * The class of each pixel. A network that yields scores [1, h, w, classes] is asked where its scores, resized to the picture, are highest; one that
 * yields labels gives the nearest. Throws a UsageError where the network does not see the whole picture.
 */
export async function segment(network: Network, picture: Picture, options: SegmentOptions = {}): Promise<Segmentation> {
  checkCall('segment', network, picture, options.run);
  const { size = 'picture', labels: names = network.conventions.labels } = options;
  if (size !== 'picture' && size !== 'network') {
    throw new UsageError(`segment: size must be 'picture' or 'network', found '${size}'`);
  }
  const { crop } = preprocessingFor(network, options);
  if (crop.kind !== 'stretch') {
    throw new UsageError(`segment: wanted a network that sees the whole picture, crop 'stretch', found '${crop.kind}'`);
  }
  const output = await execute(network, picture, options);
  const wanted = size === 'picture' ? ([picture.height, picture.width] as const) : undefined;
  const map = yieldsLabels(output)
    ? labelsOf(network, output, wanted)
    : labelMap(output, { ...(wanted && { size: wanted }) });
  const classes = classShares(map).map((one) => ({
    ...one,
    label: names?.[one.classIndex] ?? `class ${one.classIndex}`,
  }));
  return { ...map, classes };
}

/** [1, h, w] or [1, h, w, 1]. */
const yieldsLabels = ({ shape }: Tensor): boolean => shape.length === 3 || (shape.length === 4 && shape[3] === 1);

function labelsOf({ name }: Network, { shape, data }: Tensor, size: readonly [number, number] | undefined): LabelMap {
  const [batch, height, width] = shape;
  const wrong = data.find((label) => !(Number.isInteger(label) && label >= 0 && label <= 255));
  if (batch !== 1 || sizeOf(shape) !== height * width || wrong !== undefined) {
    throw new NetworkError(
      `${name}: wanted labels [1, height, width] from 0 to 255, found [${shape}]${wrong === undefined ? '' : ` with ${wrong}`}`,
    );
  }
  const map = { width, height, labels: Uint8Array.from(data) };
  return size === undefined ? map : resizeLabels(map, size);
}
