/**
 * From pictures to the input tensor, as the network's conventions say: channels, crop, resize, then channel by channel
 *
 *   x[n, i, j, c] = (byte · scale − mean[c]) / deviation[c]
 *
 * The crop rules on a picture of 400×300 and an input of 224×224:
 *
 *   stretch             the whole 400×300, squeezed to 224×224
 *   central 0.875       ⌊(size − 0.875·size) / 2⌋ pixels off each side (25 and 18: 350×264 are left), squeezed to 224×224
 *   shorter-side 256    the whole resized to 341×256, of which the 224×224 in the middle, from (58, 16), are kept
 *   pad 128             the whole resized to 224×168, and below it 56 rows of bytes 128
 *                       (sides are cut down to whole pixels, as TensorFlow's resize_with_pad and DeepLab's demo do)
 */
import { expectOneOf } from '../checks.js';
import { PictureError } from '../errors.js';
import type { CropRule, Preprocessing } from '../network/conventions.js';
import type { Pair } from '../padding.js';
import { roundHalfToEven } from '../rounding.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../tensor.js';
import {
  arrange,
  checkAlpha,
  checkPicture,
  crop,
  type Picture,
  type PictureOptions,
  type Region,
  swapRedAndBlue,
  toGrey,
  toRgb,
} from './picture.js';
import { checkSize, resize } from './resize.js';

/** The input tensor [N, H, W, C] in float32 of one picture or of several. The pictures are not changed. */
export function preprocess(
  pictures: Picture | readonly Picture[],
  preprocessing: Preprocessing,
  options: PictureOptions = {},
): Tensor {
  const list = listOf(pictures);
  const channels = channelCount(preprocessing);
  checkSize(preprocessing.size);
  const shape = [list.length, ...preprocessing.size, channels];
  const x = new Float32Array(sizeOf(shape));
  list.forEach((picture, n) => {
    const arranged = arrange(checkPicture(picture), options);
    const bytes = cropAndResize(inChannels(arranged, preprocessing, options), preprocessing).data;
    const start = n * bytes.length;
    for (let i = 0; i < bytes.length; i++) {
      const c = i % channels;
      x[start + i] = (bytes[i] * preprocessing.scale - preprocessing.mean[c]) / preprocessing.deviation[c];
    }
  });
  return tensor(shape, x);
}

export function listOf(pictures: Picture | readonly Picture[]): readonly Picture[] {
  const list: readonly Picture[] = 'data' in pictures ? [pictures] : pictures;
  if (list.length === 0) throw new PictureError('preprocess: no pictures given');
  return list;
}

/** Of the input tensor of one picture. Throws a PictureError for preprocessing that contradicts itself. */
export function inputShape(preprocessing: Preprocessing): Shape {
  checkSize(preprocessing.size);
  return [1, ...preprocessing.size, channelCount(preprocessing)];
}

/** Number of channels, once the mean and deviation have as many numbers. */
export function channelCount({ channels, mean, deviation }: Preprocessing): number {
  expectOneOf(PictureError, 'preprocess: channels', ['rgb', 'bgr', 'grey'], channels);
  const count = channels === 'grey' ? 1 : 3;
  if (mean.length !== count || deviation.length !== count) {
    throw new PictureError(
      `preprocess: '${channels}' has ${count} channels, found ${mean.length} means and ${deviation.length} deviations`,
    );
  }
  return count;
}

function inChannels(picture: Picture, { channels }: Preprocessing, { alpha = 'drop' }: PictureOptions): Picture {
  checkAlpha(alpha);
  if (channels === 'grey') return toGrey(picture, alpha);
  return channels === 'bgr' ? swapRedAndBlue(toRgb(picture, alpha)) : toRgb(picture, alpha);
}

function cropAndResize(picture: Picture, preprocessing: Preprocessing): Tensor {
  const { part, whole, window } = placement(picture, preprocessing);
  const [height, width] = [Math.min(window.height, whole[0]), Math.min(window.width, whole[1])];
  const kept = { ...window, height, width };
  const resized = resize(
    crop(picture, part.top, part.left, part.height, part.width),
    whole,
    preprocessing.resize,
    kept,
  );
  const { crop: rule, size } = preprocessing;
  if (rule.kind !== 'pad') return resized;
  const channels = resized.shape[3];
  const data = new Float64Array(size[0] * size[1] * channels).fill(rule.value);
  for (let y = 0; y < height; y++) {
    const row = resized.data.subarray(y * width * channels, (y + 1) * width * channels);
    data.set(row, y * size[1] * channels);
  }
  return tensor([1, ...size, channels], data);
}

/** The crop rule applied: `part` of the picture is resized to `whole` = [height, width], of which `window` is kept; a larger window is padded. */
export interface Placement {
  readonly part: Region;
  readonly whole: Pair;
  readonly window: Region;
}

export function placement(
  picture: Pick<Picture, 'width' | 'height'>,
  { crop: rule, size }: Pick<Preprocessing, 'crop' | 'size'>,
): Placement {
  const { width, height } = picture;
  const all = { top: 0, left: 0, height, width };
  const window = { top: 0, left: 0, height: size[0], width: size[1] };
  switch (rule.kind) {
    case 'stretch':
      return { part: all, whole: size, window };
    case 'central':
      return { part: centralPart(picture, rule.fraction), whole: size, window };
    case 'shorter-side': {
      const whole = atShorterSide(picture, rule.side);
      if (whole[0] < size[0] || whole[1] < size[1]) {
        throw new PictureError(
          `preprocess: a picture of ${width}×${height} resized to ${whole[1]}×${whole[0]} (shorter side ${rule.side}) has no centre of ${size[1]}×${size[0]}`,
        );
      }
      const top = roundHalfToEven((whole[0] - size[0]) / 2);
      const left = roundHalfToEven((whole[1] - size[1]) / 2);
      return { part: all, whole, window: { ...window, top, left } };
    }
    case 'pad': {
      const [most, side] = size[0] * width < size[1] * height ? [size[0], height] : [size[1], width];
      const asGiven = rule.enlarge === false && side < most;
      const fitted = (one: number) => (asGiven ? one : Math.max(Math.trunc((one * most) / side), 1));
      return { part: all, whole: [fitted(height), fitted(width)], window };
    }
    default:
      throw new PictureError(`preprocess: there is no crop rule '${(rule as CropRule).kind}'`);
  }
}

/** TensorFlow's central_crop (tensorflow/python/ops/image_ops_impl.py): start = int((size − size · fraction) / 2) along each side. */
export function centralCrop(picture: Picture, fraction: number): Picture {
  const { top, left, height, width } = centralPart(picture, fraction);
  return crop(picture, top, left, height, width);
}

function centralPart(picture: Pick<Picture, 'width' | 'height'>, fraction: number): Region {
  if (!(fraction > 0 && fraction <= 1)) {
    throw new PictureError(`centralCrop: the fraction must be above 0 and at most 1, found ${fraction}`);
  }
  const top = Math.trunc((picture.height - picture.height * fraction) / 2);
  const left = Math.trunc((picture.width - picture.width * fraction) / 2);
  return { top, left, height: picture.height - 2 * top, width: picture.width - 2 * left };
}

/** [height, width] by torchvision's Resize(side): the shorter side becomes `side`, the longer int(side · longer / shorter). */
function atShorterSide(
  { width, height }: Pick<Picture, 'width' | 'height'>,
  side: number,
): [height: number, width: number] {
  const longer = Math.trunc((side * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? [longer, side] : [side, longer];
}
