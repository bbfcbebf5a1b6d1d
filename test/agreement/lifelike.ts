/** Networks with seeded random weights that use every number: batch norms and biases that change something. */
import { foldBatchNorm, type Network, randomWeights } from '../../src/network/index.js';
import { normalRandom } from '../../src/random.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

/** The network with random kernels, and biases, gammas, betas and moving statistics around their neutral values; batch norms folded. */
export function lifelikeWeights(network: Network, seed: number): Network {
  const { weights, ...rest } = randomWeights(network, seed);
  const normal = normalRandom(seed + 1);
  const perturbed = new Map(
    [...weights].map(([name, weight]): [string, Tensor] => {
      if (name.endsWith('/kernel')) return [name, weight];
      const positive = name.endsWith('/movingVariance') || name.endsWith('/gamma');
      const change = (value: number) => (positive ? value * Math.exp(0.2 * normal()) : value + 0.2 * normal());
      return [name, tensor(weight.shape, weight.data.map(change))];
    }),
  );
  return foldBatchNorm({ ...rest, weights: perturbed });
}

/** Numbers between −1 and 1, smooth in places as pictures are. */
export function randomInput(shape: Shape, seed: number): Tensor {
  const normal = normalRandom(seed);
  let last = 0;
  return tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => {
      last = 0.7 * last + 0.5 * normal();
      return Math.max(-1, Math.min(1, last));
    }),
  );
}
