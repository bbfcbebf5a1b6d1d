/** Small files of pictures that are too large, by every command that takes pictures: refused before they are decoded, with their names and sizes. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNetwork } from '../../src/formats/index.js';
import { mobilenetV1, ssd } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/index.js';
import { dataFolder } from '../data.js';
import { coloursSegmenter } from '../load/models.js';
import { cat, depthwise, rocket, temporaryFolder, writeModel } from './command.js';
import { constantDetector } from './detector.js';

const hostile = join(dataFolder ?? '', '..', 'cases', 'hostile');
const noCases = dataFolder === undefined || !existsSync(hostile);

const folder = temporaryFolder();
afterAll(folder.remove);
const [detector, segmenter, classifier, base] = ['detector', 'segmenter', 'classifier', 'base'].map((name) =>
  folder.path(`${name}.safetensors`),
);

beforeAll(async () => {
  await writeModel(detector, constantDetector());
  await writeModel(segmenter, coloursSegmenter());
  await writeModel(classifier, randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 2 }), 1));
  writeFileSync(
    base,
    await writeNetwork(
      randomWeights(ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 2 }), 1),
      'safetensors',
    ),
  );
});

describe.skipIf(noCases).each([
  ['3x3e6', '3×3000000'],
  ['wide-1e8', '100000000×1'],
  ['tall-1e8', '1×100000000'],
])('%s.png (needs cases)', (name, size) => {
  const file = join(hostile, `${name}.png`);
  const at = (...path: string[]) => folder.path(join(name, ...path));

  /** A folder for each class, and VOC's folders with the picture in the place of a picture and of a mask. */
  beforeAll(() => {
    for (const path of [
      'classes/a',
      'classes/b',
      'pictures',
      'voc/Annotations',
      'voc/JPEGImages',
      'masks/Annotations',
      'masks/JPEGImages',
      'masks/SegmentationClass',
    ])
      mkdirSync(at(path), { recursive: true });
    for (const to of [
      'classes/a/x.png',
      'classes/a/y.png',
      'pictures/x.png',
      'voc/JPEGImages/x.png',
      'masks/SegmentationClass/x.png',
    ])
      copyFileSync(file, at(to));
    for (const to of ['classes/b/x.jpg', 'classes/b/y.jpg', 'masks/JPEGImages/x.jpg']) copyFileSync(rocket, at(to));
    const box = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) => `<${side}>1</${side}>`).join('');
    const annotation = `<annotation><object><name>cat</name><bndbox>${box}</bndbox></object></annotation>`;
    for (const set of ['voc', 'masks']) writeFileSync(at(set, 'Annotations/x.xml'), annotation);
  });

  const preset = ['--preset', 'keras'];
  test.each<[string, () => readonly string[]]>([
    ['classify', () => [file, '--model', classifier, ...preset]],
    ['detect', () => [file, '--model', detector, '--out', at('out')]],
    ['segment', () => [file, '--model', segmenter, '--out', at('out'), '--overlay', '--cut-out']],
    ['embed', () => [file, '--model', classifier, ...preset, '--out', at('e.npy')]],
    ['trace', () => [file, '--model', classifier, ...preset, '--out', at('t.npz')]],
    ['evaluate', () => [classifier, ...preset, '--data', at('classes')]],
    ['evaluate', () => [detector, '--data', `voc:${at('voc')}`]],
    ['evaluate', () => [segmenter, '--data', `voc:${at('masks')}`]],
    [
      'train',
      () => [
        '--data',
        at('classes'),
        '--network',
        'mobilenet_v1',
        '--alpha',
        '0.05',
        '--resolution',
        '32',
        '--out',
        at('run'),
      ],
    ],
    ['train', () => ['--detect', '--data', `voc:${at('voc')}`, '--base', base, '--out', at('d')]],
    ['quantize', () => [classifier, ...preset, '--calibrate', at('pictures'), '--out', at('q.tflite')]],
  ])('%s refuses it (%#)', async (command, args) => {
    const before = process.memoryUsage().rss;
    const { exitCode, stdout, stderr } = await depthwise(command, ...args());
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      new RegExp(
        `error: .*/[xy3a-z0-9-]+\\.png: .*has ${size} pixels, more than 32768 along a side \\(maxSide, --max-side\\)`,
      ),
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20); // 9 to 100 million pixels would be 27 to 300 MB and more
  });

  test('among others it does not lose them', async () => {
    for (const command of ['detect', 'segment']) {
      const model = command === 'detect' ? detector : segmenter;
      const { exitCode, stdout } = await depthwise(command, file, cat, '--model', model, '--json');
      const [bad, good] = JSON.parse(stdout);
      expect([exitCode, bad.error.code, good.width]).toEqual([1, 'picture', 256]);
    }
  });
});
