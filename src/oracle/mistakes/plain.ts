/** Mistakes that show in a layer's numbers without the layer being computed again: nothing was written, or no fractions were. */
import type { Tensor } from '../../tensor.js';
import type { Estimate } from '../estimate.js';

const roundings: readonly (readonly [what: string, rounded: (x: number) => number])[] = [
  ['fractions cut off, as by a conversion to integers', Math.trunc],
  ['rounded to whole numbers', Math.round],
  ['rounded down to whole numbers', Math.floor],
];

/** All numbers the same. `zero` is the number that stands for 0. */
export function* constantIn({ data }: Pick<Tensor, 'data'>, zero = 0): Generator<string> {
  const [first] = data;
  if (data.length < 2 || data.some((value) => value !== first && !(Number.isNaN(value) && Number.isNaN(first)))) return;
  const unwritten = first === zero || first === 0 ? ', as in a buffer that was never written' : '';
  yield `every number is ${first}${unwritten}`;
}

/** The same, or whole numbers in place of right ones. `value` is within `error` of what the backend has before it rounds. */
export function* plainMistakes(theirs: Tensor, { value, error }: Estimate, allowance: number): Generator<string> {
  yield* constantIn(theirs);
  const bound = error.data.map((e) => e * allowance);
  // Wider bounds would leave more than one whole number.
  if (bound.length < 2 || bound.some((e) => !(e < 0.5))) return;
  for (const [what, rounded] of roundings) {
    const isIt = (q: number, i: number): boolean =>
      Number.isInteger(q) && rounded(value.data[i] - bound[i]) <= q && q <= rounded(value.data[i] + bound[i]);
    if (theirs.data.every(isIt)) yield what;
  }
}
