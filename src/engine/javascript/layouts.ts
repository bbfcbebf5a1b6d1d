/** Kernels that move numbers from one layout to another. */
import type { EngineKernels } from '../kernels.js';
import { quadIndex, type Views, word } from './views.js';

export function layouts({
  floats,
  doubles,
  words,
  bytes,
}: Views): Pick<
  EngineKernels,
  | 'packPanels'
  | 'nhwcToQuads'
  | 'quadsToNhwc'
  | 'nhwcToPlanes'
  | 'copyRuns'
  | 'repeatChannels'
  | 'padPicture'
  | 'zeroMargins'
> {
  return {
    packPanels(x, rows, columns, width, scale, out, panelStride) {
      for (let panel = 0; panel * width < columns; panel++) {
        for (let row = 0; row < rows; row++) {
          for (let lane = 0; lane < width; lane++) {
            const column = panel * width + lane;
            const value = column < columns ? floats[word(x) + row * columns + column] : 0;
            const factor = scale && column < columns ? doubles[scale / 8 + column] : 1;
            floats[word(out + panel * panelStride) + row * width + lane] = value * factor;
          }
        }
      }
    },

    nhwcToQuads(x, pixels, channels, out, quadStride) {
      for (let pixel = 0; pixel < ((pixels + 3) >> 2) << 2; pixel++) {
        const to = word(out) + quadIndex(pixel, quadStride);
        for (let c = 0; c < channels; c++) {
          floats[to + 4 * c] = pixel < pixels ? floats[word(x) + pixel * channels + c] : 0;
        }
      }
    },

    quadsToNhwc(x, quadStride, pixels, channels, out) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        const from = word(x) + quadIndex(pixel, quadStride);
        for (let c = 0; c < channels; c++) floats[word(out) + pixel * channels + c] = floats[from + 4 * c];
      }
    },

    nhwcToPlanes(x, pixels, channels, out, planeStride, planes, offsets) {
      for (let plane = 0; plane < planes; plane++) {
        for (let pixel = 0; pixel < pixels; pixel++) {
          const to = word(out + plane * planeStride + words[word(offsets) + pixel]);
          for (let i = 0; i < 4; i++) {
            const c = plane * 4 + i;
            floats[to + i] = c < channels ? floats[word(x) + pixel * channels + c] : 0;
          }
        }
      }
    },

    copyRuns(from, fromStride, to, toStride, length, count) {
      for (let i = 0; i < count; i++) {
        bytes.copyWithin(to + i * toStride, from + i * fromStride, from + i * fromStride + length);
      }
    },

    repeatChannels(x, count, times, out) {
      for (let i = 0; i < count * times; i++) floats[word(out) + i] = floats[word(x) + Math.floor(i / times)];
    },

    padPicture(x, height, rowBytes, out, top, bottom, left, right, value) {
      const outBytes = left + rowBytes + right;
      floats.fill(value, word(out), word(out + (top + height + bottom) * outBytes));
      for (let row = 0; row < height; row++) {
        bytes.copyWithin(out + (top + row) * outBytes + left, x + row * rowBytes, x + (row + 1) * rowBytes);
      }
    },

    zeroMargins(out, planeStride, planes, rows, rowBytes, left, right) {
      for (let plane = 0; plane < planes; plane++) {
        for (let row = 0; row < rows; row++) {
          const begin = out + plane * planeStride + row * rowBytes;
          bytes.fill(0, begin, begin + left);
          bytes.fill(0, begin + rowBytes - right, begin + rowBytes);
        }
        const spare = out + plane * planeStride + rows * rowBytes;
        bytes.fill(0, spare, spare + rowBytes);
      }
    },
  };
}
