/** Every operator that is read, by ONNX's name. What is not in this list is an error that names it. */
import { convolutions } from './operators/convolutions.js';
import { elementwise } from './operators/elementwise.js';
import { heads } from './operators/heads.js';
import type { Operator } from './operators/operator.js';
import { pools } from './operators/pools.js';
import { shapes } from './operators/shapes.js';

export const operators: Readonly<Record<string, Operator>> = {
  ...convolutions,
  ...elementwise,
  ...pools,
  ...shapes,
  ...heads,
};
