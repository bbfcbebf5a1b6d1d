/** `depthwise/tfjs-models` beside the package that it stands in for: @tensorflow-models/mobilenet on the CPU backend of TensorFlow.js, the same weights. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { PictureError, UsageError } from '../../src/errors.js';
import { writeNetwork, writeTfjs } from '../../src/formats/index.js';
import { type Network, NetworkBuilder, preprocessingPreset, randomWeights } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { mobilenet } from '../../src/tfjs-models/index.js';

const require = createRequire(import.meta.url);
const tf: typeof import('@tensorflow/tfjs-core') = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
const original: typeof import('@tensorflow-models/mobilenet') = require('@tensorflow-models/mobilenet');
const { IMAGENET_CLASSES } = require('@tensorflow-models/mobilenet/dist/imagenet_classes');
const classes: string[] = Object.values(IMAGENET_CLASSES);

/** Where the original looks for the embedding. */
const POOL = 'module_apply_default/MobilenetV1/Logits/global_pool';
const FEATURES = 24;

/** A small network with the ends of TF Hub's: the pool of that name, 1001 logits. */
function small(outputs = 1001): Network {
  const net = new NetworkBuilder();
  const strided = { kernelSize: [3, 3], strides: [2, 2], dilation: [1, 1], padding: 'same', bias: true } as const;
  let x = net.input('images', [1, 224, 224, 3]);
  x = net.add('first', 'relu6', net.add('conv', 'conv2d', x, { ...strided, filters: 8 }), {});
  x = net.add('depthwise', 'depthwiseConv2d', x, { ...strided, depthMultiplier: 1 });
  x = net.add('last', 'relu6', net.add('pointwise', 'pointwiseConv2d', x, { filters: FEATURES, bias: true }), {});
  x = net.add(POOL, 'globalAveragePool', x, { keepDims: true });
  x = net.add('classes', 'pointwiseConv2d', x, { filters: outputs, bias: true });
  x = net.add('logits', 'reshape', x, { shape: [outputs] });
  const network = net.build('small', [x], { source: 'slim', output: 'logits', labelOffset: outputs === 1001 ? 1 : 0 });
  return randomWeights(network, 5);
}

/** As tf.io.fromMemory makes one. */
async function handlerOf(network: Network) {
  const files = await writeTfjs(network);
  const { modelTopology, weightsManifest, signature } = JSON.parse(new TextDecoder().decode(files.get('model.json')));
  const [{ paths, weights: weightSpecs }] = weightsManifest;
  const bytes = Buffer.concat(paths.map((path: string) => files.get(path)!));
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  return { load: async () => ({ modelTopology, weightSpecs, weightData, signature, format: 'graph-model' }) };
}

function pixels(height: number, width: number, seed = 1) {
  const random = uniformRandom(seed);
  const numbers = Int32Array.from({ length: height * width * 3 }, () => Math.floor(256 * random()));
  return tf.tensor3d(numbers, [height, width, 3], 'int32');
}

const closeTo = (found: ArrayLike<number>, wanted: ArrayLike<number>, within: number): void => {
  expect(found.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) expect(Math.abs(found[i] - wanted[i]), `number ${i}`).toBeLessThan(within);
};

describe('as @tensorflow-models/mobilenet', () => {
  let handler: Awaited<ReturnType<typeof handlerOf>>;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    handler = await handlerOf(small());
  });

  const both = async (more: { inputRange?: [number, number] } = {}) => ({
    wanted: await original.load({ version: 1, alpha: 1, modelUrl: handler as never, ...more }),
    found: await mobilenet.load({ version: 1, alpha: 1, modelUrl: handler, labels: classes, ...more }),
  });

  test.each([
    ['of its own size', 224, 224, {}],
    ['larger', 300, 401, {}],
    ['smaller, in another range', 97, 60, { inputRange: [0, 1] as [number, number] }],
  ])('pictures %s: logits, embedding, classes', async (_, height, width, more) => {
    const { wanted, found } = await both(more);
    const picture = pixels(height, width);
    for (const embedding of [false, true]) {
      const theirs = wanted.infer(picture, embedding);
      const ours = found.infer(picture, embedding);
      expect(ours.shape).toEqual(theirs.shape);
      expect([ours.dtype, ours.rank, ours.size]).toEqual([theirs.dtype, theirs.rank, theirs.size]);
      closeTo(ours.dataSync(), theirs.dataSync(), 1e-4);
      expect(await ours.data()).toBe(ours.dataSync());
      expect(ours.arraySync()).toEqual([[...ours.dataSync()]]);
    }
    const theirs = await wanted.classify(picture);
    const ours = await found.classify(picture);
    expect(ours.map(({ className }) => className)).toEqual(theirs.map(({ className }) => className));
    closeTo(
      ours.map(({ probability }) => probability),
      theirs.map(({ probability }) => probability),
      1e-6,
    );
    expect(ours).toHaveLength(3);
    expect(await found.classify(picture, 7)).toHaveLength(7);
  });

  test('the probabilities of all classes sum to 1: the background is out', async () => {
    const { found } = await both();
    const all = await found.classify(pixels(30, 40), 2000);
    expect(all).toHaveLength(1000);
    expect(all.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
  });

  test('a picture of any size gives 1000 logits and 1 embedding', async () => {
    const { found } = await both();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (height, width) => {
        const data = new Uint8Array(height * width * 4).fill(100);
        const picture = { height, width, channels: 4, data } as const;
        expect(found.infer(picture).shape).toEqual([1, 1000]);
        expect(found.infer(picture, true).shape).toEqual([1, FEATURES]);
      }),
      { numRuns: 10 },
    );
  });
});

describe('what the original does not take', () => {
  test('files of other formats, 1000 outputs, and what they state of labels and range', async () => {
    const network = small(1000);
    const preprocessing = preprocessingPreset('keras', [224, 224]);
    const stated = { ...network, conventions: { ...network.conventions, labels: classes, preprocessing } };
    const file = await writeNetwork(stated, 'safetensors');
    const picture = pixels(50, 70);
    const fromFile = await mobilenet.load({ modelUrl: file });
    const fromNetwork = await mobilenet.load({ modelUrl: network, inputRange: [-1, 1] });
    closeTo(fromFile.infer(picture).dataSync(), fromNetwork.infer(picture).dataSync(), 1e-5);
    const [{ className }] = await fromFile.classify(picture);
    expect(classes).toContain(className);
    const [{ className: nameless }] = await fromNetwork.classify(picture);
    expect(nameless).toBe(`class ${classes.indexOf(className)}`);
  });

  test('reports, prints, and lets go', async () => {
    const model = await mobilenet.load({ modelUrl: small(), target: 'scalar' });
    expect(model.report().target).toBe('scalar');
    const lines = vi.spyOn(console, 'log').mockImplementation(() => {});
    const embedding = model.infer(pixels(9, 9), true);
    embedding.print();
    embedding.dispose();
    expect(lines.mock.calls[0][0]).toMatch(/^Tensor \[\[/);
    lines.mockRestore();
    model.dispose();
    expect(() => model.infer(pixels(9, 9))).toThrow('disposed');
  });
});

describe('errors', () => {
  const refuse = (async () => Promise.reject(new TypeError('Failed to fetch'))) as typeof fetch;

  test.each([
    [1, 'mobilenet.load: wanted an object such as { version: 1, alpha: 0.25, modelUrl }, found 1'],
    [{ inputRange: [1, 0] }, 'mobilenet.load: inputRange must be two numbers, the smaller first, found [1,0]'],
    [
      { version: 3, alpha: 1 },
      'mobilenet.load: there is no version 3, alpha 1; wanted version 1, alpha 1.0; version 1, alpha 0.75; version 1, alpha 0.5; version 1, alpha 0.25; version 2, alpha 1.4; version 2, alpha 1.3; version 2, alpha 1.0; version 2, alpha 0.75; version 2, alpha 0.5; version 2, alpha 0.35; or a modelUrl',
    ],
  ])('of the configuration', async (config, message) => {
    await expect(mobilenet.load(config as never)).rejects.toThrow(new UsageError(message));
  });

  test('without a modelUrl and without a connection: what to fetch, and how to say where it is', async () => {
    const error = await mobilenet.load({ fetch: refuse }).catch((thrown) => thrown);
    expect(error.name).toBe('DownloadError');
    expect(error.message).toMatch(
      /^mobilenet\.load: without a modelUrl, published weights are fetched, which failed:\nmobilenet_v1_1\.0_224: https:/,
    );
    expect(error.message).toMatch(/\nHere: mobilenet\.load\(\{ modelUrl: 'the address of your copy' \}\)$/);
  });

  test.each([
    [tf.zeros([2, 2, 1]), 'mobilenet: the tensor is [2,2,1]; wanted a picture, [height, width, 3]'],
    [
      tf.fill([2, 2, 3], 0.5),
      'mobilenet: number 0 of the tensor is 0.5; wanted pixels as tf.browser.fromPixels makes them, whole numbers from 0 to 255',
    ],
  ])('of pictures', async (picture, message) => {
    const model = await mobilenet.load({ modelUrl: small() });
    expect(() => model.infer(picture)).toThrow(new PictureError(message));
    await expect(model.classify(picture)).rejects.toThrow(new PictureError(message));
  });
});
