/** Pointwise, general and depthwise convolutions on integers: equal to sums of products in plain loops, on every target. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { channelBlocks } from '../../../src/engine/int8/channel-blocks.js';
import { packDepthwise, packPanels, widenPanels } from '../../../src/engine/int8/packing.js';
import type { Multiplier, Rounding } from '../../../src/layers/int8/fixed-point.js';
import { nightly } from '../../nightly.js';
import { count } from '../numbers.js';
import { anyBounds, anyMultiplier, anyRounding, clamp, integersOf, requantize } from './formulas.js';
import { solveEverywhere } from './machine.js';

const numRuns = nightly ? 100_000 : 300;

interface Channels {
  readonly bias: readonly number[];
  readonly scales: readonly Multiplier[];
  readonly rounding: Rounding;
  readonly bounds: readonly [number, number];
  readonly float32: boolean;
}

const anyChannels = (filters: number, terms: number): fc.Arbitrary<Channels> =>
  fc.record({
    bias: fc.oneof(integersOf(filters, 1000), integersOf(filters, 2 ** 21)),
    scales: fc.oneof(
      anyMultiplier(terms).map((scale) => new Array(filters).fill(scale)),
      fc.array(anyMultiplier(terms), { minLength: filters, maxLength: filters }),
    ),
    rounding: anyRounding,
    bounds: anyBounds,
    float32: fc.boolean(),
  });

/** Those of the scalar target stand apart. */
const blocksOf = (
  { bias, scales, rounding, bounds, float32 }: Channels,
  sums: (filter: number) => readonly number[],
  scalar = false,
) =>
  channelBlocks(
    bias.map((term, filter) => ({
      bias: term,
      scale: scales[filter],
      limit: Math.max(...sums(filter).map(Math.abs)),
      range: () => [Math.min(...sums(filter)), Math.max(...sums(filter))],
    })),
    bounds,
    rounding,
    float32 && !scalar ? 128 : 0,
  );

const resultOf = (sum: number, filter: number, { scales, rounding, bounds }: Channels) =>
  clamp(requantize(sum, scales[filter], rounding), ...bounds);

const padded = (channels: number) => Math.ceil(channels / 8) * 8;

/** Where channel c of pixel p lies in quads. */
const inQuads = (p: number, c: number, channels: number) =>
  (p >> 2) * padded(channels) * 4 + (c >> 1) * 8 + (p & 3) * 2 + (c & 1);

/** [pixels][filters] results in quads. */
function quads(results: readonly number[][], filters: number): (number | undefined)[] {
  const wanted = new Array(Math.ceil(results.length / 4) * 4 * padded(filters)).fill(undefined);
  results.forEach((pixel, p) => {
    pixel.forEach((value, c) => {
      wanted[inQuads(p, c, filters)] = value;
    });
  });
  return wanted;
}

/** The same in planes where pixels lie in reverse order, with a place for pixels that do not exist behind them. */
function planes(
  results: readonly number[][],
  filters: number,
): { wanted: (number | undefined)[]; offsets: Uint32Array } {
  const places = results.length + 1;
  const wanted = new Array((padded(filters) / 8) * places * 8).fill(undefined);
  const offsets = new Uint32Array(Math.ceil(results.length / 4) * 4).fill(results.length * 16);
  results.forEach((pixel, p) => {
    offsets[p] = (results.length - 1 - p) * 16;
    pixel.forEach((value, c) => {
      wanted[(c >> 3) * places * 8 + offsets[p] / 2 + (c & 7)] = value;
    });
  });
  return { wanted, offsets };
}

/** The output of a tile kernel, and its last arguments. */
function tileOutput(results: readonly number[][], filters: number, inPlanes: boolean) {
  if (!inPlanes) {
    const stride = padded(filters) * 8;
    return { wanted: quads(results, filters), inputs: {}, args: (out: number) => [out, stride, 0] };
  }
  const { wanted, offsets } = planes(results, filters);
  const stride = (results.length + 1) * 16;
  return { wanted, inputs: { offsets }, args: (out: number, at: number) => [out, stride, at] };
}

describe('pointwise', () => {
  const anyPointwise = fc
    .record({ pixels: count(21), channels: count(40), filters: count(20), inPlanes: fc.boolean() })
    .chain((sizes) =>
      fc.record({
        sizes: fc.constant(sizes),
        x: integersOf(sizes.pixels * sizes.channels, 255),
        kernel: integersOf(sizes.channels * sizes.filters, 255),
        made: anyChannels(sizes.filters, sizes.channels),
      }),
    );

  test(`${numRuns} random problems`, { timeout: 3_600_000 }, () => {
    fc.assert(
      fc.property(anyPointwise, ({ sizes: { pixels, channels, filters, inPlanes }, x, kernel, made }) => {
        const sums = Array.from({ length: pixels }, (_, p) =>
          made.bias.map((bias, o) => {
            let sum = bias;
            for (let c = 0; c < channels; c++) sum += x[p * channels + c] * kernel[c * filters + o];
            return sum;
          }),
        );
        const results = sums.map((pixel) => pixel.map((sum, o) => resultOf(sum, o, made)));
        const { wanted, inputs, args } = tileOutput(results, filters, inPlanes);
        // Channels and pixels that do not exist hold anything.
        const quadsOfX = new Int16Array(Math.ceil(pixels / 4) * 4 * padded(channels)).fill(-12345);
        x.forEach((value, i) => {
          quadsOfX[inQuads(Math.floor(i / channels), i % channels, channels)] = value;
        });
        const weights = packPanels(Int32Array.from(kernel), 0, 1, channels, filters);
        solveEverywhere({
          kernel: 'pointwise',
          scalar: { weights: widenPanels(weights), blocks: blocksOf(made, (o) => sums.map((pixel) => pixel[o]), true) },
          inputs: {
            x: quadsOfX,
            weights,
            blocks: blocksOf(made, (o) => sums.map((pixel) => pixel[o])),
            ...inputs,
          },
          wanted,
          type: Int16Array,
          args: (at) => [
            at('x'),
            padded(channels) * 8,
            pixels,
            Math.ceil(channels / 2),
            at('weights'),
            at('blocks'),
            padded(filters) / 8,
            ...made.bounds,
            ...args(at('out'), inPlanes ? at('offsets') : 0),
          ],
        });
      }),
      { numRuns },
    );
  });
});

describe('convolution', () => {
  const anyConvolution = fc
    .record({
      kernel: fc.tuple(count(3), count(3)),
      strides: fc.tuple(count(2), count(2)),
      dilation: fc.tuple(count(2), count(2)),
      out: fc.tuple(count(4), count(6)),
      channels: fc.oneof(fc.constant(3), count(9)),
      filters: count(12),
      inPlanes: fc.boolean(),
    })
    .chain((sizes) => {
      const [rows, columns] = [0, 1].map(
        (i) => (sizes.out[i] - 1) * sizes.strides[i] + (sizes.kernel[i] - 1) * sizes.dilation[i] + 1,
      );
      const terms = sizes.kernel[0] * sizes.kernel[1] * sizes.channels;
      return fc.record({
        sizes: fc.constant({ ...sizes, rows, columns, terms }),
        x: integersOf(rows * columns * sizes.channels, 255),
        weights: integersOf(terms * sizes.filters, 255),
        made: anyChannels(sizes.filters, terms),
      });
    });

  test(`${numRuns} random problems`, { timeout: 3_600_000 }, () => {
    fc.assert(
      fc.property(anyConvolution, ({ sizes, x, weights, made }) => {
        const { kernel, strides, dilation, out, channels, filters, inPlanes, columns } = sizes;
        const at = (i: number, j: number) => (i * columns + j) * channels;
        const windows = Array.from({ length: out[0] * out[1] }, (_, p) =>
          at(Math.floor(p / out[1]) * strides[0], (p % out[1]) * strides[1]),
        );
        const sums = windows.map((window) =>
          made.bias.map((bias, o) => {
            let sum = bias;
            for (let i = 0; i < kernel[0]; i++) {
              for (let j = 0; j < kernel[1]; j++) {
                for (let c = 0; c < channels; c++) {
                  const weight = weights[((i * kernel[1] + j) * channels + c) * filters + o];
                  sum += x[window + at(i * dilation[0], j * dilation[1]) + c] * weight;
                }
              }
            }
            return sum;
          }),
        );
        const results = sums.map((pixel) => pixel.map((sum, o) => resultOf(sum, o, made)));
        const { wanted, inputs, args } = tileOutput(results, filters, inPlanes);
        const quadsOfOut = Math.ceil(windows.length / 4);
        const pixels = new Uint32Array(quadsOfOut * 4).fill(windows[windows.length - 1] * 2);
        pixels.set(windows.map((window) => window * 2));
        const byRows = dilation[1] === 1;
        const runs = byRows
          ? Array.from({ length: kernel[0] }, (_, i) => at(i * dilation[0], 0) * 2)
          : Array.from(
              { length: kernel[0] * kernel[1] },
              (_, i) => at(Math.floor(i / kernel[1]) * dilation[0], (i % kernel[1]) * dilation[1]) * 2,
            );
        const length = byRows ? kernel[1] * channels : channels;
        const panels = packPanels(Int32Array.from(weights), 0, runs.length, length, filters);
        solveEverywhere({
          kernel: 'convolution',
          scalar: { weights: widenPanels(panels), blocks: blocksOf(made, (o) => sums.map((pixel) => pixel[o]), true) },
          inputs: {
            x: Int16Array.from([...x, 32767]),
            pixels,
            runs: Uint32Array.from(runs),
            weights: panels,
            blocks: blocksOf(made, (o) => sums.map((pixel) => pixel[o])),
            ...inputs,
          },
          wanted,
          type: Int16Array,
          args: (address) => [
            address('x'),
            address('pixels'),
            quadsOfOut,
            address('runs'),
            runs.length,
            Math.ceil(length / 2),
            address('weights'),
            address('blocks'),
            padded(filters) / 8,
            ...made.bounds,
            ...args(address('out'), inPlanes ? address('offsets') : 0),
          ],
        });
      }),
      { numRuns },
    );
  });
});

describe('depthwise', () => {
  const three = fc.constant<[number, number]>([3, 3]);
  const anyDepthwise = fc
    .record({
      kernel: fc.oneof(three, fc.tuple(count(5), count(5))),
      strides: fc.oneof(fc.constantFrom<[number, number]>([1, 1], [2, 2]), fc.tuple(count(3), count(3))),
      dilation: fc.oneof({ weight: 3, arbitrary: fc.constant<[number, number]>([1, 1]) }, fc.tuple(count(2), count(2))),
      height: count(5),
      width: count(9),
      first: fc.nat(2),
      channels: count(20),
      group: fc.constantFrom(4, 8),
    })
    .chain((sizes) => {
      const [rows, columns] = [sizes.first + sizes.height, sizes.width].map(
        (size, i) => (size - 1) * sizes.strides[i] + (sizes.kernel[i] - 1) * sizes.dilation[i] + 1,
      );
      return fc.record({
        sizes: fc.constant({ ...sizes, rows, columns }),
        x: integersOf(rows * columns * sizes.channels, 255),
        weights: integersOf(sizes.kernel[0] * sizes.kernel[1] * sizes.channels, 255),
        made: anyChannels(sizes.channels, sizes.kernel[0] * sizes.kernel[1]),
      });
    });

  test(`${numRuns} random problems`, { timeout: 3_600_000 }, () => {
    fc.assert(
      fc.property(anyDepthwise, ({ sizes, x, weights, made }) => {
        const { kernel, strides, dilation, height, width, first, channels, group, rows, columns } = sizes;
        const sums = Array.from({ length: height * width }, (_, p) =>
          made.bias.map((bias, c) => {
            const [top, left] = [(first + Math.floor(p / width)) * strides[0], (p % width) * strides[1]];
            let sum = bias;
            for (let i = 0; i < kernel[0]; i++) {
              for (let j = 0; j < kernel[1]; j++) {
                const pixel = (top + i * dilation[0]) * columns + left + j * dilation[1];
                sum += x[pixel * channels + c] * weights[(i * kernel[1] + j) * channels + c];
              }
            }
            return sum;
          }),
        );
        const results = sums.map((pixel) => pixel.map((sum, c) => resultOf(sum, c, made)));
        const planeLength = rows * columns * 8;
        // Behind the last plane, and in channels that do not exist, lies anything.
        const spare = (3 * strides[1] + dilation[1]) * 8;
        const planesOfX = new Int16Array((padded(channels) / 8) * planeLength + spare).fill(12345);
        x.forEach((value, i) => {
          const [pixel, c] = [Math.floor(i / channels), i % channels];
          planesOfX[(c >> 3) * planeLength + pixel * 8 + (c & 7)] = value;
        });
        const fast = kernel[1] === 3 && dilation[1] === 1 && strides[1] <= 2;
        solveEverywhere({
          kernel: 'depthwise',
          scalar: { blocks: blocksOf(made, (c) => sums.map((pixel) => pixel[c]), true) },
          inputs: {
            x: planesOfX,
            rows: Uint32Array.from({ length: rows }, (_, row) => row * columns * 16),
            weights: packDepthwise(Int32Array.from(weights), 0, kernel, channels, fast),
            blocks: blocksOf(made, (c) => sums.map((pixel) => pixel[c])),
          },
          wanted: quads(results, channels),
          type: Int16Array,
          scratchBytes: (group * width + 3) * 16,
          args: (at) => [
            at('x'),
            planeLength * 2,
            padded(channels) / 8,
            at('rows'),
            ...kernel,
            ...strides,
            ...dilation,
            at('weights'),
            at('blocks'),
            ...made.bounds,
            width,
            first,
            height,
            group,
            at('out'),
            padded(channels) * 8,
            at('scratch'),
            -1,
            0,
          ],
        });
      }),
      { numRuns },
    );
  });
});
