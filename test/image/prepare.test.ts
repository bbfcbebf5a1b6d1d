/** The one pass against the readable rules: the same bits, and the same errors. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { PictureError } from '../../src/errors.js';
import { readPicture } from '../../src/image/index.js';
import { resampleByKernels } from '../../src/image/kernels.js';
import type { Picture, PictureOptions } from '../../src/image/picture.js';
import { prepareBy } from '../../src/image/prepare.js';
import { preprocess } from '../../src/image/preprocess.js';
import { type Resample, resample } from '../../src/image/resample.js';
import { prepare as prepareInto } from '../../src/image/with-kernels.js';
import type { CropRule, Preprocessing } from '../../src/network/conventions.js';
import { resizeRules } from '../../src/network/conventions.js';
import { preprocessingPreset, presetNames } from '../../src/network/presets.js';
import { integerInput } from '../../src/tasks/integer-input.js';
import { type QuantizedType, type Shape, type Tensor, zeros } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { nightly } from '../nightly.js';
import { anyPicture, drawn, pattern } from './patterns.js';

const side = (max: number) => fc.integer({ min: 1, max });

const anyCrop = (size: readonly [number, number]): fc.Arbitrary<CropRule> =>
  fc.oneof(
    fc.constant<CropRule>({ kind: 'stretch' }),
    fc.double({ min: 0.05, max: 1, noNaN: true }).map((fraction): CropRule => ({ kind: 'central', fraction })),
    fc.nat(12).map((more): CropRule => ({ kind: 'shorter-side', side: Math.max(...size) + more })),
    side(12).map((length): CropRule => ({ kind: 'shorter-side', side: length })), // often too short: an error
    fc
      .record({ value: fc.integer({ min: 0, max: 255 }), enlarge: fc.boolean() })
      .map((rule): CropRule => ({ kind: 'pad', ...rule })),
  );

const number = fc.double({ min: -300, max: 300, noNaN: true });

const anyPreprocessing: fc.Arbitrary<Preprocessing> = fc
  .record({
    size: fc.tuple(side(12), side(12)),
    channels: fc.constantFrom('rgb' as const, 'bgr' as const, 'grey' as const),
  })
  .chain(({ size, channels }) => {
    const count = channels === 'grey' ? 1 : 3;
    const each = (value: fc.Arbitrary<number>) => fc.array(value, { minLength: count, maxLength: count });
    return fc.record({
      size: fc.constant(size),
      channels: fc.constant(channels),
      crop: anyCrop(size),
      resize: fc.constantFrom(...resizeRules),
      scale: fc.constantFrom(1, 1 / 255, 1 / 127.5, 0.017),
      mean: each(number),
      deviation: each(fc.oneof(fc.constantFrom(1, 0.5), number)),
    });
  });

const anyOptions = ({ width, height }: Picture): fc.Arbitrary<PictureOptions> => {
  const region = fc.record({ left: fc.nat(width - 1), top: fc.nat(height - 1) }).chain(({ left, top }) =>
    fc.record({
      left: fc.constant(left),
      top: fc.constant(top),
      width: side(width - left),
      height: side(height - top),
    }),
  );
  return fc.record(
    {
      alpha: fc.constantFrom('drop' as const, 'black' as const, 'white' as const),
      region,
      rotation: fc.constantFrom(0 as const, 90 as const, 180 as const, 270 as const),
      mirror: fc.boolean(),
    },
    { requiredKeys: [] },
  );
};

/** Pictures of up to `largest` pixels a side, and how they are to be seen. */
const anyView = (largest: number) =>
  anyPicture(largest).chain((picture) => fc.tuple(fc.constant(picture), anyOptions(picture)));

/** The tensor, or the text of the error. */
function outcome(act: () => Tensor): Tensor | string {
  try {
    return act();
  } catch (error) {
    expect(error).toBeInstanceOf(PictureError);
    return (error as Error).message;
  }
}

const anyIntegerType: fc.Arbitrary<QuantizedType> = fc.constantFrom('int8' as const, 'uint8' as const).chain((type) =>
  fc.record({
    type: fc.constant(type),
    scale: fc
      .oneof(fc.constantFrom(1 / 128, 1 / 127.5, 1 / 255, 1), fc.double({ min: 1e-4, max: 4, noNaN: true }))
      .map(Math.fround),
    zeroPoint: fc.integer({ min: 0, max: 255 }).map((zero) => (type === 'int8' ? zero - 128 : zero)),
  }),
);

describe('straight into the integers of a quantised input', () => {
  const integers = (shape: Shape, type: QuantizedType) => integerInput({ inputs: [{ type }] }).integersOf!(shape);
  const anyRules = fc.oneof(
    anyPreprocessing,
    fc.constantFrom(...presetNames).map((name) => preprocessingPreset(name, [24, 24])),
  );

  test.each([
    ['the readable rule', resample],
    ['the kernels', resampleByKernels],
  ] as const)('%s: the integers are those that are nearest to the numbers of the rounded bytes', (_, resampleWith) => {
    fc.assert(
      fc.property(anyView(40), anyRules, anyIntegerType, ([picture, options], preprocessing, type) => {
        const { mean, deviation, scale, crop } = preprocessing;
        const asBytes = { ...preprocessing, scale: 1, mean: mean.map(() => 0), deviation: mean.map(() => 1) };
        const bytes = outcome(() => prepareBy(resampleWith, picture, asBytes as Preprocessing, options, zeros));
        if (typeof bytes === 'string') return;
        const found = prepareBy(resampleWith, picture, preprocessing, options, (shape) => integers(shape, type));
        for (const [i, integer] of found.data.entries()) {
          const sum = bytes.data[i];
          if (Math.abs(sum - Math.floor(sum) - 0.5) < 2 ** -15) continue; // float32 does not say whether it is a half
          const byte = crop.kind === 'pad' && sum === Math.fround(crop.value) ? crop.value : Math.round(sum);
          const c = i % mean.length;
          expect(integer).toBe(found.nearest(Math.fround((byte * scale - mean[c]) / deviation[c])));
        }
      }),
      { numRuns: nightly ? 20_000 : 400 },
    );
  });

  test('by hand: three pixels stretched to five; a half goes up below and above the zero point', () => {
    const picture: Picture = { width: 3, height: 1, channels: 1, data: Uint8Array.of(126, 127, 130) };
    const rules = {
      ...preprocessingPreset('slim', [1, 5]),
      resize: 'tf1-align-corners',
      crop: { kind: 'stretch' },
    } as const;
    const x = integers([1, 1, 5, 3], { type: 'uint8', scale: Math.fround(2 / 255), zeroPoint: 128 });
    const shifted = { ...rules, mean: Array(3).fill(256 / 255) as [number, number, number] };
    // 126, 126.5, 127, 128.5, 130
    const grey = (bytes: Iterable<number>) => [...bytes].filter((_, i) => i % 3 === 0);
    expect(grey(prepareInto(picture, shifted, {}, x).data)).toEqual([126, 127, 127, 129, 130]);
  });

  test.each([
    [1.4999, 1, 7, 8],
    [1.5, 1, 7, 9],
    [-1.5, 1, 7, 6],
    [-1.5001, 1, 7, 5],
    [0.75, 0.5, 0, 2],
    [300, 1, 0, 255],
    [-300, 1, 9, 0],
  ])('%d in steps of %d from %d is %d', (real, scale, zeroPoint, wanted) => {
    expect(integers([1], { type: 'uint8', scale, zeroPoint }).nearest(real)).toBe(wanted);
  });

  test.skipIf(noData).each<[string, string, number]>([
    ['detection', 'astronaut.png', 300],
    ['detection', 'coffee.png', 300],
    ['detection', 'table.jpg', 192],
    ['segmentation', 'bird_segmentation.bmp', 513],
  ])('%s, %s at %d: the bytes that TensorFlow Lite was given (needs DEPTHWISE_DATA)', async (task, name, side) => {
    const goldens = JSON.parse(readFileSync(dataPath('tables', `${task}_golden.json`), 'utf8'))[task];
    const sizeOf = ({ model, size }: Record<string, string>) => Number(size ?? (model.includes('_192_') ? 192 : 300));
    const golden = goldens.find((one: Record<string, string>) => one.picture === name && sizeOf(one) === side);
    const picture = await readPicture(dataPath('images', name));
    const rules = { ...preprocessingPreset('keras', [side, side]), crop: { kind: 'stretch' } } as Preprocessing;
    for (const resampleWith of [resample, resampleByKernels]) {
      const type = { type: 'uint8', scale: Math.fround(1 / 127.5), zeroPoint: 128 } as const;
      const mean = Array(3).fill(128 / 127.5);
      const x = prepareBy(
        resampleWith,
        picture,
        { ...rules, mean, resize: 'half-pixel' } as Preprocessing,
        {},
        (shape) => integers(shape, type),
      );
      expect(createHash('sha256').update(x.data).digest('hex')).toBe(golden.inputSha256);
    }
  });

  test('a number that is NaN has no integer', () => {
    const rules = { ...preprocessingPreset('slim', [2, 2]), mean: [0, 0, 0], deviation: [0, 0, 0] };
    const black = { width: 2, height: 2, channels: 3 as const, data: new Uint8Array(12) };
    const x = integers([1, 2, 2, 3], { type: 'uint8', scale: 1, zeroPoint: 0 });
    expect(() => prepareInto(black, rules, {}, x)).toThrow('quantize: a number is NaN, for which there is no integer');
  });

  test('a target of another shape is refused', () => {
    const rules = preprocessingPreset('slim', [2, 2]);
    const x = integers([1, 2, 3, 3], { type: 'uint8', scale: 1, zeroPoint: 0 });
    expect(() => prepareInto(pattern(2, 2, 3), rules, {}, x)).toThrow(
      "prepare: 'into' must be Float32 of [1,2,2,3], found Uint8 of [1,2,3,3]",
    );
  });
});

/** What resamples in `prepare` below. */
let by: Resample = resampleByKernels;

const prepare = (pictures: Picture | Picture[], preprocessing: Preprocessing, options: PictureOptions = {}): Tensor =>
  prepareBy(by, pictures, preprocessing, options, zeros);

function sameOutcome(pictures: Picture | Picture[], preprocessing: Preprocessing, options: PictureOptions) {
  const wanted = outcome(() => preprocess(pictures, preprocessing, options));
  const found = outcome(() => prepare(pictures, preprocessing, options));
  if (typeof wanted === 'string' || typeof found === 'string') return expect(found).toEqual(wanted);
  expect(found.shape).toEqual(wanted.shape);
  const differs = wanted.data.findIndex((value, i) => !Object.is(value, found.data[i]));
  if (differs >= 0) throw new Error(`at ${differs}: wanted ${wanted.data[differs]}, found ${found.data[differs]}`);
}

describe.each([
  ['kernels', resampleByKernels],
  ['JavaScript', resample],
])('equal to the readable rules bit for bit, by %s', (_, chosen) => {
  beforeAll(() => {
    by = chosen;
  });

  test('small pictures, all rules and options', () => {
    fc.assert(
      fc.property(anyView(14), anyPreprocessing, ([picture, options], preprocessing) => {
        sameOutcome(picture, preprocessing, options);
      }),
      { numRuns: nightly ? 100_000 : 3000 },
    );
  }, 600_000);

  test('larger pictures, where antialiasing sums many samples', () => {
    fc.assert(
      fc.property(anyView(90), anyPreprocessing, ([picture, options], preprocessing) => {
        sameOutcome(picture, preprocessing, options);
      }),
      { numRuns: nightly ? 5000 : 200 },
    );
  }, 600_000);

  test('batches', () => {
    fc.assert(
      fc.property(fc.array(anyPicture(8), { maxLength: 3 }), anyPreprocessing, (pictures, preprocessing) => {
        sameOutcome(pictures, preprocessing, {});
      }),
    );
  });

  test.each(presetNames)('%s at 224, as a camera gives it', (name) => {
    sameOutcome(pattern(320, 240, 4), preprocessingPreset(name, [224, 224]), { mirror: true });
    sameOutcome(pattern(640, 480, 3), preprocessingPreset(name, [96, 96]), {});
  });

  test('the highest contrast: no sum leaves 32 bits', () => {
    for (const step of [1, 2, 5, 17]) {
      const stripes = drawn(119, 87, 3, (x, y, c) => (((x / step) ^ (y / step) ^ c) & 1 ? 255 : 0));
      for (const name of ['keras', 'timm'] as const) {
        for (const size of [4, 31, 140]) sameOutcome(stripes, preprocessingPreset(name, [size, size]), {});
      }
    }
  });
});

describe('into', () => {
  const preset = preprocessingPreset('slim', [3, 4]);
  const picture = pattern(9, 7, 3);

  test('is written and returned', () => {
    const into = zeros([1, 3, 4, 3]);
    expect(prepareInto(picture, preset, {}, into)).toBe(into);
    expect(into).toEqual(preprocess(picture, preset));
  });

  test.each([
    [zeros([1, 4, 3, 3]), 'found Float32 of [1,4,3,3]'],
    [{ shape: [1, 3, 4, 3], data: new Float64Array(36) }, 'found Float64 of [1,3,4,3]'],
  ])('of another shape or type', (into, found) => {
    expect(() => prepareInto(picture, preset, {}, into)).toThrow(
      new PictureError(`prepare: 'into' must be Float32 of [1,3,4,3], ${found}`),
    );
  });
});

test('what is returned is not overwritten by later calls, and pictures stay as they are', () => {
  const picture = pattern(9, 7, 4);
  const bytes = picture.data.slice();
  const preset = preprocessingPreset('timm', [3, 4]);
  const first = prepare(picture, preset);
  const copy = first.data.slice();
  prepare(pattern(20, 30, 3), preset);
  expect(first.data).toEqual(copy);
  expect(picture.data).toEqual(bytes);
});

describe('errors', () => {
  const dot = drawn(2, 3, 3, () => 1);
  const preset = preprocessingPreset('slim', [2, 2]);

  test.each<[PictureOptions, string]>([
    [{ rotation: 45 as 90 }, 'picture: rotation must be one of 0, 90, 180, 270, found 45'],
    [{ alpha: 'grey' as 'drop' }, "picture: alpha must be one of drop, black, white, found 'grey'"],
    [
      { region: { left: 1, top: 0, width: 2, height: 3 } },
      'crop: 2×3 pixels at (1, 0) do not lie inside a picture of 2×3',
    ],
  ])('%j', (options, message) => {
    expect(() => prepare(dot, preset, options)).toThrow(new PictureError(message));
    sameOutcome(dot, preset, options);
  });

  test.each<[string, Partial<Preprocessing>]>([
    ['size', { size: [0, 3] }],
    ['negative size', { size: [2, -1] }],
    ['resize rule', { resize: 'nearest' as 'half-pixel' }],
    ['crop rule', { crop: { kind: 'middle' } as unknown as CropRule }],
    ['fraction', { crop: { kind: 'central', fraction: 0 } }],
    ['channels', { channels: 'rbg' as 'rgb' }],
    ['means', { mean: [1] }],
  ])('the same as the readable rules have: %s', (_, wrong) => {
    expect(outcome(() => prepare(dot, { ...preset, ...wrong }))).toBeTypeOf('string');
    sameOutcome(dot, { ...preset, ...wrong }, {});
  });
});

describe('without leave to compile', () => {
  afterEach(() => vi.unstubAllGlobals());

  test.each<[string, unknown]>([
    ['there is no WebAssembly', undefined],
    [
      'the policy forbids it',
      {
        Module: class {
          constructor() {
            throw new Error('violates the Content Security Policy');
          }
        },
      },
    ],
  ])('%s: JavaScript gives the same', async (_, instead) => {
    vi.stubGlobal('WebAssembly', instead);
    vi.resetModules();
    const alone = await import('../../src/image/with-kernels.js');
    const preset = preprocessingPreset('timm', [20, 20]);
    const picture = pattern(50, 40, 4);
    expect(alone.prepare(picture, preset)).toEqual(preprocess(picture, preset));
  });
});

test('the kernels are few enough bytes to be compiled at once on a page', async () => {
  const { PICTURE_KERNELS } = await import('../../src/image/generated/wasm.js');
  expect(atob(PICTURE_KERNELS).length).toBeLessThan(4096);
});
