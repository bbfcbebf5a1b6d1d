/** Other sizes for the same integers in the same order: reshape, flatten, and dropout, which does nothing in inference. */
import { dropout as floatDropout } from '../dropout.js';
import { flatten as floatFlatten } from '../flatten.js';
import { reshape as floatReshape } from '../reshape.js';
import { type IntegerTensor, sameScaleLayer } from './layer.js';

const copy = (y: IntegerTensor, [x]: readonly IntegerTensor[]) => y.data.set(x.data);

export const forward = /* @__PURE__ */ sameScaleLayer(floatReshape, copy);
export const flatten = /* @__PURE__ */ sameScaleLayer(floatFlatten, copy);
export const dropout = /* @__PURE__ */ sameScaleLayer(floatDropout, copy);
