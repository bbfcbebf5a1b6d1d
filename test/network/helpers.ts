/** Small networks for the tests of this folder. */
import type { Conventions, NetworkBuilder } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { coordinateOf, type Shape, sameShape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

export const features: Conventions = { source: 'other', output: 'features' };

/** A 3 × 3 convolution without bias. */
export function conv(net: NetworkBuilder, name: string, input: string, filters: number, stride = 1): string {
  return net.add(name, 'conv2d', input, {
    filters,
    kernelSize: [3, 3],
    strides: [stride, stride],
    dilation: [1, 1],
    padding: 'same',
    bias: false,
  });
}

/** Numbers of both signs, in [−1, 1). */
export function signed(
  shape: Shape,
  seed: number,
  Data: typeof Float32Array | typeof Float64Array = Float32Array,
): Tensor {
  const random = uniformRandom(seed);
  const data = new Data(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = 2 * random() - 1;
  return tensor(shape, data);
}

/** Fails at the first element that is further from the wanted one than its bound allows, and says where. */
export function expectWithin(name: string, found: Tensor, wanted: Tensor, bound: (index: number) => number): void {
  if (!sameShape(found.shape, wanted.shape))
    throw new Error(`${name}: found [${found.shape}], wanted [${wanted.shape}]`);
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [found.data[i], wanted.data[i]];
    if (Object.is(a, b) || Math.abs(a - b) <= bound(i)) continue;
    throw new Error(`${name}[${coordinateOf(wanted.shape, i)}]: found ${a}, wanted ${b}, allowed ${bound(i)}`);
  }
}

/** The largest absolute value. */
export function largest({ data }: Tensor): number {
  let max = 0;
  for (const value of data) max = Math.max(max, Math.abs(value));
  return max;
}
