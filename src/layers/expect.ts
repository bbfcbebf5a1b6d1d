/** The checks that all layers share: each throws a ShapeError that names the layer, what was found and what was wanted. */
import { ShapeError } from '../errors.js';
import { type Shape, sameShape, type Tensor } from '../tensor.js';

export type ImageShape = readonly [N: number, H: number, W: number, C: number];

/** The shape as [batch, height, width, channels]. */
export function expectImage(layer: string, shape: Shape | undefined): ImageShape {
  if (shape === undefined) throw new ShapeError(`${layer}: no input given`);
  if (shape.length !== 4 || shape.some((size) => size < 1)) {
    throw new ShapeError(`${layer}: wanted an input of shape [batch, height, width, channels], found [${shape}]`);
  }
  return shape as unknown as ImageShape;
}

/** The weights as given, once each of the wanted ones is there with the wanted shape and none is there that was not wanted. */
export function expectWeights<Weights extends object>(
  layer: string,
  weights: Weights,
  wanted: Readonly<Record<string, Shape>>,
): Weights {
  const found = weights as Readonly<Record<string, Tensor | undefined>>;
  for (const [name, shape] of Object.entries(wanted)) {
    const weight = found[name];
    if (weight === undefined) throw new ShapeError(`${layer}: weight '${name}' of shape [${shape}] is missing`);
    if (!sameShape(weight.shape, shape)) {
      throw new ShapeError(`${layer}: weight '${name}' must have shape [${shape}], found [${weight.shape}]`);
    }
  }
  for (const name of Object.keys(found)) {
    if (found[name] !== undefined && !(name in wanted)) {
      throw new ShapeError(
        `${layer}: surplus weight '${name}' of shape [${found[name].shape}]; wanted ${Object.keys(wanted)}`,
      );
    }
  }
  return weights;
}

/** The only input's shape, whatever its rank. */
export function expectInput(layer: string, shape: Shape | undefined): Shape {
  if (shape === undefined) throw new ShapeError(`${layer}: no input given`);
  return shape;
}
