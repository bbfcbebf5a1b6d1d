/** Tensors and damaged files for the property tests of the formats. */
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

type Change = (bytes: Uint8Array) => Uint8Array;

/** A copy of the file after up to eight damages: bits flipped, bytes and 32-bit lengths replaced, the end cut off, a piece repeated. */
export function damaged(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  // The structure of most formats is at the ends.
  const anywhere = fc.oneof(
    fc.nat({ max: file.length - 1 }),
    fc.nat({ max: Math.min(255, file.length - 1) }),
    fc.nat({ max: Math.min(255, file.length - 1) }).map((back) => file.length - 1 - back),
  );
  const lies = fc.constantFrom(0, 1, 0x7f, 0xff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff);
  const damage: fc.Arbitrary<Change> = fc.oneof(
    fc.tuple(anywhere, fc.nat({ max: 7 })).map(([at, bit]) => (bytes: Uint8Array) => {
      bytes[at] ^= 1 << bit;
      return bytes;
    }),
    fc.tuple(anywhere, fc.nat({ max: 255 })).map(
      ([at, byte]) =>
        (bytes: Uint8Array) =>
          bytes.fill(byte, at, at + 1),
    ),
    fc.tuple(anywhere, lies).map(([at, lie]) => (bytes: Uint8Array) => {
      if (at + 4 <= bytes.length) new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, lie, true);
      return bytes;
    }),
    anywhere.map((end) => (bytes: Uint8Array) => bytes.slice(0, end)),
    fc.tuple(anywhere, anywhere).map(([from, to]) => (bytes: Uint8Array) => {
      if (from < bytes.length && to < bytes.length) bytes.copyWithin(to, from, from + 64);
      return bytes;
    }),
  );
  return fc
    .array(damage, { minLength: 1, maxLength: 8 })
    .map((damages) =>
      damages.reduce<Uint8Array>((bytes, change) => (bytes.length === 0 ? bytes : change(bytes)), file.slice()),
    );
}
