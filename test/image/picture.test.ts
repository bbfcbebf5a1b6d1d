import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PictureError } from '../../src/errors.js';
import {
  type AlphaRule,
  arrange,
  checkPicture,
  crop,
  mirror,
  type Picture,
  type Rotation,
  swapRedAndBlue,
  toGrey,
  toRgb,
  turn,
} from '../../src/image/picture.js';
import { anyPicture, picture } from './patterns.js';

const alphaRules: AlphaRule[] = ['drop', 'black', 'white'];

describe('toRgb', () => {
  test('stacks grey three times', () => {
    expect(toRgb(picture(2, 1, 1, [7, 200]))).toEqual(picture(2, 1, 3, [7, 7, 7, 200, 200, 200]));
  });

  test('keeps RGB', () => {
    expect(toRgb(picture(1, 1, 3, [1, 2, 3]))).toEqual(picture(1, 1, 3, [1, 2, 3]));
  });

  // opacity 128/255: 200·128/255 = 100.39, and 255·127/255 = 127 of a white background
  const pixels = [
    ...[200, 100, 0, 255], // opaque
    ...[200, 100, 0, 128], // half
    ...[200, 100, 0, 0], //   transparent
  ];
  test.each([
    ['drop', [200, 100, 0, 200, 100, 0, 200, 100, 0]],
    ['black', [200, 100, 0, 100, 50, 0, 0, 0, 0]],
    ['white', [200, 100, 0, 227, 177, 127, 255, 255, 255]],
  ] as const)('alpha rule %s', (rule, wanted) => {
    expect(toRgb(picture(3, 1, 4, pixels), rule)).toEqual(picture(3, 1, 3, wanted));
  });

  test('drops alpha unless told otherwise', () => {
    expect(toRgb(picture(1, 1, 4, [9, 8, 7, 0]))).toEqual(picture(1, 1, 3, [9, 8, 7]));
  });

  test('a misspelt alpha rule is an error', () => {
    expect(() => toRgb(picture(1, 1, 4, [9, 8, 7, 0]), 'blakc' as AlphaRule)).toThrow(
      "picture: alpha must be one of drop, black, white, found 'blakc'",
    );
  });
});

describe('toGrey', () => {
  // from Pillow 12.3: Image.new('RGB', (1, 1), colour).convert('L')
  test.each([
    [[255, 0, 0], 76],
    [[0, 255, 0], 150],
    [[0, 0, 255], 29],
    [[10, 20, 30], 18],
    [[200, 100, 50], 124],
    [[123, 45, 67], 71],
    [[1, 1, 1], 1],
    [[255, 255, 255], 255],
  ])('%j is %i, as in Pillow', (colour, grey) => {
    expect(toGrey(picture(1, 1, 3, colour))).toEqual(picture(1, 1, 1, [grey]));
  });

  test('transparency follows the alpha rule', () => {
    const half = picture(1, 1, 4, [200, 200, 200, 128]);
    expect(alphaRules.map((rule) => toGrey(half, rule).data[0])).toEqual([200, 100, 227]);
  });

  test('grey to RGB and back is the same picture', () => {
    fc.assert(
      fc.property(anyPicture(), (any) => {
        const grey = toGrey(any);
        expect(toGrey(toRgb(grey))).toEqual(grey);
      }),
    );
  });
});

describe('swapRedAndBlue', () => {
  test('of RGB and of RGBA', () => {
    expect(swapRedAndBlue(picture(2, 1, 3, [1, 2, 3, 4, 5, 6]))).toEqual(picture(2, 1, 3, [3, 2, 1, 6, 5, 4]));
    expect(swapRedAndBlue(picture(1, 1, 4, [1, 2, 3, 99]))).toEqual(picture(1, 1, 4, [3, 2, 1, 99]));
  });

  test('grey has none', () => {
    expect(() => swapRedAndBlue(picture(1, 1, 1, [1]))).toThrow('swapRedAndBlue: a grey picture has no red and blue');
  });
});

describe('crop', () => {
  const grid = picture(4, 3, 1, [
    ...[1, 2, 3, 4], //
    ...[5, 6, 7, 8],
    ...[9, 10, 11, 12],
  ]);

  test('cuts out a rectangle', () => {
    expect(crop(grid, 1, 2, 2, 2)).toEqual(picture(2, 2, 1, [7, 8, 11, 12]));
    expect(crop(grid, 0, 0, 3, 4)).toEqual(grid);
  });

  test.each([
    [2, 0, 2, 1],
    [0, 3, 1, 2],
    [-1, 0, 1, 1],
    [0, 0, 0, 1],
    [0.5, 0, 1, 1],
  ])('not at %d, %d of %d×%d', (top, left, height, width) => {
    expect(() => crop(grid, top, left, height, width)).toThrow(
      `crop: ${width}×${height} pixels at (${left}, ${top}) do not lie inside a picture of 4×3`,
    );
  });
});

describe('checkPicture', () => {
  const fine = picture(2, 2, 1, [1, 2, 3, 4]);

  test('passes what is right, also clamped bytes and bytes of another realm', () => {
    expect(checkPicture(fine)).toBe(fine);
    checkPicture({ ...fine, data: new Uint8ClampedArray(4) });
    checkPicture({ ...fine, data: Buffer.from([1, 2, 3, 4]) });
    checkPicture({ ...fine, data: runInNewContext('new Uint8Array(4)') });
  });

  test.each<[Partial<Record<keyof Picture, unknown>>, string]>([
    [{ width: 0 }, 'cat.png: width must be a whole number of pixels, 1 or more, found 0'],
    [{ height: 1.5 }, 'cat.png: height must be a whole number of pixels, 1 or more, found 1.5'],
    [{ channels: 2 }, 'cat.png: wanted 1 (grey), 3 (RGB) or 4 (RGBA) channels, found 2'],
    [{ channels: 3 }, 'cat.png: 2×2 pixels of 3 channels want 12 bytes, found 4'],
    [{ data: [1, 2, 3, 4] }, 'cat.png: data must be a Uint8Array or Uint8ClampedArray of bytes 0 to 255'],
    [{ data: new Float32Array(4) }, 'cat.png: data must be a Uint8Array or Uint8ClampedArray of bytes 0 to 255'],
  ])('%j', (change, message) => {
    expect(() => checkPicture({ ...fine, ...change } as Picture, 'cat.png')).toThrow(new PictureError(message));
  });
});

test('no conversion changes the picture it is given, or hands out its bytes', () => {
  fc.assert(
    fc.property(anyPicture(), fc.constantFrom(...alphaRules), (any, rule) => {
      const before = any.data.slice();
      const results = [toRgb(any, rule), toGrey(any, rule), crop(any, 0, 0, any.height, any.width)];
      if (any.channels !== 1) results.push(swapRedAndBlue(any));
      for (const result of results) result.data.fill(0);
      expect(any.data).toEqual(before);
    }),
  );
});

describe('turned and mirrored', () => {
  // 1 2 3
  // 4 5 6
  const six = picture(3, 2, 1, [1, 2, 3, 4, 5, 6]);

  test.each<[Rotation, number, number, number[]]>([
    [0, 3, 2, [1, 2, 3, 4, 5, 6]],
    [90, 2, 3, [4, 1, 5, 2, 6, 3]],
    [180, 3, 2, [6, 5, 4, 3, 2, 1]],
    [270, 2, 3, [3, 6, 2, 5, 1, 4]],
  ])('%i degrees clockwise', (rotation, width, height, bytes) => {
    expect(turn(six, rotation)).toEqual(picture(width, height, 1, bytes));
  });

  test('mirrored: pixels change places, their channels do not', () => {
    expect(mirror(six)).toEqual(picture(3, 2, 1, [3, 2, 1, 6, 5, 4]));
    expect(mirror(picture(2, 1, 3, [1, 2, 3, 4, 5, 6]))).toEqual(picture(2, 1, 3, [4, 5, 6, 1, 2, 3]));
  });

  test('the region first, then the rotation, then the mirror', () => {
    const options = { region: { left: 1, top: 0, width: 2, height: 2 }, rotation: 90, mirror: true } as const;
    expect(arrange(six, options)).toEqual(picture(2, 2, 1, [2, 5, 3, 6])); // 2 3 / 5 6, then 5 2 / 6 3, then 2 5 / 3 6
  });

  test('by another angle', () => {
    expect(() => turn(six, 45 as Rotation)).toThrow('picture: rotation must be one of 0, 90, 180, 270, found 45');
  });
});
