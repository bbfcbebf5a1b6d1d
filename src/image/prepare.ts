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
 * calls (`axis.ts`), and so is all memory but the result.
 */
import { PictureError } from '../errors.js';
import type { Preprocessing } from '../network/conventions.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';
import { type Axis, axisOf } from './axis.js';
import { type Grid, gridOf, partOf } from './grid.js';
import { checkAlpha, checkPicture, type Picture, type PictureOptions, type Region } from './picture.js';
import { channelCount, listOf, placement } from './preprocess.js';
import { resampler } from './resample.js';
import { checkSize, isAntialiased } from './resize.js';

/**
 * The input tensor [N, H, W, C] in float32 of one picture or of several, equal to `preprocess`. The pictures are not changed. With
 * `into`, a float32 tensor of that shape such as an earlier call returned, the numbers are written there, and `into` is returned.
 */
export function prepare(
  pictures: Picture | readonly Picture[],
  preprocessing: Preprocessing,
  options: PictureOptions = {},
  into?: Tensor,
): Tensor {
  const list = listOf(pictures);
  const channels = channelCount(preprocessing);
  checkSize(preprocessing.size);
  const shape = [list.length, ...preprocessing.size, channels];
  const x = into === undefined ? tensor(shape, new Float32Array(sizeOf(shape))) : checkInto(into, shape);
  const length = x.data.length / list.length;
  list.forEach((picture, n) => {
    prepareOne(picture, preprocessing, options, x.data.subarray(n * length, (n + 1) * length) as Float32Array);
  });
  return x;
}

export function checkInto(into: Tensor, shape: readonly number[]): Tensor {
  const type = Object.prototype.toString.call(into.data).slice(8, -6);
  if (type !== 'Float32' || into.shape.join() !== shape.join()) {
    throw new PictureError(`prepare: 'into' must be Float32 of [${shape}], found ${type} of [${into.shape}]`);
  }
  return into;
}

function prepareOne(picture: Picture, preprocessing: Preprocessing, options: PictureOptions, x: Float32Array): void {
  const upright = gridOf(checkPicture(picture), options);
  checkAlpha(options.alpha);
  const layout = layoutOf(upright, preprocessing);
  fill(partOf(upright, layout.read), layout, preprocessing, options, x);
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
  const rows = axisOf(preprocessing.resize, part.height, whole[0], window.top, window.height);
  const columns = axisOf(preprocessing.resize, part.width, whole[1], window.left, window.width);
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
  grid: Grid,
  { rows, columns }: Layout,
  preprocessing: Preprocessing,
  { alpha = 'drop' }: PictureOptions,
  x: Float32Array,
): void {
  const conversion = { grey: preprocessing.channels === 'grey', alpha };
  const rounded = isAntialiased(preprocessing.resize);
  resampler({ grid, conversion, rows, columns, preprocessing, rounded }, x);
}
