/** Other sizes for the same integers in the same order: reshape, flatten, and dropout, which does nothing in inference. */
import * as dropoutShapes from '../dropout.js';
import * as flattenShapes from '../flatten.js';
import * as reshapeShapes from '../reshape.js';
import { type IntegerTensor, sameScaleLayer } from './layer.js';

const copy = (y: IntegerTensor, [x]: readonly IntegerTensor[]) => y.data.set(x.data);

export const forward = /* @__PURE__ */ sameScaleLayer('reshape', reshapeShapes, copy);
export const flatten = /* @__PURE__ */ sameScaleLayer('flatten', flattenShapes, copy);
export const dropout = /* @__PURE__ */ sameScaleLayer('dropout', dropoutShapes, copy);
