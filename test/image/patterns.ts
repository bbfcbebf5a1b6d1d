/** Pictures for tests, and how they are generated. */
import fc from 'fast-check';
import type { Picture } from '../../src/image/picture.js';

export function picture(width: number, height: number, channels: 1 | 3 | 4, data: Iterable<number>): Picture {
  return { width, height, channels, data: Uint8Array.from(data) };
}

/** A picture made of a formula. */
export function drawn(
  width: number,
  height: number,
  channels: 1 | 3 | 4,
  byte: (x: number, y: number, c: number) => number,
): Picture {
  const at = (i: number) => byte(Math.floor(i / channels) % width, Math.floor(i / channels / width), i % channels);
  return picture(
    width,
    height,
    channels,
    Array.from({ length: width * height * channels }, (_, i) => at(i)),
  );
}

/** The pattern of goldens.py. */
export function pattern(width: number, height: number, channels: 1 | 3 | 4): Picture {
  return drawn(width, height, channels, (x, y, c) => (37 * x + 91 * y + 53 * c + 7 * x * y) % 256);
}

/** Any small picture. */
export const anyPicture = (largest = 12): fc.Arbitrary<Picture> =>
  fc
    .record({
      width: fc.integer({ min: 1, max: largest }),
      height: fc.integer({ min: 1, max: largest }),
      channels: fc.constantFrom(1 as const, 3 as const, 4 as const),
    })
    .chain(({ width, height, channels }) => {
      const length = width * height * channels;
      return fc
        .uint8Array({ minLength: length, maxLength: length })
        .map((data): Picture => ({ width, height, channels, data }));
    });
