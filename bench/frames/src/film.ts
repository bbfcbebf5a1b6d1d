/** A film for Chromium's fake camera, made of the bundled pictures: YUV4MPEG2, 4:2:0, that moves, so that no frame is the one before. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { REPOSITORY } from './publish.js';

const PICTURES = ['chelsea.jpg', 'coffee.jpg', 'astronaut.jpg'];
const FRAMES_A_PICTURE = 10;
/** Pixels that the view moves to the right from one frame to the next. */
const STEP = 4;

export interface FilmSize {
  readonly width: number;
  readonly height: number;
}

/** Writes the film to `path`. Both sides must be even. */
export async function writeFilm(path: string, { width, height }: FilmSize): Promise<void> {
  const parts: Uint8Array[] = [Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`)];
  const wide = width + STEP * FRAMES_A_PICTURE;
  for (const name of PICTURES) {
    const file = join(REPOSITORY, 'assets/pictures', name);
    const rgb = await sharp(file).resize(wide, height, { fit: 'cover' }).removeAlpha().raw().toBuffer();
    for (let frame = 0; frame < FRAMES_A_PICTURE; frame++) {
      parts.push(Buffer.from('FRAME\n'), toYuv420(rgb, wide, frame * STEP, { width, height }));
    }
  }
  await writeFile(path, Buffer.concat(parts));
}

/** The view of `width` pixels from column `left` on, in full-range BT.601 (JFIF, §7); colours of 2 × 2 pixels are taken from the first. */
function toYuv420(rgb: Uint8Array, wide: number, left: number, { width, height }: FilmSize): Uint8Array {
  const luma = width * height;
  const chroma = luma / 4;
  const yuv = new Uint8Array(luma + 2 * chroma);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * wide + left + x);
      const [r, g, b] = [rgb[at], rgb[at + 1], rgb[at + 2]];
      yuv[y * width + x] = 0.299 * r + 0.587 * g + 0.114 * b;
      if (x % 2 === 1 || y % 2 === 1) continue;
      const to = luma + (y / 2) * (width / 2) + x / 2;
      yuv[to] = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b;
      yuv[to + chroma] = 128 + 0.5 * r - 0.418688 * g - 0.081312 * b;
    }
  }
  return yuv;
}
