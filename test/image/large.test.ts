/** Pictures of many pixels: what they take, and that they are the same pixels as small ones would be. */
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodePicture } from '../../src/image/decode.js';

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 100, b: 50 } }, limitInputPixels: false });

/** The first test of the file: what the process held at most does not fall again. */
test('a JPEG of 50 megapixels takes its RGBA and little more', async () => {
  const bytes = await plain(8660, 5773).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
  const held = process.resourceUsage().maxRSS;
  const { width, height, channels, data } = await decodePicture(bytes);
  expect({ width, height, channels, length: data.length }).toEqual({
    width: 5773,
    height: 8660,
    channels: 3,
    length: 8660 * 5773 * 3,
  });
  expect([...data.subarray(0, 3), ...data.subarray(-3)]).toEqual([200, 100, 50, 200, 100, 50]);
  expect(process.resourceUsage().maxRSS - held).toBeLessThan(240_000);
});

/** Of more than 64 MiB of RGBA: no two rows and no two columns are the same. */
const [width, height] = [4611, 3701];
const pixels = Buffer.alloc(width * height * 3);
for (let y = 0, at = 0; y < height; y++) {
  for (let x = 0; x < width; x++, at += 3) pixels.writeUIntBE(((x * 4096 + y) ^ (y << 9)) & 0xffffff, at, 3);
}
const large = sharp(pixels, { raw: { width, height, channels: 3 } });

test.each([
  ['a JPEG', () => large.clone().jpeg({ quality: 50 })],
  ['a JPEG turned by 90°', () => large.clone().jpeg({ quality: 50 }).withMetadata({ orientation: 6 })],
  ['a PNG', () => large.clone().png({ compressionLevel: 1 })],
  ['a WebP with alpha', () => large.clone().ensureAlpha(0.5).webp({ lossless: true, effort: 0 })],
])('%s has the pixels that sharp reads', async (_, encode) => {
  const bytes = await encode().toBuffer();
  const { data, info } = await sharp(bytes).autoOrient().raw().toBuffer({ resolveWithObject: true });
  const found = await decodePicture(bytes);
  expect([found.width, found.height, found.channels]).toEqual([info.width, info.height, info.channels]);
  expect(data.equals(found.data as Uint8Array)).toBe(true);
});

/** What a decoder holds beside the file, by the kind of file; the file is given 50 megapixels by its header. */
test.each([
  ['JPEG', () => plain(9, 9).jpeg({ progressive: true, chromaSubsampling: '4:2:0' }), 350],
  ['JPEG', () => plain(9, 9).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }), 500],
  ['PNG', () => plain(9, 9).png(), 350],
  ['PNG', () => plain(9, 9).ensureAlpha(0.5).png(), 400],
  ['PNG', () => plain(9, 9).png({ palette: true }), 400],
  ['PNG', () => plain(9, 9).toColourspace('rgb16').png(), 500],
  ['PNG', () => plain(9, 9).toColourspace('b-w').png(), 250],
  ['WebP', () => plain(9, 9).webp({ lossless: true }), 400],
  ['GIF', () => plain(9, 9).gif(), 250],
])('%s of 50 megapixels that would take too much', async (format, encode, megabytes) => {
  const bytes = await encode().toBuffer();
  setSize[format as keyof typeof setSize](bytes, 10_000, 5_000);
  // A byte more than so many megabytes: the file and its copy.
  await expect(decodePicture(bytes, 'photo')).rejects.toThrow(
    `photo: this ${format} of ${bytes.length} bytes has 10000×5000 pixels, which take ${megabytes + 1} MB to decode, more than 240 (allow so many pixels: maxPixels, --max-pixels)`,
  );
});

test('pixels that are allowed by their number may take what they take', async () => {
  const bytes = await plain(9, 9).jpeg({ progressive: true }).toBuffer();
  setSize.JPEG(bytes, 10_000, 5_000);
  const cut = bytes.subarray(0, -2);
  await expect(decodePicture(cut, 'photo', { maxPixels: 5e7 })).rejects.toThrow(
    `photo: this JPEG of ${cut.length} bytes is cut off or damaged: it ends inside its pixels`,
  );
});

const setSize = {
  JPEG(bytes: Buffer, width: number, height: number) {
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc2]));
    bytes.writeUInt16BE(height, frame + 5);
    bytes.writeUInt16BE(width, frame + 7);
  },
  PNG(bytes: Buffer, width: number, height: number) {
    bytes.writeUInt32BE(width, 16);
    bytes.writeUInt32BE(height, 20);
  },
  WebP(bytes: Buffer, width: number, height: number) {
    bytes.writeUInt32LE(((height - 1) << 14) | (width - 1), bytes.indexOf('VP8L') + 9);
  },
  GIF(bytes: Buffer, width: number, height: number) {
    bytes.writeUInt16LE(width, 6);
    bytes.writeUInt16LE(height, 8);
  },
};
