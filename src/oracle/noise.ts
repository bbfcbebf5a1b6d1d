/** Seeded inputs that show what pictures hide: negative numbers, large ones, and sums whose terms cancel. */
import { normalRandom } from '../random.js';
import { coordinateOf, type Shape, sizeOf, type Tensor, tensor } from '../tensor.js';

/**
 * `normal`: standard normal numbers. `large`: the same times 4096, which clamps hide and linear layers do not. `cancellation`: ±1000 in a
 * checkerboard over all axes, plus normal numbers: neighbours cancel, and what remains is small beside its terms.
 */
export const noiseKinds = ['normal', 'large', 'cancellation'] as const;
export type NoiseKind = (typeof noiseKinds)[number];

/** A float32 tensor of noise: the same seed gives the same numbers on every machine. */
export function noise(kind: NoiseKind, shape: Shape, seed: number): Tensor {
  const normal = normalRandom(seed);
  const size = kind === 'large' ? 4096 : 1;
  const isBlack = (i: number): boolean => coordinateOf(shape, i).reduce((a, b) => a + b, 0) % 2 === 0;
  const offset = (i: number): number => (kind === 'cancellation' ? (isBlack(i) ? 1000 : -1000) : 0);
  return tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => offset(i) + size * normal()),
  );
}
