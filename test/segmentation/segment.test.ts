/** Segmentation from picture to labels: a network that answers what the test says, and real ones against their own runtime. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { readNetwork } from '../../src/formats/index.js';
import { type Picture, readPicture, resize } from '../../src/image/index.js';
import { toRgb } from '../../src/image/picture.js';
import { type Network, NetworkBuilder, preprocessingPreset } from '../../src/network/index.js';
import { type LabelMap, type Segmentation, type SegmentOptions, segment } from '../../src/segmentation/index.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';

const stretched = (side: number) => ({
  ...preprocessingPreset('slim', [side, side]),
  crop: { kind: 'stretch' } as const,
});
const picture: Picture = { width: 4, height: 2, channels: 1, data: new Uint8Array(8) };

function segmenter(): Network {
  const net = new NetworkBuilder();
  const input = net.input('input', [1, 8, 8, 3]);
  const scores = net.add('scores', 'reshape', input, { shape: [-1, 3] });
  return net.build('small', [scores], {
    source: 'other',
    output: 'features',
    preprocessing: stretched(8),
    labels: ['background', 'cat'],
  });
}
const ask = (answer: Tensor, options: SegmentOptions = {}) =>
  segment(segmenter(), picture, { run: () => new Map([['scores', answer]]), ...options });

/** Rows of labels; a dot for 255. */
const grid = ({ width, height, labels }: LabelMap): string[] =>
  Array.from({ length: height }, (_, y) =>
    [...labels.subarray(y * width, (y + 1) * width)].map((label) => (label === 255 ? '.' : label)).join(' '),
  );

describe('segment', () => {
  const scores = tensor([1, 1, 2, 3], [1, 0, 0, 0, 1, 0]);

  test('a label for each pixel of the picture, and shares by class', async () => {
    expect(await ask(scores)).toEqual({
      width: 4,
      height: 2,
      labels: Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1),
      classes: [
        { classIndex: 0, label: 'background', pixels: 4, share: 0.5 },
        { classIndex: 1, label: 'cat', pixels: 4, share: 0.5 },
      ],
    });
  });

  test('as many labels as there are classes, of scores or of the scores that were compared', async () => {
    const net = new NetworkBuilder();
    const relu = net.add('scores', 'relu', net.input('input', [1, 8, 8, 3]));
    const compared = net.add('labels', 'argMax', relu);
    for (const output of [relu, compared]) {
      const network = net.build(output, [output], segmenter().conventions);
      const answer = output === relu ? scores : tensor([1, 1, 2], [0, 1]);
      const named = (labels: string[]) => segment(network, picture, { run: () => new Map([[output, answer]]), labels });
      const message = `labels: ${output} has 3 classes and wants as many labels, that of the background included; found 1`;
      await expect(named(['cat'])).rejects.toThrow(new UsageError(message));
      expect((await named(['a', 'b', 'c'])).classes.map(({ label }) => label)).toEqual(['a', 'b']);
    }
  });

  test("at the network's own size, and without a name", async () => {
    const { width, height, classes } = await ask(tensor([1, 1, 1, 3], [0, 0, 1]), { size: 'network' });
    expect([width, height, classes[0].label]).toEqual([1, 1, 'class 2']);
  });

  test('labels in place of scores: the nearest', async () => {
    for (const shape of [
      [1, 1, 2],
      [1, 1, 2, 1],
    ]) {
      expect([...(await ask(tensor(shape, [1, 0]))).labels]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
    }
  });

  test('a region, turned and mirrored, has its labels where it lies in the picture; the rest is 255', async () => {
    const region = { left: 1, top: 0, width: 2, height: 2 };
    const labels = tensor([1, 2, 2], [1, 2, 3, 4]);
    const at = async (options: SegmentOptions) => [...(await ask(labels, { region, ...options })).labels];
    expect(await at({})).toEqual([255, 1, 2, 255, 255, 3, 4, 255]);
    // Turned clockwise by 90 degrees, the region's lower left pixel is the first that the network sees.
    expect(await at({ rotation: 90 })).toEqual([255, 2, 4, 255, 255, 1, 3, 255]);
    expect(await at({ rotation: 180 })).toEqual([255, 4, 3, 255, 255, 2, 1, 255]);
    expect(await at({ rotation: 270, mirror: true })).toEqual([255, 4, 2, 255, 255, 3, 1, 255]);
    expect((await ask(labels, { region })).classes[0].share).toBe(0.25);
  });

  test('from labels: each pixel takes the nearest, where scores draw the outline between positions', async () => {
    // Two positions: the first is of class 1 by far, the second of class 0 barely.
    const scores = tensor([1, 1, 2, 2], [0, 8, 1, 0]);
    const at = async (from: 'scores' | 'labels') => grid(await ask(scores, { from }));
    expect(await at('scores')).toEqual(['1 1 1 0', '1 1 1 0']);
    expect(await at('labels')).toEqual(['1 1 0 0', '1 1 0 0']);
  });

  test("confidence: the label's share in a softmax over the scores at each pixel, and the mean of each class", async () => {
    // ln 3 against 0 is 3/4 against 1/4; in the middle pixels the scores are mixed by quarters.
    const scores = tensor([1, 1, 2, 2], [Math.log(3), 0, 0, Math.log(3)]);
    const { confidence, classes } = await ask(scores, { confidence: true });
    const mixed = 1 / (1 + Math.exp(-Math.log(3) / 2));
    const row = [0.75, mixed, mixed, 0.75].map(Math.fround);
    expect([...confidence!]).toEqual([...row, ...row].map((one) => expect.closeTo(one, 6)));
    expect(classes.map((one) => one.confidence)).toEqual([0, 1].map(() => expect.closeTo((0.75 + mixed) / 2, 6)));
    const nearest = await ask(scores, { confidence: true, from: 'labels' });
    expect([...nearest.confidence!]).toEqual(Array(8).fill(expect.closeTo(0.75, 6)));
    expect((await ask(scores, { confidence: true, size: 'network' })).confidence).toHaveLength(2);
    expect(await ask(scores)).not.toHaveProperty('confidence');
  });

  test('confidence of a region lies where its labels do, 0 elsewhere', async () => {
    const scores = tensor([1, 2, 1, 2], [Math.log(3), 0, 0, 0]);
    const region = { left: 1, top: 0, width: 2, height: 1 };
    const { labels, confidence } = await ask(scores, { region, rotation: 90, from: 'labels', confidence: true });
    expect(grid({ width: 4, height: 2, labels })).toEqual(['. 0 0 .', '. . . .']);
    expect([...confidence!].map((one) => one.toFixed(2)).join(' ')).toBe('0.00 0.75 0.50 0.00 0.00 0.00 0.00 0.00');
  });

  test('confidence: scores that come from a softmax are probabilities as they are', async () => {
    const net = new NetworkBuilder();
    const input = net.input('input', [1, 8, 8, 3]);
    const softmax = net.add('shares', 'softmax', input);
    net.add('scores', 'resizeBilinear', softmax, { size: [16, 16], rule: 'half-pixel' });
    const network = { ...segmenter(), nodes: net.build('x', ['scores'], segmenter().conventions).nodes };
    const run = () => new Map([['scores', tensor([1, 1, 1, 3], [0.5, 0.25, 0.25])]]);
    expect((await segment(network, picture, { run, confidence: true })).classes[0].confidence).toBe(0.5);
  });

  test('smooth: a label changes once its scores have, in the mean of the frames', async () => {
    const frames = [
      [4, 0],
      [0, 2],
      [0, 2],
    ].map((scores) => tensor([1, 1, 1, 2], scores));
    let previous: Segmentation | undefined;
    const seen: string[] = [];
    for (const frame of frames) {
      previous = await ask(frame, { smooth: 0.5, size: 'network', ...(previous && { previous }) });
      seen.push(`${previous.scores?.data.join(' ')}: ${previous.labels}`);
    }
    expect(seen).toEqual(['4 0: 0', '2 1: 0', '1 1.5: 1']);
    expect(await ask(frames[0])).not.toHaveProperty('scores');
  });

  test.each<[string, SegmentOptions]>([
    ["from 'scores'", { from: 'scores' }],
    ['confidence', { confidence: true }],
    ['smooth', { smooth: 0.5 }],
  ])('%s wants scores, and the error says where they are', async (name, options) => {
    const net = new NetworkBuilder();
    const labels = net.add('labels', 'argMax', net.add('scores', 'relu', net.input('input', [1, 8, 8, 3])));
    const ofLabels = net.build('compared', [labels], { ...segmenter().conventions });
    const run = () => new Map([['labels', tensor([1, 8, 8], new Float32Array(64))]]);
    await expect(segment(ofLabels, picture, { run, ...options })).rejects.toThrow(
      `segment: ${name} wants scores, and compared yields labels; end it at its scores, with outputs 'scores'`,
    );
    await expect(ask(tensor([1, 1, 2], [1, 0]), options)).rejects.toThrow(
      new UsageError(`segment: ${name} wants scores, and small yields labels`),
    );
  });

  test.each<[Tensor, SegmentOptions, string]>([
    [scores, { from: 'both' as never }, "segment: from must be 'scores' or 'labels', found 'both'"],
    [scores, { smooth: 1 }, 'segment: smooth must be a number from 0 up to, not including, 1, found 1'],
    [scores, { smooth: Number.NaN }, 'segment: smooth must be a number from 0 up to, not including, 1, found NaN'],
    [scores, { previous: {} }, 'segment: previous is the frame before, for smooth, which was not given'],
    [scores, { smooth: 0.5, previous: {} }, 'segment: previous has no scores, since it was asked for without smooth'],
    [
      scores,
      { smooth: 0.5, previous: { scores: tensor([1, 1, 1, 3], [0, 0, 0]) } },
      'segment: previous has scores [1,1,1,3], this picture [1,1,2,3]',
    ],
    [scores, { size: 'half' as never }, "segment: size must be 'picture' or 'network', found 'half'"],
    [tensor([1, 1, 2], [0.5, 0]), {}, 'small: wanted labels [1, height, width] from 0 to 255, found [1,1,2] with 0.5'],
    [
      tensor([1, 6], new Float32Array(6)),
      {},
      'small: does not segment pictures; wanted scores [1, height, width, classes] or labels [1, height, width], found [1,6]',
    ],
  ])('refuses %#', async (answer, options, message) => {
    await expect(ask(answer, options)).rejects.toThrow(message);
  });
});

interface Golden {
  readonly model: string;
  readonly picture: string;
  readonly size: number;
  readonly inputSha256: string;
  readonly runs: string | number[];
}

describe.skipIf(noData)('published segmenters against TensorFlow Lite (needs DEPTHWISE_DATA)', () => {
  const goldens: Golden[] = noData
    ? []
    : JSON.parse(readFileSync(dataPath('tables', 'segmentation_golden.json'), 'utf8')).segmentation;

  /** The picture at the network's size, in bytes, as the runtime was given it. */
  async function inputOf({ picture, size, inputSha256 }: Golden): Promise<Picture> {
    const { data } = resize(toRgb(await readPicture(dataPath('images', picture))), [size, size], 'half-pixel');
    const bytes = Uint8Array.from(data, (value) => Math.floor(value + 0.5));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(inputSha256);
    return { width: size, height: size, channels: 3, data: bytes };
  }

  function expand({ runs }: Golden): number[] {
    const numbers = typeof runs === 'string' ? runs.trim().split(/\s+/).map(Number) : runs;
    return numbers.flatMap((label, at) => (at % 2 === 0 ? new Array<number>(numbers[at + 1]).fill(label) : []));
  }

  const chosen = (model: string) =>
    goldens.filter((one) => one.model === model && /astronaut|chelsea|bird/.test(one.picture));

  test.each([
    ['deeplabv3_mnv2_dm05_257_os8_float.tflite', 0],
    ['deeplabv3_mnv2_dm05_pascal_quant.tflite', 0.015],
  ])('%s: at most %d of the pixels differ', async (model, most) => {
    const network = await readNetwork(await readFile(dataPath('models', model)));
    for (const golden of chosen(model)) {
      const preprocessing = network.conventions.preprocessing ?? stretched(golden.size);
      const { labels } = await segment(network, await inputOf(golden), { preprocessing, size: 'network' });
      const wanted = expand(golden);
      expect(labels).toHaveLength(wanted.length);
      const others = labels.filter((label, at) => label !== wanted[at]).length;
      expect(others / labels.length).toBeLessThanOrEqual(most);
    }
  });
});
