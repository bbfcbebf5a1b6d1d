/** `prepare` for whoever calls it directly. `load` and this file bring the kernels; a page that only calls tasks is spared their bytes. */
import type { Preprocessing } from '../network/conventions.js';
import type { Tensor } from '../tensor.js';
import { usePictureKernels } from './kernels.js';
import type { Picture, PictureOptions } from './picture.js';
import { prepare as prepareAsIs } from './prepare.js';

/**
 * The input tensor [N, H, W, C] in float32 of one picture or of several: the numbers of `preprocess`, bit for bit, in one pass over the
 * pixels that the crop keeps. The pictures are not changed. With `into`, a float32 tensor of that shape such as an earlier call returned,
 * the numbers are written there, and `into` is returned. Throws a PictureError for what is no picture, for a region outside it, and
 * for preprocessing that contradicts itself.
 */
export function prepare(
  pictures: Picture | readonly Picture[],
  preprocessing: Preprocessing,
  options: PictureOptions = {},
  into?: Tensor,
): Tensor {
  usePictureKernels();
  return prepareAsIs(pictures, preprocessing, options, into);
}
