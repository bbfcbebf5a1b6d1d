/** How the convolution kernels of both engines walk a padded picture, see assembly/convolution.ts. */
import type { ExplicitPadding, Pair } from '../padding.js';
import type { Shape } from '../tensor.js';
import type { Place } from '../wasm/memory.js';
import { at } from '../wasm/program.js';
import { pixelsThatFit } from './blocks.js';
import { quadCount, quadOffsets } from './layouts.js';

/** What is being lowered, to real numbers or to integers. */
interface Lowered {
  readonly program: { table(key: string, make: () => ArrayBufferView): Place };
  /** Without padding. */
  shape(name: string): Shape;
}

interface Convolution {
  readonly inputs: readonly string[];
  readonly output: string;
  readonly node: {
    readonly attributes: { readonly kernelSize: Pair; readonly strides: Pair; readonly dilation: Pair };
  };
  readonly padding?: ExplicitPadding;
}

/** The pixels of one call of the kernel. */
interface WindowsAtOnce {
  /** The first output pixel. */
  readonly from: number;
  /**
   * - windows: where the window of each output pixel begins, in whole quads of pixels
   * - runs: where each run of numbers that lie side by side begins in a window
   */
  readonly operands: readonly [windows: Place, quads: number, runs: Place, runCount: number];
}

export interface ConvolutionWindows {
  readonly runCount: number;
  /** Numbers of a run: those of a row of taps or, with dilation, of one tap. */
  readonly runLength: number;
  readonly calls: readonly WindowsAtOnce[];
}

/** A number of the picture takes `numberBytes`. */
export function convolutionWindows(
  low: Lowered,
  { node, padding, inputs, output }: Convolution,
  numberBytes: number,
): ConvolutionWindows {
  const [, , width, channels] = low.shape(inputs[0]);
  const [, outHeight, outWidth] = low.shape(output);
  const { kernelSize, strides, dilation } = node.attributes;
  const { left, right } = padding!;
  const pixelBytes = channels * numberBytes;
  const rowBytes = (left + width + right) * pixelBytes;
  const contiguous = dilation[1] === 1;
  const runCount = contiguous ? kernelSize[0] : kernelSize[0] * kernelSize[1];
  const runLength = contiguous ? kernelSize[1] * channels : channels;
  const rowStep = strides[0] * rowBytes;
  const columnStep = strides[1] * pixelBytes;
  const windows = low.program.table(`windows ${[rowStep, columnStep, outHeight, outWidth]}`, () => {
    const last = (outHeight - 1) * rowStep + (outWidth - 1) * columnStep;
    return quadOffsets([outHeight, outWidth], (row) => row * rowStep, columnStep, last);
  });
  const runs = low.program.table(`runs ${[rowBytes, pixelBytes, kernelSize, dilation]}`, () =>
    Uint32Array.from({ length: runCount }, (_, run) => {
      const [i, j] = contiguous ? [run, 0] : [Math.floor(run / kernelSize[1]), run % kernelSize[1]];
      return i * dilation[0] * rowBytes + j * dilation[1] * pixelBytes;
    }),
  );
  const pixels = outHeight * outWidth;
  const atOnce = pixelsThatFit(strides[0] * strides[1] * pixelBytes);
  const calls: WindowsAtOnce[] = [];
  for (let from = 0; from < pixels; from += atOnce) {
    const quads = quadCount(Math.min(atOnce, pixels - from));
    calls.push({ from, operands: [at(windows, from * 4), quads, runs, runCount] });
  }
  return { runCount, runLength, calls };
}
