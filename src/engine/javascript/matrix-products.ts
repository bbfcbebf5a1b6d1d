/** Pointwise, other convolutions and dense layers, 4 pixels × 2 output channels at a time. Order of sums as in assembly/tile.ts. */
import type { EngineKernels } from '../kernels.js';
import { clamp, type Views, word } from './views.js';

export function matrixProducts({ floats, words }: Views): Pick<EngineKernels, 'pointwise' | 'convolution' | 'dense'> {
  /** Four pixels of two output channels, [2][4], and [lo, hi, lo2, hi2]. */
  const sums = new Float64Array(8);
  const bounds = new Float64Array(4);

  /**
   * A tile of 4 pixels × 8 output channels. Pixel i's numbers lie at p{i} + tap, `step` apart; runs of `runLength` taps begin where `runs` says,
   * or there is one, from 0 on. All operands are indices and counts; `runs`, `offsets` and `residual` are 0 for none.
   */
  function tile(
    p0: number,
    p1: number,
    p2: number,
    p3: number,
    step: number,
    runs: number,
    runCount: number,
    runLength: number,
    weights: number,
    bias: number,
    out: number,
    stride: number,
    offsets: number,
    residual: number,
  ): void {
    const numbers = floats;
    for (let o = 0; o < 8; o += 2) {
      let c00 = numbers[bias + o];
      let c01 = numbers[bias + o + 1];
      let c10 = c00;
      let c20 = c00;
      let c30 = c00;
      let c11 = c01;
      let c21 = c01;
      let c31 = c01;
      let k = weights + o;
      for (let run = 0; run < runCount; run++) {
        const begin = runs ? word(words[runs + run]) : 0;
        const end = begin + runLength * step;
        for (let tap = begin; tap < end; tap += step, k += 8) {
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
      storeSums(o, out, stride, offsets, residual);
    }
  }

  /** Clamps the sums and stores them as channels `channel` and `channel + 1` of a tile. */
  function storeSums(channel: number, out: number, stride: number, offsets: number, residual: number): void {
    const y = offsets ? out + (channel < 4 ? 0 : stride) + (channel & 3) : out + 4 * channel;
    for (let i = 0; i < 8; i++) {
      const value = clamp(sums[i], bounds[0], bounds[1]);
      if (offsets) floats[y + (i >> 2) + word(words[offsets + (i & 3)])] = value;
      else floats[y + i] = residual ? clamp(value + floats[residual + 4 * channel + i], bounds[2], bounds[3]) : value;
    }
  }

  /** Four outputs of a dense layer. */
  function denseSums(x: number, channels: number, weights: number, bias: number, out: number): void {
    const numbers = floats;
    let c0 = numbers[bias];
    let c1 = numbers[bias + 1];
    let c2 = numbers[bias + 2];
    let c3 = numbers[bias + 3];
    for (let a = x, k = weights; a < x + channels; a++, k += 16) {
      const value = numbers[a];
      c0 += value * numbers[k];
      c1 += value * numbers[k + 1];
      c2 += value * numbers[k + 2];
      c3 += value * numbers[k + 3];
    }
    numbers[out] = clamp(c0, bounds[0], bounds[1]);
    numbers[out + 1] = clamp(c1, bounds[0], bounds[1]);
    numbers[out + 2] = clamp(c2, bounds[0], bounds[1]);
    numbers[out + 3] = clamp(c3, bounds[0], bounds[1]);
  }

  return {
    pointwise(
      x,
      quadStride,
      pixels,
      channels,
      weights,
      bias,
      panels,
      lo,
      hi,
      out,
      outStride,
      offsets,
      residual,
      lo2,
      hi2,
    ) {
      bounds.set([lo, hi, lo2, hi2]);
      for (let panel = 0; panel < panels; panel++) {
        const k = word(weights + 32 * panel * channels);
        const y = out + panel * (offsets ? 2 * outStride : 128);
        for (let q = 0; 4 * q < pixels; q++) {
          const a = word(x + q * quadStride);
          const to = offsets ? 0 : q * outStride;
          const places = offsets && word(offsets + 16 * q);
          const r = residual && word(residual + 128 * panel + to);
          tile(
            a,
            a + 1,
            a + 2,
            a + 3,
            4,
            0,
            1,
            channels | 0,
            k,
            word(bias + 32 * panel),
            word(y + to),
            word(outStride),
            places,
            r,
          );
        }
      }
    },

    convolution(
      x,
      pixels,
      quads,
      runs,
      runCount,
      runLength,
      weights,
      bias,
      panels,
      lo,
      hi,
      out,
      outStride,
      offsets,
      residual,
      lo2,
      hi2,
    ) {
      bounds.set([lo, hi, lo2, hi2]);
      const pixel = (index: number) => word(x + words[word(pixels) + index]);
      for (let panel = 0; panel < panels; panel++) {
        const k = word(weights + 32 * panel * runCount * runLength);
        const b = word(bias + 32 * panel);
        const y = out + panel * (offsets ? 2 * outStride : 128);
        for (let q = 0; q < quads; q++) {
          const [p0, p1, p2, p3] = [pixel(4 * q), pixel(4 * q + 1), pixel(4 * q + 2), pixel(4 * q + 3)];
          const to = offsets ? 0 : q * outStride;
          const places = offsets && word(offsets + 16 * q);
          const r = residual && word(residual + 128 * panel + to);
          tile(
            p0,
            p1,
            p2,
            p3,
            1,
            word(runs),
            runCount | 0,
            runLength | 0,
            k,
            b,
            word(y + to),
            word(outStride),
            places,
            r,
          );
        }
      }
    },

    dense(x, channels, weights, bias, panels, lo, hi, out) {
      bounds.set([lo, hi]);
      for (let o = 0; o < panels * 16; o += 4) {
        const panel = word(weights) + (o >> 4) * channels * 16;
        denseSums(word(x), channels | 0, (panel + (o & 15)) | 0, word(bias) + o, word(out) + o);
      }
    },
  };
}
