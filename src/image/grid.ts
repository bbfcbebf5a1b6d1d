/**
 * A picture cut out, turned and mirrored without touching a byte: pixel (row, column) begins at
 *
 *   data[start + row · rowStep + column · columnStep]
 *
 * Of 5×3 grey pixels, turned by 90°, the first row reads 10, 5, 0: start 10, columnStep −5, rowStep 1.
 */
import {
  type AlphaRule,
  checkRegion,
  checkRotation,
  type Picture,
  type PictureOptions,
  type Region,
} from './picture.js';

export interface Grid {
  readonly data: Picture['data'];
  readonly channels: 1 | 3 | 4;
  readonly width: number;
  readonly height: number;
  readonly start: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** `arrange` of picture.ts, as steps through the picture's own bytes. */
export function gridOf(picture: Picture, { region, rotation = 0, mirror = false }: PictureOptions): Grid {
  if (region !== undefined) checkRegion(picture, region);
  checkRotation(rotation);
  const { channels, data, width, height } = picture;
  const whole: Grid = { data, channels, width, height, start: 0, rowStep: width * channels, columnStep: channels };
  let grid = region === undefined ? whole : partOf(whole, region);
  for (let turned = 0; turned < rotation; turned += 90) grid = quarterTurn(grid);
  return mirror ? mirrored(grid) : grid;
}

export function partOf(grid: Grid, { left, top, width, height }: Region): Grid {
  return { ...grid, width, height, start: grid.start + top * grid.rowStep + left * grid.columnStep };
}

/** Where, in pixels of the picture whose grid has one channel, the grid's pixels lie. */
export function regionOf({ start, rowStep, columnStep, width, height }: Grid, rowLength: number): Region {
  const last = start + (height - 1) * rowStep + (width - 1) * columnStep;
  const [left, right] = [start % rowLength, last % rowLength].sort((a, b) => a - b);
  const [top, bottom] = [start, last].map((at) => Math.floor(at / rowLength)).sort((a, b) => a - b);
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Clockwise: rows run along the columns, from the bottom up. */
function quarterTurn(grid: Grid): Grid {
  return {
    ...grid,
    width: grid.height,
    height: grid.width,
    start: grid.start + (grid.height - 1) * grid.rowStep,
    rowStep: grid.columnStep,
    columnStep: -grid.rowStep,
  };
}

function mirrored(grid: Grid): Grid {
  return { ...grid, start: grid.start + (grid.width - 1) * grid.columnStep, columnStep: -grid.columnStep };
}

/** What becomes of a pixel's bytes before they are resampled: `toRgb` and `toGrey` of picture.ts. */
export interface Conversion {
  readonly grey: boolean;
  readonly alpha: AlphaRule;
}

/** Whether the grid's own bytes are what is resampled. */
export const isPlain = ({ channels }: Grid, { grey, alpha }: Conversion): boolean =>
  channels < 3 || (!grey && (channels < 4 || alpha === 'drop'));

/** Writes a row's pixels to `target` from `at` on, one after the other: grey, or red, green and blue. */
export function convertRow(
  { data, channels, width, start, rowStep, columnStep }: Grid,
  { grey, alpha }: Conversion,
  row: number,
  target: Uint8Array,
  at: number,
): void {
  const next = channels === 1 ? 0 : 1; // a grey byte is its own red, green and blue
  const isBlended = channels === 4 && alpha !== 'drop';
  const background = alpha === 'white' ? 255 : 0;
  let from = start + row * rowStep;
  for (let column = 0; column < width; column++, from += columnStep) {
    let red = data[from];
    let green = data[from + next];
    let blue = data[from + 2 * next];
    if (isBlended) {
      const opacity = data[from + 3] / 255;
      const behind = background * (1 - opacity);
      red = Math.round(red * opacity + behind);
      green = Math.round(green * opacity + behind);
      blue = Math.round(blue * opacity + behind);
    }
    if (grey) target[at++] = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
    else {
      target[at++] = red;
      target[at++] = green;
      target[at++] = blue;
    }
  }
}
