/** Quantised models on the command line: computed with their integers, in the rounding that is asked for, or as real numbers. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { readNpz } from '../../src/formats/tensors/npz.js';
import { dataPath, noData } from '../data.js';
import { cat, depthwise, depthwiseJson, temporaryFolder } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

/** Its probabilities are multiples of 1/256. */
const model = () => ['--model', dataPath('models/mobilenet_v1_0.25_128_quant.tflite')];
const steps = async (...flags: string[]): Promise<number[]> => {
  const [{ predictions }] = await depthwiseJson('classify', cat, ...model(), '--top', '3', ...flags);
  return predictions.map(({ probability }: { probability: number }) => probability * 256);
};

describe.skipIf(noData)('quantised models (needs DEPTHWISE_DATA)', () => {
  test('classify: the integers by kernels and by the readable layers, which say the same', async () => {
    const found = await steps();
    for (const step of found) expect(step).toBe(Math.round(step));
    expect(await steps('--target', 'reference')).toEqual(found);
    expect(await steps('--target', 'scalar')).toEqual(found);
  });

  test('classify: the other rounding, and real numbers, are near', async () => {
    const found = await steps();
    const double = await steps('--rounding', 'double');
    expect(double.every((step) => step === Math.round(step))).toBe(true);
    const real = await steps('--as-real-numbers');
    expect(real.every((step) => step === Math.round(step))).toBe(false);
    for (const other of [double, real]) {
      for (const [i, step] of found.entries()) expect(Math.abs(other[i] - step)).toBeLessThan(16);
    }
  });

  test('embed: multiples of the layer’s scale', async () => {
    const { layer, values } = await depthwiseJson('embed', cat, ...model(), '--json');
    expect(layer).toBe('MobilenetV1/Logits/AvgPool_1a/AvgPool');
    const scale = Math.min(...values.filter((value: number) => value > 0));
    for (const value of values) expect(Math.abs(value / scale - Math.round(value / scale))).toBeLessThan(1e-4);
  });

  test('trace: every tensor of the integers; with --bounds the layers of real numbers', async () => {
    const out = folder.path('trace.npz');
    await depthwise('trace', ...model(), '--out', out);
    const { tensors } = await readNpz(readFileSync(out), out);
    expect(tensors.size).toBe(59);
    const [, sums] = tensors.keys();
    expect(sums).toMatch(/Conv2d_0.*linear$/);
    const scale = 0.023528477177023888;
    for (const value of tensors.get(sums)!.data) {
      expect(Math.abs(value / scale - Math.round(value / scale))).toBeLessThan(1e-4);
    }
  });

  test('--resolution is for real numbers', async () => {
    const flags = ['classify', cat, ...model(), '--resolution', '160'];
    expect((await depthwise(...flags)).stderr).toContain(
      '--resolution: mobilenet_v1_0.25_128_quant computes with integers at 128x128; --as-real-numbers allows other sizes',
    );
    expect((await depthwise(...flags, '--as-real-numbers')).exitCode).toBe(0);
  });
});
