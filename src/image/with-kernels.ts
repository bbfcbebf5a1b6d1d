/** `prepare` by kernels, for whoever calls it and for `load`. A page that only calls tasks is spared their bytes. */
import { PictureError } from '../errors.js';
import { tagOf } from '../found.js';
import type { Preprocessing } from '../network/conventions.js';
import { type Shape, sameShape, type Tensor, zeros } from '../tensor.js';
import { resampleByKernels } from './kernels.js';
import type { Picture, PictureOptions } from './picture.js';
import { prepareBy, type Target } from './prepare.js';

/**
 * The input tensor [N, H, W, C] in float32 of one picture or of several: the numbers of `preprocess`, bit for bit, in one pass over the
 * pixels that the crop keeps. The pictures are not changed. With `into`, a float32 tensor of that shape such as an earlier call returned,
 * the numbers are written there, and `into` is returned. Throws a PictureError for what is no picture, for a region outside it, and
 * for preprocessing that contradicts itself.
 */
export function prepare<To extends Target = Tensor>(
  pictures: Picture | readonly Picture[],
  preprocessing: Preprocessing,
  options: PictureOptions = {},
  into?: To,
): To {
  return prepareBy(resampleByKernels, pictures, preprocessing, options, (shape) => targetOf(shape, into));
}

/** `into`, or a new tensor. */
export function targetOf<To extends Target>(shape: Shape, into: To | undefined): To {
  if (into === undefined) return zeros(shape) as unknown as To;
  const type = tagOf(into.data).replace('Array', '');
  if ((type !== 'Float32' && !into.nearest) || !sameShape(into.shape, shape)) {
    throw new PictureError(`prepare: 'into' must be Float32 of [${shape}], found ${type} of [${into.shape}]`);
  }
  return into;
}
