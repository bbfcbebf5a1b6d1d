import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PictureError } from '../../src/errors.js';
import type { AlphaRule } from '../../src/image/picture.js';
import { centralCrop, placement, preprocess } from '../../src/image/preprocess.js';
import type { CropRule, Preprocessing } from '../../src/network/conventions.js';
import { type PresetName, preprocessingPreset, presetNames } from '../../src/network/presets.js';
import { anyPicture, drawn, pattern, picture } from './patterns.js';

interface TorchvisionGolden {
  readonly from: readonly [width: number, height: number];
  /** What Resize(256) makes of it, and where CenterCrop(224) begins. */
  readonly whole: string;
  readonly pixels: readonly (readonly [y: number, x: number, colour: readonly number[]])[];
}

/** pattern(…, 3).resize(whole, BILINEAR).crop(…) in Pillow 12.3. */
const torchvision: TorchvisionGolden[] = [
  {
    from: [400, 300],
    whole: '341×256, from (58, 16)',
    pixels: [
      [0, 0, [194, 103, 108]],
      [0, 223, [168, 74, 127]],
      [111, 57, [125, 178, 204]],
      [200, 100, [133, 145, 198]],
      [223, 223, [179, 166, 94]],
    ],
  },
  {
    from: [350, 201], // 445.8 is rounded down, 110.5 to even
    whole: '445×256, from (110, 16)',
    pixels: [
      [0, 0, [146, 117, 101]],
      [7, 0, [105, 59, 112]],
      [100, 200, [147, 200, 70]],
      [223, 223, [87, 140, 170]],
    ],
  },
];

/** Bytes as they are, so that a test sees which pixels were read. */
const plain = (crop: CropRule, size: [number, number], channels: Preprocessing['channels'] = 'grey'): Preprocessing => {
  const count = channels === 'grey' ? 1 : 3;
  return {
    crop,
    resize: 'tf1-legacy',
    size,
    channels,
    scale: 1,
    mean: new Array(count).fill(0),
    deviation: new Array(count).fill(1),
  };
};

describe('presets: what the bytes 0, 127 and 255 become in each channel', () => {
  const minusOneToOne = [
    [-1, -0.0039216, 1],
    [-1, -0.0039216, 1],
    [-1, -0.0039216, 1],
  ];
  const imagenet = [
    [-2.1179039, 0.0569398, 2.2489083],
    [-2.0357143, 0.1876751, 2.4285714],
    [-1.8044444, 0.4090632, 2.64],
  ];
  const goldens: Record<PresetName, number[][]> = {
    slim: minusOneToOne,
    keras: minusOneToOne,
    torchvision: imagenet,
    'torchvision-v2': imagenet,
    timm: imagenet,
    'timm-v1': minusOneToOne,
    tfjs: minusOneToOne,
    'tfjs-hub': [
      [0, 0.4980392, 1],
      [0, 0.4980392, 1],
      [0, 0.4980392, 1],
    ],
    caffe: [
      [-103.939, 23.061, 151.061], // blue
      [-116.779, 10.221, 138.221], // green
      [-123.68, 3.32, 131.32], //    red
    ],
    'mobilenet-caffe': [
      [-1.76698, 0.39202, 2.56802],
      [-1.98526, 0.17374, 2.34974],
      [-2.10256, 0.05644, 2.23244],
    ],
    'teachable-machine': [
      [-1, 0, 1.007874],
      [-1, 0, 1.007874],
      [-1, 0, 1.007874],
    ],
    'tflite-128-127': [
      [-1.007874, -0.007874, 1],
      [-1.007874, -0.007874, 1],
      [-1.007874, -0.007874, 1],
    ],
  };

  test('every preset has its golden', () => {
    expect(presetNames).toEqual(Object.keys(goldens));
  });

  test.each(Object.entries(goldens))('%s', (name, wanted) => {
    const preset = preprocessingPreset(name as PresetName, [2, 2]);
    const uniform = [0, 127, 255].map((byte) => drawn(5, 4, 3, () => byte));
    const { shape, data } = preprocess(uniform, preset);
    expect(shape).toEqual([3, 2, 2, 3]);
    wanted.forEach((values, c) => {
      values.forEach((value, n) => {
        // the table's seven decimals, and one rounding to float32
        const bound = 5e-8 + Math.abs(value) * 2 ** -24;
        for (let pixel = 0; pixel < 4; pixel++) {
          const found = data[(n * 4 + pixel) * 3 + c];
          expect(Math.abs(found - value), `byte ${n}, channel ${c}: ${found}`).toBeLessThanOrEqual(bound);
        }
      });
    });
  });

  // red picture: where does the red go?
  test.each(presetNames.map((name) => [name, name === 'caffe' || name === 'mobilenet-caffe' ? 2 : 0] as const))(
    '%s has red in channel %i',
    (name, red) => {
      const { data } = preprocess(picture(1, 1, 3, [255, 0, 0]), preprocessingPreset(name, [1, 1]));
      expect(data.indexOf(Math.max(...data))).toBe(red);
    },
  );

  test.each<[PresetName, number, CropRule]>([
    ['slim', 224, { kind: 'central', fraction: 0.875 }],
    ['keras', 160, { kind: 'shorter-side', side: 182 }],
    ['torchvision', 224, { kind: 'shorter-side', side: 256 }],
    ['torchvision-v2', 224, { kind: 'shorter-side', side: 232 }],
    ['timm', 128, { kind: 'shorter-side', side: 146 }],
    ['teachable-machine', 224, { kind: 'shorter-side', side: 224 }],
    ['tfjs', 224, { kind: 'stretch' }],
  ])('%s at %i crops by %j', (name, side, crop) => {
    expect(preprocessingPreset(name, [side, side]).crop).toEqual(crop);
  });

  test('an input that is not square crops from its larger side', () => {
    expect(preprocessingPreset('torchvision', [96, 224]).crop).toEqual({ kind: 'shorter-side', side: 256 });
  });

  test('an unknown name lists those that exist', () => {
    expect(() => preprocessingPreset('inception' as PresetName, [1, 1])).toThrow(
      "preprocessing: there is no preset 'inception'; wanted one of slim, keras, torchvision, torchvision-v2, timm, timm-v1, tfjs, tfjs-hub, caffe, mobilenet-caffe, teachable-machine, tflite-128-127",
    );
    expect(() => preprocessingPreset('toString' as PresetName, [1, 1])).toThrow("there is no preset 'toString'");
  });

  test.each([[[224]], [[224, 0]], [[224.5, 224]]])('size %j is an error', (size) => {
    expect(() => preprocessingPreset('slim', size as unknown as [number, number])).toThrow(
      `preprocessing 'slim': the size must be [height, width] in whole pixels, found [${size}]`,
    );
  });
});

describe('central crop', () => {
  // tf.image.central_crop: int((n − n·0.875) / 2) = ⌊n / 16⌋ off each side
  test.each([
    [1, 0, 1],
    [15, 0, 15],
    [16, 1, 14],
    [31, 1, 29],
    [32, 2, 28],
    [300, 18, 264],
    [375, 23, 329],
    [500, 31, 438],
  ])('0.875 of %i pixels begins at %i and has %i', (size, start, left) => {
    const strip = drawn(size, 1, 3, (x, _, c) => (c === 0 ? x % 256 : c === 1 ? x >> 8 : 0));
    const { width, data } = centralCrop(strip, 0.875);
    expect(width).toBe(left);
    expect(data[0] + 256 * data[1]).toBe(start);
  });

  test('0.5 of 4×6', () => {
    const grid = drawn(6, 4, 1, (x, y) => 10 * y + x);
    expect(centralCrop(grid, 0.5)).toEqual(picture(4, 2, 1, [11, 12, 13, 14, 21, 22, 23, 24]));
  });

  test.each([0, -1, 1.1, Number.NaN])('not by %d', (fraction) => {
    expect(() => centralCrop(picture(1, 1, 1, [1]), fraction)).toThrow(
      `centralCrop: the fraction must be above 0 and at most 1, found ${fraction}`,
    );
  });

  test('crops first, then resizes', () => {
    const grid = drawn(32, 32, 1, (x, y) => 4 * x + y);
    const { data } = preprocess(grid, plain({ kind: 'central', fraction: 0.875 }, [28, 28]));
    expect(data[0]).toBe(4 * 2 + 2);
    expect(data[28 * 28 - 1]).toBe(4 * 29 + 29);
  });
});

describe('pad', () => {
  test('as large as fits, and bytes below or to the right', () => {
    const grid = drawn(4, 2, 1, (x, y) => 10 * y + x);
    const pad: CropRule = { kind: 'pad', value: 99 };
    expect([...preprocess(grid, plain(pad, [4, 4])).data]).toEqual([0, 1, 2, 3, 10, 11, 12, 13, ...Array(8).fill(99)]);
    expect([...preprocess(grid, plain(pad, [2, 5])).data]).toEqual([0, 1, 2, 3, 99, 10, 11, 12, 13, 99]);
  });

  test('sides are cut down to whole pixels: 500 × 333 in 257 × 257 is 257 × 171 (171.2), 500 × 334 too (171.7)', () => {
    const sides = (width: number, height: number, enlarge?: boolean) =>
      placement(
        { width, height },
        { crop: { kind: 'pad', value: 0, ...(enlarge === false && { enlarge }) }, size: [257, 257] },
      ).whole;
    expect([sides(500, 333), sides(500, 334)]).toEqual([
      [171, 257],
      [171, 257],
    ]);
    expect(sides(1, 5000)).toEqual([257, 1]);
    expect([sides(100, 50), sides(100, 50, false), sides(300, 257, false)]).toEqual([
      [128, 257],
      [50, 100],
      [220, 257],
    ]);
  });

  test('the longer side is the whole side of the input, whatever the picture', () => {
    const side = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(side, side, side, (width, height, size) => {
        const { whole } = placement({ width, height }, { crop: { kind: 'pad', value: 0 }, size: [size, size] });
        expect(Math.max(...whole)).toBe(size);
      }),
    );
  });

  test('not enlarged: a picture that fits keeps its pixels', () => {
    const grid = drawn(2, 2, 1, (x, y) => 10 * y + x);
    const { data } = preprocess(grid, plain({ kind: 'pad', value: 9, enlarge: false }, [3, 3]));
    expect([...data]).toEqual([0, 1, 9, 10, 11, 9, 9, 9, 9]);
  });
});

describe('shorter side, then the centre', () => {
  // Nothing is scaled here: the window's place shows the rounding, Python's round() to even in torchvision's CenterCrop.
  test.each([
    [5, 0],
    [6, 1],
    [7, 2],
    [8, 2],
    [9, 2],
    [11, 4],
  ])('4 of %i columns from column %i', (width, left) => {
    const strip = drawn(width, 4, 1, (x, y) => 10 * y + x);
    const { data } = preprocess(strip, plain({ kind: 'shorter-side', side: 4 }, [4, 4]));
    expect(Array.from(data.slice(0, 4))).toEqual([left, left + 1, left + 2, left + 3]);
    const column = drawn(4, width, 1, (_, y) => y);
    expect(preprocess(column, plain({ kind: 'shorter-side', side: 4 }, [4, 4])).data[0]).toBe(left);
  });

  test('the longer side is rounded down: 500×375 becomes 341×256, the window begins at (58, 16)', () => {
    // legacy reads column ⌊j·500/341⌋ first; a picture whose byte is the column's high and low part says which
    const wide = drawn(500, 375, 3, (x, y, c) => (c === 0 ? x >> 1 : c === 1 ? y >> 1 : 0));
    const { data } = preprocess(wide, plain({ kind: 'shorter-side', side: 256 }, [224, 224], 'rgb'));
    expect(data[0]).toBeCloseTo((58 * 500) / 341 / 2, 0);
    expect(data[1]).toBeCloseTo((16 * 375) / 256 / 2, 0);
  });

  test.each(torchvision)('torchvision as a whole: $from becomes $whole', ({ from: [width, height], pixels }) => {
    const bytes = { scale: 1, mean: [0, 0, 0], deviation: [1, 1, 1] };
    const { data } = preprocess(pattern(width, height, 3), {
      ...preprocessingPreset('torchvision', [224, 224]),
      ...bytes,
    });
    for (const [y, x, colour] of pixels) {
      expect(Array.from(data.slice((y * 224 + x) * 3, (y * 224 + x) * 3 + 3)), `(${x}, ${y})`).toEqual(colour);
    }
  });

  test('an extreme picture takes no more work than its window', () => {
    const line = drawn(60_000, 1, 1, (x) => x % 256);
    expect(preprocess(line, plain({ kind: 'shorter-side', side: 256 }, [224, 224])).shape).toEqual([1, 224, 224, 1]);
  });

  test('a side that leaves no room for the centre', () => {
    expect(() =>
      preprocess(
        drawn(8, 8, 1, () => 0),
        plain({ kind: 'shorter-side', side: 4 }, [4, 6]),
      ),
    ).toThrow('preprocess: a picture of 8×8 resized to 4×4 (shorter side 4) has no centre of 6×4');
  });
});

describe('channels', () => {
  const stretch = (channels: Preprocessing['channels']) => plain({ kind: 'stretch' }, [1, 1], channels);

  test.each<[string, 1 | 3 | 4, number[], Preprocessing['channels'], number[]]>([
    ['RGB as RGB', 3, [10, 20, 30], 'rgb', [10, 20, 30]],
    ['RGB as BGR', 3, [10, 20, 30], 'bgr', [30, 20, 10]],
    ['RGB as grey', 3, [10, 20, 30], 'grey', [18]],
    ['grey as RGB', 1, [10], 'rgb', [10, 10, 10]],
    ['grey as grey', 1, [10], 'grey', [10]],
    ['RGBA as RGB', 4, [10, 20, 30, 0], 'rgb', [10, 20, 30]],
    ['RGBA as BGR', 4, [10, 20, 30, 0], 'bgr', [30, 20, 10]],
    ['RGBA as grey', 4, [10, 20, 30, 0], 'grey', [18]],
  ])('%s', (_, channels, bytes, order, wanted) => {
    expect(Array.from(preprocess(picture(1, 1, channels, bytes), stretch(order)).data)).toEqual(wanted);
  });

  test('the alpha rule is an option', () => {
    const clear = picture(1, 1, 4, [10, 20, 30, 0]);
    const shown = (alpha: AlphaRule) => Array.from(preprocess(clear, stretch('rgb'), { alpha }).data);
    expect(shown('white')).toEqual([255, 255, 255]);
    expect(shown('black')).toEqual([0, 0, 0]);
  });

  test('mean and deviation stand in the order of the channels', () => {
    const bgr = { ...stretch('bgr'), mean: [1, 2, 3], deviation: [10, 100, 1000] };
    const { data } = preprocess(picture(1, 1, 3, [33, 22, 11]), bgr);
    expect(data[0]).toBeCloseTo(1, 7);
    expect(data[1]).toBeCloseTo(0.2, 7);
    expect(data[2]).toBeCloseTo(0.03, 7);
  });
});

describe('batches', () => {
  test('pictures of different sizes and channels stand one after the other', () => {
    const x = preprocess(
      [picture(1, 1, 1, [5]), drawn(3, 2, 3, () => 6), drawn(2, 2, 4, () => 7)],
      plain({ kind: 'stretch' }, [1, 2], 'rgb'),
    );
    expect(x.shape).toEqual([3, 1, 2, 3]);
    expect(Array.from(x.data)).toEqual([5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7]);
  });

  test('a picture is the same alone and in company, and none is changed', () => {
    fc.assert(
      fc.property(
        fc.array(anyPicture(), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(...presetNames),
        fc.constantFrom<AlphaRule>('drop', 'black', 'white'),
        (pictures, name, alpha) => {
          const before = pictures.map(({ data }) => data.slice());
          const preset = preprocessingPreset(name, [6, 6]);
          const together = preprocess(pictures, preset, { alpha }).data;
          pictures.forEach((one, n) => {
            expect(preprocess(one, preset, { alpha }).data).toEqual(together.slice(n * 108, (n + 1) * 108));
          });
          expect(pictures.map(({ data }) => data)).toEqual(before);
        },
      ),
    );
  });
});

describe('errors', () => {
  const dot = picture(1, 1, 3, [1, 2, 3]);

  test.each<[string, () => unknown, string]>([
    ['no pictures', () => preprocess([], plain({ kind: 'stretch' }, [1, 1])), 'preprocess: no pictures given'],
    [
      'means that do not fit the channels',
      () => preprocess(dot, { ...plain({ kind: 'stretch' }, [1, 1], 'rgb'), mean: [1] }),
      "preprocess: 'rgb' has 3 channels, found 1 means and 3 deviations",
    ],
    [
      'unknown channels',
      () => preprocess(dot, plain({ kind: 'stretch' }, [1, 1], 'rbg' as 'rgb')),
      "preprocess: channels must be one of rgb, bgr, grey, found 'rbg'",
    ],
    [
      'an unknown crop',
      () => preprocess(dot, plain({ kind: 'middle' } as unknown as CropRule, [1, 1])),
      "preprocess: there is no crop rule 'middle'",
    ],
    [
      'a picture that contradicts itself',
      () => preprocess({ ...dot, height: 2 }, plain({ kind: 'stretch' }, [1, 1])),
      'picture: 1×2 pixels of 3 channels want 6 bytes, found 3',
    ],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(new PictureError(message));
  });
});
