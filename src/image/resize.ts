/**
 * Resizing, by the rules under which networks were trained. Along each axis, output sample `at` reads the input around a position:
 *
 *   tf1-legacy            at · in / out                    the two nearest samples, mixed
 *   tf1-align-corners     at · (in − 1) / (out − 1)        the two nearest samples, mixed
 *   half-pixel            (at + 0.5) · in / out − 0.5      the two nearest samples, mixed
 *   half-pixel-antialias  (at + 0.5) · in / out − 0.5      all samples under a triangle of half-width s = max(in / out, 1)
 *   bicubic-antialias     (at + 0.5) · in / out − 0.5      all samples under Keys' cubic (a = −0.5) of half-width 2s
 *
 * e.g. 4 samples to 3 read at 0, 1.33, 2.67 (legacy), 0, 1.5, 3 (align-corners), 0.17, 1.5, 2.83 (half-pixel).
 *
 * The first three are `layers/resizeBilinear.ts` and compute with real numbers. The antialiased two are Pillow's BILINEAR and BICUBIC
 * bit for bit: shares in fixed point of 22 bits, columns before rows, and a rounding to 8 bits after each, since that is what
 * torchvision's and timm's networks saw. (torch's own antialias on tensors does not round; it differs by up to 1 of 255.)
 */
import { expectOneOf } from '../checks.js';
import { PictureError } from '../errors.js';
import { mixAt } from '../layers/resizeBilinear.js';
import { type ResizeRule, resizeRules } from '../network/conventions.js';
import type { Pair } from '../padding.js';
import { type Tensor, tensor } from '../tensor.js';
import { checkPicture, type Picture, type Region } from './picture.js';

/** What one output sample reads: the input samples first, first + 1, … and the share of each. */
export interface Taps {
  readonly first: number;
  readonly shares: readonly number[];
}

/**
 * The picture at [height, width] as a tensor [1, height, width, channels] of numbers 0…255, in double precision: the normalisation
 * that follows rounds once. With a `window`, only that part of the result is computed.
 */
export function resize(picture: Picture, size: Pair, rule: ResizeRule, window: Region = wholeOf(size)): Tensor {
  checkPicture(picture);
  checkSize(size);
  checkWindow(window, size);
  const taps = tapsOf(rule);
  const along = (from: number, count: number, samples: number, out: number): Taps[] =>
    Array.from({ length: count }, (_, i) => taps(from + i, samples, out));
  const rows = along(window.top, window.height, picture.height, size[0]);
  const columns = along(window.left, window.width, picture.width, size[1]);
  return resample(picture, rows, columns, isAntialiased(rule) ? roundToByte : (sum) => sum);
}

const wholeOf = ([height, width]: Pair): Region => ({ top: 0, left: 0, height, width });

export const isAntialiased = (rule: ResizeRule): rule is keyof typeof filters => Object.hasOwn(filters, rule);

/** What output sample `at` of `out` reads of `size` samples. */
export function tapsOf(rule: ResizeRule): (at: number, size: number, out: number) => Taps {
  if (isAntialiased(rule)) {
    const filter = filters[rule];
    return (at, size, out) => antialiasTaps(filter, at, size, out);
  }
  expectOneOf(PictureError, 'resize: rule', resizeRules, rule);
  return (at, size, out) => {
    const { lower, share } = mixAt(rule, at, size, out);
    return { first: lower, shares: share === 0 ? [1] : [1 - share, share] };
  };
}

/** [height, width] of a resized picture. */
export function checkSize(size: Pair): void {
  size.forEach((value, axis) => {
    if (!Number.isInteger(value) || value < 1) {
      const side = axis === 0 ? 'height' : 'width';
      throw new PictureError(`resize: the new ${side} must be a whole number of 1 or more, found ${value}`);
    }
  });
}

function checkWindow(window: Region, [height, width]: Pair): void {
  const fits =
    window.top >= 0 && window.left >= 0 && window.top + window.height <= height && window.left + window.width <= width;
  if (!fits || window.height < 1 || window.width < 1 || !Object.values(window).every(Number.isInteger)) {
    throw new PictureError(
      `resize: a window of ${window.width}×${window.height} at (${window.left}, ${window.top}) does not lie inside ${width}×${height}`,
    );
  }
}

/**
 * Columns, then rows: result[i, j, c] = Σ_r rowShare(i, r) · (Σ_s columnShare(j, s) · picture[r, s, c]). Row by row of the picture, so that
 * no more than the result and one row are held, however high the picture is.
 */
function resample(picture: Picture, rows: readonly Taps[], columns: readonly Taps[], finish: (sum: number) => number) {
  const { width, channels, data } = picture;
  const stride = columns.length * channels;
  const narrow = new Float64Array(stride);
  const result = new Float64Array(rows.length * stride);
  const endOf = ({ first, shares }: Taps) => first + shares.length;
  let begin = 0; // of the rows of the result that are not complete
  for (let row = rows[0].first; begin < rows.length; row++) {
    for (let j = 0; j < columns.length; j++) {
      const { first, shares } = columns[j];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let s = 0; s < shares.length; s++) sum += shares[s] * data[(row * width + first + s) * channels + c];
        narrow[j * channels + c] = finish(sum);
      }
    }
    for (let i = begin; i < rows.length && rows[i].first <= row; i++) {
      const share = rows[i].shares[row - rows[i].first];
      for (let at = 0; at < stride; at++) result[i * stride + at] += share * narrow[at];
    }
    while (begin < rows.length && endOf(rows[begin]) <= row + 1) begin++;
  }
  return tensor([1, rows.length, columns.length, channels], result.map(finish));
}

interface Filter {
  readonly halfWidth: number;
  readonly weight: (distance: number) => number;
}

/** Weights by distance from the position, in output samples. The cubic is R. Keys', IEEE ASSP 29(6), 1981, eq. 15. */
const filters = {
  'half-pixel-antialias': { halfWidth: 1, weight: (x) => 1 - x },
  'bicubic-antialias': {
    halfWidth: 2,
    weight: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2),
  },
} satisfies Record<string, Filter>;

/** Shares are whole numbers of 2⁻²², as in Pillow, whose sums fit 32 bits. */
const ONE = 2 ** 22;

export const roundToByte = (sum: number): number => Math.min(Math.max(Math.floor(sum / ONE + 0.5), 0), 255);

/** The samples whose centres lie under the filter; at the borders the filter is cut off and its shares still sum to one. */
function antialiasTaps({ halfWidth, weight }: Filter, at: number, size: number, out: number): Taps {
  const scale = size / out;
  const stretch = Math.max(scale, 1);
  const narrowing = 1 / stretch;
  const reach = halfWidth * stretch;
  const centre = (at + 0.5) * scale;
  const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
  const end = Math.min(Math.trunc(centre + reach + 0.5), size);
  const weights = Array.from({ length: end - first }, (_, s) => weight(Math.abs(first + s - centre + 0.5) * narrowing));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return { first, shares: weights.map((value) => Math.round((value / total) * ONE)) };
}
