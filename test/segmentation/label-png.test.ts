/** PNG files of labels: through other decoders and encoders, and what is none. */

import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { cutOut, overlay } from '../../src/segmentation/index.js';
import { decodeLabelPng, drawnParts, encodeLabelPng, encodePng } from '../../src/segmentation/label-png.js';
import { paletteFor, vocColour } from '../../src/segmentation/palette.js';
import { dataPath, noData } from '../data.js';

describe('PNG of labels', () => {
  test('comes back as it was', async () => {
    const map = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 })).chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        labels: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(map, async (given) => {
        const { width, height, labels } = await decodeLabelPng(await buffer(encodeLabelPng(given)), 'map');
        expect([width, height, [...labels]]).toEqual([given.width, given.height, [...given.labels]]);
      }),
    );
  });

  test("another decoder finds the palette's colours", async () => {
    const file = await buffer(encodeLabelPng({ width: 3, height: 2, labels: Uint8Array.of(0, 1, 15, 20, 255, 1) }));
    const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([3, 2, 3]);
    expect([...data]).toEqual([0, 1, 15, 20, 255, 1].flatMap(vocColour));
    expect([...file.subarray(24, 26)]).toEqual([8, 3]); // eight bits, which are an index into the palette
  });

  test('pictures: grey, RGB and RGBA, as another decoder finds them', async () => {
    const side = fc.integer({ min: 1, max: 20 });
    const picture = fc.tuple(side, side, fc.constantFrom(1, 3, 4)).chain(([width, height, channels]) => {
      const size = width * height * channels;
      return fc.record({
        ...{ width: fc.constant(width), height: fc.constant(height), channels: fc.constant(channels as 1 | 3 | 4) },
        data: fc.uint8Array({ minLength: size, maxLength: size }),
      });
    });
    await fc.assert(
      fc.asyncProperty(picture, async (given) => {
        const { data, info } = await sharp(await buffer(encodePng({ ...given, parts: [given.data] })))
          .raw()
          .toBuffer({ resolveWithObject: true });
        // Grey is given as RGB.
        const colours = given.channels === 1 ? [...given.data].flatMap((grey) => [grey, grey, grey]) : [...given.data];
        expect([info.width, info.height, info.channels]).toEqual([
          given.width,
          given.height,
          Math.max(given.channels, 3),
        ]);
        expect([...data]).toEqual(colours);
      }),
    );
  });

  test('large pictures are drawn and written rows by rows', async () => {
    const [width, height] = [701, 303]; // three times what is drawn at once, and a rest
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7) % 251);
    const labels = Uint8Array.from({ length: width * height }, (_, at) => at % 23);
    const [picture, map] = [
      { width, height, channels: 3 as const, data },
      { width, height, labels },
    ];
    let most = 0;
    const parts = drawnParts(picture, map, 3, (part, ofPart) => {
      most = Math.max(most, part.data.length);
      return overlay(part, ofPart);
    });
    const found = await sharp(await buffer(encodePng(parts)))
      .raw()
      .toBuffer();
    expect(Buffer.from(overlay(picture, map).data).equals(found)).toBe(true);
    expect(most).toBeLessThan(data.length / 2);
    const whole = await sharp(await buffer(encodePng({ ...picture, parts: [data] })))
      .raw()
      .toBuffer();
    expect(whole.equals(data)).toBe(true);
    const { labels: back } = await decodeLabelPng(await buffer(encodeLabelPng(map)), 'map');
    expect(Buffer.from(back).equals(labels)).toBe(true);
  });

  test('grey files hold labels too', async () => {
    const grey = await sharp(Buffer.from([3, 7]), { raw: { width: 2, height: 1, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect([...(await decodeLabelPng(grey, 'grey')).labels]).toEqual([3, 7]);
  });

  test.skipIf(noData)("Pascal VOC's own masks (needs DEPTHWISE_DATA)", async () => {
    const file = await readFile(dataPath('voc100', 'masks', '2007_000033.png'));
    const { labels } = await decodeLabelPng(file, 'mask');
    expect(new Set(labels)).toEqual(new Set([0, 1, 255])); // aeroplanes and their borders
  });

  test('refuses what is none', async () => {
    const rgb = await sharp(Buffer.from([1, 2, 3]), { raw: { width: 1, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    await expect(decodeLabelPng(rgb, 'rgb.png')).rejects.toThrow(
      'rgb.png: wanted labels, which are a PNG with a palette',
    );
    const wide = await buffer(encodeLabelPng({ width: 40_000, height: 1, labels: new Uint8Array(40_000) }));
    await expect(decodeLabelPng(wide, 'wide')).rejects.toThrow(
      'wide: cannot be decoded: has 40000×1 pixels, more than 32768 along a side (maxSide, --max-side)',
    );
    expect((await decodeLabelPng(wide, 'wide', { maxSide: 40_000 })).width).toBe(40_000);
    await expect(decodeLabelPng(new Uint8Array(50), 'x')).rejects.toThrow('x: wanted a PNG of labels');
    const file = await buffer(encodeLabelPng({ width: 1, height: 1, labels: Uint8Array.of(1) }));
    await expect(decodeLabelPng(file.subarray(0, file.length - 20), 'cut')).rejects.toThrow('cut: cannot be decoded');
    const twice = await buffer(
      encodeLabelPng({ width: 1, height: 1, labels: Uint8Array.of(1) }, [
        [0, 0, 0],
        [9, 9, 9],
        [9, 9, 9],
      ]),
    );
    await expect(decodeLabelPng(twice, 'twice')).rejects.toThrow('twice: its palette has one colour for two labels');
  });
});

test('paletteFor: Cityscapes by its labels', () => {
  expect(paletteFor(undefined)[1]).toEqual([128, 0, 0]);
  expect(paletteFor(['background', 'cat'])[1]).toEqual([128, 0, 0]);
});

test('cutOut: other classes are transparent', () => {
  const picture = { width: 3, height: 1, channels: 1 as const, data: Uint8Array.of(10, 20, 30) };
  const map = { width: 3, height: 1, labels: Uint8Array.of(0, 2, 255) };
  expect([...cutOut(picture, map).data]).toEqual([10, 10, 10, 0, 20, 20, 20, 255, 30, 30, 30, 0]);
  expect([...cutOut(picture, map, [0]).data].filter((_, at) => at % 4 === 3)).toEqual([255, 0, 0]);
  expect(() => cutOut(picture, { ...map, width: 1 })).toThrow('cutOut: the labels are of 1×1 pixels');
});
