/**
 * The kernels in JavaScript, for places that forbid WebAssembly. Names, operands and layouts are those of `assembly/`; the plan that calls them
 * is the same. Numbers are stored as float32 and summed in float64: JavaScript has no float32 arithmetic, and rounding after every
 * step takes three times as long.
 *
 * Operands are addresses in bytes, as in WebAssembly. Here they become indices of 4-byte words at the top of each kernel.
 */
import { NetworkError } from '../errors.js';
import type { KernelSource } from './heap.js';
import type { EngineKernels } from './kernels.js';

/** An address in bytes as the index of a 4-byte word. A signed shift: V8 adds unsigned numbers in float64. */
const word = (address: number): number => address >> 2;

/** Beyond them, addresses would be negative. */
const MOST_BYTES = 2 ** 31;

/** NaN stays NaN. */
const clamp = (x: number, lo: number, hi: number): number => (x < lo ? lo : hi < x ? hi : x);

/** For `compile`'s option `javascript`: a new memory, and the kernels that work on it. Throws a NetworkError if there is no such memory. */
export const javascriptKernels: KernelSource = (where, bytes) => {
  const buffer = memoryOf(where, Math.ceil(bytes / 8) * 8);
  return { kernels: kernelsIn(buffer), memory: { buffer, grow: refuseToGrow } };
};

function memoryOf(where: string, bytes: number): ArrayBuffer {
  try {
    if (bytes > MOST_BYTES) throw new RangeError(`addresses end at ${MOST_BYTES} bytes`);
    return new ArrayBuffer(bytes);
  } catch (error) {
    const size = `${Math.ceil(bytes / 2 ** 20)} MiB of memory`;
    throw new NetworkError(`${where}: it needs ${size}, which this machine refuses (${(error as Error).message})`);
  }
}

function refuseToGrow(): never {
  throw new RangeError('an ArrayBuffer does not grow');
}

/** The kernels that work on this memory. */
export function kernelsIn(buffer: ArrayBuffer): EngineKernels {
  const floats = new Float32Array(buffer);
  const words = new Int32Array(buffer);
  const bytes = new Uint8Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    ...matrixProducts(floats, words),
    ...elementwise(floats),
    ...pools(floats, words),
    ...layouts(floats, words, bytes, doubles),
  };
}

function matrixProducts(floats: Float32Array, words: Int32Array) {
  /**
   * Four pixels of two output channels, [2][4], and [lo, hi, lo2, hi2]. They are in memory, and bounds no operands of the functions that sum:
   * V8 makes an object of every float64 that it passes to a function. It also takes all numbers of a list that holds Infinity for float64, so that
   * each kernel makes integers of its addresses and sizes first: with float64 indices the sums take twice as long.
   */
  const sums = new Float64Array(8);
  const bounds = new Float64Array(4);

  /** Clamps the sums and stores them as channels `channel` and `channel + 1` of a tile. All are indices; 0 is none. */
  function storeSums(channel: number, out: number, stride: number, offsets: number, residual: number): void {
    const y = offsets ? out + (channel < 4 ? 0 : stride) + (channel & 3) : out + 4 * channel;
    for (let i = 0; i < 8; i++) {
      const value = clamp(sums[i], bounds[0], bounds[1]);
      if (offsets) floats[y + (i >> 2) + word(words[offsets + (i & 3)])] = value;
      else floats[y + i] = residual ? clamp(value + floats[residual + 4 * channel + i], bounds[2], bounds[3]) : value;
    }
  }

  function pointwise(
    x: number,
    quadStride: number,
    pixels: number,
    channels: number,
    weights: number,
    bias: number,
    panels: number,
    lo: number,
    hi: number,
    out: number,
    outStride: number,
    offsets: number,
    residual: number,
    lo2: number,
    hi2: number,
  ): void {
    bounds.set([lo, hi, lo2, hi2]);
    pointwiseSums(
      x | 0,
      quadStride | 0,
      pixels | 0,
      channels | 0,
      weights | 0,
      bias | 0,
      panels | 0,
      out | 0,
      outStride | 0,
      offsets | 0,
      residual | 0,
    );
  }

  function pointwiseSums(
    x: number,
    quadStride: number,
    pixels: number,
    channels: number,
    weights: number,
    bias: number,
    panels: number,
    out: number,
    outStride: number,
    offsets: number,
    residual: number,
  ): void {
    const numbers = floats;
    const first = word(x);
    const stride = word(quadStride);
    const quads = (pixels + 3) >> 2;
    for (let panel = 0; panel < panels; panel++) {
      const w = word(weights) + panel * channels * 8;
      const b = word(bias) + panel * 8;
      const y = word(out) + panel * (offsets ? 2 * word(outStride) : 32);
      const r = residual ? word(residual) + panel * 32 : 0;
      for (let q = 0; q < quads; q++) {
        const begin = first + q * stride;
        const end = begin + channels * 4;
        const to = offsets ? 0 : q * word(outStride);
        const places = offsets ? word(offsets) + 4 * q : 0;
        for (let o = 0; o < 8; o += 2) {
          let c00 = numbers[b + o];
          let c01 = numbers[b + o + 1];
          let c10 = c00;
          let c20 = c00;
          let c30 = c00;
          let c11 = c01;
          let c21 = c01;
          let c31 = c01;
          for (let a = begin, k = w + o; a < end; a += 4, k += 8) {
            const b0 = numbers[k];
            const b1 = numbers[k + 1];
            const a0 = numbers[a];
            const a1 = numbers[a + 1];
            const a2 = numbers[a + 2];
            const a3 = numbers[a + 3];
            c00 += a0 * b0;
            c10 += a1 * b0;
            c20 += a2 * b0;
            c30 += a3 * b0;
            c01 += a0 * b1;
            c11 += a1 * b1;
            c21 += a2 * b1;
            c31 += a3 * b1;
          }
          sums[0] = c00;
          sums[1] = c10;
          sums[2] = c20;
          sums[3] = c30;
          sums[4] = c01;
          sums[5] = c11;
          sums[6] = c21;
          sums[7] = c31;
          storeSums(o, y + to, word(outStride), places, r && r + to);
        }
      }
    }
  }

  function convolution(
    x: number,
    pixels: number,
    quads: number,
    runs: number,
    runCount: number,
    runLength: number,
    weights: number,
    bias: number,
    panels: number,
    lo: number,
    hi: number,
    out: number,
    outStride: number,
    offsets: number,
    residual: number,
    lo2: number,
    hi2: number,
  ): void {
    bounds.set([lo, hi, lo2, hi2]);
    convolutionSums(
      x | 0,
      pixels | 0,
      quads | 0,
      runs | 0,
      runCount | 0,
      runLength | 0,
      weights | 0,
      bias | 0,
      panels | 0,
      out | 0,
      outStride | 0,
      offsets | 0,
      residual | 0,
    );
  }

  function convolutionSums(
    x: number,
    pixels: number,
    quads: number,
    runs: number,
    runCount: number,
    runLength: number,
    weights: number,
    bias: number,
    panels: number,
    out: number,
    outStride: number,
    offsets: number,
    residual: number,
  ): void {
    const numbers = floats;
    const taps = runCount * runLength;
    for (let panel = 0; panel < panels; panel++) {
      const w = word(weights) + panel * taps * 8;
      const b = word(bias) + panel * 8;
      const y = word(out) + panel * (offsets ? 2 * word(outStride) : 32);
      const r = residual ? word(residual) + panel * 32 : 0;
      for (let q = 0; q < quads; q++) {
        const window = word(pixels) + 4 * q;
        const p0 = word(x + words[window]);
        const p1 = word(x + words[window + 1]);
        const p2 = word(x + words[window + 2]);
        const p3 = word(x + words[window + 3]);
        const to = offsets ? 0 : q * word(outStride);
        const places = offsets ? word(offsets) + 4 * q : 0;
        for (let o = 0; o < 8; o += 2) {
          let c00 = numbers[b + o];
          let c01 = numbers[b + o + 1];
          let c10 = c00;
          let c20 = c00;
          let c30 = c00;
          let c11 = c01;
          let c21 = c01;
          let c31 = c01;
          let k = w + o;
          for (let run = 0; run < runCount; run++) {
            const begin = word(words[word(runs) + run]);
            for (let tap = begin; tap < begin + runLength; tap++, k += 8) {
              const b0 = numbers[k];
              const b1 = numbers[k + 1];
              const a0 = numbers[p0 + tap];
              const a1 = numbers[p1 + tap];
              const a2 = numbers[p2 + tap];
              const a3 = numbers[p3 + tap];
              c00 += a0 * b0;
              c10 += a1 * b0;
              c20 += a2 * b0;
              c30 += a3 * b0;
              c01 += a0 * b1;
              c11 += a1 * b1;
              c21 += a2 * b1;
              c31 += a3 * b1;
            }
          }
          sums[0] = c00;
          sums[1] = c10;
          sums[2] = c20;
          sums[3] = c30;
          sums[4] = c01;
          sums[5] = c11;
          sums[6] = c21;
          sums[7] = c31;
          storeSums(o, y + to, word(outStride), places, r && r + to);
        }
      }
    }
  }

  function depthwise(
    x: number,
    planeStride: number,
    planes: number,
    rows: number,
    kernelHeight: number,
    kernelWidth: number,
    stride: number,
    strideX: number,
    dilation: number,
    dilationX: number,
    weights: number,
    bias: number,
    lo: number,
    hi: number,
    width: number,
    first: number,
    count: number,
    _group: number,
    out: number,
    quadStride: number,
  ): void {
    bounds.set([lo, hi]);
    depthwiseSums(
      x | 0,
      planeStride | 0,
      planes | 0,
      rows | 0,
      kernelHeight | 0,
      kernelWidth | 0,
      stride | 0,
      strideX | 0,
      dilation | 0,
      dilationX | 0,
      weights | 0,
      bias | 0,
      width | 0,
      first | 0,
      count | 0,
      out | 0,
      quadStride | 0,
    );
  }

  function depthwiseSums(
    x: number,
    planeStride: number,
    planes: number,
    rows: number,
    kernelHeight: number,
    kernelWidth: number,
    stride: number,
    strideX: number,
    dilation: number,
    dilationX: number,
    weights: number,
    bias: number,
    width: number,
    first: number,
    count: number,
    out: number,
    quadStride: number,
  ): void {
    const numbers = floats;
    const step = 4 * strideX;
    const tapStep = 4 * dilationX;
    const lineStep = 4 * kernelWidth;
    for (let plane = 0; plane < planes; plane++) {
      const picture = word(x + plane * planeStride);
      const filter = word(weights) + plane * kernelHeight * lineStep;
      for (let row = 0; row < count; row++) {
        const lines = word(rows) + (first + row) * stride;
        for (let column = 0; column < width; column += 4) {
          const y0 = word(out) + 16 * plane + quadIndex(row * width + column, quadStride);
          const y1 = word(out) + 16 * plane + quadIndex(row * width + column + 1, quadStride);
          const y2 = word(out) + 16 * plane + quadIndex(row * width + column + 2, quadStride);
          const y3 = word(out) + 16 * plane + quadIndex(row * width + column + 3, quadStride);
          for (let c = 0; c < 4; c++) {
            let c0 = numbers[word(bias) + 4 * plane + c];
            let c1 = c0;
            let c2 = c0;
            let c3 = c0;
            let k = filter + c;
            for (let i = 0; i < kernelHeight; i++, k += lineStep) {
              const p = picture + column * step + c + word(words[lines + i * dilation]);
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
            numbers[y0 + 4 * c] = clamp(c0, bounds[0], bounds[1]);
            if (column + 1 < width) numbers[y1 + 4 * c] = clamp(c1, bounds[0], bounds[1]);
            if (column + 2 < width) numbers[y2 + 4 * c] = clamp(c2, bounds[0], bounds[1]);
            if (column + 3 < width) numbers[y3 + 4 * c] = clamp(c3, bounds[0], bounds[1]);
          }
        }
      }
    }
  }

  function dense(
    x: number,
    channels: number,
    weights: number,
    bias: number,
    panels: number,
    lo: number,
    hi: number,
    out: number,
  ): void {
    bounds.set([lo, hi]);
    denseSums(x | 0, channels | 0, weights | 0, bias | 0, panels | 0, out | 0);
  }

  function denseSums(x: number, channels: number, weights: number, bias: number, panels: number, out: number): void {
    const numbers = floats;
    const begin = word(x);
    for (let o = 0; o < panels * 16; o += 4) {
      const b = word(bias) + o;
      const y = word(out) + o;
      let c0 = numbers[b];
      let c1 = numbers[b + 1];
      let c2 = numbers[b + 2];
      let c3 = numbers[b + 3];
      let w = word(weights) + (o >> 4) * channels * 16 + (o & 15);
      for (let a = begin; a < begin + channels; a++, w += 16) {
        const value = numbers[a];
        c0 += value * numbers[w];
        c1 += value * numbers[w + 1];
        c2 += value * numbers[w + 2];
        c3 += value * numbers[w + 3];
      }
      numbers[y] = clamp(c0, bounds[0], bounds[1]);
      numbers[y + 1] = clamp(c1, bounds[0], bounds[1]);
      numbers[y + 2] = clamp(c2, bounds[0], bounds[1]);
      numbers[y + 3] = clamp(c3, bounds[0], bounds[1]);
    }
  }

  return { pointwise, convolution, depthwise, dense };
}

/** Where a pixel of one channel lies in quads, from the first one on. */
const quadIndex = (pixel: number, quadStride: number): number => (pixel >> 2) * word(quadStride) + (pixel & 3);

function elementwise(floats: Float32Array) {
  return {
    clampAll(x: number, count: number, lo: number, hi: number, out: number): void {
      const from = word(x);
      const to = word(out);
      for (let i = 0; i < count; i++) floats[to + i] = clamp(floats[from + i], lo, hi);
    },

    addAll(a: number, b: number, count: number, lo: number, hi: number, out: number): void {
      const first = word(a);
      const second = word(b);
      const to = word(out);
      for (let i = 0; i < count; i++) floats[to + i] = clamp(floats[first + i] + floats[second + i], lo, hi);
    },

    affine(x: number, pixels: number, channels: number, scale: number, shift: number, out: number): void {
      const from = word(x);
      const to = word(out);
      for (let i = 0; i < pixels * channels; i++) {
        const c = i % channels;
        floats[to + i] = floats[from + i] * floats[word(scale) + c] + floats[word(shift) + c];
      }
    },

    multiply(x: number, rows: number, length: number, factor: number, out: number): void {
      for (let i = 0; i < rows * length; i++) {
        floats[word(out) + i] = floats[word(x) + i] * floats[word(factor) + (i % length)];
      }
    },

    hard(x: number, count: number, swish: number, out: number): void {
      for (let i = 0; i < count; i++) {
        const value = floats[word(x) + i];
        const gate = clamp(value / 6 + 0.5, 0, 1);
        floats[word(out) + i] = swish ? value * gate : gate;
      }
    },

    sigmoid(x: number, count: number, out: number): void {
      for (let i = 0; i < count; i++) floats[word(out) + i] = 1 / (1 + Math.exp(-floats[word(x) + i]));
    },

    softmax(x: number, rows: number, length: number, out: number): void {
      for (let row = 0; row < rows; row++) {
        const numbers = floats.subarray(word(x) + row * length, word(x) + (row + 1) * length);
        let max = numbers[0];
        for (const value of numbers) if (value > max || Number.isNaN(value)) max = value;
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

    argMax(x: number, rows: number, length: number, out: number): void {
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

function pools(floats: Float32Array, words: Int32Array) {
  return {
    pool(
      x: number,
      height: number,
      width: number,
      channels: number,
      kernelHeight: number,
      kernelWidth: number,
      strideY: number,
      strideX: number,
      top: number,
      left: number,
      outHeight: number,
      outWidth: number,
      average: number,
      divisor: number,
      out: number,
    ): void {
      let y = word(out);
      for (let row = 0; row < outHeight; row++) {
        const y0 = Math.max(row * strideY - top, 0);
        const y1 = Math.min(row * strideY - top + kernelHeight, height);
        for (let column = 0; column < outWidth; column++) {
          const [x0, x1] = [
            Math.max(column * strideX - left, 0),
            Math.min(column * strideX - left + kernelWidth, width),
          ];
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

    globalAveragePool(x: number, quadStride: number, pixels: number, channels: number, out: number): void {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let pixel = 0; pixel < pixels; pixel++) sum += floats[word(x) + 4 * c + quadIndex(pixel, quadStride)];
        floats[word(out) + c] = sum / pixels;
      }
    },

    resizeBilinear(
      x: number,
      channels: number,
      rows: number,
      outHeight: number,
      columns: number,
      outWidth: number,
      out: number,
    ): void {
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

function layouts(floats: Float32Array, words: Int32Array, bytes: Uint8Array, doubles: Float64Array) {
  return {
    packPanels(
      x: number,
      rows: number,
      columns: number,
      width: number,
      scale: number,
      out: number,
      panelStride: number,
    ): void {
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

    nhwcToQuads(x: number, pixels: number, channels: number, out: number, quadStride: number): void {
      for (let pixel = 0; pixel < ((pixels + 3) >> 2) << 2; pixel++) {
        const to = word(out) + quadIndex(pixel, quadStride);
        for (let c = 0; c < channels; c++) {
          floats[to + 4 * c] = pixel < pixels ? floats[word(x) + pixel * channels + c] : 0;
        }
      }
    },

    quadsToNhwc(x: number, quadStride: number, pixels: number, channels: number, out: number): void {
      for (let pixel = 0; pixel < pixels; pixel++) {
        const from = word(x) + quadIndex(pixel, quadStride);
        for (let c = 0; c < channels; c++) floats[word(out) + pixel * channels + c] = floats[from + 4 * c];
      }
    },

    nhwcToPlanes(
      x: number,
      pixels: number,
      channels: number,
      out: number,
      planeStride: number,
      planes: number,
      offsets: number,
    ): void {
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

    copyRuns(from: number, fromStride: number, to: number, toStride: number, length: number, count: number): void {
      for (let i = 0; i < count; i++) {
        bytes.copyWithin(to + i * toStride, from + i * fromStride, from + i * fromStride + length);
      }
    },

    repeatChannels(x: number, count: number, times: number, out: number): void {
      for (let i = 0; i < count * times; i++) floats[word(out) + i] = floats[word(x) + Math.floor(i / times)];
    },

    padPicture(
      x: number,
      height: number,
      rowBytes: number,
      out: number,
      top: number,
      bottom: number,
      left: number,
      right: number,
      value: number,
    ): void {
      const outBytes = left + rowBytes + right;
      floats.fill(value, word(out), word(out + (top + height + bottom) * outBytes));
      for (let row = 0; row < height; row++) {
        bytes.copyWithin(out + (top + row) * outBytes + left, x + row * rowBytes, x + (row + 1) * rowBytes);
      }
    },

    zeroMargins(
      out: number,
      planeStride: number,
      planes: number,
      rows: number,
      rowBytes: number,
      left: number,
      right: number,
    ): void {
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
