/** What a network yields, it yields after it was written and read: each output under its name, those that are one tensor too. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readNetwork, writeNetwork, writeTfjs } from '../../src/formats/index.js';
import { readTfjs } from '../../src/formats/tfjs.js';
import { type Network, NetworkBuilder, run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

const throughFormat: Readonly<Record<string, (network: Network) => Promise<Network>>> = {
  safetensors: async (network) => readNetwork(await writeNetwork(network, 'safetensors')),
  npz: async (network) => readNetwork(await writeNetwork(network, 'npz')),
  tflite: async (network) => readNetwork(await writeNetwork(network, 'tflite')),
  onnx: async (network) => readNetwork(await writeNetwork(network, 'onnx')),
  tfjs: async (network) => readTfjs(await writeTfjs(network)),
};

const step = fc.constantFrom('dropout', 'reshape', 'relu', 'sigmoid');

/** Layers in a row, or from any earlier one, most of which hand on what they get; outputs in any order. */
const networks = fc
  .record({
    shape: fc.constantFrom([1, 2, 2, 3], [1, 4], [1, 2, 3]),
    steps: fc.array(fc.tuple(step, fc.nat()), { minLength: 1, maxLength: 6 }),
    order: fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
    count: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ shape, steps, order, count }) => {
    const net = new NetworkBuilder();
    const tensors = [net.add('first', 'relu', net.input('x', shape), {})];
    for (const [index, [kind, from]] of steps.entries()) {
      const source = tensors[from % tensors.length];
      const name = `n${index}`;
      if (kind === 'reshape') tensors.push(net.add(name, 'reshape', source, { shape: shape.slice(1) }));
      else if (kind === 'dropout') tensors.push(net.add(name, 'dropout', source, { rate: 0.5 }));
      else tensors.push(net.add(name, kind as 'relu', source, {}));
    }
    const outputs = tensors
      .slice(1)
      .map((name, index) => ({ name, key: order[index] }))
      .sort((a, b) => a.key - b.key)
      .slice(0, count)
      .map(({ name }) => name);
    return net.build('handing on', outputs, { source: 'other', output: 'features' });
  });

/** TensorFlow.js' reader keeps the name of the layer that computes an output, where an Identity has another. */
const named = (format: string, outputs: readonly string[]) => (format === 'tfjs' ? outputs.length : outputs);

describe.each(Object.entries(throughFormat))('%s', (format, through) => {
  test('outputs keep their names, their order and their numbers', () =>
    fc.assert(
      fc.asyncProperty(networks, async (network) => {
        const back = await through(network);
        expect(named(format, back.outputs)).toEqual(named(format, network.outputs));
        const [{ shape }] = network.inputs;
        const size = shape.reduce((product, side) => product * side, 1);
        const x = new Map([
          [
            'x',
            tensor(
              shape,
              Float32Array.from({ length: size }, (_, i) => i / 4 - 1),
            ),
          ],
        ]);
        const found = run(back, new Map([[back.inputs[0].name, x.get('x')!]]));
        const wanted = run(network, x);
        for (const [place, name] of network.outputs.entries()) {
          const [{ data }, { data: theirs }] = [wanted.get(name)!, found.get(back.outputs[place])!];
          for (const [index, value] of data.entries()) expect(theirs[index]).toBeCloseTo(value, 6);
        }
      }),
      { numRuns: 60 },
    ));

  test('a network of dropouts and reshapes alone, whose outputs are its input, has two outputs still', async () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 4]);
    const outputs = [net.add('a', 'dropout', x, { rate: 0.5 }), net.add('b', 'reshape', x, { shape: [4] })];
    const back = await through(net.build('nothing', outputs, { source: 'other', output: 'features' }));
    expect(back.outputs).toHaveLength(2);
  });
});
