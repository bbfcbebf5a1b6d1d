/** Logistic function of integers (LOGISTIC), in float32. tflite-micro computes it in fixed point and gets other bits. */
import { sigmoid } from '../sigmoid.js';
import { byFunction, integerLayer } from './layer.js';

export const forward = /* @__PURE__ */ integerLayer(sigmoid, (y, [x]) =>
  byFunction(y, x, (real) => 1 / Math.fround(1 + Math.fround(Math.exp(-real)))),
);
