/** Boxes and labels drawn into pictures, on bytes: the same in Node and in a page. */
import { type Picture, toRgb } from '../image/picture.js';
import { type Colour, vocColour } from '../segmentation/palette.js';
import type { Detection } from './detections.js';
import { GLYPH_HEIGHT, GLYPH_WIDTH, hasPixel } from './font.js';

/** An RGB copy of the picture with each box in the colour of its class, and its label and score in the upper left corner. */
export const drawDetections = (picture: Picture, detections: readonly Detection[]): Picture =>
  drawInto(toRgb(picture), detections);

/** Draws into an RGB picture itself. */
export function drawInto(picture: Picture, detections: readonly Detection[]): Picture {
  const pixel = Math.max(1, Math.round(Math.min(picture.width, picture.height) / 300));
  // The surest last, above the others.
  for (const { box, classIndex, label, score } of [...detections].reverse()) {
    const colour = vocColour((classIndex % 254) + 1);
    const [left, top] = [Math.round(box.x), Math.round(box.y)];
    const [right, bottom] = [Math.round(box.x + box.width), Math.round(box.y + box.height)];
    const line = 2 * pixel;
    fill(picture, left, top, right, top + line, colour);
    fill(picture, left, bottom - line, right, bottom, colour);
    fill(picture, left, top, left + line, bottom, colour);
    fill(picture, right - line, top, right, bottom, colour);
    write(picture, `${label} ${Math.round(100 * score)}%`, Math.max(left, 0), Math.max(top, 0), pixel, colour);
  }
  return picture;
}

/** Pixels from (left, top) up to, not including, (right, bottom), as far as they lie in the picture. */
function fill(
  { width, height, data }: Picture,
  left: number,
  top: number,
  right: number,
  bottom: number,
  colour: Colour,
): void {
  for (let y = Math.max(top, 0); y < Math.min(bottom, height); y++) {
    for (let x = Math.max(left, 0); x < Math.min(right, width); x++) data.set(colour, (y * width + x) * 3);
  }
}

/** Text on a bar of the colour, in black or white, whichever stands out more. */
function write(picture: Picture, text: string, left: number, top: number, pixel: number, colour: Colour): void {
  const characters = [...text];
  const advance = (GLYPH_WIDTH + 1) * pixel;
  const right = left + characters.length * advance + pixel;
  fill(picture, left, top, right, top + (GLYPH_HEIGHT + 2) * pixel, colour);
  const [red, green, blue] = colour;
  const ink: Colour = 0.299 * red + 0.587 * green + 0.114 * blue > 128 ? [0, 0, 0] : [255, 255, 255];
  characters.forEach((character, index) => {
    for (let row = 0; row < GLYPH_HEIGHT; row++) {
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if (!hasPixel(character, row, column)) continue;
        const x = left + index * advance + (column + 1) * pixel;
        const y = top + (row + 1) * pixel;
        fill(picture, x, y, x + pixel, y + pixel, ink);
      }
    }
  });
}
