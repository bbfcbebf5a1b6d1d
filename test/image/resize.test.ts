/**
 * The resize rules against numbers from elsewhere: matrices worked out by hand, TensorFlow.js for the three plain rules, Pillow (see
 * goldens.py) for the two antialiased ones.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { resize } from '../../src/image/resize.js';
import type { ResizeRule } from '../../src/network/conventions.js';
import { resizeRules } from '../../src/network/conventions.js';
import { anyPicture, drawn, pattern, picture } from './patterns.js';

interface ResizeGolden {
  readonly rule: ResizeRule;
  readonly from: [width: number, height: number, channels: 1 | 3];
  readonly to: [width: number, height: number];
  readonly bytes?: number[];
  readonly sha256?: string;
}
const goldens: { pillow: string; resizes: ResizeGolden[] } = JSON.parse(
  readFileSync(new URL('goldens.json', import.meta.url), 'utf8'),
);

const rows = (data: ArrayLike<number>, width: number): number[][] =>
  Array.from({ length: data.length / width }, (_, i) => Array.from(data).slice(i * width, (i + 1) * width));

describe('4×4 to 3×3, byte = 48·y + 12·x', () => {
  const ramp = drawn(4, 4, 1, (x, y) => 48 * y + 12 * x);

  // On a ramp the result is 48·row + 12·column, with the positions that the rule reads:
  test.each<[ResizeRule, string, number[][]]>([
    [
      'tf1-legacy',
      '0, 4/3, 8/3',
      [
        [0, 16, 32],
        [64, 80, 96],
        [128, 144, 160],
      ],
    ],
    [
      'tf1-align-corners',
      '0, 1.5, 3',
      [
        [0, 18, 36],
        [72, 90, 108],
        [144, 162, 180],
      ],
    ],
    [
      'half-pixel',
      '1/6, 1.5, 17/6',
      [
        [10, 26, 42],
        [74, 90, 106],
        [138, 154, 170],
      ],
    ],
    [
      // Triangles of half-width 4/3 around 2/3, 2, 10/3: shares .7 .3, .5 .5, .3 .7. Columns 3.6, 18, 32.4 become 4, 18, 32.
      // Rows then add 14.4, 72, 129.6 and are rounded: 18.4, 32.4, 46.4; 76, 90, 104; 133.6, 147.6, 161.6.
      'half-pixel-antialias',
      '.3, 1.5, 2.7',
      [
        [18, 32, 46],
        [76, 90, 104],
        [134, 148, 162],
      ],
    ],
  ])('%s reads at %s', (rule, _, wanted) => {
    const result = rows(resize(ramp, [3, 3], rule).data, 3);
    wanted.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(result[i][j], `[${i}, ${j}]`).toBeCloseTo(value, 10);
      });
    });
  });
});

describe('5×5 to 2×2, byte = 20·y + 10·x²', () => {
  const bowl = drawn(5, 5, 1, (x, y) => 20 * y + 10 * x * x); // columns 0, 10, 40, 90, 160; rows 0, 20, 40, 60, 80

  test.each<[ResizeRule, string, number[]]>([
    ['tf1-legacy', 'positions 0 and 2.5: columns 0, 65; rows 0, 50', [0, 65, 50, 115]],
    ['tf1-align-corners', 'the corners', [0, 160, 80, 240]],
    ['half-pixel', 'positions .75 and 3.25: columns 7.5, 107.5; rows 15, 65', [22.5, 122.5, 72.5, 172.5]],
    // Triangles of half-width 2.5 around 1.25 and 3.75: weights .7 .9 .5 .1 of 2.2 on samples 0 to 3, mirrored on 1 to 4.
    // Columns 38/2.2 = 17.27, 214/2.2 = 97.27, rounded 17, 97; rows 20, 60.
    ['half-pixel-antialias', 'columns 17, 97; rows 20, 60', [37, 117, 77, 157]],
  ])('%s: %s', (rule, _, wanted) => {
    expect(Array.from(resize(bowl, [2, 2], rule).data, (value) => Math.round(value * 1e9) / 1e9)).toEqual(wanted);
  });
});

describe('the three plain rules agree with TensorFlow.js', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  test.each<[ResizeRule, boolean, boolean]>([
    ['tf1-legacy', false, false],
    ['tf1-align-corners', true, false],
    ['half-pixel', false, true],
  ])('%s', (rule, alignCorners, halfPixelCenters) => {
    // TensorFlow.js stores float32: one rounding of a number up to 255.
    const bound = 255 * 2 ** -24;
    const side = fc.integer({ min: 1, max: 15 });
    fc.assert(
      fc.property(anyPicture(), side, side, (any, height, width) => {
        const ours = resize(any, [height, width], rule).data;
        const theirs = tf.tidy(() => {
          const x = tf.tensor4d(Array.from(any.data), [1, any.height, any.width, any.channels]);
          return tf.image.resizeBilinear(x, [height, width], alignCorners, halfPixelCenters).dataSync();
        });
        for (let i = 0; i < theirs.length; i++) {
          if (!(Math.abs(ours[i] - theirs[i]) <= bound + 1e-12)) {
            throw new Error(`${rule} at ${i}: ours ${ours[i]}, TensorFlow.js ${theirs[i]}, allowed ${bound}`);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe(`the antialiased rules are Pillow ${goldens.pillow}'s, byte for byte`, () => {
  test.each(
    goldens.resizes.map((golden): [string, ResizeGolden] => {
      const [width, height, channels] = golden.from;
      return [`${golden.rule} ${width}×${height}×${channels} to ${golden.to.join('×')}`, golden];
    }),
  )('%s', (_, { rule, from, to: [width, height], bytes, sha256 }) => {
    const result = Uint8Array.from(resize(pattern(...from), [height, width], rule).data);
    if (bytes) expect(Array.from(result)).toEqual(bytes);
    else expect(createHash('sha256').update(result).digest('hex')).toBe(sha256);
  });
});

describe('every rule', () => {
  const anyRule = fc.constantFrom(...resizeRules);
  const side = fc.integer({ min: 1, max: 20 });

  test('keeps a picture of one colour as it is', () => {
    fc.assert(
      fc.property(
        anyRule,
        fc.integer({ min: 0, max: 255 }),
        side,
        side,
        side,
        side,
        (rule, byte, W, H, width, height) => {
          const result = resize(
            drawn(W, H, 1, () => byte),
            [height, width],
            rule,
          );
          for (const value of result.data) expect(value).toBeCloseTo(byte, 9);
        },
      ),
    );
  });

  test('keeps a picture of the same size as it is', () => {
    fc.assert(
      fc.property(anyRule, anyPicture(), (rule, any) => {
        const { shape, data } = resize(any, [any.height, any.width], rule);
        expect(shape).toEqual([1, any.height, any.width, any.channels]);
        expect(Array.from(data)).toEqual(Array.from(any.data));
      }),
    );
  });

  test('computes in a window what the whole has there', () => {
    fc.assert(
      fc.property(anyRule, anyPicture(), side, side, fc.nat(19), fc.nat(19), (rule, any, height, width, top, left) => {
        const window = { top: top % height, left: left % width, height: 1, width: 1 };
        const whole = resize(any, [height, width], rule).data;
        const at = (window.top * width + window.left) * any.channels;
        expect(Array.from(resize(any, [height, width], rule, window).data)).toEqual(
          Array.from(whole.subarray(at, at + any.channels)),
        );
      }),
    );
  });

  test('leaves the picture unchanged and stays within its bytes', () => {
    fc.assert(
      fc.property(anyRule, anyPicture(), side, side, (rule, any, height, width) => {
        const before = any.data.slice();
        const { data } = resize(any, [height, width], rule);
        expect(any.data).toEqual(before);
        expect(data.every((value) => value >= 0 && value <= 255)).toBe(true);
      }),
    );
  });
});

test('bicubic overshoots are cut off at 0 and 255', () => {
  // a step from 0 to 255: Keys' cubic swings below and above it
  const step = picture(6, 1, 1, [0, 0, 0, 255, 255, 255]);
  const wide = Array.from(resize(step, [1, 24], 'bicubic-antialias').data);
  expect(Math.min(...wide)).toBe(0);
  expect(Math.max(...wide)).toBe(255);
  expect(wide[11]).toBeGreaterThan(50);
  expect(wide[11]).toBeLessThan(128);
});

describe('errors', () => {
  const dot = picture(1, 1, 1, [1]);

  test('an unknown rule', () => {
    expect(() => resize(dot, [1, 1], 'bilinear' as ResizeRule)).toThrow(
      "resize: rule must be one of tf1-legacy, tf1-align-corners, half-pixel, half-pixel-antialias, bicubic-antialias, found 'bilinear'",
    );
  });

  test.each<[[number, number], string]>([
    [[0, 3], 'resize: the new height must be a whole number of 1 or more, found 0'],
    [[3, 2.5], 'resize: the new width must be a whole number of 1 or more, found 2.5'],
  ])('size %j', (size, message) => {
    expect(() => resize(dot, size, 'half-pixel')).toThrow(message);
  });

  test('a window that reaches beyond', () => {
    expect(() => resize(dot, [4, 4], 'half-pixel', { top: 2, left: 0, height: 3, width: 4 })).toThrow(
      'resize: a window of 4×3 at (0, 2) does not lie inside 4×4',
    );
  });

  test('a picture that contradicts itself', () => {
    expect(() => resize({ ...dot, width: 2 }, [4, 4], 'half-pixel')).toThrow(
      'picture: 2×1 pixels of 1 channels want 2 bytes, found 1',
    );
  });
});
