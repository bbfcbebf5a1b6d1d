/** The package's own decoders against sharp's, byte for byte, and what is left to sharp. */
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodePicture } from '../../src/image/decode.js';
import type { Picture } from '../../src/image/picture.js';
import { uniformRandom } from '../../src/random.js';
import { drawn } from './patterns.js';
import { pngChunk, pngFile, pngTypes } from './png-file.js';

/** As RGBA, since one decoder may give a picture without transparent pixels three channels and the other four. */
async function bySharp(bytes: Uint8Array): Promise<Picture> {
  const { data, info } = await sharp(bytes, { failOn: 'error', page: 0, pages: 1, ignoreIcc: true })
    .autoOrient()
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 4, data };
}

function withAlpha({ width, height, channels, data }: Picture): Picture {
  if (channels === 4) return { width, height, channels, data };
  return drawn(width, height, 4, (x, y, c) =>
    c === 3 ? 255 : data[(y * width + x) * channels + (channels === 1 ? 0 : c)],
  );
}

async function expectAsSharp(bytes: Uint8Array, name: string): Promise<void> {
  const found = withAlpha(await decodePicture(bytes, name));
  const wanted = await bySharp(bytes);
  expect([found.width, found.height], name).toEqual([wanted.width, wanted.height]);
  expect(Buffer.compare(Buffer.from(found.data), Buffer.from(wanted.data)), name).toBe(0);
}

const random = uniformRandom(1);
const noise = (width: number, height: number, channels: 3 | 4 = 3) =>
  drawn(width, height, channels, () => Math.floor(256 * random()));
const smooth = (width: number, height: number) =>
  drawn(width, height, 3, (x, y, c) => 128 + 60 * Math.sin((x + 3 * y) / 17 + c) + 60 * Math.cos((x * y) / 200));
const encoder = ({ width, height, channels, data }: Picture) => sharp(data, { raw: { width, height, channels } });

const SIZES = [
  [1, 1],
  [1, 9],
  [7, 1],
  [8, 8],
  [15, 17],
  [33, 16],
  [101, 57],
] as const;

test.each(SIZES)('JPEG of %i × %i', async (width, height) => {
  for (const source of [noise(width, height), smooth(width, height)]) {
    for (const progressive of [false, true]) {
      for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
        for (const quality of [20, 75, 95]) {
          const options = { quality, progressive, chromaSubsampling };
          await expectAsSharp(await encoder(source).jpeg(options).toBuffer(), JSON.stringify(options));
          const grey = encoder(source).toColourspace('b-w').jpeg(options);
          await expectAsSharp(await grey.toBuffer(), `grey ${JSON.stringify(options)}`);
        }
      }
    }
  }
});

test.each(SIZES)('WebP of %i × %i', async (width, height) => {
  for (const source of [noise(width, height), smooth(width, height), noise(width, height, 4)]) {
    for (const options of [{ quality: 30 }, { quality: 90 }, { lossless: true }, { nearLossless: true }]) {
      await expectAsSharp(await encoder(source).webp(options).toBuffer(), JSON.stringify(options));
    }
  }
});

test.each(pngTypes)(
  'PNG: colour type $colour, $bits bits, interlaced $interlaced, transparent $transparent',
  async (type) => {
    for (const [width, height] of SIZES)
      await expectAsSharp(pngFile(type, width, height, random), `${width}×${height}`);
  },
);

test('GIF: still, interlaced, transparent, of few and of many colours', async () => {
  for (const [width, height] of SIZES) {
    const spots = drawn(width, height, 4, (x, y, c) =>
      c === 3 ? ((x * y) % 3 === 0 ? 0 : 255) : (40 * x + 9 * y) % 256,
    );
    for (const source of [noise(width, height), smooth(width, height), spots]) {
      for (const options of [{ colours: 2 }, { colours: 16 }, { colours: 256 }, { progressive: true }]) {
        await expectAsSharp(
          await encoder(source).gif(options).toBuffer(),
          `${width}×${height} ${JSON.stringify(options)}`,
        );
      }
    }
  }
});

describe('the first frame of an animation', () => {
  const frames = [noise(24, 10), smooth(24, 10)];
  const data = Buffer.concat(frames.map((frame) => Buffer.from(frame.data)));
  const animation = () => sharp(data, { raw: { width: 24, height: 20, channels: 3, pageHeight: 10 } });
  test.each([
    ['GIF', () => animation().gif({ delay: [50, 50] })],
    ['WebP', () => animation().webp({ delay: [50, 50], quality: 80 })],
    ['lossless WebP', () => animation().webp({ delay: [50, 50], lossless: true })],
  ])('%s', async (name, encode) => {
    const bytes = await encode().toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    await expectAsSharp(bytes, name);
  });
});

describe('EXIF orientation', () => {
  const source = smooth(21, 13);
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i', async (orientation) => {
    const tagged = () => encoder(source).withMetadata({ orientation });
    await expectAsSharp(await tagged().jpeg().toBuffer(), 'JPEG');
    await expectAsSharp(await tagged().webp().toBuffer(), 'WebP');
    await expectAsSharp(await tagged().png().toBuffer(), 'PNG');
  });

  test('both byte orders, wrong types and places that lie outside', async () => {
    const jpeg = await encoder(source).jpeg().toBuffer();
    const exif = (...bytes: number[]) => {
      const segment = [...Array.from('Exif\0\0', (character) => character.charCodeAt(0)), ...bytes];
      return Buffer.concat([
        jpeg.subarray(0, 2),
        Buffer.from([0xff, 0xe1, 0, segment.length + 2, ...segment]),
        jpeg.subarray(2),
      ]);
    };
    const big = [77, 77, 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
    const little = [73, 73, 42, 0, 8, 0, 0, 0, 1, 0, 18, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
    for (const block of [big, little]) {
      const { width, height } = await decodePicture(exif(...block));
      expect([width, height]).toEqual([13, 21]);
    }
    const change = (at: number, byte: number) => big.map((old, i) => (i === at ? byte : old));
    for (const block of [change(19, 9), change(13, 4), change(4, 99), big.slice(0, 14), []]) {
      const { width, height } = await decodePicture(exif(...block));
      expect([width, height]).toEqual([21, 13]);
    }
  });
});

test('PNG with chunks that nobody knows, and bytes after its end', async () => {
  const png = pngFile(pngTypes[0], 9, 9, random);
  const more = Uint8Array.from([...png.subarray(0, 33), ...pngChunk('quIZ', [1, 2, 3]), ...png.subarray(33), 1, 2, 3]);
  await expectAsSharp(more, 'quIZ');
});

test('JPEG with restart markers, written by hand: three blocks of one grey each', async () => {
  const segment = (marker: number, ...data: number[]) => [0xff, marker, 0, data.length + 2, ...data];
  const codes = (...counts: number[]) => [...counts, ...new Array(16 - counts.length).fill(0)]; // how many of 1, 2, … bits
  const bytes = Uint8Array.from([
    ...[0xff, 0xd8],
    ...segment(0xdb, 0, ...new Array(64).fill(8)), // every coefficient in steps of 8, so that DC counts in grey levels
    ...segment(0xc0, 8, 0, 8, 0, 24, 1, 1, 0x11, 0), // 24 × 8, grey
    ...segment(0xc4, 0x00, ...codes(1, 1), 0, 5), // DC: 0 is no difference, 10 is one of 5 bits
    ...segment(0xc4, 0x10, ...codes(1), 0), // AC: 0 ends the block
    ...segment(0xdd, 0, 1), // restart after every block: the difference is to 128 again
    ...segment(0xda, 1, 1, 0, 0, 63, 0),
    ...[0b10_10100_0, 0xff, 0xd0], // + 20
    ...[0b10_01011_0, 0xff, 0xd1], // - 20
    ...[0b0_0_111111, 0xff, 0xd9], // 0
  ]);
  const { data } = await decodePicture(bytes, 'restarts');
  expect([0, 8, 16].map((x) => data[3 * x])).toEqual([148, 108, 128]);
  await expectAsSharp(bytes, 'restarts');
});

describe('damage', () => {
  const jpeg = () => encoder(smooth(160, 120)).jpeg().toBuffer();

  test('a picture is decoded as before after one that was damaged', async () => {
    const kinds = [
      await jpeg(),
      await encoder(noise(40, 30)).png().toBuffer(),
      await encoder(noise(40, 30)).webp().toBuffer(),
    ];
    for (const bytes of kinds) {
      for (let i = 0; i < 50; i++) {
        const damaged = Uint8Array.from(bytes).fill(i, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 40);
        await decodePicture(damaged).catch(() => undefined);
      }
      await expectAsSharp(bytes, 'after damage');
    }
  });

  test('bytes between two segments of a JPEG are passed over; a missing end is an error', async () => {
    const bytes = await jpeg();
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
    const withExtra = Buffer.concat([bytes.subarray(0, frame), Buffer.from([0, 1, 2]), bytes.subarray(frame)]);
    await expectAsSharp(withExtra, 'extraneous bytes');
    await expect(decodePicture(bytes.subarray(0, -2), 'x.jpg')).rejects.toThrow(
      `x.jpg: this JPEG of ${bytes.length - 2} bytes is cut off or damaged: it ends inside its pixels`,
    );
  });

  test('libjpeg says what is wrong', async () => {
    const bytes = await jpeg();
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]));
    bytes.fill(0x3f, scan + 60, scan + 200);
    await expect(decodePicture(bytes, 'x.jpg')).rejects.toThrow(/is cut off or damaged: Corrupt JPEG data: \w/);
  });
});

test('decoding leaves no ImageData behind in Node', async () => {
  await decodePicture(await encoder(noise(9, 9)).jpeg().toBuffer());
  expect('ImageData' in globalThis).toBe(false);
});

describe('what takes sharp', () => {
  afterEach(() => {
    vi.doUnmock('sharp');
    vi.resetModules();
  });
  const blocks = smooth(20, 12);
  const kinds: [kind: string, () => Promise<Buffer>][] = [
    ['a TIFF picture', () => encoder(blocks).tiff().toBuffer()],
    ['an AVIF picture', () => encoder(blocks).avif().toBuffer()],
    ['a JPEG in CMYK', () => encoder(blocks).toColourspace('cmyk').jpeg().toBuffer()],
  ];

  test.each(kinds)('%s is decoded with it', async (kind, encode) => {
    await expectAsSharp(await encode(), kind);
  });

  test.each(kinds)('%s without it: the error says what to install', async (kind, encode) => {
    const bytes = await encode();
    vi.resetModules();
    vi.doMock('sharp', () => {
      throw new Error('Cannot find package');
    });
    const { decodePicture: alone } = await import('../../src/image/decode.js');
    await expect(alone(bytes, 'x.pic')).rejects.toThrow(
      `x.pic: found ${kind}, which takes the package sharp: npm install sharp`,
    );
  });

  test.each(kinds)('%s, cut off', async (kind, encode) => {
    const bytes = await encode();
    const cut = bytes.subarray(0, bytes.length - 30);
    await expect(decodePicture(cut, 'x.pic')).rejects.toThrow(
      `x.pic: found ${kind} of ${cut.length} bytes that is cut off or damaged: `,
    );
  });

  test('a TIFF of more pixels than allowed', async () => {
    const bytes = await encoder(blocks).tiff().toBuffer();
    await expect(decodePicture(bytes, 'x.tif', { maxPixels: 100 })).rejects.toThrow(
      'x.tif: a TIFF picture of 970 bytes has 20×12 pixels, more than 100 (maxPixels, --max-pixels)',
    );
  });
});

test('a header that promises more pixels than allowed is refused before anything is decoded', async () => {
  const huge = { JPEG: await encoder(noise(9, 9)).jpeg().toBuffer(), PNG: await encoder(noise(9, 9)).png().toBuffer() };
  const frame = huge.JPEG.indexOf(Buffer.from([0xff, 0xc0]));
  huge.JPEG.fill(0xff, frame + 5, frame + 9);
  huge.PNG.fill(0x7f, 16, 24);
  const sizes = { JPEG: '65535×65535', PNG: '2139062143×2139062143' };
  for (const [format, bytes] of Object.entries(huge)) {
    const size = sizes[format as keyof typeof sizes];
    await expect(decodePicture(bytes, 'x')).rejects.toThrow(
      `x: this ${format} of ${bytes.length} bytes has ${size} pixels, more than 32768 along a side (maxSide, --max-side)`,
    );
    await expect(decodePicture(bytes, 'x', { maxSide: Infinity })).rejects.toThrow(
      `x: this ${format} of ${bytes.length} bytes has ${size} pixels, more than 50000000 (maxPixels, --max-pixels)`,
    );
  }
});

test('any bytes after a signature are a picture or an error, and soon', async () => {
  const starts = [
    [0xff, 0xd8, 0xff],
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    Array.from('RIFF\0\0\0\0WEBP', (character) => character.charCodeAt(0)),
    Array.from('GIF89a', (character) => character.charCodeAt(0)),
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), async (start, rest) => {
      const result = await decodePicture(Uint8Array.from([...start, ...rest]), 'odd').catch((error) => error.message);
      if (typeof result === 'string') expect(result).toMatch(/^odd: this \w+ of \d+ bytes (is cut off or damaged|has)/);
    }),
    { numRuns: 500 },
  );
});
