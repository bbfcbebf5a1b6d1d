/** The drawings of docs/detection.md and docs/segmentation.md, made by the program: SVG, as text that a test can hold to the code. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Detection, detect } from '../../src/detection/index.js';
import { compile } from '../../src/engine/index.js';
import { readNetwork } from '../../src/formats/index.js';
import { type Picture, readPicture } from '../../src/image/index.js';
import { SSD_SHAPES, ssdAnchors, ssdMaps } from '../../src/network/anchors.js';
import type { Preprocessing } from '../../src/network/index.js';
import { segment } from '../../src/segmentation/index.js';
import { vocColour } from '../../src/segmentation/palette.js';
import type { Executor } from '../../src/tasks/index.js';
import { dataPath } from '../data.js';
import { root } from './imports.js';

export interface Drawing {
  readonly file: string;
  readonly needsData: boolean;
  readonly draw: () => Promise<string>;
}

const svg = (title: string, width: number, height: number, lines: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="10">`,
    `<title>${title}</title>`,
    ...lines,
    '</svg>\n',
  ].join('\n');

const whole = (n: number): number => Math.round(n);
const colour = (index: number): string => `rgb(${vocColour(index + 1).join(' ')})`;

/** The six maps of SSD at 300 × 300: cells in grey, and the anchors of one cell near the middle. */
async function anchors(): Promise<string> {
  const size = [300, 300] as const;
  const all = ssdAnchors(size).data;
  const maps = ssdMaps(size);
  const counts = maps.map(([rows, columns], map) => rows * columns * SSD_SHAPES[map].length);
  const side = 120;
  const lines = maps.flatMap(([rows, columns], map) => {
    const first = counts.slice(0, map).reduce((sum, count) => sum + count, 0);
    const [left, top] = [60 + (map % 3) * 210, 40 + Math.floor(map / 3) * 220];
    const cell = Math.floor(rows / 2) * columns + Math.floor(columns / 2);
    const count = SSD_SHAPES[map].length;
    const grid = Array.from({ length: rows + 1 }, (_, i) => whole((i * side) / rows));
    const path = grid.map((at) => `M${left + at} ${top}v${side}M${left} ${top + at}h${side}`).join('');
    const boxes = Array.from({ length: count }, (_, shape) => {
      const [y, x, h, w] = all.subarray((first + cell * count + shape) * 4).subarray(0, 4);
      const [bx, by] = [left + whole((x - w / 2) * side), top + whole((y - h / 2) * side)];
      return `<rect x="${bx}" y="${by}" width="${whole(w * side)}" height="${whole(h * side)}" fill="none" stroke="${colour(shape)}"/>`;
    });
    const title = `<text x="${left}" y="${top - 12}">${rows} × ${columns}, ${count} a cell: ${rows * columns * count}</text>`;
    return [title, `<path d="${path}" stroke="#ccc" fill="none"/>`, ...boxes];
  });
  return svg('Anchors of SSD', 680, 460, lines);
}

/** The kernels that give the same bits on every machine. */
const run: Executor = async (network, input) => (await compile(network, { reproducible: true })).run(input);

const SSD = 'ssd_mobilenet_v1_0.75_300_coco_quant.tflite';

/** What a detector finds on a picture before suppression, and what remains. */
async function suppression(): Promise<string> {
  const network = await readNetwork(await readFile(dataPath('models', SSD)), { fileName: SSD });
  const picture = await readPicture(join(root, 'assets', 'pictures', 'coffee.jpg'));
  const scoreThreshold = 0.35;
  const raw = await detect(network, picture, { nms: 'none', scoreThreshold, run });
  const kept = await detect(network, picture, { scoreThreshold, run });
  return svg('Suppression', 2 * picture.width + 60, picture.height + 40, [
    ...boxes(picture, raw, 20, `${raw.length} boxes of 35 % or more`),
    ...boxes(picture, kept, picture.width + 40, `${kept.length} after suppression, class by class`),
  ]);
}

function boxes({ width, height }: Picture, found: readonly Detection[], left: number, title: string): string[] {
  return [
    `<text x="${left}" y="18">${title}</text>`,
    `<rect x="${left}" y="26" width="${width}" height="${height}" fill="#f4f4f4"/>`,
    ...found.map(
      ({ box: { x, y, width, height }, classIndex }) =>
        `<rect x="${left + whole(x)}" y="${26 + whole(y)}" width="${whole(width)}" height="${whole(height)}" fill="none" stroke="${colour(classIndex)}"/>`,
    ),
  ];
}

const DEEPLAB = 'deeplabv3_mnv2_dm05_257_os8_float.tflite';

/** The class of each position of DeepLab's map at a quarter of its size, as runs of one colour. */
async function labels(): Promise<string> {
  const network = await readNetwork(await readFile(dataPath('models', DEEPLAB)), { fileName: DEEPLAB });
  const picture = await readPicture(join(root, 'assets', 'pictures', 'chelsea.jpg'));
  const preprocessing: Preprocessing = {
    crop: { kind: 'stretch' },
    resize: 'half-pixel',
    size: [257, 257],
    channels: 'rgb',
    scale: 1 / 127.5,
    mean: [1, 1, 1],
    deviation: [1, 1, 1],
  };
  const map = await segment(network, picture, { preprocessing, run });
  const step = 4;
  const runs: string[] = [];
  for (let y = 0; y < map.height; y += step) {
    for (let x = 0; x < map.width; ) {
      const label = map.labels[y * map.width + x];
      const start = x;
      while (x < map.width && map.labels[y * map.width + x] === label) x += step;
      if (label !== 0)
        runs.push(
          `<rect x="${start}" y="${y}" width="${x - start}" height="${step}" fill="rgb(${vocColour(label).join(' ')})"/>`,
        );
    }
  }
  return svg('Labels of a cat', map.width, map.height, [
    `<rect width="${map.width}" height="${map.height}" fill="#f4f4f4"/>`,
    ...runs,
  ]);
}

export const drawings: readonly Drawing[] = [
  { file: 'docs/anchors.svg', needsData: false, draw: anchors },
  { file: 'docs/suppression.svg', needsData: true, draw: suppression },
  { file: 'docs/labels.svg', needsData: true, draw: labels },
];
