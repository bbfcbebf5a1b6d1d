/** Every layer, by the name its kind has in a network. */
import * as conv2d from './conv2d.js';
import * as relu6 from './relu6.js';

export type { Cost, Layer } from './layer.js';
export { conv2d, relu6 };

export const layers = { conv2d, relu6 } as const;
