/**
 * Dropout (Srivastava et al., JMLR 15, 2014), inverted: training drops a fraction `rate` of the numbers and enlarges the others, which
 * keeps the mean, so that at inference nothing is left to do:
 *
 *   y = x;   backward dx = dy
 *
 * `dropoutTraining.ts` has what it computes while a network is trained.
 */
import { numberWhere } from '../checks.js';
import { defineElementwise, defineElementwiseBackward } from './layer.js';

export interface DropoutAttributes {
  /** Fraction that training drops, not the fraction it keeps: 0.001 for V1, 0.2 for V2. */
  readonly rate: number;
}

export const dropout = /* @__PURE__ */ defineElementwise<DropoutAttributes>('dropout', {
  attributes: {
    rate: /* @__PURE__ */ numberWhere('a rate from 0 up to, not including, 1', (value) => value >= 0 && value < 1),
  },
  copies: true,
  random: true,
  y: (x) => x,
});

export const backward = /* @__PURE__ */ defineElementwiseBackward(dropout, (dy) => dy);
