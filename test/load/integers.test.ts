/** Quantised models by `load`: computed with their integers, which the functions of tasks compute too. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { wasmBytes } from '../../src/engine/wasm-bytes.js';
import { readNetwork, readQuantizedNetwork } from '../../src/formats/index.js';
import { readPicture } from '../../src/image/index.js';
import { load } from '../../src/load/node.js';
import { asRealNumbers, runQuantized } from '../../src/network/index.js';
import { classify } from '../../src/tasks/index.js';
import { withIntegers } from '../../src/tasks/integers.js';
import { dataPath, noData } from '../data.js';

describe.skipIf(noData)('mobilenet_v1_0.25_128_quant.tflite (needs DEPTHWISE_DATA)', () => {
  const path = () => dataPath('models/mobilenet_v1_0.25_128_quant.tflite');
  const picture = () => readPicture(dataPath('images/chelsea.png'));

  test.each(['single', 'double'] as const)(
    '%s rounding: the bits of the readable layers, on every target',
    async (rounding) => {
      const quantized = await readQuantizedNetwork(readFileSync(path()));
      const real = await readNetwork(readFileSync(path()));
      const run = withIntegers(quantized, (network, inputs) => runQuantized(network, inputs, { rounding }));
      const wanted = await classify(real, await picture(), { run });
      for (const target of ['simd', 'scalar', 'reference'] as const) {
        const model = await load(path(), { rounding, target });
        expect(await model.classify(await picture())).toEqual(wanted);
        expect(model.report()).toMatchObject({ target, rounding });
        model.dispose();
      }
    },
  );

  test('single is what is computed unless stated; every call is computed so', async () => {
    const model = await load(path());
    expect(model.report().rounding).toBe('single');
    const isStep = (scale: number) => (value: number) => Math.abs(value / scale - Math.round(value / scale)) < 1e-4;
    const features = await model.embed(await picture());
    expect([...features.data].every(isStep(0.023528477177023888))).toBe(true);
    const tensors = await model.trace(await picture());
    expect(tensors.size).toBe(59);
    const [first] = [...tensors.keys()].slice(2);
    expect(await model.trace(await picture(), [first])).toEqual(new Map([[first, tensors.get(first)]]));
    model.dispose();
  });

  test('asRealNumbers, and a network of real numbers without integers', async () => {
    const model = await load(path(), { asRealNumbers: true });
    expect(model.report().rounding).toBeUndefined();
    const { weights, ...description } = await readNetwork(readFileSync(path()));
    const alone = await load({ ...description, weights });
    expect(await alone.classify(await picture())).toEqual(await model.classify(await picture()));
    await expect(load({ ...description, weights }, { rounding: 'single' })).rejects.toThrow(
      /^load: rounding has no effect with .*, which is computed with real numbers here$/,
    );
  });

  test('a quantised network in memory is given as real numbers, and computed with its integers', async () => {
    const quantized = await readQuantizedNetwork(readFileSync(path()));
    await expect(load(quantized as never)).rejects.toThrow(
      'load: wanted asRealNumbers(network), which keeps the integers, found a QuantizedNetwork',
    );
    const model = await load(asRealNumbers(quantized));
    expect(model.report().rounding).toBe('single');
    model.dispose();
  });

  test('compiled kernels that are given are for real numbers', async () => {
    const module = await WebAssembly.compile(wasmBytes('simd'));
    await expect(load(path(), { module: { simd: module } })).rejects.toThrow(
      'load: module: its kernels compute real numbers, and mobilenet_v1_0.25_128_quant has integers; wanted asRealNumbers: true too',
    );
  });

  test('another resolution is for real numbers', async () => {
    await expect(load(path(), { resolution: [160, 160] })).rejects.toThrow(
      'has integers for the size of its file alone; asRealNumbers: true computes any size',
    );
  });
});
