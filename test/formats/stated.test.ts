/** `outputs` and `resolution` of `readNetwork`: every format honours them, or says why not. */
import { describe, expect, test } from 'vitest';
import { ShapeError, UsageError } from '../../src/errors.js';
import { readNetwork, writeNetwork } from '../../src/formats/index.js';
import { mobilenetV2 } from '../../src/models/index.js';
import { atResolution, NetworkBuilder, randomWeights, trace } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

const network = randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32, classes: 3 }), 1);
const pictures = (side: number) =>
  tensor(
    [1, side, side, 3],
    Float32Array.from({ length: side * side * 3 }, (_, i) => Math.sin(i)),
  );
/** A residual sum and the network's own output. */
const INNER = 'block_5_add';
const [OWN] = network.outputs;

const flat = new NetworkBuilder();
flat.add('flat', 'flatten', flat.input('x', [1, 4, 4, 3]), {});
flat.add('dense', 'dense', 'flat', { units: 2, bias: false });
const fixed = randomWeights(flat.build('fixed', ['dense'], { source: 'other', output: 'logits' }), 1);

describe.each(['safetensors', 'npz', 'tflite', 'onnx'] as const)('%s', (format) => {
  const fileName = `model.${format}`;

  test('ends at the outputs that are asked for', async () => {
    const bytes = await writeNetwork(network, format);
    const whole = trace(await readNetwork(bytes), pictures(32));
    for (const outputs of [[INNER], [INNER, OWN]]) {
      const found = await readNetwork(bytes, { outputs });
      expect(found.outputs).toEqual(outputs);
      expect(found.nodes.length).toBeLessThanOrEqual(whole.size);
      const tensors = trace(found, pictures(32));
      for (const name of outputs) expect(tensors.get(name)!.shape).toEqual(whole.get(name)!.shape);
      for (const name of outputs) expect(tensors.get(name)!.data).toEqual(whole.get(name)!.data);
      expect(found.conventions.output).toBe('features');
    }
    const own = await readNetwork(bytes, { outputs: [OWN] });
    expect(own.conventions).toEqual((await readNetwork(bytes)).conventions);
  });

  test('takes the resolution that is asked for', async () => {
    const bytes = await writeNetwork(network, format);
    const found = await readNetwork(bytes, { resolution: [64, 64], outputs: [INNER] });
    expect(found.inputs[0].shape).toEqual([1, 64, 64, 3]);
    expect(trace(found, pictures(64)).get(INNER)!.shape.slice(0, 3)).toEqual([1, 8, 8]);
  });

  test('refuses a resolution where the layers fix the size', async () => {
    const bytes = await writeNetwork(fixed, format);
    const network = await readNetwork(bytes, { fileName });
    const why = await Promise.resolve()
      .then(() => atResolution(network, [5, 5]))
      .catch((error) => error.message);
    await expect(readNetwork(bytes, { fileName, resolution: [5, 5] })).rejects.toThrow(
      new ShapeError(`${fileName}: takes inputs of [1, 4, 4, 3], and no pictures of 5 x 5: ${why}`),
    );
  });

  test('refuses outputs that it does not have, and none', async () => {
    const bytes = await writeNetwork(network, format);
    const similar = 'block_5_add, block_2_add, block_4_add, block_7_add, block_8_add';
    const [unknown, none] =
      format === 'onnx'
        ? ["no node yields 'block_5_ad'", 'wanted the names of one or more outputs, found none']
        : [
            `outputs: ${format === 'tflite' ? 'model' : network.name}: there is no layer 'block_5_ad'`,
            'outputs: wanted one or more names, found none',
          ];
    await expect(readNetwork(bytes, { fileName, outputs: ['block_5_ad'] })).rejects.toThrow(
      new UsageError(`${fileName}: ${unknown}; similar names: ${similar}`),
    );
    await expect(readNetwork(bytes, { fileName, outputs: [] })).rejects.toThrow(new UsageError(`${fileName}: ${none}`));
  });
});
