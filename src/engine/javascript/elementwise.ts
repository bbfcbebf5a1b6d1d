/** Kernels that treat every number, or every row of numbers, by itself. */
import type { EngineKernels } from '../kernels.js';
import { clamp, type Views, word } from './views.js';

export function elementwise({
  floats,
}: Views): Pick<EngineKernels, 'addAll' | 'affine' | 'multiply' | 'hard' | 'sigmoid' | 'softmax' | 'argMax'> {
  return {
    addAll(a, b, count, lo, hi, out) {
      const first = word(a);
      const second = word(b);
      const to = word(out);
      for (let i = 0; i < count; i++) {
        const x = floats[first + i];
        floats[to + i] = clamp(b ? x + floats[second + i] : x, lo, hi);
      }
    },

    affine(x, pixels, channels, scale, shift, out) {
      const from = word(x);
      const to = word(out);
      for (let i = 0; i < pixels * channels; i++) {
        const c = i % channels;
        floats[to + i] = floats[from + i] * floats[word(scale) + c] + floats[word(shift) + c];
      }
    },

    multiply(x, rows, length, factor, out) {
      for (let i = 0; i < rows * length; i++) {
        floats[word(out) + i] = floats[word(x) + i] * floats[word(factor) + (i % length)];
      }
    },

    hard(x, count, swish, out) {
      for (let i = 0; i < count; i++) {
        const value = floats[word(x) + i];
        const gate = clamp(value / 6 + 0.5, 0, 1);
        floats[word(out) + i] = swish ? value * gate : gate;
      }
    },

    sigmoid(x, count, out) {
      for (let i = 0; i < count; i++) floats[word(out) + i] = 1 / (1 + Math.exp(-floats[word(x) + i]));
    },

    softmax(x, rows, length, out) {
      for (let row = 0; row < rows; row++) {
        const numbers = floats.subarray(word(x) + row * length, word(x) + (row + 1) * length);
        let max = numbers[0];
        for (const value of numbers) if (value > max) max = value;
        let sum = 0;
        const y = word(out) + row * length;
        for (let i = 0; i < length; i++) {
          const power = Math.exp(numbers[i] - max);
          sum += power;
          floats[y + i] = power;
        }
        for (let i = 0; i < length; i++) floats[y + i] /= sum;
      }
    },

    argMax(x, rows, length, out) {
      for (let row = 0; row < rows; row++) {
        const numbers = floats.subarray(word(x) + row * length, word(x) + (row + 1) * length);
        const nan = numbers.findIndex(Number.isNaN);
        let best = 0;
        for (let i = 1; i < length; i++) if (numbers[i] > numbers[best]) best = i;
        floats[word(out) + row] = nan < 0 ? best : nan;
      }
    },
  };
}
