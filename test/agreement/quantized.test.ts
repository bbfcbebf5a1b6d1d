/**
 * Quantised .tflite files, read as real numbers, against LiteRT.js, which computes with the integers.
 *
 * One operator: LiteRT's result is the real result rounded to the nearest of its 256 values, so the two differ by half a step, and
 * by what its fixed-point multiplier adds. A whole network rounds after every layer; there the class that wins is compared.
 */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tflite } from '../../src/formats/readers/tflite.js';
import * as schema from '../../src/formats/tflite/schema.js';
import { readPicture } from '../../src/image/index.js';
import { preprocess } from '../../src/image/preprocess.js';
import { run } from '../../src/network/index.js';
import { loadLitert, runLitert } from '../../src/oracle/peers/litert-runtime.js';
import { uniformRandom } from '../../src/random.js';
import { type Shape, sizeOf, tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { buildTflite, type ModelSpec, type TensorSpec } from '../formats/tflite-builder.js';
import { asInputType, onGrid, top1 } from './same-input.js';

/**
 * Half a step of the result's grid; and a quarter, because LiteRT's plain kernels round twice: to a finer grid, which is at least twice
 * as fine, and then to the result's (gemmlowp's rounding doubling multiplication, then the rounding shift).
 */
const STEPS = 0.76;

/** XNNPACK's QUANTIZE multiplies by the ratio of the scales in steps of 1/256: up to 255 · 1/512 more than half a step. */
const QUANTIZE_STEPS = 1.01;

describe('single operators', () => {
  const zeroPoint = { UINT8: fc.integer({ min: 0, max: 255 }), INT8: fc.integer({ min: -128, max: 127 }) };
  const least = { UINT8: 0, INT8: -128 };
  const arrays = { UINT8: Uint8Array, INT8: Int8Array };
  type Type = keyof typeof arrays;

  /** Seeded integers of the whole range of a type. */
  function integers(type: Type, count: number, seed: number): Uint8Array | Int8Array {
    const uniform = uniformRandom(seed);
    return new arrays[type](count).map(() => least[type] + Math.floor(256 * uniform()));
  }

  /** Runs a model of one input x and one output y here and there. */
  async function compare(model: ModelSpec, type: Type, seed: number, allowed = STEPS): Promise<void> {
    const bytes = buildTflite(model);
    const x = { scale: [1], zeroPoint: [0], ...model.tensors.x };
    const y = { scale: [1], zeroPoint: [0], ...model.tensors.y };
    const stored = integers(type, sizeOf(x.shape), seed);
    const network = await tflite.read(bytes, { fileName: 'single.tflite' });
    const real = Float32Array.from(stored, (q) => x.scale[0] * (q - x.zeroPoint[0]));
    const ours = run(network, tensor(x.shape, real)).get(network.outputs[0])!.data;
    const [{ data }] = await runLitert(bytes, stored);
    for (let at = 0; at < ours.length; at++) {
      const theirs = y.scale[0] * (Number(data[at]) - y.zeroPoint[0]);
      const steps = Math.abs(ours[at] - theirs) / y.scale[0];
      expect(steps, `y[${at}]: ${ours[at]} here, ${theirs} there, in steps of ${y.scale[0]}`).toBeLessThan(allowed);
    }
  }

  const fused = fc.integer({ min: 0, max: 3 });
  const scales = fc.double({ min: 0.01, max: 0.5, noNaN: true }).map(Math.fround);
  const type = fc.constantFrom('UINT8' as const, 'INT8' as const);
  const quantized = (chosen: Type) =>
    fc.record({ type: fc.constant(chosen), zeroPoint: fc.tuple(zeroPoint[chosen]), scale: fc.tuple(scales) });
  const anyQuantized = type.chain(quantized);
  /** Two tensors of the same type: files do not mix them. */
  const pair = type.chain((chosen) => fc.tuple(quantized(chosen), quantized(chosen)));

  /** A kernel as each type of file has it: uint8 with one scale and any zero point, int8 with a scale for each output channel. */
  function kernelOf(type: Type, shape: Shape, axis: number, seed: number): TensorSpec & { scale: number[] } {
    const uniform = uniformRandom(seed + 1);
    const count = type === 'INT8' ? shape[axis] : 1;
    const scale = Array.from({ length: count }, () => Math.fround(0.01 + 0.05 * uniform()));
    const zeroPoint = scale.map(() => (type === 'INT8' ? 0 : Math.floor(256 * uniform())));
    // int8 kernels are symmetric: from −127
    const data = integers(type, sizeOf(shape), seed + 2).map((q) => (type === 'INT8' ? Math.max(q, -127) : q));
    return { shape, type, data, scale, zeroPoint, axis };
  }

  function biasOf(count: number, input: number, kernelScales: readonly number[], seed: number): TensorSpec {
    const uniform = uniformRandom(seed + 3);
    return {
      shape: [count],
      type: 'INT32',
      data: Int32Array.from({ length: count }, () => Math.floor(4000 * (uniform() - 0.5))),
      scale: kernelScales.map((scale) => scale * input),
    };
  }

  test('CONV_2D, uint8 and int8 with a scale for each channel, with each fused activation', async () => {
    await fc.assert(
      fc.asyncProperty(
        pair,
        fused,
        fc.integer({ min: 1, max: 2 }),
        fc.nat(),
        async ([x, y], activation, stride, seed) => {
          const kernel = kernelOf(x.type, [3, 3, 3, 2], 0, seed);
          const size = Math.ceil(5 / stride);
          const model: ModelSpec = {
            tensors: {
              x: { ...x, shape: [1, 5, 5, 2] },
              kernel,
              bias: biasOf(3, x.scale[0], kernel.scale, seed),
              y: { ...y, scale: [Math.fround(y.scale[0] * 4)], shape: [1, size, size, 3] },
            },
            operators: [
              {
                code: 'CONV_2D',
                inputs: ['x', 'kernel', 'bias'],
                outputs: ['y'],
                options: [
                  schema.Conv2DOptions,
                  { padding: 0, stride_h: stride, stride_w: stride, fused_activation_function: activation },
                ],
              },
            ],
            inputs: ['x'],
            outputs: ['y'],
          };
          fc.pre(expresses(model.tensors.y, activation));
          await compare(model, x.type, seed);
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
  });

  test('DEPTHWISE_CONV_2D, int8 scales along the last axis', async () => {
    await fc.assert(
      fc.asyncProperty(pair, fc.integer({ min: 1, max: 2 }), fc.nat(), async ([x, y], multiplier, seed) => {
        const channels = 3 * multiplier;
        const kernel = kernelOf(x.type, [1, 3, 3, channels], 3, seed);
        const model: ModelSpec = {
          tensors: {
            x: { ...x, shape: [1, 6, 5, 3] },
            kernel,
            bias: biasOf(channels, x.scale[0], kernel.scale, seed),
            y: { ...y, shape: [1, 4, 3, channels] },
          },
          operators: [
            {
              code: 'DEPTHWISE_CONV_2D',
              inputs: ['x', 'kernel', 'bias'],
              outputs: ['y'],
              options: [
                schema.DepthwiseConv2DOptions,
                { padding: 1, stride_h: 1, stride_w: 1, depth_multiplier: multiplier },
              ],
            },
          ],
          inputs: ['x'],
          outputs: ['y'],
        };
        await compare(model, x.type, seed);
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });

  test('QUANTIZE to another range and type', async () => {
    await fc.assert(
      fc.asyncProperty(anyQuantized, anyQuantized, fc.nat(), async (x, y, seed) => {
        const shape = [1, 64];
        const model: ModelSpec = {
          tensors: { x: { ...x, shape }, y: { ...y, shape } },
          operators: [{ code: 'QUANTIZE', inputs: ['x'], outputs: ['y'] }],
          inputs: ['x'],
          outputs: ['y'],
        };
        await compare(model, x.type, seed, QUANTIZE_STEPS);
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });

  /** Whether a tensor's range and a fused activation's meet in more than a point. */
  function expresses({ type, scale, zeroPoint }: TensorSpec, activation: number): boolean {
    const [low, high] = [
      [-Infinity, Infinity],
      [0, Infinity],
      [-1, 1],
      [0, 6],
    ][activation];
    const lowest = least[type as Type] - zeroPoint![0];
    return scale![0] * lowest < high && scale![0] * (lowest + 255) > low;
  }
});

describe.skipIf(noData)('whole networks on photographs (needs DEPTHWISE_DATA)', () => {
  const pictures = ['astronaut.png', 'chelsea.png', 'coffee.png', 'rocket.jpg', 'grace_hopper.bmp', 'table.jpg'];

  test('vww_96_int8.tflite says person or not as LiteRT does', async () => {
    const bytes = await readFile(dataPath('models', 'vww_96_int8.tflite'));
    const network = await tflite.read(bytes, { fileName: 'vww_96_int8.tflite' });
    const { preprocessing } = network.conventions;
    for (const name of pictures) {
      const picture = await readPicture(dataPath('images', name));
      const input = onGrid(preprocess(picture, preprocessing!), preprocessing!);
      const ours = run(network, input.x).get(network.outputs[0])!.data;
      const [{ data }] = await runLitert(bytes, asInputType(input.bytes, 'int8'));
      expect(top1(ours), name).toBe(top1(data as Int8Array));
      expect(ours[1], name).toBeCloseTo((Number(data[1]) + 128) / 256, 1);
    }
  });

  /** All 100, and the larger models: `npm run accuracy`. */
  test('mobilenet_v1_0.25_128_quant.tflite names the same class as LiteRT for 95 % of 50 pictures', async () => {
    const bytes = await readFile(dataPath('models', 'mobilenet_v1_0.25_128_quant.tflite'));
    const network = await tflite.read(bytes, { fileName: 'mobilenet_v1_0.25_128_quant.tflite' });
    const { preprocessing } = network.conventions;
    const rows = (await readFile(dataPath('images', 'imagenet100', 'classes.csv'), 'utf8')).trim().split('\n').slice(1);
    const model = await loadLitert(bytes);
    const different: string[] = [];
    for (const row of rows.filter((_, index) => index % 2 === 0)) {
      const [file] = row.split(',');
      const picture = await readPicture(dataPath('images', 'imagenet100', file));
      const input = onGrid(preprocess(picture, preprocessing!), preprocessing!);
      const ours = run(network, input.x).get(network.outputs[0])!.data;
      const [{ data }] = await model.run([input.bytes]);
      // Of several best scores, which are equal bytes, LiteRT's first is no better than the others.
      if (data[top1(ours)] !== data[top1(data as Uint8Array)]) different.push(file);
    }
    model.delete();
    expect(different.length, `different: ${different}`).toBeLessThanOrEqual(2);
  });
});
