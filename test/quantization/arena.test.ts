/** The tensors' part of a microcontroller's arena, worked out by hand. `test/agreement/tflite-micro.test.ts` asks the interpreter itself. */
import { expect, test } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.js';
import { randomWeights } from '../../src/network/index.js';
import { arenaBytes } from '../../src/quantization/arena.js';
import { calibrate, quantizeNetwork } from '../../src/quantization/index.js';
import { tensor } from '../../src/tensor.js';

test('an activation lies where its layer does; 16 bytes are the unit', async () => {
  const net = new NetworkBuilder();
  let x = net.input('x', [1, 5, 5, 1]);
  x = net.add('wide', 'pointwiseConv2d', x, { filters: 4, bias: true });
  x = net.add('six', 'relu6', x, {});
  x = net.add('narrow', 'pointwiseConv2d', x, { filters: 1, bias: true });
  const network = randomWeights(net.build('small', [x], { source: 'other', output: 'features' }), 1);
  const inputs = [
    tensor(
      [1, 5, 5, 1],
      Array.from({ length: 25 }, (_, i) => i - 12),
    ),
  ];
  const quantized = quantizeNetwork(await calibrate(network, inputs), { input: 'float32' });
  // Rounded up: x, 25 real numbers, 112 bytes; as int8 32; six 112; narrow 32; as real numbers 112. Each step reads one and writes the next.
  expect(arenaBytes(quantized)).toBe(112 + 32);
});
