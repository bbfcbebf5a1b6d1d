/** Pools and resizing. */
import type { EngineKernels } from '../kernels.js';
import { quadIndex, type Views, word } from './views.js';

export function pools({ floats, words }: Views): Pick<EngineKernels, 'pool' | 'globalAveragePool' | 'resizeBilinear'> {
  return {
    pool(
      x,
      height,
      width,
      channels,
      kernelHeight,
      kernelWidth,
      strideY,
      strideX,
      top,
      left,
      outHeight,
      outWidth,
      average,
      divisor,
      out,
    ) {
      let y = word(out);
      for (let row = 0; row < outHeight; row++) {
        const y0 = Math.max(row * strideY - top, 0);
        const y1 = Math.min(row * strideY - top + kernelHeight, height);
        for (let column = 0; column < outWidth; column++) {
          const x0 = Math.max(column * strideX - left, 0);
          const x1 = Math.min(column * strideX - left + kernelWidth, width);
          const count = divisor > 0 ? divisor : (y1 - y0) * (x1 - x0);
          for (let c = 0; c < channels; c++) {
            let result = average ? 0 : -Infinity;
            for (let i = y0; i < y1; i++) {
              for (let j = x0; j < x1; j++) {
                const value = floats[word(x) + (i * width + j) * channels + c];
                result = average ? result + value : Math.max(result, value);
              }
            }
            floats[y++] = average ? result / count : result;
          }
        }
      }
    },

    globalAveragePool(x, quadStride, pixels, channels, out) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let pixel = 0; pixel < pixels; pixel++) sum += floats[word(x) + 4 * c + quadIndex(pixel, quadStride)];
        floats[word(out) + c] = sum / pixels;
      }
    },

    resizeBilinear(x, channels, rows, outHeight, columns, outWidth, out) {
      let y = word(out);
      for (let row = word(rows); row < word(rows) + outHeight * 3; row += 3) {
        const upper = word(x + words[row]);
        const lower = word(x + words[row + 1]);
        const fy = floats[row + 2];
        for (let column = word(columns); column < word(columns) + outWidth * 3; column += 3) {
          const left = word(words[column]);
          const right = word(words[column + 1]);
          const fx = floats[column + 2];
          for (let c = 0; c < channels; c++) {
            const above = floats[upper + left + c] * (1 - fx) + floats[upper + right + c] * fx;
            const below = floats[lower + left + c] * (1 - fx) + floats[lower + right + c] * fx;
            floats[y++] = above * (1 - fy) + below * fy;
          }
        }
      }
    },
  };
}
