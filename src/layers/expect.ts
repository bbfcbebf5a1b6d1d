/** The checks that all layers share: each throws a ShapeError that names the layer, what was found and what was wanted. */
import { type Fields, record } from '../checks.js';
import { ShapeError } from '../errors.js';
import type { SlidingWindow } from '../padding.js';
import { type Shape, sameShape, type Tensor } from '../tensor.js';

export type ImageShape = readonly [N: number, H: number, W: number, C: number];

/** Shapes in an error's text. */
export const listed = (shapes: readonly Shape[]): string => shapes.map((shape) => `[${shape}]`).join(', ');

/** The only input (or its shape) of a layer that takes one. */
export function expectOne<Input>(layer: string, inputs: readonly Input[]): Input {
  if (inputs.length !== 1) throw new ShapeError(`${layer}: takes one input, found ${inputs.length}`);
  return inputs[0];
}

/** The shape as [batch, height, width, channels]. */
export function expectImage(layer: string, shape: Shape): ImageShape {
  if (shape.length !== 4 || !shape.every((size) => Number.isInteger(size) && size > 0)) {
    throw new ShapeError(`${layer}: wanted an input of shape [batch, height, width, channels], found [${shape}]`);
  }
  return shape as unknown as ImageShape;
}

/** Size of the last axis, the one that holds the channels. */
export function expectChannels(layer: string, shape: Shape): number {
  const channels = shape[shape.length - 1];
  if (!(channels >= 1)) throw new ShapeError(`${layer}: wanted an input of shape [..., channels], found [${shape}]`);
  return channels;
}

/** The gradient that comes back to a layer has the shape of the layer's output. */
export function expectGradient(layer: string, outputGradient: Tensor, output: Shape): Tensor {
  if (!sameShape(outputGradient.shape, output)) {
    throw new ShapeError(
      `${layer}: the output's gradient must have the output's shape [${output}], found [${outputGradient.shape}]`,
    );
  }
  return outputGradient;
}

/** The attributes that a layer has, each by its check, and no others: for `stride` in place of `strides` the default would be taken. */
export function expectAttributes<Attributes extends object>(
  layer: string,
  checks: Fields<Attributes>,
  attributes: Attributes,
): void {
  try {
    record(checks)(attributes, layer);
  } catch (error) {
    throw new ShapeError((error as Error).message);
  }
}

/** A pool has no answer for a window that lies on padding alone. */
export function expectInside(where: string, size: number, pool: number, stride: number, window: SlidingWindow): void {
  const { out, before, after } = window;
  if (before >= pool || (out - 1) * stride - before >= size) {
    throw new ShapeError(
      `${where}: padding (${before}, ${after}) puts a window of ${pool} on padding alone, ${size} samples and stride ${stride}`,
    );
  }
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
  for (const [name, weight] of Object.entries(found)) {
    if (weight !== undefined && !Object.hasOwn(wanted, name)) {
      throw new ShapeError(
        `${layer}: surplus weight '${name}' of shape [${weight.shape}]; wanted only ${Object.keys(wanted).join(', ')}`,
      );
    }
  }
  return weights;
}
