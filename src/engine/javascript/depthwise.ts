/** Depthwise convolution, four pixels of a row at a time, one of a plane's four channels after the other. */
import type { EngineKernels } from '../kernels.js';
import { clamp, quadIndex, type Views, word } from './views.js';

export function depthwise({ floats, words }: Views): Pick<EngineKernels, 'depthwise'> {
  const bounds = new Float64Array(2);
  /** Where the sums of four pixels go: indices of their first channel, or 0 for a pixel beyond the row. */
  const places = new Int32Array(4);

  /** Four pixels of four channels. All operands are indices and counts of 4-byte words. */
  function tile(
    picture: number,
    lines: number,
    dilation: number,
    weights: number,
    bias: number,
    kernelHeight: number,
    kernelWidth: number,
    step: number,
    tapStep: number,
  ): void {
    const numbers = floats;
    for (let c = 0; c < 4; c++) {
      let c0 = numbers[bias + c];
      let c1 = c0;
      let c2 = c0;
      let c3 = c0;
      let k = weights + c;
      for (let i = 0; i < kernelHeight; i++, k += 4 * kernelWidth) {
        const p = picture + c + word(words[lines + i * dilation]);
        let j = 0;
        // Neighbours share the columns of their windows: 9 numbers are read for 12 products.
        for (; step === 4 && tapStep === 4 && j + 3 <= kernelWidth; j += 3) {
          const at = p + 4 * j;
          const k0 = numbers[k + 4 * j];
          const k1 = numbers[k + 4 * j + 4];
          const k2 = numbers[k + 4 * j + 8];
          const x1 = numbers[at + 4];
          const x2 = numbers[at + 8];
          const x3 = numbers[at + 12];
          const x4 = numbers[at + 16];
          c0 += numbers[at] * k0 + x1 * k1 + x2 * k2;
          c1 += x1 * k0 + x2 * k1 + x3 * k2;
          c2 += x2 * k0 + x3 * k1 + x4 * k2;
          c3 += x3 * k0 + x4 * k1 + numbers[at + 20] * k2;
        }
        for (; j < kernelWidth; j++) {
          const tap = numbers[k + 4 * j];
          const at = p + j * tapStep;
          c0 += numbers[at] * tap;
          c1 += numbers[at + step] * tap;
          c2 += numbers[at + 2 * step] * tap;
          c3 += numbers[at + 3 * step] * tap;
        }
      }
      numbers[places[0] + 4 * c] = clamp(c0, bounds[0], bounds[1]);
      if (places[1]) numbers[places[1] + 4 * c] = clamp(c1, bounds[0], bounds[1]);
      if (places[2]) numbers[places[2] + 4 * c] = clamp(c2, bounds[0], bounds[1]);
      if (places[3]) numbers[places[3] + 4 * c] = clamp(c3, bounds[0], bounds[1]);
    }
  }

  return {
    depthwise(
      x,
      planeStride,
      planes,
      rows,
      kernelHeight,
      kernelWidth,
      strideY,
      strideX,
      dilationY,
      dilationX,
      weights,
      bias,
      lo,
      hi,
      width,
      first,
      count,
      _group,
      out,
      quadStride,
    ) {
      bounds.set([lo, hi]);
      const [height, columns, step, tapStep] = [
        kernelHeight | 0,
        kernelWidth | 0,
        (4 * strideX) | 0,
        (4 * dilationX) | 0,
      ];
      for (let plane = 0; plane < planes; plane++) {
        const picture = word(x + plane * planeStride);
        const k = word(weights + 16 * plane * kernelHeight * kernelWidth);
        const b = word(bias + 16 * plane);
        for (let row = 0; row < count; row++) {
          const lines = (word(rows) + (first + row) * strideY) | 0;
          for (let column = 0; column < width; column += 4) {
            for (let i = 0; i < 4; i++) {
              const place = word(out + 64 * plane) + quadIndex(row * width + column + i, quadStride);
              places[i] = column + i < width ? place : 0;
            }
            tile((picture + column * step) | 0, lines, dilationY | 0, k, b, height, columns, step, tapStep);
          }
        }
      }
    },
  };
}
