/** Kernels in TypeScript, on the same memory and called like the others: there are few numbers to compute. */
import { maskOf } from '../../layers/dropoutTraining.js';
import { crossEntropy } from '../step/losses.js';
import type { TypescriptKernels } from './kernels.js';

/** What a step is given and finds besides the numbers in memory. */
export interface StepState {
  targets: Float32Array;
  seed: number;
  loss: number;
  correct: number;
}

export function typescriptKernels(memory: Float32Array, state: StepState): TypescriptKernels {
  return {
    dropout(x, xGroup, pixels, channels, rate, index, y, yGroup) {
      const mask = maskOf([pixels, channels], { rate }, state.seed + index).data;
      eachNumber(pixels, channels, xGroup, yGroup, (inRows, inX, inY) => {
        memory[y / 4 + inY] = memory[x / 4 + inX] * mask[inRows];
      });
    },
    crossEntropy(logits, logitsGroup, images, channels, gradient, gradientGroup) {
      const rows = new Float32Array(images * channels);
      eachNumber(images, channels, logitsGroup, gradientGroup, (inRows, inLogits) => {
        rows[inRows] = memory[logits / 4 + inLogits];
      });
      const { mean, correct, dLogits } = crossEntropy(rows, state.targets, channels);
      state.loss = mean;
      state.correct = correct;
      eachNumber(images, channels, logitsGroup, gradientGroup, (inRows, _, inGradient) => {
        memory[gradient / 4 + inGradient] = dLogits[inRows];
      });
    },
  };
}

/** Positions of every number in [pixels][channels], and in two maps of groups. */
function eachNumber(
  pixels: number,
  channels: number,
  aGroup: number,
  bGroup: number,
  visit: (inRows: number, inA: number, inB: number) => void,
): void {
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) {
      const inGroup = p * 8 + (c & 7);
      visit(p * channels + c, ((c >> 3) * aGroup) / 4 + inGroup, ((c >> 3) * bGroup) / 4 + inGroup);
    }
  }
}
