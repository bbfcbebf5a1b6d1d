/** How the convolution kernels of both engines walk a padded picture, see assembly/convolution.ts. */
import type { ExplicitPadding, Pair } from '../padding.js';
import type { Shape } from '../tensor.js';
import type { Place } from '../wasm/memory.js';
import { evenBlocks } from './blocks.js';
import { quadOffsets } from './layouts.js';

interface Convolution {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
}

export interface ConvolutionWindows {
  /** Where the window of each output pixel begins, in whole quads of pixels. */
  readonly windows: Place;
  /** Where each run of numbers that lie side by side begins in a window. */
  readonly runs: Place;
  readonly runCount: number;
  /** Numbers of a run: those of a row of taps or, with dilation, of one tap. */
  readonly runLength: number;
  /** Output pixels that run in one call. */
  readonly pixelsAtOnce: number;
}

/** `input` and `output` are the picture and its result, without padding; a number takes `numberBytes`. */
export function convolutionWindows(
  program: { table(key: string, make: () => ArrayBufferView): Place },
  [, , width, channels]: Shape,
  [, outHeight, outWidth]: Shape,
  { kernelSize, strides, dilation }: Convolution,
  { left, right }: ExplicitPadding,
  numberBytes: number,
): ConvolutionWindows {
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
  const pixelsAtOnce = evenBlocks(outHeight * outWidth, strides[0] * strides[1] * pixelBytes);
  return { windows, runs, runCount, runLength, pixelsAtOnce };
}
