/** What the commands prepare pictures into. */
import { describe, expect, test } from 'vitest';
import { executor } from '../../src/cli/executor.js';
import { startProgress } from '../../src/cli/progress.js';
import type { Picture } from '../../src/image/picture.js';
import { integerLayers } from '../../src/layers/int8/index.js';
import { asRealNumbers } from '../../src/network/index.js';
import { inputTensor } from '../../src/tasks/execute.js';
import { classify, type Executor } from '../../src/tasks/index.js';
import type { QuantizedType } from '../../src/tensor.js';
import { smallQuantized } from '../load/models.js';

describe('a quantised model', async () => {
  const quantized = await smallQuantized();
  const network = asRealNumbers(quantized);
  const [{ shape: [, height, width] }] = network.inputs; // biome-ignore format: one line
  const picture: Picture = {
    width: 2 * width + 1,
    height,
    channels: 3,
    data: Uint8Array.from({ length: (2 * width + 1) * height * 3 }, (_, i) => (i * 97) % 256),
  };
  const flags = { target: 'auto', rounding: 'single' } as const;

  test('pictures become its integers, those of the real numbers', async () => {
    const run = executor(network, flags, await startProgress('test'), 1);
    const x = inputTensor(network, picture, { run });
    const type = quantized.inputs[0].type as QuantizedType;
    expect(x).toMatchObject({ type });
    expect(x.data).toEqual(integerLayers.quantize([inputTensor(network, picture)], {}, {}, type, 'single').data);
    const byReals: Executor = (asked, input) => run(asked, input);
    expect(await classify(network, picture, { run })).toEqual(await classify(network, picture, { run: byReals }));
  });

  test('and real numbers where those are asked for', async () => {
    const run = executor(network, { ...flags, asRealNumbers: true }, await startProgress('test'), 1);
    expect(inputTensor(network, picture, { run })).toEqual(inputTensor(network, picture));
  });
});
