import type { Rules } from '../attributes.js';
import type { Call } from '../call.js';
import type { Value } from '../layout.js';

/** How an operator of the file becomes nodes of the network, and what the documentation says of it. */
export interface Operator<Values = never> {
  readonly attributes: Rules<Values>;
  /** The layers that it becomes. */
  readonly becomes: string;
  /** Inputs that have to be constants, shapes that are read, and other limits, in words. */
  readonly notes?: string;
  /** The operator's result, or all of them. */
  readonly translate: (call: Call, attributes: Values) => Value | readonly Value[];
}

/** Keeps the attributes' types together with the function that reads them; the table of all operators forgets them. */
export const operator = <Values>(definition: Operator<Values>): Operator => definition as unknown as Operator;
