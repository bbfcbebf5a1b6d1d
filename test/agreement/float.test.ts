/** Float .tflite files: this library's reader and reference executor against LiteRT.js, within 1e-5 of the largest number. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { readNetwork, type WriteOptions } from '../../src/formats/index.js';
import { tflite } from '../../src/formats/readers/tflite.js';
import { writeTflite } from '../../src/formats/tflite.js';
import { readPicture } from '../../src/image/index.js';
import { preprocess } from '../../src/image/preprocess.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { foldBatchNorm, type Network, NetworkBuilder, preprocessingPreset, run } from '../../src/network/index.js';
import { runLitert } from '../../src/oracle/peers/litert-runtime.js';
import type { Pair } from '../../src/padding.js';
import type { Tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { buildTflite } from '../formats/tflite-builder.js';
import { expectAgreement } from './agree.js';
import { lifelikeWeights, randomInput } from './lifelike.js';

const BOUND = 1e-5;

/** Reads the file and runs it here and there. */
async function compare(what: string, bytes: Uint8Array, x: Tensor): Promise<void> {
  const network = await tflite.read(bytes, { fileName: what });
  const [theirs] = await runLitert(bytes, x.data as Float32Array);
  const ours = run(network, x).get(network.outputs[0])!;
  expectAgreement(what, ours, { shape: theirs.shape, data: theirs.data as Float32Array }, BOUND);
}

describe('single operators, of any size', () => {
  const size = fc.integer({ min: 1, max: 9 });
  const sizes: fc.Arbitrary<Pair> = fc.tuple(size, size);
  const small: fc.Arbitrary<Pair> = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }));
  const kernels: fc.Arbitrary<Pair> = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
  const channels = fc.integer({ min: 1, max: 9 });
  const padding = fc.constantFrom('same' as const, 'valid' as const);

  type Add = (builder: NetworkBuilder, x: string, channels: number) => string;

  const layers: Record<string, fc.Arbitrary<Add>> = {
    conv2d: fc.record({ filters: channels, kernelSize: kernels, strides: small, padding, bias: fc.boolean() }).map(
      (attributes): Add =>
        (builder, x) =>
          builder.add('y', 'conv2d', x, { ...attributes, dilation: [1, 1] }),
    ),
    'conv2d with dilation': fc.record({ filters: channels, kernelSize: small, dilation: small, padding }).map(
      (attributes): Add =>
        (builder, x) =>
          builder.add('y', 'conv2d', x, { ...attributes, strides: [1, 1], bias: true }),
    ),
    pointwiseConv2d: fc.record({ filters: channels, bias: fc.boolean() }).map(
      (attributes): Add =>
        (builder, x) =>
          builder.add('y', 'pointwiseConv2d', x, attributes),
    ),
    depthwiseConv2d: fc
      .record({ kernelSize: kernels, strides: small, padding, depthMultiplier: fc.integer({ min: 1, max: 3 }) })
      .map(
        (attributes): Add =>
          (builder, x) =>
            builder.add('y', 'depthwiseConv2d', x, { ...attributes, dilation: [1, 1], bias: true }),
      ),
    averagePool: fc.record({ poolSize: small, strides: small, padding }).map(
      (attributes): Add =>
        (builder, x) =>
          builder.add('y', 'averagePool', x, { ...attributes, includePadding: false }),
    ),
    maxPool: fc.record({ poolSize: small, strides: small, padding }).map(
      (attributes): Add =>
        (builder, x) =>
          builder.add('y', 'maxPool', x, attributes),
    ),
    globalAveragePool: fc.boolean().map(
      (keepDims): Add =>
        (builder, x) =>
          builder.add('y', 'globalAveragePool', x, { keepDims }),
    ),
    pad: fc.record({ top: fc.nat(3), bottom: fc.nat(3), left: fc.nat(3), right: fc.nat(3) }).map(
      (padding): Add =>
        (builder, x) =>
          builder.add('y', 'pad', x, { padding, value: 0 }),
    ),
    resizeBilinear: fc
      .record({
        size: sizes,
        rule: fc.constantFrom('tf1-legacy' as const, 'tf1-align-corners' as const, 'half-pixel' as const),
      })
      .map(
        (attributes): Add =>
          (builder, x) =>
            builder.add('y', 'resizeBilinear', x, attributes),
      ),
    'flatten, dense, softmax': fc.record({ units: channels, bias: fc.boolean() }).map(
      (attributes): Add =>
        (builder, x) => {
          const dense = builder.add('dense', 'dense', builder.add('flat', 'flatten', x, {}), attributes);
          return builder.add('y', 'softmax', dense, {});
        },
    ),
    'add of relu and relu6': fc.constant((builder, x) => {
      const branches = [builder.add('a', 'relu', x, {}), builder.add('b', 'relu6', x, {})];
      return builder.add('y', 'add', branches, {});
    }),
    'concat with a sigmoid': fc.constantFrom(1, 2, 3).map(
      (axis): Add =>
        (builder, x) =>
          builder.add('y', 'concat', [x, builder.add('s', 'sigmoid', x, {})], { axis }),
    ),
  };

  test.each(Object.entries(layers))('%s', async (_, layer) => {
    await fc.assert(
      fc.asyncProperty(sizes, channels, layer, fc.nat(), async ([height, width], C, add, seed) => {
        const network = networkOf([1, height, width, C], add, C);
        fc.pre(network !== undefined);
        const weighted = lifelikeWeights(network, seed);
        await compare('single.tflite', await writeTflite(weighted), randomInput(network.inputs[0].shape, seed));
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });

  /** undefined where the layer's window does not fit the picture. */
  function networkOf(shape: readonly number[], add: Add, C: number): Network | undefined {
    const builder = new NetworkBuilder();
    const output = add(builder, builder.input('x', shape), C);
    try {
      return builder.build('single', [output], { source: 'other', output: 'features' });
    } catch (error) {
      if (error instanceof ShapeError) return undefined;
      throw error;
    }
  }
});

describe('whole networks with random weights', () => {
  const models = { mobilenet_v1: mobilenetV1, mobilenet_v2: mobilenetV2 };
  const cases = Object.entries(models).flatMap(([name, model]) =>
    (['slim', 'keras', 'torchvision'] as const).map((conventions) => ({ name, model, conventions })),
  );

  test.each(cases)('$name of $conventions, α 0.25, 65×97', async ({ model, conventions }) => {
    const network = lifelikeWeights(model({ alpha: 0.25, resolution: [65, 97], conventions }), 7);
    for (const options of [{}, { kernels: 'float16' }] as const) await compareOwn(network, options);
  });

  test.each(Object.entries(models))('%s 1.0 @224', async (_, model) => {
    await compareOwn(lifelikeWeights(model({ conventions: 'slim' }), 11));
  });

  async function compareOwn(network: Network, options?: WriteOptions): Promise<void> {
    await compare(
      `${network.name}.tflite`,
      await writeTflite(network, options),
      randomInput(network.inputs[0].shape, 3),
    );
  }
});

describe.skipIf(noData)('real weights (needs DEPTHWISE_DATA)', () => {
  const pictures = ['astronaut.png', 'chelsea.png', 'coffee.png', 'rocket.jpg', 'grace_hopper.bmp'];

  test.each(pictures)('vww_96_float.tflite on %s', async (name) => {
    const bytes = await readFile(dataPath('models', 'vww_96_float.tflite'));
    const picture = await readPicture(dataPath('images', name));
    const x = preprocess(picture, { ...preprocessingPreset('tfjs-hub', [96, 96]) });
    await compare('vww_96_float.tflite', bytes, x);
  });

  test('mobilenet_v1_0.25_224.h5, written as .tflite, on a photograph', async () => {
    const file = 'mobilenet_v1_0.25_224.h5';
    const network = foldBatchNorm(await readNetwork(await readFile(dataPath('models', file)), { fileName: file }));
    const picture = await readPicture(dataPath('images', 'chelsea.png'));
    const x = preprocess(picture, network.conventions.preprocessing!);
    await compare('mobilenet_v1_0.25_224.tflite', await writeTflite(network), x);
    const best = run(network, x).get(network.outputs[0])!.data;
    expect(Math.max(...best)).toBeGreaterThan(0.2); // it recognises something: the agreement is not one of noise
  });
});

test('a model that LiteRT.js cannot compile is an error, though the runtime would run it', async () => {
  const [tensors, outputs] = [{ x: { shape: [1, 2] }, y: { shape: [1, 2] } }, ['y']];
  const custom = { code: 'CUSTOM:NoSuchThing', inputs: ['x'], outputs };
  const bytes = buildTflite({ tensors, operators: [custom], inputs: ['x'], outputs });
  await expect(runLitert(bytes, new Float32Array(2))).rejects.toThrow('unresolved custom op: NoSuchThing');
});
