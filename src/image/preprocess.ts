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
 */
import { PictureError } from '../errors.js';
import type { CropRule, Preprocessing } from '../network/conventions.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';
import { type AlphaRule, checkPicture, crop, type Picture, swapRedAndBlue, toGrey, toRgb } from './picture.js';
import { resize } from './resize.js';

export interface PreprocessOptions {
  /** For pictures with four channels; 'drop' unless stated. */
  readonly alpha?: AlphaRule;
}

/** The input tensor [N, H, W, C] in float32 of one picture or of several. The pictures are not changed. */
export function preprocess(
  pictures: Picture | readonly Picture[],
  preprocessing: Preprocessing,
  options: PreprocessOptions = {},
): Tensor {
  const list: readonly Picture[] = 'data' in pictures ? [pictures] : pictures;
  if (list.length === 0) throw new PictureError('preprocess: no pictures given');
  const channels = channelCount(preprocessing);
  const shape = [list.length, ...preprocessing.size, channels];
  const x = new Float32Array(sizeOf(shape));
  list.forEach((picture, n) => {
    const bytes = cropAndResize(inChannels(picture, preprocessing, options), preprocessing).data;
    const start = n * bytes.length;
    for (let i = 0; i < bytes.length; i++) {
      const c = i % channels;
      x[start + i] = (bytes[i] * preprocessing.scale - preprocessing.mean[c]) / preprocessing.deviation[c];
    }
  });
  return tensor(shape, x);
}

/** Number of channels, once the mean and deviation have as many numbers. */
function channelCount({ channels, mean, deviation }: Preprocessing): number {
  const count = channels === 'grey' ? 1 : 3;
  if (mean.length !== count || deviation.length !== count) {
    throw new PictureError(
      `preprocess: '${channels}' has ${count} channels, found ${mean.length} means and ${deviation.length} deviations`,
    );
  }
  return count;
}

function inChannels(picture: Picture, { channels }: Preprocessing, { alpha = 'drop' }: PreprocessOptions): Picture {
  checkPicture(picture);
  switch (channels) {
    case 'grey':
      return toGrey(picture, alpha);
    case 'rgb':
      return toRgb(picture, alpha);
    case 'bgr':
      return swapRedAndBlue(toRgb(picture, alpha));
    default:
      throw new PictureError(`preprocess: channels must be 'rgb', 'bgr' or 'grey', found '${channels}'`);
  }
}

function cropAndResize(picture: Picture, { crop: rule, resize: resizeRule, size }: Preprocessing): Tensor {
  switch (rule.kind) {
    case 'stretch':
      return resize(picture, size, resizeRule);
    case 'central':
      return resize(centralCrop(picture, rule.fraction), size, resizeRule);
    case 'shorter-side': {
      const whole = atShorterSide(picture, rule.side);
      const [height, width] = size;
      if (whole[0] < height || whole[1] < width) {
        throw new PictureError(
          `preprocess: a picture of ${picture.width}×${picture.height} resized to ${whole[1]}×${whole[0]} (shorter side ${rule.side}) has no centre of ${width}×${height}`,
        );
      }
      const top = roundHalfToEven((whole[0] - height) / 2);
      const left = roundHalfToEven((whole[1] - width) / 2);
      return resize(picture, whole, resizeRule, { top, left, height, width });
    }
    default:
      throw new PictureError(`preprocess: there is no crop rule '${(rule as CropRule).kind}'`);
  }
}

/** TensorFlow's central_crop (tensorflow/python/ops/image_ops_impl.py): start = int((size − size · fraction) / 2) along each side. */
export function centralCrop(picture: Picture, fraction: number): Picture {
  if (!(fraction > 0 && fraction <= 1)) {
    throw new PictureError(`centralCrop: the fraction must be above 0 and at most 1, found ${fraction}`);
  }
  const top = Math.trunc((picture.height - picture.height * fraction) / 2);
  const left = Math.trunc((picture.width - picture.width * fraction) / 2);
  return crop(picture, top, left, picture.height - 2 * top, picture.width - 2 * left);
}

/** [height, width] by torchvision's Resize(side): the shorter side becomes `side`, the longer int(side · longer / shorter). */
function atShorterSide({ width, height }: Picture, side: number): [height: number, width: number] {
  const longer = Math.trunc((side * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? [longer, side] : [side, longer];
}

/** Python's round, with which torchvision's CenterCrop places its window. */
function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
