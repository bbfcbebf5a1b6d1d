/** Detection from picture to boxes: a network that answers what the test says, and real ones against their own runtime. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type Detection, type DetectOptions, detect } from '../../src/detection/index.js';
import { pixelOverlap } from '../../src/evaluation/index.js';
import { readNetwork } from '../../src/formats/index.js';
import { type Picture, readPicture } from '../../src/image/index.js';
import { type Network, NetworkBuilder, preprocessingPreset } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { crowdedDetector } from '../cli/detector.js';
import { dataPath, noData } from '../data.js';

const picture: Picture = { width: 200, height: 100, channels: 1, data: new Uint8Array(20_000) };

/** Four anchors, two classes and background; `run` answers in its place. */
function detector(): Network {
  const net = new NetworkBuilder();
  const input = net.input('input', [1, 8, 8, 3]);
  const codes = net.add('codes', 'reshape', input, { shape: [-1, 4] });
  const scores = net.add('scores', 'reshape', input, { shape: [-1, 3] });
  return net.build('four', [codes, scores], {
    source: 'other',
    output: 'features',
    preprocessing: { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } },
    labels: ['cat', 'dog'],
    detection: {
      codes: 'codes',
      scores: 'scores',
      background: 'slot 0',
      // Two that overlap by 0.8, one that leaves the picture, one that lies outside.
      anchors: [0.25, 0.25, 0.5, 0.5, 0.25, 0.2, 0.5, 0.4, 0.9, 0.9, 0.4, 0.4, 1.5, 1.5, 0.2, 0.2],
      scales: [10, 10, 5, 5],
      suppression: {
        kind: 'class-agnostic',
        scoreThreshold: 0.1,
        iouThreshold: 0.6,
        maxPerClass: 100,
        maxResults: 3,
        classesPerBox: 1,
      },
    },
  });
}
const answers = new Map([
  ['codes', tensor([1, 4, 4], new Float32Array(16))],
  ['scores', tensor([1, 4, 3], [0, 0.9, 0.5, 0, 0.2, 0.8, 0, 0.7, 0.1, 0, 0.6, 0])],
]);
const ask = (options: DetectOptions = {}): Promise<Detection[]> =>
  detect(detector(), picture, { run: () => answers, ...options });
const short = (found: readonly Detection[]) => found.map(({ label, score }) => [label, Number(score.toFixed(2))]);

describe('detect', () => {
  test('per class: boxes in pixels of the picture, clipped', async () => {
    const found = await ask();
    expect(short(found)).toEqual([
      ['cat', 0.9],
      ['dog', 0.8],
      ['cat', 0.7],
    ]);
    expect(found[0]).toMatchObject({ classIndex: 0, box: { x: 0, y: 0, width: 100, height: 50 } });
    expect(found[1].box.width).toBeCloseTo(80, 5);
    expect(found[2].box.x).toBeCloseTo(140, 4);
    expect(found[2].box.width).toBeCloseTo(60, 4);
  });

  test('class-agnostic: a box hides those of other classes', async () => {
    expect(short(await ask({ nms: 'class-agnostic' }))).toEqual([
      ['cat', 0.9],
      ['cat', 0.7],
    ]);
  });

  test('none: every box, with every class of enough score', async () => {
    expect(short(await ask({ nms: 'none' }))).toEqual([
      ['cat', 0.9],
      ['dog', 0.8],
      ['cat', 0.7],
      ['dog', 0.5],
    ]);
  });

  test("as in the file: its limits, and boxes beyond the picture's edge", async () => {
    const found = await ask({ nms: 'as-file' });
    expect(short(found)).toEqual([
      ['cat', 0.9],
      ['cat', 0.7],
      ['cat', 0.6],
    ]);
    expect(found[2].box.x).toBeCloseTo(280, 4);
  });

  test('thresholds and limits', async () => {
    expect(short(await ask({ scoreThreshold: 0.75 }))).toHaveLength(2);
    expect(short(await ask({ maxResults: 1 }))).toEqual([['cat', 0.9]]);
    expect(short(await ask({ nms: 'class-agnostic', iouThreshold: 0.95 }))).toHaveLength(3);
  });

  test('only and except, by label or number', async () => {
    expect(short(await ask({ only: ['dog'] }))).toEqual([['dog', 0.8]]);
    expect(short(await ask({ except: [0] }))).toEqual([['dog', 0.8]]);
    // Chosen before a box gets its best class: the first one is a dog of 0.5 then, hidden by the second.
    expect(short(await ask({ only: ['dog'], nms: 'class-agnostic' }))).toEqual([['dog', 0.8]]);
  });

  test('a region and a turn: boxes in the coordinates of the whole picture', async () => {
    const region = { left: 100, top: 20, width: 60, height: 40 };
    const [{ box }] = await ask({ region, rotation: 90, maxResults: 1 });
    // Turned clockwise, the upper left quarter of what the network saw is the lower left quarter of the region.
    expect(box.x).toBeCloseTo(100, 5);
    expect(box.y).toBeCloseTo(40, 5);
    expect([box.width, box.height]).toEqual([30, 20]);
  });

  test.each<[DetectOptions, number]>([
    [{}, 100],
    [{ nms: 'class-agnostic' }, 100],
    [{ nms: 'as-file', maxResults: 50 }, 1],
    [{ nms: 'none', maxResults: 100_000 }, 50_000],
    [{ scoreThreshold: 1.5 }, 0],
  ])('100,000 boxes, ±∞ and NaN among their codes and scores: %o', async (options, least) => {
    const found = await detect(crowdedDetector(), picture, options);
    expect(found.length).toBeGreaterThanOrEqual(least);
    expect(found.length).toBeLessThanOrEqual(options.maxResults ?? 100);
    const isWhole = ({ score, box: { x, y, width, height }, label }: Detection) =>
      score > 0 && /^(cat|dog)$/.test(label) && [x, y, width, height].every(Number.isFinite);
    const isInside = ({ box: { x, y, width, height } }: Detection) =>
      x >= 0 && y >= 0 && x + width <= 200.001 && y + height <= 100.001;
    expect(found.filter((one) => !isWhole(one))).toEqual([]);
    expect(options.nms === 'as-file' || found.every(isInside)).toBe(true);
  });

  test('several pictures: a list for each', async () => {
    const lists = await detect(detector(), [picture, picture], { run: () => answers });
    expect(lists.map((list) => list.length)).toEqual([3, 3]);
  });

  test('without labels: numbers', async () => {
    const { labels: _, ...conventions } = detector().conventions;
    const [first] = await detect({ ...detector(), conventions }, picture, { run: () => answers });
    expect(first.label).toBe('class 0');
  });

  test.each<[DetectOptions, string]>([
    [{ only: ['cow'] }, "detect: there is no label 'cow'; similar labels: cat, dog"],
    [{ only: [2] }, 'detect: there is no class 2; classes are numbered from 0 to 1'],
    [{ only: [0], except: [1] }, 'detect: wanted one of only and except, found both'],
    [{ nms: 'soft' as never }, "detect: nms must be 'per-class', 'class-agnostic', 'none' or 'as-file', found 'soft'"],
    [{ iouThreshold: 2 }, 'suppress: iouThreshold must be above 0 and at most 1, found 2'],
    [{ labels: ['a'] }, 'labels: the network has 2 classes and wants 2 labels or 3 with background first, found 1'],
    [{ run: () => new Map() }, 'four: run answered with nothing, wanted codes'],
  ])('refuses %o', async (options, message) => {
    await expect(ask(options)).rejects.toThrow(message);
  });

  test('labels that have the word are proposed first', async () => {
    const labels = ['tie', 'dining table'];
    await expect(ask({ only: ['table'], labels })).rejects.toThrow(
      "detect: there is no label 'table'; similar labels: dining table, tie",
    );
  });

  test('a network that detects nothing, and one at another size than its anchors', async () => {
    const { detection, ...conventions } = detector().conventions;
    await expect(detect({ ...detector(), conventions }, picture, { run: () => answers })).rejects.toThrow(
      'four: does not detect objects, or its file does not state how',
    );
    if (detection === undefined) throw new Error('no detection');
    const fewer = {
      ...detector(),
      conventions: { ...conventions, detection: { ...detection, anchors: [0, 0, 1, 1] } },
    };
    await expect(detect(fewer, picture, { run: () => answers })).rejects.toThrow(
      'four: has 1 anchors, but codes [1,4,4]; anchors belong to one size of its input',
    );
  });
});

interface Golden {
  readonly model: string;
  readonly picture: string;
  readonly width: number;
  readonly height: number;
  readonly detections: { class: number; score: number; box: number[] }[];
  readonly raw?: { anchor: number; slot: number; logit: number; code: number[] }[];
}

describe.skipIf(noData)('published detectors, as real numbers, against TensorFlow Lite (needs DEPTHWISE_DATA)', () => {
  const goldens: Golden[] = noData
    ? []
    : JSON.parse(readFileSync(dataPath('tables', 'detection_golden.json'), 'utf8')).detection;

  test.each(['ssd_mobilenet_v1_0.75_300_coco_quant.tflite', 'mobile_object_localizer_v1_192_quant.tflite'])(
    '%s: sure objects are found at the same places',
    async (model) => {
      const network = await readNetwork(await readFile(dataPath('models', model)));
      for (const golden of goldens.filter((one) => one.model === model)) {
        const seen = await readPicture(dataPath('images', golden.picture));
        const found = await detect(network, seen, { nms: 'as-file' });
        for (const wanted of golden.detections.filter(({ score }) => score >= 0.5)) {
          const [ymin, xmin, ymax, xmax] = wanted.box;
          const box = {
            x: xmin * golden.width,
            y: ymin * golden.height,
            width: (xmax - xmin) * golden.width,
            height: (ymax - ymin) * golden.height,
          };
          const [best] = found
            .filter(({ classIndex }) => classIndex === wanted.class)
            .sort((a, b) => pixelOverlap(b.box, box) - pixelOverlap(a.box, box));
          expect(Math.abs(best.score - wanted.score)).toBeLessThan(0.025);
          expect(pixelOverlap(best.box, box)).toBeGreaterThan(0.96);
        }
      }
    },
  );

  test('ssd_mobilenet_v2_300_oidv4_fp16.tflite: raw heads, whose anchors and logits are recognised', async () => {
    const model = 'ssd_mobilenet_v2_300_oidv4_fp16.tflite';
    const network = await readNetwork(await readFile(dataPath('models', model)), { fileName: model });
    expect(network.conventions.detection).toMatchObject({ scoresAre: 'logits', background: 'slot 0' });
    expect(network.conventions.assumed).toEqual(['anchors']);
    // Its surest anchor in TensorFlow Lite: 1911 is the last map's first, whose one cell is the whole picture at 0.95 of its side.
    const { width, height, raw } = goldens.find((one) => one.model === model && one.picture === 'chelsea.png')!;
    const [{ anchor, slot, logit, code }] = raw!;
    expect(anchor).toBe(1911);
    const centre = [0.5 + (code[0] / 10) * 0.95, 0.5 + (code[1] / 10) * 0.95];
    const sides = [0.95 * Math.exp(code[2] / 5), 0.95 * Math.exp(code[3] / 5)];
    const [top, left] = [0, 1].map((axis) => Math.max(centre[axis] - sides[axis] / 2, 0));
    const [bottom, right] = [0, 1].map((axis) => Math.min(centre[axis] + sides[axis] / 2, 1));
    const wanted = { x: left * width, y: top * height, width: (right - left) * width, height: (bottom - top) * height };
    const [best] = await detect(network, await readPicture(dataPath('images', 'chelsea.png')), { scoreThreshold: 0.5 });
    expect(best.classIndex).toBe(slot - 1);
    expect(best.score).toBeCloseTo(1 / (1 + Math.exp(-logit)), 2);
    expect(pixelOverlap(best.box, wanted)).toBeGreaterThan(0.98);
  });
});
