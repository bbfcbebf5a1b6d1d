/** A film for Chromium's fake camera: raw YUV4MPEG2, half a second of each picture, 30 frames a second, which the camera repeats. */
import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';

export async function writeFilm(path: string, pictures: readonly string[], width = 640, height = 480): Promise<void> {
  const parts: Uint8Array[] = [Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`)];
  for (const picture of pictures) {
    const rgb = await sharp(picture).resize(width, height, { fit: 'fill' }).raw().toBuffer();
    const frame = Buffer.concat([Buffer.from('FRAME\n'), toYuv420(rgb, width, height)]);
    for (let n = 0; n < 15; n++) parts.push(frame);
  }
  await writeFile(path, Buffer.concat(parts));
}

/** BT.601 in full range: Y of every pixel, then Cb and Cr of every second in every second row. */
function toYuv420(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const size = width * height;
  const yuv = new Uint8ClampedArray(size * 1.5);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const [r, g, b] = rgb.subarray(3 * at, 3 * at + 3);
      yuv[at] = 0.299 * r + 0.587 * g + 0.114 * b;
      if (x % 2 === 1 || y % 2 === 1) continue;
      const colour = size + ((y / 2) * width) / 2 + x / 2;
      yuv[colour] = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b;
      yuv[colour + size / 4] = 128 + 0.5 * r - 0.418688 * g - 0.081312 * b;
    }
  }
  return new Uint8Array(yuv.buffer);
}
