/** Tensors for the property tests of the formats. */
import fc from 'fast-check';
import { type Tensor, tensor } from '../../src/tensor.js';

/** Shapes of 0 to 4 axes, empty ones and scalars included. */
export const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

/** Tensors of either number type, NaN, infinities, subnormals and −0 included. */
export const tensors: fc.Arbitrary<Tensor> = shapes.chain((shape) => {
  const length = shape.reduce((product, size) => product * size, 1);
  const exactly = { minLength: length, maxLength: length };
  return fc.oneof(
    fc.array(fc.float(), exactly).map((numbers) => tensor(shape, Float32Array.from(numbers))),
    fc.array(fc.double(), exactly).map((numbers) => tensor(shape, Float64Array.from(numbers))),
  );
});

/** Names that have broken other readers among ordinary ones. */
export const names = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', '0', 'conv1/kernel', 'a"b', 'ä/ω', ' '),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
);

export const tensorMaps = fc
  .uniqueArray(fc.tuple(names, tensors), { selector: ([name]) => name, maxLength: 5 })
  .map((entries) => new Map(entries));
