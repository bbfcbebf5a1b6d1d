/** .onnx files that this library writes: read back, and run by onnxruntime. */
import { describe, expect, test } from 'vitest';
import { readNetwork } from '../../../src/formats/index.js';
import { writers } from '../../../src/formats/onnx/writers.js';
import { writeOnnx } from '../../../src/formats/onnx.js';
import { onnx } from '../../../src/formats/readers/onnx.js';
import { mobilenetV1, mobilenetV2 } from '../../../src/models/index.js';
import { inferShapes, type Network, run } from '../../../src/network/index.js';
import { type Tensor, tensor, toFloat32 } from '../../../src/tensor.js';
import { lifelikeWeights, randomInput } from '../../agreement/lifelike.js';
import { expectWithin } from '../../network/helpers.js';
import { noOnnxruntime, runOnnxruntime } from '../../peers/onnxruntime.js';
import { everyKind } from './every-kind.js';

/** Of the largest number of the output: float32 sums in another order, over some fifty layers. */
const ROUNDING = 2e-5;

/** A dense layer of three axes comes back as its product and its sum, each of which is rounded; everything else bit for bit. */
const REREAD = 1e-7;

function expectClose(name: string, found: Tensor, wanted: Tensor, rounding = ROUNDING): void {
  const largest = Array.from(wanted.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectWithin(name, found, wanted, () => rounding * largest);
}

const networks: readonly [name: string, network: () => Network][] = [
  ['every kind of layer', everyKind],
  ['V1 0.25 of slim, 96', () => lifelike(mobilenetV1({ alpha: 0.25, resolution: 96, classes: 11 }))],
  [
    'V1 0.5 of Keras, 65',
    () => lifelike(mobilenetV1({ alpha: 0.5, resolution: 65, classes: 7, conventions: 'keras' })),
  ],
  ['V2 0.35 of slim, 75', () => lifelike(mobilenetV2({ alpha: 0.35, resolution: 75, classes: 5 }))],
  [
    'V2 0.35 of torchvision, 97',
    () => lifelike(mobilenetV2({ alpha: 0.35, resolution: 97, classes: 5, conventions: 'torchvision' })),
  ],
];

/** Weights of float32 that use every number; batch norms folded. */
function lifelike(network: Network): Network {
  const { weights, ...folded } = lifelikeWeights(network, 3);
  return { ...folded, weights: new Map([...weights].map(([name, weight]) => [name, toFloat32(weight)])) };
}

test('the small network has every kind of layer that is written', () => {
  const kinds = new Set<string>(everyKind().nodes.map(({ kind }) => kind));
  expect(Object.keys(writers).filter((kind) => !kinds.has(kind))).toEqual([]);
});

describe.each(networks)('%s', (_, make) => {
  const network = make();
  const [{ name, shape }] = network.inputs;
  const x = randomInput(shape, 9);
  const wanted = run(network, x);

  test('is read back with the same shapes, conventions and answers', async () => {
    const back = await readNetwork(await writeOnnx(network), { fileName: `${network.name}.onnx` });
    expect(back.inputs).toEqual(network.inputs);
    expect(back.outputs).toEqual(network.outputs);
    expect(back.conventions).toEqual(network.conventions);
    const found = run(back, x);
    for (const [output, y] of wanted) expectClose(output, found.get(output)!, y, REREAD);
  });

  test('is read back from [N, C, H, W] too', async () => {
    const back = await onnx.read(await writeOnnx(network, { pictures: 'nchw' }), {});
    expect(back.inputs).toEqual(network.inputs);
    const found = run(back, x);
    for (const [output, y] of wanted) expectClose(output, found.get(output)!, y, REREAD);
  });

  test.skipIf(noOnnxruntime)('onnxruntime computes the same (needs bench/peers)', async () => {
    const found = await runOnnxruntime(await writeOnnx(network), { [name]: x });
    expect([...found.keys()]).toEqual(network.outputs);
    for (const [output, y] of wanted) {
      const { shape, data } = found.get(output)!;
      expectClose(output, tensor(shape, data), y);
    }
  });

  test.skipIf(noOnnxruntime)('and for a batch of two in [N, C, H, W] (needs bench/peers)', async () => {
    const [, H, W, C] = shape;
    const two = randomInput([2, H, W, C], 10);
    const nchw = toNchw(two);
    const found = await runOnnxruntime(await writeOnnx(network, { pictures: 'nchw' }), { [name]: nchw });
    for (const [output, y] of run(network, two)) {
      const { shape: theirs, data } = found.get(output)!;
      expectClose(output, tensor(theirs, data), y.shape.length === 4 ? toNchw(y) : y);
    }
  });
});

function toNchw({ shape: [N, H, W, C], data }: Tensor): Tensor {
  const moved = new Float32Array(data.length);
  for (let n = 0; n < N; n++) {
    for (let p = 0; p < H * W; p++) {
      for (let c = 0; c < C; c++) moved[(n * C + c) * H * W + p] = data[(n * H * W + p) * C + c];
    }
  }
  return tensor([N, C, H, W], moved);
}

test('names the shapes as the network has them', async () => {
  const network = everyKind();
  const shapes = inferShapes(network);
  const back = await onnx.read(await writeOnnx(network), {});
  const found = inferShapes(back);
  for (const output of network.outputs) expect([output, found.get(output)]).toEqual([output, shapes.get(output)]);
});

test('a network without weights is not written', async () => {
  await expect(writeOnnx(mobilenetV1())).rejects.toThrow('the weights do not fit the network');
});

test('float16 kernels: half the file, read back as they were rounded', async () => {
  const network = lifelike(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 7 }));
  const bytes = await writeOnnx(network, { kernels: 'float16' });
  expect(bytes.length).toBeLessThan(0.6 * (await writeOnnx(network)).length);
  const { weights } = await onnx.read(bytes, {});
  for (const [name, weight] of network.weights) {
    const rounding = name.endsWith('/kernel') ? 2 ** -11 : 0;
    expectWithin(name, weights.get(name)!, weight, (i) => Math.max(rounding * Math.abs(weight.data[i]), 2 ** -25));
  }
});

test.skipIf(noOnnxruntime)('onnxruntime takes float16 kernels (needs bench/peers)', async () => {
  const network = lifelike(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 7 }));
  const bytes = await writeOnnx(network, { kernels: 'float16' });
  const x = randomInput(network.inputs[0].shape, 9);
  const [output] = network.outputs;
  const { shape, data } = (await runOnnxruntime(bytes, { [network.inputs[0].name]: x })).get(output)!;
  expectClose(output, tensor(shape, data), run(await onnx.read(bytes, {}), x).get(output)!);
});
