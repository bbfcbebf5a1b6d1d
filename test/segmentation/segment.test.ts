/** Segmentation from picture to labels: a network that answers what the test says, and real ones against their own runtime. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readNetwork } from '../../src/formats/index.js';
import { type Picture, readPicture, resize } from '../../src/image/index.js';
import { toRgb } from '../../src/image/picture.js';
import { type Network, NetworkBuilder, preprocessingPreset } from '../../src/network/index.js';
import { type SegmentOptions, segment } from '../../src/segmentation/index.js';
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

  test.each<[Tensor, SegmentOptions, string]>([
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
