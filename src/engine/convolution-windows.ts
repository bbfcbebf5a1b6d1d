/** How the convolution kernels of both engines walk a padded picture, see assembly/convolution.ts. */
import type { ExplicitPadding, Pair } from '../padding.js';
import type { Shape } from '../tensor.js';
import type { Place } from '../wasm/memory.js';
import { pixelsThatFit } from './blocks.js';
import { quadOffsets } from './layouts.js';

interface Convolution {
  readonly node: {
    readonly attributes: { readonly kernelSize: Pair; readonly strides: Pair; readonly dilation: Pair };
  };
  readonly padding?: ExplicitPadding;
}

/**
 * - windows: where the window of each output pixel begins, in whole quads of pixels
 * - runs: where each run of numbers that lie side by side begins in a window; a run are the numbers of a row of taps or, with dilation, of one tap
 * - pixelsAtOnce: output pixels that run in one call
 */
export type ConvolutionWindows = readonly [
  windows: Place,
  runs: Place,
  runCount: number,
  runLength: number,
  pixelsAtOnce: number,
];

/** For a picture and its result, the shapes without padding; a number takes `numberBytes`. */
export function convolutionWindows(
  program: { table(key: string, make: () => ArrayBufferView): Place },
  [, , width, channels]: Shape,
  [, outHeight, outWidth]: Shape,
  { node, padding }: Convolution,
  numberBytes: number,
): ConvolutionWindows {
  const { kernelSize, strides, dilation } = node.attributes;
  const { left, right } = padding!;
  const pixelBytes = channels * numberBytes;
  const rowBytes = (left + width + right) * pixelBytes;
  const contiguous = dilation[1] === 1;
  const runCount = contiguous ? kernelSize[0] : kernelSize[0] * kernelSize[1];
  const runLength = contiguous ? kernelSize[1] * channels : channels;
  const rowStep = strides[0] * rowBytes;
  const columnStep = strides[1] * pixelBytes;
  const windows = program.table(`windows ${[rowStep, columnStep, outHeight, outWidth]}`, () => {
    const last = (outHeight - 1) * rowStep + (outWidth - 1) * columnStep;
    return quadOffsets([outHeight, outWidth], (row) => row * rowStep, columnStep, last);
  });
  const runs = program.table(`runs ${[rowBytes, pixelBytes, kernelSize, dilation]}`, () =>
    Uint32Array.from({ length: runCount }, (_, run) => {
      const [i, j] = contiguous ? [run, 0] : [Math.floor(run / kernelSize[1]), run % kernelSize[1]];
      return i * dilation[0] * rowBytes + j * dilation[1] * pixelBytes;
    }),
  );
  return [windows, runs, runCount, runLength, pixelsThatFit(strides[0] * strides[1] * pixelBytes)];
}
