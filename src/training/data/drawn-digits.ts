/**
 * Ten digits, drawn by lines at random angles, sizes, places and brightnesses: a data set that needs no files, for a first run in a minute. It is easy,
 * and says nothing about how good a network is.
 */
import { seedOf, uniformRandom } from '../../random.js';
import { type DataSplits, type Dataset, emptyDataset, WHOLE } from './dataset.js';

const SIDE = 32; // pixels
const TRAINING = 2000;
const TEST = 500;

type Point = readonly [x: number, y: number];
type Line = readonly Point[];

/** As many corners as look round. */
const round = (x: number, y: number, width: number, height: number): Line =>
  Array.from({ length: 13 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 12;
    return [x + (width / 2) * Math.sin(angle), y - (height / 2) * Math.cos(angle)] as const;
  });

/** A line's corners from '.2,.1 .8,.1': x to the right and y down, in a square of side 1. */
const line = (corners: string): Line =>
  corners.split(' ').map((corner) => {
    const [x, y] = corner.split(',').map(Number);
    return [x, y] as const;
  });

const six = '.7,.12 .42,.25 .24,.58 .34,.86 .56,.91 .76,.78 .74,.6 .55,.5 .34,.55 .25,.66';

/** The lines of each digit. */
const digits: readonly (readonly Line[])[] = [
  [round(0.5, 0.5, 0.56, 0.82)],
  [line('.34,.26 .56,.1 .56,.9')],
  [line('.22,.3 .32,.14 .5,.09 .7,.15 .76,.32 .66,.5 .22,.9 .8,.9')],
  [line('.22,.15 .5,.09 .74,.2 .7,.4 .44,.48 .74,.58 .78,.78 .5,.92 .2,.84')],
  [line('.66,.9 .66,.1 .2,.64 .84,.64')],
  [line('.76,.1 .3,.1 .26,.46 .54,.4 .78,.6 .7,.84 .46,.92 .2,.82')],
  [line(six)],
  [line('.2,.1 .8,.1 .42,.9')],
  [round(0.5, 0.29, 0.44, 0.4), round(0.5, 0.7, 0.54, 0.42)],
  [line(six).map(([x, y]) => [1 - x, 1 - y] as const)],
];

/** Grey pictures of 32 × 32: 2,000 to learn from and 500 others. The same seed draws the same pictures. */
export function drawnDigits(seed = 1): DataSplits {
  return {
    train: drawn('drawn digits, training', TRAINING, seedOf(seed, 0)),
    test: drawn('drawn digits, test', TEST, seedOf(seed, 1)),
  };
}

function drawn(name: string, count: number, seed: number): Dataset {
  const classes = digits.map((_, digit) => `${digit}`);
  const data = emptyDataset(count, { name, classes, height: SIDE, width: SIDE, channels: 1, sizing: WHOLE });
  const random = uniformRandom(seed);
  const between = (least: number, most: number): number => least + (most - least) * random();
  for (let index = 0; index < count; index++) {
    const digit = index % digits.length;
    data.labels[index] = digit;
    draw(digits[digit], data.pictures.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE), between);
  }
  return data;
}

function draw(lines: readonly Line[], pixels: Uint8Array, between: (least: number, most: number) => number): void {
  const place = placing(between);
  const placed = lines.map((corners) => corners.map(place));
  const half = between(0.8, 1.8); // of the line's thickness
  const paper = between(0, 90);
  const ink = between(140, 255) - paper;
  for (let at = 0; at < pixels.length; at++) {
    const pixel: Point = [(at % SIDE) + 0.5, Math.floor(at / SIDE) + 0.5];
    const distance = Math.min(...placed.map((corners) => distanceTo(corners, pixel)));
    const covered = Math.min(1, Math.max(0, half + 0.5 - distance));
    pixels[at] = Math.round(Math.min(255, Math.max(0, paper + ink * covered + between(-12, 12))));
  }
}

/** From the square of side 1 to pixels: turned by up to 14°, slanted, of two thirds to nine tenths of the picture's height, off the centre. */
function placing(between: (least: number, most: number) => number): (point: Point) => Point {
  const angle = between(-0.25, 0.25);
  const size = between(0.66, 0.9) * SIDE;
  const slant = between(-0.2, 0.2);
  const [dx, dy] = [between(-2.5, 2.5), between(-2.5, 2.5)];
  return ([x, y]) => {
    const [u, v] = [x - 0.5 + slant * (0.5 - y), y - 0.5];
    return [
      SIDE / 2 + dx + size * (u * Math.cos(angle) - v * Math.sin(angle)),
      SIDE / 2 + dy + size * (u * Math.sin(angle) + v * Math.cos(angle)),
    ];
  };
}

/** Of a point from the nearest point of a line. */
function distanceTo(corners: Line, [x, y]: Point): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < corners.length; i++) {
    const [[ax, ay], [bx, by]] = [corners[i - 1], corners[i]];
    const [ux, uy] = [bx - ax, by - ay];
    const along = Math.min(1, Math.max(0, ((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy)));
    const [rx, ry] = [x - ax - along * ux, y - ay - along * uy];
    least = Math.min(least, rx * rx + ry * ry);
  }
  return Math.sqrt(least);
}
