/** What golden bundles of real numbers and of integers have in common. */
import { type Tensor, toFloat32 } from '../tensor.js';
import { type Estimate, mapTensor } from './estimate.js';

/** Where the inputs come from: 'noise normal, seed 1', 'picture cat.jpg'. */
export interface GoldenSource {
  readonly kind: 'noise' | 'picture' | 'tensor';
  readonly detail: string;
  readonly seed?: number;
}

/** A bound as bundles hold it: in float32, around the rounded reference. */
export const boundAround = (output: Tensor, { value, error }: Estimate): Tensor =>
  toFloat32(mapTensor(error, (e, i) => widened(e, value.data[i], output.data[i])));

/** The bound around the rounded value: a float32 no less than error + |value − rounded|. */
function widened(error: number, value: number, rounded: number): number {
  const own = Number.isFinite(value) ? Math.abs(value - rounded) : 0;
  const bound = Math.fround(error + own);
  return bound >= error + own ? bound : Math.fround(bound * (1 + 2 ** -23) + 2 ** -149);
}
