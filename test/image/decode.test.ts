/** Decoding, against pictures whose pixels are known: written by sharp without loss, or read by Pillow (see goldens.py). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PictureError } from '../../src/errors.js';
import { decodePicture, readPicture } from '../../src/image/decode.js';
import { checkPicture, type Picture, toRgb } from '../../src/image/picture.js';
import { dataPath, noData } from '../data.js';
import { drawn, pattern } from './patterns.js';
import { pngFile } from './png-file.js';

const toSharp = ({ width, height, channels, data }: Picture) => sharp(data, { raw: { width, height, channels } });
const colours = pattern(19, 13, 3);
const greys = pattern(19, 13, 1);
const stacked = drawn(19, 13, 3, (x, y) => greys.data[y * 19 + x]);

/** No transparent pixel, so that no encoder throws its colour away. */
const veiled = drawn(19, 13, 4, (x, y, c) => (c === 3 ? 1 + ((x * 13 + y) % 255) : (31 * x + 17 * y + 71 * c) % 256));

const expectSame = (found: Picture, wanted: Picture): void => {
  expect([found.width, found.height, found.channels]).toEqual([wanted.width, wanted.height, wanted.channels]);
  expect(Buffer.compare(Buffer.from(found.data), Buffer.from(wanted.data))).toBe(0);
};

describe('without loss', () => {
  test.each<[string, () => Promise<Uint8Array>, Picture]>([
    ['PNG', () => toSharp(colours).png().toBuffer(), colours],
    ['interlaced PNG', () => toSharp(colours).png({ progressive: true }).toBuffer(), colours],
    ['PNG with alpha', () => toSharp(veiled).png().toBuffer(), veiled],
    ['grey PNG, stacked', () => toSharp(greys).toColourspace('b-w').png().toBuffer(), stacked],
    ['WebP', () => toSharp(colours).webp({ lossless: true }).toBuffer(), colours],
    ['WebP with alpha', () => toSharp(veiled).webp({ lossless: true, exact: true }).toBuffer(), veiled],
  ])('%s', async (name, encode, wanted) => {
    expectSame(await decodePicture(await encode(), name), wanted);
  });

  test('PNG of a palette', async () => {
    const four = drawn(8, 8, 3, (x, y, c) => [0, 85, 170, 255][(x + y + c) % 4]);
    const bytes = await toSharp(four).png({ palette: true, colours: 16, dither: 0 }).toBuffer();
    expect((await sharp(bytes).metadata()).isPalette).toBe(true);
    expectSame(await decodePicture(bytes), four);
  });

  test('grey PNG with alpha', async () => {
    const pairs = Uint8Array.from({ length: 2 * 4 }, (_, i) => [10, 255, 20, 128, 30, 64, 40, 1][i]);
    const bytes = await sharp(pairs, { raw: { width: 2, height: 2, channels: 2 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const { channels, data } = await decodePicture(bytes);
    expect(channels).toBe(4);
    expect(Array.from(data)).toEqual([
      ...[10, 10, 10, 255, 20, 20, 20, 128],
      ...[30, 30, 30, 64, 40, 40, 40, 1], //
    ]);
  });

  test('PNG of 16 bits keeps the upper 8', async () => {
    const wide = Uint16Array.from([0, 0x00ff, 0x0100, 0x7fff, 0x8000, 0xffff]);
    const bytes = await sharp(wide, { raw: { width: 2, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    expect(Array.from((await decodePicture(bytes)).data)).toEqual([0, 0, 1, 0x7f, 0x80, 0xff]);
  });

  test('the first frame of a GIF', async () => {
    const frame = (byte: number) => drawn(4, 4, 3, () => byte);
    const both = drawn(4, 8, 3, (_, y) => (y < 4 ? 255 : 0)).data;
    const bytes = await sharp(both, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
      .gif({ delay: [100, 100] })
      .toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    expectSame(toRgb(await decodePicture(bytes)), frame(255));
  });
});

describe('JPEG', () => {
  const smooth = drawn(32, 24, 3, (x, y, c) => 40 + 4 * x + 3 * y + 10 * c);

  test.each<[string, () => Promise<Uint8Array>]>([
    ['baseline', () => toSharp(smooth).jpeg({ quality: 95 }).toBuffer()],
    ['progressive', () => toSharp(smooth).jpeg({ quality: 95, progressive: true }).toBuffer()],
    ['without chroma subsampling', () => toSharp(smooth).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer()],
  ])('%s stays close to what was encoded', async (_, encode) => {
    const { data } = await decodePicture(await encode());
    expect(Math.max(...data.map((byte, i) => Math.abs(byte - smooth.data[i])))).toBeLessThanOrEqual(10);
  });

  test('grey', async () => {
    const grey = drawn(16, 16, 1, (x, y) => 8 * x + 4 * y);
    const found = await decodePicture(await toSharp(grey).toColourspace('b-w').jpeg({ quality: 95 }).toBuffer());
    expect(found.channels).toBe(3);
    for (let i = 0; i < 256; i++) {
      expect(found.data[3 * i]).toBe(found.data[3 * i + 2]);
      expect(Math.abs(found.data[3 * i] - grey.data[i])).toBeLessThanOrEqual(6);
    }
  });

  test('CMYK becomes RGB: white stays white, black dark, red red', async () => {
    const blocks = drawn(48, 16, 3, (x, _, c) => (x < 16 ? 255 : x < 32 ? 0 : c === 0 ? 255 : 0));
    const bytes = await toSharp(blocks).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe('cmyk');
    const { channels, data } = await decodePicture(bytes);
    expect(channels).toBe(3);
    const at = (x: number) => Array.from(data.slice((8 * 48 + x) * 3, (8 * 48 + x) * 3 + 3));
    expect(Math.min(...at(8))).toBeGreaterThan(240);
    expect(Math.max(...at(24))).toBeLessThan(60);
    const [red, green, blue] = at(40);
    expect(red).toBeGreaterThan(180);
    expect(Math.max(green, blue)).toBeLessThan(90);
  });

  // Four blocks of 16×16: A white, B light, C dark, D black. What each EXIF orientation wants shown (TIFF 6.0, tag 274):
  const levels = { A: 255, B: 170, C: 85, D: 0 };
  test.each([
    [1, 'AB', 'CD'],
    [2, 'BA', 'DC'],
    [3, 'DC', 'BA'],
    [4, 'CD', 'AB'],
    [5, 'AC', 'BD'],
    [6, 'CA', 'DB'],
    [7, 'DB', 'CA'],
    [8, 'BD', 'AC'],
  ])('EXIF orientation %i shows %s over %s', async (orientation, top, bottom) => {
    // 16 wide blocks, 24 high, so that turning swaps the sides
    const blocks = drawn(32, 48, 3, (x, y) => levels['ABCD'[(y < 24 ? 0 : 2) + (x < 16 ? 0 : 1)] as 'A']);
    const bytes = await toSharp(blocks).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer();
    const { width, height, data } = await decodePicture(bytes);
    expect([width, height]).toEqual(orientation <= 4 ? [32, 48] : [48, 32]);
    const level = (right: number, down: number) =>
      data[(Math.floor(height * (0.25 + 0.5 * down)) * width + Math.floor(width * (0.25 + 0.5 * right))) * 3];
    const shown = [level(0, 0), level(1, 0), level(0, 1), level(1, 1)];
    Array.from(top + bottom).forEach((block, i) => {
      expect(Math.abs(shown[i] - levels[block as 'A']), `quarter ${i}`).toBeLessThanOrEqual(4);
    });
  });
});

test('a colour profile changes nothing: the stored bytes are the picture', async () => {
  const bytes = await toSharp(colours).withIccProfile('p3').png().toBuffer();
  const without = withoutChunk(bytes, 'iCCP');
  expect(without.length).toBeLessThan(bytes.length);
  expectSame(await decodePicture(bytes), await decodePicture(without));
});

/** A PNG without the chunks of one type: length, type, data, checksum follow one another after 8 bytes. */
function withoutChunk(png: Buffer, type: string): Buffer {
  const kept = [png.subarray(0, 8)];
  for (let at = 8; at < png.length; ) {
    const end = at + 12 + png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) !== type) kept.push(png.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

describe('BMP, as Pillow reads it', () => {
  interface BmpGolden {
    readonly name: string;
    readonly file: string;
    readonly channels: number;
    readonly pixels: string;
  }
  const { bmps }: { bmps: BmpGolden[] } = JSON.parse(readFileSync(new URL('goldens.json', import.meta.url), 'utf8'));
  const bytesOf = (name: string) => Buffer.from(bmps.find((bmp) => bmp.name === name)!.file, 'base64');

  test.each(bmps.map((bmp) => [bmp.name, bmp] as const))('%s', async (name, { file, channels, pixels }) => {
    const found = await decodePicture(Buffer.from(file, 'base64'), name);
    expect(found.channels).toBe(channels);
    expect(Buffer.from(found.data).toString('base64')).toBe(pixels);
  });

  test('bytes inside a larger buffer', async () => {
    const bytes = bytesOf('24 bits');
    const shifted = new Uint8Array(bytes.length + 11).subarray(5, 5 + bytes.length);
    shifted.set(bytes);
    expectSame(await decodePicture(shifted), await decodePicture(bytes));
  });

  /** The file with some bytes changed. */
  const changed = (name: string, change: (view: DataView) => void): Uint8Array => {
    const bytes = Uint8Array.from(bytesOf(name));
    change(new DataView(bytes.buffer));
    return bytes;
  };

  test.each<[string, Uint8Array, string]>([
    ['no header', bytesOf('24 bits').subarray(0, 17), 'x.bmp: this BMP is cut off: wanted a header, found 17 bytes'],
    [
      'half a header',
      bytesOf('24 bits').subarray(0, 40),
      'x.bmp: this BMP is cut off: wanted 54 bytes of header, found 40',
    ],
    [
      'half a palette',
      bytesOf('8 bits').subarray(0, 100),
      'x.bmp: this BMP is cut off: wanted 1078 bytes of header and palette, found 100',
    ],
    ['half its pixels', bytesOf('24 bits').subarray(0, 100), 'x.bmp: this BMP is cut off: wanted 171 bytes, found 100'],
    [
      'half its runs',
      bytesOf('RLE8').subarray(0, 1100),
      'x.bmp: this BMP is cut off: its runs end after 1100 bytes at row 3',
    ],
    [
      'an unknown header',
      changed('24 bits', (view) => view.setUint32(14, 39, true)),
      'x.bmp: this BMP has a header of 39 bytes; wanted 12, 40, 52, 56, 64, 108, 124',
    ],
    ['no width', changed('24 bits', (view) => view.setInt32(18, 0, true)), 'x.bmp: this BMP has 0×5 pixels'],
    ['negative width', changed('24 bits', (view) => view.setInt32(18, -7, true)), 'x.bmp: this BMP has -7×5 pixels'],
    [
      'three bits',
      changed('8 bits', (view) => view.setUint16(28, 3, true)),
      'x.bmp: this BMP has 3 bits a pixel with compression 0; wanted 1 to 32 bits, plain, RLE or bit fields',
    ],
    [
      'a JPEG inside',
      changed('24 bits', (view) => view.setUint32(30, 4, true)),
      'x.bmp: this BMP has 24 bits a pixel with compression 4; wanted 1 to 32 bits, plain, RLE or bit fields',
    ],
    [
      'top-down runs',
      changed('RLE8', (view) => view.setInt32(22, -5, true)),
      'x.bmp: this BMP is top-down and RLE, which excludes each other',
    ],
    [
      'pixels inside the palette',
      changed('8 bits', (view) => view.setUint32(10, 60, true)),
      'x.bmp: this BMP has its pixels at byte 60, inside its header and palette',
    ],
    [
      'a palette that is too small',
      changed('8 bits', (view) => view.setUint32(46, 2, true)),
      'x.bmp: this BMP uses colour',
    ],
    [
      'an empty mask',
      changed('16 bits, masks 5-6-5', (view) => view.setUint32(58, 0, true)),
      'x.bmp: this BMP has an empty colour mask: f800,0,1f',
    ],
    [
      'a size that its bytes cannot hold',
      changed('24 bits', (view) => view.setInt32(22, 1000, true)),
      'x.bmp: this BMP is cut off: wanted 24051 bytes, found 174',
    ],
    [
      'a monstrous size',
      changed('24 bits', (view) => view.setInt32(18, 0x7fffffff, true)),
      'x.bmp: this BMP of 174 bytes has 2147483647×5 pixels, more than 32768 along a side (maxSide, --max-side)',
    ],
  ])('%s', async (_, bytes, message) => {
    await expect(decodePicture(bytes, 'x.bmp')).rejects.toThrow(message);
  });
});

describe.skipIf(noData)('photographs are the same bytes as in Pillow (needs DEPTHWISE_DATA)', () => {
  const { pictures }: { pictures: [path: string, sha256: string][] } = JSON.parse(
    readFileSync(new URL('goldens.json', import.meta.url), 'utf8'),
  );
  test.each(pictures)('%s', async (path, sha256) => {
    const { data } = toRgb(await readPicture(dataPath('images', path)));
    expect(createHash('sha256').update(data).digest('hex').slice(0, 16)).toBe(sha256);
  });
});

describe('what is no picture', () => {
  const text = (content: string) => new TextEncoder().encode(content);
  const wanted = 'wanted JPEG, PNG, WebP, GIF or BMP';

  test.each<[string, Uint8Array, string]>([
    ['empty', new Uint8Array(0), 'an empty file'],
    ['HTML', text('\n<!DOCTYPE html><html>'), 'an HTML page, as servers send for a wrong address'],
    ['HTML after a byte order mark', text('\uFEFF<html>'), 'an HTML page, as servers send for a wrong address'],
    ['SVG', text('<svg xmlns="">'), 'an SVG or XML text'],
    ['LFS', text('version https://git-lfs.github.com/spec/v1'), 'a Git LFS pointer instead of the file itself'],
    ['HEIC', text('\0\0\0 ftypheic'), 'a HEIC picture'],
    ['PDF', text('%PDF-1.7'), 'a PDF document'],
    ['a model', text(' \0\0\0TFL3'), 'a TensorFlow Lite model'],
    ['noise', Uint8Array.from([1, 2, 3, 250]), '4 bytes that begin with 01 02 03 fa'],
    ['one byte', Uint8Array.from([0xff]), '1 bytes that begin with ff'],
  ])('%s', async (_, bytes, found) => {
    await expect(decodePicture(bytes, 'cat.jpg')).rejects.toThrow(
      new PictureError(`cat.jpg: found ${found}; ${wanted}`),
    );
  });
});

describe('files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'depthwise-picture-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('the bytes decide, not the name', async () => {
    const path = join(folder, 'really-a-png.jpg');
    await writeFile(path, await toSharp(colours).png().toBuffer());
    expectSame(await readPicture(path), colours);
  });

  test('no such file', async () => {
    const path = join(folder, 'missing.jpg');
    await expect(readPicture(path)).rejects.toThrow(new PictureError(`${path}: there is no such file or folder`));
  });

  test('a folder', async () => {
    await expect(readPicture(folder)).rejects.toThrow(new PictureError(`${folder}: is a folder, not a file`));
  });

  test.each(['astronaut', 'chelsea', 'coffee', 'rocket'])('the bundled %s.jpg', async (name) => {
    const { width, height, channels } = await readPicture(
      new URL(`../../assets/pictures/${name}.jpg`, import.meta.url).pathname,
    );
    expect(Math.max(width, height)).toBe(256);
    expect(channels).toBe(3);
  });
});

describe('damaged files', () => {
  const large = pattern(64, 48, 3);
  const encoders: [string, () => Promise<Buffer>][] = [
    ['JPEG', () => toSharp(large).jpeg().toBuffer()],
    ['progressive JPEG', () => toSharp(large).jpeg({ progressive: true }).toBuffer()],
    ['PNG', () => toSharp(large).png().toBuffer()],
    ['WebP', () => toSharp(large).webp().toBuffer()],
    ['lossless WebP', () => toSharp(large).webp({ lossless: true }).toBuffer()],
    ['GIF', () => toSharp(large).gif().toBuffer()],
  ];

  test.each(encoders)('%s, cut off at forty places', async (_, encode) => {
    const bytes = await encode();
    for (let i = 0; i < 40; i++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * i) / 41));
      const error = await decodePicture(cut, 'cut.pic').catch((caught) => caught);
      expect(error, `${cut.length} of ${bytes.length} bytes`).toBeInstanceOf(PictureError);
      expect(error.message).toMatch(/^cut\.pic: (found|this \w+ of \d+ bytes is cut off or damaged: \S)/);
      expect(error.message).not.toContain('\n');
    }
  });

  test.each(encoders)('%s with wrong bytes gives a picture or a PictureError', async (_, encode) => {
    const bytes = await encode();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const damaged = Uint8Array.from(bytes);
          for (const [at, byte] of changes) damaged[at] = byte;
          await expectPictureOrError(damaged);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('BMP with wrong bytes gives a picture or a PictureError', async () => {
    const { bmps }: { bmps: { file: string }[] } = JSON.parse(
      readFileSync(new URL('goldens.json', import.meta.url), 'utf8'),
    );
    const files = bmps.map(({ file }) => Buffer.from(file, 'base64'));
    const edits = fc.array(fc.tuple(fc.nat(70), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), edits, fc.nat(1200), async (file, changes, length) => {
        const damaged = Uint8Array.from(file.subarray(0, 30 + length));
        for (const [at, byte] of changes) if (at >= 2 && at < damaged.length) damaged[at] = byte;
        await expectPictureOrError(damaged, 1_000_000);
      }),
      { numRuns: 1000 },
    );
  });

  async function expectPictureOrError(bytes: Uint8Array, maxPixels?: number): Promise<void> {
    const before = bytes.slice();
    const result = await decodePicture(bytes, 'odd', maxPixels ? { maxPixels } : {}).catch((caught) => caught);
    if (result instanceof Error) {
      expect(result).toBeInstanceOf(PictureError);
      expect(result.message).toMatch(/^odd: /);
    } else checkPicture(result);
    expect(Buffer.compare(bytes, before)).toBe(0);
  }
});

test.each([
  [
    'PNG',
    () => toSharp(colours).png().toBuffer(),
    'big: this PNG of 1 bytes has 19×13 pixels, more than 100 (maxPixels, --max-pixels)',
  ],
  [
    'JPEG',
    () => toSharp(colours).jpeg().toBuffer(),
    'big: this JPEG of 1 bytes has 19×13 pixels, more than 100 (maxPixels, --max-pixels)',
  ],
])('%s of more pixels than allowed', async (_, encode, message) => {
  const bytes = await encode();
  await expect(decodePicture(bytes, 'big', { maxPixels: 100 })).rejects.toThrow(
    message.replace('of 1 bytes', `of ${bytes.length} bytes`),
  );
});

test.each([
  [10, 10_000_000],
  [3, 3_000_000],
  [100_000_000, 1],
  [1, 100_000_000],
])(
  'a strip of %i×%i pixels is refused by its header; with a larger maxSide it may be decoded',
  async (width, height) => {
    const file = Uint8Array.from(pngFile({ colour: 0, bits: 1, interlaced: false, transparent: false }, 8, 8, () => 0));
    const view = new DataView(file.buffer);
    view.setUint32(16, width);
    view.setUint32(20, height);
    await expect(decodePicture(file, 'strip')).rejects.toThrow(
      `strip: this PNG of ${file.length} bytes has ${width}×${height} pixels, more than 32768 along a side (maxSide, --max-side)`,
    );
    const small = Uint8Array.from(
      pngFile({ colour: 0, bits: 1, interlaced: false, transparent: false }, 8, 2, () => 0),
    );
    expect(await decodePicture(small, 'strip', { maxSide: 8, maxPixels: 16 })).toMatchObject({ width: 8, height: 2 });
    await expect(decodePicture(small, 'strip', { maxSide: 7 })).rejects.toThrow(
      'has 8×2 pixels, more than 7 along a side',
    );
    await expect(decodePicture(small, 'strip', { maxPixels: 15 })).rejects.toThrow('has 8×2 pixels, more than 15 (');
  },
);

test('the frame of an animated WebP is not larger than the canvas that was allowed', async () => {
  const large = new Uint8Array(
    await sharp({ create: { width: 9, height: 7, channels: 3, background: 'red' } })
      .webp({ lossless: true })
      .toBuffer(),
  );
  const chunk = large.subarray(12);
  const uint = (value: number, bytes: number) => Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);
  const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));
  const file = (width: number, height: number) => {
    const canvas = [...uint(width - 1, 3), ...uint(height - 1, 3)];
    const frame = [...uint(0, 6), ...canvas, ...uint(50, 3), 0, ...chunk];
    const body = [
      ...[...ascii('WEBPVP8X'), ...uint(10, 4), 2, 0, 0, 0, ...canvas],
      ...[...ascii('ANIM'), ...uint(6, 4), 0, 0, 0, 0, 0, 0],
      ...[...ascii('ANMF'), ...uint(frame.length, 4), ...frame],
    ];
    return Uint8Array.from([...ascii('RIFF'), ...uint(body.length, 4), ...body]);
  };
  expect(await decodePicture(file(9, 7), 'x')).toMatchObject({ width: 9, height: 7 });
  await expect(decodePicture(file(8, 7), 'x')).rejects.toThrow(
    'is cut off or damaged: its first frame leaves the canvas',
  );
  await expect(decodePicture(file(9, 6), 'x')).rejects.toThrow(
    'is cut off or damaged: its first frame leaves the canvas',
  );
});
