/** Back from the network's input to the picture, against what `arrange`, crop and resize do with pixels that say where they are from. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PictureOptions, Rotation } from '../../src/image/index.js';
import { arrange } from '../../src/image/picture.js';
import { type Place, wayBack } from '../../src/image/way-back.js';
import { type CropRule, preprocessingPreset } from '../../src/network/index.js';

const stretch = (width: number, height: number, crop: CropRule = { kind: 'stretch' }) => ({
  ...preprocessingPreset('slim', [height, width]),
  crop,
});
const near = (found: Place, wanted: Place): void => {
  expect(found[0]).toBeCloseTo(wanted[0], 9);
  expect(found[1]).toBeCloseTo(wanted[1], 9);
};

test('stretch: corners are corners', () => {
  const back = wayBack({ picture: { width: 400, height: 300 }, preprocessing: stretch(224, 224) });
  near(back([0, 0]), [0, 0]);
  near(back([1, 1]), [300, 400]);
  near(back([0.5, 0.25]), [150, 100]);
  near(back([-0.1, 1.1]), [-30, 440]);
});

test('central 0.875 of 400×300: 25 and 18 pixels are cut off each side', () => {
  const back = wayBack({
    picture: { width: 400, height: 300 },
    preprocessing: stretch(224, 224, { kind: 'central', fraction: 0.875 }),
  });
  near(back([0, 0]), [18, 25]);
  near(back([1, 1]), [282, 375]);
});

test('shorter side 256 of 400×300: 224×224 from (58, 16) of 341×256', () => {
  const back = wayBack({
    picture: { width: 400, height: 300 },
    preprocessing: stretch(224, 224, { kind: 'shorter-side', side: 256 }),
  });
  near(back([0, 0]), [(16 * 300) / 256, (58 * 400) / 341]);
  near(back([1, 1]), [(240 * 300) / 256, (282 * 400) / 341]);
});

test('every pixel of a part, turned and mirrored, comes from where the way back leads', () => {
  const sides = fc.integer({ min: 1, max: 6 });
  fc.assert(
    fc.property(
      sides,
      sides,
      fc.constantFrom<Rotation>(0, 90, 180, 270),
      fc.boolean(),
      (width, height, rotation, mirror) => {
        const picture = {
          width: width + 3,
          height: height + 2,
          channels: 1 as const,
          data: new Uint8Array((width + 3) * (height + 2)),
        };
        picture.data.forEach((_, at) => {
          picture.data[at] = at;
        });
        const options: PictureOptions = { region: { left: 2, top: 1, width, height }, rotation, mirror };
        const seen = arrange(picture, options);
        const back = wayBack({ picture, preprocessing: stretch(seen.width, seen.height), options });
        seen.data.forEach((from, at) => {
          const column = at % seen.width;
          const row = Math.floor(at / seen.width);
          const centre: Place = [(row + 0.5) / seen.height, (column + 0.5) / seen.width];
          near(back(centre), [Math.floor(from / picture.width) + 0.5, (from % picture.width) + 0.5]);
        });
      },
    ),
  );
});
