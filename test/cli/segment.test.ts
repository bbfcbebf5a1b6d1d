/** `depthwise segment`, on a network that finds the same class everywhere: its scores are weights of its own. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPicture } from '../../src/image/index.js';
import { NetworkBuilder, preprocessingPreset } from '../../src/network/index.js';
import { decodeLabelPng, encodeLabelPng } from '../../src/segmentation/label-png.js';
import { tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { cat, depthwise, depthwiseJson, temporaryFolder, writeModel } from './command.js';

const GREY = Array.from({ length: 256 }, (_, grey) => [grey, grey, grey] as const);
const folder = temporaryFolder();
afterAll(folder.remove);
let model: string;

beforeAll(async () => {
  const net = new NetworkBuilder();
  const scores = net.add('scores', 'pointwiseConv2d', net.input('input', [1, 8, 8, 3]), { filters: 2, bias: true });
  const network = net.build('constant', [scores], {
    source: 'other',
    output: 'features',
    preprocessing: { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } },
    labels: ['background', 'cat'],
  });
  const weights = new Map([
    ['scores/kernel', tensor([3, 2], [0, 0, 0, 0, 0, 0])],
    ['scores/bias', tensor([2], [0, 1])],
  ]);
  model = await writeModel(folder.path('constant.safetensors'), { ...network, weights });
});

describe('segment', () => {
  test('shares by class, of the whole picture', async () => {
    const { width, height } = await readPicture(cat);
    expect(await depthwiseJson('segment', cat, '--model', model)).toEqual([
      { picture: cat, width, height, classes: [{ classIndex: 1, pixels: width * height, share: 1, label: 'cat' }] },
    ]);
    const { stdout } = await depthwise('segment', cat, '--model', model);
    expect(stdout).toMatch(/class +of the picture/);
    expect(stdout).toMatch(/cat +100\.0 %/);
  });

  test('classify names the right command', async () => {
    const { exitCode, stderr } = await depthwise('classify', cat, '--model', model);
    expect([exitCode, stderr.trim()]).toEqual([
      2,
      'error: constant: wanted a network that classifies pictures; this one answers for each part of a picture, see depthwise segment --help',
    ]);
  });

  test.skipIf(noData)('so it does where the map holds labels alone', async () => {
    const labels = dataPath('models/deeplabv3_mnv2_dm05_pascal_quant.tflite');
    const { exitCode, stderr } = await depthwise('classify', cat, '--model', labels);
    expect([exitCode, stderr.trim().split('\n').at(-1)]).toEqual([
      2,
      'error: deeplabv3_mnv2_dm05_pascal_quant: wanted a network that classifies pictures; this one answers for each part of a picture, see depthwise segment --help',
    ]);
  });

  test('--out: labels, colours over the picture, and what is cut out; one bad picture does not lose the others', async () => {
    const bad = folder.path('bad.jpg');
    writeFileSync(bad, 'no picture');
    const out = folder.path('written');
    const flags = ['--model', model, '--out', out, '--overlay', '--cut-out', '--only', 'cat'];
    const { exitCode, stderr } = await depthwise('segment', bad, cat, ...flags);
    expect([exitCode, existsSync(`${out}/bad.labels.png`)]).toEqual([1, false]);
    expect(stderr).toContain(`wrote the labels of 1 picture into ${out}`);
    const given = await readPicture(cat);
    const first = (picture: typeof given) => [...picture.data.subarray(0, picture.channels)];
    const labels = await decodeLabelPng(readFileSync(`${out}/chelsea.labels.png`), 'labels');
    expect([labels.width, labels.height, new Set(labels.labels)]).toEqual([given.width, given.height, new Set([1])]);
    expect(first(await readPicture(`${out}/chelsea.labels.png`))).toEqual([128, 0, 0]); // Pascal VOC's colour of label 1
    expect(first(await readPicture(`${out}/chelsea.overlay.png`)).slice(0, 3)).toEqual(
      [128, 0, 0].map((colour, c) => Math.round(0.5 * first(given)[c] + 0.5 * colour)),
    );
    expect(first(await readPicture(`${out}/chelsea.cut-out.png`))).toEqual([...first(given), 255]);
  });

  test('--out: files of others want --overwrite, its own do not', async () => {
    const out = folder.path('theirs');
    mkdirSync(out);
    const theirs = `${out}/chelsea.overlay.png`;
    writeFileSync(theirs, 'mine');
    const flags = ['segment', cat, '--model', model, '--out', out, '--overlay'];
    expect(await depthwise(...flags)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: --out: '${theirs}' is there already and no picture that depthwise wrote; --overwrite replaces it\n`,
    });
    expect([readFileSync(theirs, 'utf8'), existsSync(`${out}/chelsea.labels.png`)]).toEqual(['mine', false]);
    expect((await depthwise(...flags, '--overwrite')).exitCode).toBe(0);
    expect((await depthwise(...flags)).exitCode).toBe(0);
  });

  test('--confidence: the mean of each class, and a grey picture', async () => {
    const sure = 1 / (1 + Math.exp(-1)); // of scores 0 and 1
    const flags = ['segment', cat, '--model', model, '--confidence'];
    const [{ classes }] = await depthwiseJson(...flags);
    expect(classes[0]).toMatchObject({ label: 'cat', confidence: expect.closeTo(sure, 6) });
    const out = folder.path('sure');
    const { stdout } = await depthwise(...flags, '--out', out);
    expect(stdout).toMatch(/class +of the picture +confidence\n.*\n?.*cat +100\.0 % +73\.1 %/);
    const { data } = await readPicture(`${out}/chelsea.confidence.png`);
    expect([...data.subarray(0, 3)]).toEqual(Array(3).fill(Math.round(255 * sure)));
  });

  test('--smooth: pictures are frames; one that cannot be read is left out', async () => {
    // Scores: how bright the picture is, from -1 to 1, and 0.6 for the cat.
    const net = new NetworkBuilder();
    const scores = net.add('scores', 'pointwiseConv2d', net.input('input', [1, 8, 8, 3]), { filters: 2, bias: true });
    const network = net.build('bright', [scores], {
      source: 'other',
      output: 'features',
      preprocessing: { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } },
      labels: ['bright', 'cat'],
    });
    const weights = new Map([
      ['scores/kernel', tensor([3, 2], [1, 0, 0, 0, 0, 0])],
      ['scores/bias', tensor([2], [0, 0.6])],
    ]);
    const bright = await writeModel(folder.path('bright.safetensors'), { ...network, weights });
    const frame = async (name: string, label: number) => {
      writeFileSync(
        folder.path(name),
        await buffer(encodeLabelPng({ width: 2, height: 2, labels: new Uint8Array(4).fill(label) }, GREY)),
      );
      return folder.path(name);
    };
    const [white, black] = [await frame('1.png', 255), await frame('2.png', 0)];
    const bad = folder.path('1b.png');
    writeFileSync(bad, 'no picture');
    const labels = async (...flags: string[]) => {
      const { stdout } = await depthwise('segment', white, bad, black, white, '--model', bright, '--json', ...flags);
      return JSON.parse(stdout).map(({ classes }: { classes?: { label: string }[] }) => classes?.[0].label);
    };
    expect(await labels()).toEqual(['bright', undefined, 'cat', 'bright']);
    expect(await labels('--smooth', '0.5')).toEqual(['bright', undefined, 'cat', 'cat']); // 1, 0, 0.5
    expect(await labels('--smooth', '0.9')).toEqual(['bright', undefined, 'bright', 'bright']);
  });

  test('labels of another number than there are classes, and a class that there is not', async () => {
    const three = folder.path('three.txt');
    writeFileSync(three, 'background\ncat\ndog\n');
    const few = `constant has 2 classes and wants as many labels, that of the background included; found 3`;
    const beyond = ['--out', folder.path('beyond'), '--cut-out', '--only', '2'];
    for (const [flags, message] of [
      [['--labels', three], `labels: ${few}`],
      [beyond, '--only: there is no class 2; classes are numbered from 0 to 1'],
    ] as const) {
      const { exitCode, stderr } = await depthwise('segment', cat, '--model', model, ...flags);
      expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
    }
  });

  test('a region off the picture: the picture is named', async () => {
    const { width, height } = await readPicture(cat);
    const { exitCode, stderr } = await depthwise('segment', cat, '--model', model, '--region', '9999,0,5,5');
    expect([exitCode, stderr]).toEqual([
      1,
      `error: ${cat}: crop: 5×5 pixels at (9999, 0) do not lie inside a picture of ${width}×${height}\n`,
    ]);
  });

  test('--region: the rest is not looked at', async () => {
    const [{ classes }] = await depthwiseJson('segment', cat, '--model', model, '--region', '10,20,30,40');
    expect(classes).toEqual([{ classIndex: 1, pixels: 1200, share: 1, label: 'cat' }]);
  });

  test.each([
    [
      ['--smooth', '1'],
      "error: option '--smooth <share>' argument '1' is invalid. Wanted a number from 0 up to, not including, 1.",
    ],
    [
      ['--from', 'both'],
      "error: option '--from <what>' argument 'both' is invalid. Allowed choices are scores, labels.",
    ],
    [['--overlay'], '--overlay goes with --out, which was not given'],
    [['--overwrite'], '--overwrite goes with --out, which was not given'],
    [['--cut-out'], '--cut-out goes with --out, which was not given'],
    [['--only', 'cat'], '--only goes with --cut-out, which was not given'],
    [['--out', 'x', '--cut-out', '--only', 'cats'], "--only: there is no label 'cats' (Did you mean cat?)"],
  ])('refuses %o', async (flags, message) => {
    const { exitCode, stderr } = await depthwise('segment', cat, '--model', model, ...flags);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('evaluate', () => {
  /** Two pictures of 4 × 1 pixels, all of which the network calls cat; a third has no mask. */
  beforeAll(async () => {
    for (const name of ['Annotations', 'JPEGImages', 'SegmentationClass'])
      mkdirSync(folder.path(`voc/${name}`), { recursive: true });
    const masks = { a: [1, 1, 0, 255], b: [1, 1, 1, 2], c: undefined };
    for (const [name, labels] of Object.entries(masks)) {
      const picture = { width: 4, height: 1, labels: Uint8Array.from(labels ?? [0, 0, 0, 0]) };
      const box = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) => `<${side}>1</${side}>`).join('');
      writeFileSync(
        folder.path(`voc/Annotations/${name}.xml`),
        `<annotation><filename>${name}.png</filename><object><name>cat</name><bndbox>${box}</bndbox></object></annotation>`,
      );
      const file = await buffer(encodeLabelPng(picture));
      writeFileSync(folder.path(`voc/JPEGImages/${name}.png`), file);
      if (labels) writeFileSync(folder.path(`voc/SegmentationClass/${name}.png`), file);
    }
    writeFileSync(folder.path('list.txt'), 'a\n');
    writeFileSync(folder.path('wrong.txt'), 'zebra\n');
  });
  const evaluate = (...flags: string[]) => ['evaluate', model, '--data', `voc:${folder.path('voc')}`, ...flags];

  test('one confusion matrix over all pictures with masks', async () => {
    // Of 7 pixels 5 are cats and called so: 5 hits of a union of 7; background and class 2 are never found.
    expect(await depthwiseJson(...evaluate())).toEqual({
      pictures: 2,
      meanIou: 5 / 7 / 3,
      meanIouInTruth: 5 / 7 / 3,
      pixelAccuracy: 5 / 7,
      perClass: { background: 0, cat: 5 / 7, 'class 2': 0 },
      confusion: [
        [0, 1, 0],
        [0, 5, 0],
        [0, 1, 0],
      ],
    });
    const { stdout } = await depthwise(...evaluate('--list', folder.path('list.txt')));
    expect(stdout).toContain('1 picture');
    expect(stdout).toMatch(/cat +66\.67 %/);
  });

  test('a classifier is told from a segmenter', async () => {
    const net = new NetworkBuilder();
    const means = net.add('means', 'globalAveragePool', net.input('input', [1, 8, 8, 3]), { keepDims: false });
    const preprocessing = preprocessingPreset('slim', [8, 8]);
    const network = net.build('means', [means], { source: 'other', output: 'logits', preprocessing });
    const classifier = await writeModel(folder.path('classifier.safetensors'), network);
    const { stderr } = await depthwise('evaluate', classifier, '--data', `voc:${folder.path('voc')}`);
    expect(stderr).toContain(
      '--data voc:FOLDER is for detectors and segmenters; it answers with [1,3], as classifiers do',
    );
  });

  test('says what is wrong', async () => {
    const { stderr } = await depthwise(...evaluate('--list', folder.path('wrong.txt')));
    expect(stderr).toContain("wrong.txt: lists 'zebra', which the data does not have");
    const suppressed = await depthwise(...evaluate('--nms', 'none'));
    expect(suppressed.stderr).toMatch(/error: --nms is for detectors; \S+ segments pictures\n/);
    rmSync(folder.path('voc/SegmentationClass'), { recursive: true });
    const none = await depthwise(...evaluate());
    expect(none.stderr).toContain('no picture has a mask; wanted them as PNG in a folder SegmentationClass or masks');
  });
});
