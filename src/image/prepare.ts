/**
 * From pictures to the input tensor, in one pass over the pixels that the crop keeps. `preprocess.ts` states the same in readable
 * steps, and every number here is equal to its number, bit for bit: sums are made of the same terms in the same order.
 *
 * Row by row of the result: the rows of the picture that it reads are narrowed to its width, unless they are already, and mixed.
 *
 *   picture row 6  ─narrow→  ring, slot 0  ╲
 *   picture row 7  ─narrow→  ring, slot 1  ─╳─mix, normalise→  row 3 of the result
 *   picture row 8  ─narrow→  ring, slot 2  ╱
 *
 * A region, a rotation and a mirror are steps through the picture's bytes (`grid.ts`). What depends on sizes alone is kept between
 * calls (`axis.ts`).
 */
import type { Preprocessing } from '../network/conventions.js';
import { type Shape, type Tensor, zeros } from '../tensor.js';
import { type Axis, axisOf } from './axis.js';
import { type Grid, gridOf, partOf } from './grid.js';
import { checkAlpha, checkPicture, type Picture, type PictureOptions, type Region } from './picture.js';
import { channelCount, listOf, placement } from './preprocess.js';
import { type Nearest, type Numbers, type Resample, resample } from './resample.js';
import { checkSize, isAntialiased } from './resize.js';

/** The input tensor [N, H, W, C] in float32 of one picture or of several, equal to `preprocess`. The pictures are not changed. */
export function prepare(
  pictures: Picture | readonly Picture[],
  preprocessing: Preprocessing,
  options: PictureOptions = {},
): Tensor {
  return prepareBy(resample, pictures, preprocessing, options, zeros);
}

/** What numbers are written to: a tensor of float32, or of the integers of a quantised input. */
export interface Target {
  readonly shape: Shape;
  readonly data: Tensor['data'] | Numbers;
  readonly nearest?: Nearest;
}

/** The same by `resampleWith`: `resample`, or kernels in its place. `target` gives the tensor of that shape to write to. */
export function prepareBy<To extends Target>(
  resampleWith: Resample,
  pictures: Picture | readonly Picture[],
  preprocessing: Preprocessing,
  options: PictureOptions,
  target: (shape: Shape) => To,
): To {
  const list = listOf(pictures);
  const channels = channelCount(preprocessing);
  checkSize(preprocessing.size);
  const x = target([list.length, ...preprocessing.size, channels]);
  const length = x.data.length / list.length;
  list.forEach((picture, n) => {
    const upright = gridOf(checkPicture(picture), options);
    checkAlpha(options.alpha);
    const layout = layoutOf(upright, preprocessing);
    const part = x.data.subarray(n * length, (n + 1) * length) as Numbers;
    fill(resampleWith, partOf(upright, layout.read), layout, preprocessing, options, part, x.nearest);
  });
  return x;
}

/** What of a picture of some size, turned upright, is read, and with which shares. */
export interface Layout {
  readonly read: Region;
  readonly rows: Axis;
  readonly columns: Axis;
}

export function layoutOf(upright: Pick<Picture, 'width' | 'height'>, preprocessing: Preprocessing): Layout {
  const { part, whole, window } = placement(upright, preprocessing);
  checkSize(whole);
  const rows = axisOf(preprocessing.resize, part.height, whole[0], window.top, Math.min(window.height, whole[0]));
  const columns = axisOf(preprocessing.resize, part.width, whole[1], window.left, Math.min(window.width, whole[1]));
  const read = {
    top: part.top + rows.begin,
    left: part.left + columns.begin,
    height: rows.count,
    width: columns.count,
  };
  return { read, rows, columns };
}

/** The tensor's numbers from the pixels that are read. */
export function fill(
  resampleWith: Resample,
  grid: Grid,
  { rows, columns }: Layout,
  preprocessing: Preprocessing,
  { alpha = 'drop' }: PictureOptions,
  x: Numbers,
  nearest?: Nearest,
): void {
  const conversion = { grey: preprocessing.channels === 'grey', alpha };
  const rounded = isAntialiased(preprocessing.resize);
  const job = { grid, conversion, rows, columns, preprocessing, rounded, nearest };
  const { crop, size, scale, mean, deviation } = preprocessing;
  if (crop.kind !== 'pad') {
    resampleWith(job, x);
    return;
  }
  const length = columns.first.length * mean.length;
  const shown = new (x.constructor as new (length: number) => Numbers)(rows.first.length * length);
  resampleWith(job, shown);
  for (let i = 0; i < x.length; i++) {
    const c = i % mean.length;
    const real = (crop.value * scale - mean[c]) / deviation[c];
    x[i] = nearest ? nearest(Math.fround(real)) : real;
  }
  for (let at = 0, to = 0; at < shown.length; at += length, to += size[1] * mean.length) {
    x.set(shown.subarray(at, at + length), to);
  }
}
