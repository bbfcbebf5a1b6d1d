/** What golden bundles of real numbers and of integers have in common. */
import { FormatError } from '../errors.js';
import { inferShapes, type Network } from '../network/index.js';
import { type AnyTensor, sameShape, type Tensor, toFloat32 } from '../tensor.js';
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

interface Groups {
  readonly inputs: ReadonlyMap<string, AnyTensor>;
  readonly outputs: ReadonlyMap<string, AnyTensor>;
  readonly bounds: ReadonlyMap<string, Tensor>;
  readonly isolated?: ReadonlyMap<string, Tensor>;
}

/** Throws a FormatError unless every input, output and bound is there in its shape. */
export function expectShapes(network: Network, { inputs, outputs, bounds, isolated }: Groups, file: string): void {
  const shapes = inferShapes(network, new Map([...inputs].map(([name, { shape }]) => [name, shape])));
  const layers = { outputs, bounds, ...(isolated && { isolated }) };
  const isInput = new Set(network.inputs.map(({ name }) => name));
  for (const [name, shape] of shapes) {
    for (const [group, tensors] of Object.entries<ReadonlyMap<string, AnyTensor>>(
      isInput.has(name) ? { inputs } : layers,
    )) {
      const found = tensors.get(name);
      if (found === undefined) throw new FormatError(`${file}: '${group}/${name}' of shape [${shape}] is missing`);
      if (!sameShape(found.shape, shape)) {
        throw new FormatError(`${file}: '${group}/${name}' must be [${shape}], found [${found.shape}]`);
      }
    }
  }
}
