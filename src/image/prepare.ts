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
import { axisOf } from './axis.js';
import { gridOf, partOf } from './grid.js';
import { checkAlpha, checkPicture, type Picture, type PictureOptions } from './picture.js';
import { channelCount, listOf, placement } from './preprocess.js';
import { antialias, resample } from './resample.js';
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

function checkInto(into: Tensor, shape: readonly number[]): Tensor {
  const type = Object.prototype.toString.call(into.data).slice(8, -6);
  if (type !== 'Float32' || into.shape.join() !== shape.join()) {
    throw new PictureError(`prepare: 'into' must be Float32 of [${shape}], found ${type} of [${into.shape}]`);
  }
  return into;
}

function prepareOne(picture: Picture, preprocessing: Preprocessing, options: PictureOptions, x: Float32Array): void {
  const { resize: rule, channels: order } = preprocessing;
  const { alpha = 'drop' } = options;
  const upright = gridOf(checkPicture(picture), options);
  checkAlpha(alpha);
  const { part, whole, window } = placement(upright, preprocessing);
  checkSize(whole);
  const rows = axisOf(rule, part.height, whole[0], window.top, window.height);
  const columns = axisOf(rule, part.width, whole[1], window.left, window.width);
  const grid = partOf(upright, {
    top: part.top + rows.begin,
    left: part.left + columns.begin,
    height: rows.count,
    width: columns.count,
  });
  const conversion = { grey: order === 'grey', alpha };
  const rounded = isAntialiased(rule);
  (rounded ? antialias : resample)({ grid, conversion, rows, columns, preprocessing, rounded }, x);
}
