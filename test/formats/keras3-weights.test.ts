/** Keras 3's .weights.h5: layers by class and number, variables by number. */
import type { Group } from 'h5wasm';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { readNetwork } from '../../src/formats/index.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { type Network, randomWeights } from '../../src/network/index.js';
import type { Tensor } from '../../src/tensor.js';
import { h5File } from './h5.js';

/** Keras' names of classes in snake case, and the order in which their layers make their variables. */
const CLASSES: Readonly<Record<string, readonly [group: string, variables: readonly string[]]>> = {
  conv2d: ['conv2d', ['kernel', 'bias']],
  pointwiseConv2d: ['conv2d', ['kernel', 'bias']],
  depthwiseConv2d: ['depthwise_conv2d', ['kernel', 'bias']],
  dense: ['dense', ['kernel', 'bias']],
  batchNorm: ['batch_normalization', ['gamma', 'beta', 'movingMean', 'movingVariance']],
};

/** A pointwise kernel [I, O] is [1, 1, I, O] in a Conv2D. */
const shapeInKeras = (kind: string, { shape }: Tensor): number[] =>
  kind === 'pointwiseConv2d' && shape.length === 2 ? [1, 1, ...shape] : [...shape];

/** On Windows, Keras joins the names of groups by backslashes: 'layers\\conv2d' is one group. */
const save = (network: Network, more: (layers: Group) => void = () => {}, windows = false) =>
  h5File((file) => {
    const layers = windows ? file : file.create_group('layers');
    const prefix = windows ? 'layers\\' : '';
    const counts = new Map<string, number>();
    for (const { name, kind } of network.nodes) {
      const [group, variables] = CLASSES[kind] ?? ['activation', []];
      const count = counts.get(group) ?? 0;
      counts.set(group, count + 1);
      const vars = layers.create_group(`${prefix}${group}${count === 0 ? '' : `_${count}`}`).create_group('vars');
      const found = variables.flatMap((variable) => network.weights.get(`${name}/${variable}`) ?? []);
      for (const [index, x] of found.entries()) {
        const shape = shapeInKeras(kind, x);
        vars.create_dataset({ name: `${index}`, data: Float32Array.from(x.data), shape, dtype: '<f' });
      }
    }
    more(layers);
  });

describe.each([
  ['V1', mobilenetV1],
  ['V2', mobilenetV2],
])('%s', (_, mobilenet) => {
  const made = (alpha: number) => mobilenet({ alpha, resolution: 32, classes: 3, conventions: 'keras' });
  const architecture = made(0.25);
  const trained = randomWeights(architecture, 5);

  test.each([false, true])('each layer gets its own weights; of Windows: %s', async (windows) => {
    const { weights } = await readNetwork(await save(trained, undefined, windows), { architecture });
    expect([...weights.keys()].sort()).toEqual([...trained.weights.keys()].sort());
    for (const [name, { shape, data }] of trained.weights) {
      expect(weights.get(name)!.shape).toEqual(shape);
      expect([...weights.get(name)!.data]).toEqual([...data]);
    }
  });

  test('a layer too many is named', async () => {
    const bytes = await save(trained, (layers) => {
      const vars = layers.create_group('group_normalization').create_group('vars');
      vars.create_dataset({ name: '0', data: Float32Array.of(1), shape: [1], dtype: '<f' });
    });
    await expect(readNetwork(bytes, { architecture, fileName: 'm.weights.h5' })).rejects.toThrow(
      new FormatError("m.weights.h5: has weights of 'layers/group_normalization', and the network no such layer"),
    );
  });

  test('a weight too many is named', async () => {
    const bytes = await save(trained, (layers) => {
      const vars = layers.get('conv2d/vars') as Group;
      vars.create_dataset({ name: '2', data: Float32Array.of(1), shape: [1], dtype: '<f' });
    });
    await expect(readNetwork(bytes, { architecture, fileName: 'm.weights.h5' })).rejects.toThrow(
      new FormatError(
        `m.weights.h5: layer '${architecture.nodes[0].name}' (Conv2D): wanted 2 weights at most, found number 2`,
      ),
    );
  });

  test('a model inside the model is refused, with the way out', async () => {
    const bytes = await save(trained, (layers) => void layers.create_group('functional').create_group('layers'));
    await expect(readNetwork(bytes, { architecture, fileName: 'm.weights.h5' })).rejects.toThrow(
      new FormatError(
        "m.weights.h5: 'layers/functional' is a model inside the model; save the whole model instead: model.save('x.keras')",
      ),
    );
  });

  test.each([
    ['layers\\group_normalization', "has weights of 'layers/group_normalization', and the network no such layer"],
    [
      'layers\\functional\\layers\\conv2d',
      "'layers/functional' is a model inside the model; save the whole model instead: model.save('x.keras')",
    ],
  ])('the same of Windows: %s', async (name, message) => {
    const more = (file: Group) => {
      const vars = file.create_group(name).create_group('vars');
      vars.create_dataset({ name: '0', data: Float32Array.of(1), shape: [1], dtype: '<f' });
    };
    const read = readNetwork(await save(trained, more, true), { architecture, fileName: 'm.weights.h5' });
    await expect(read).rejects.toThrow(new FormatError(`m.weights.h5: ${message}`));
  });

  test('weights of another width are named', async () => {
    const read = readNetwork(await save(trained), { architecture: made(0.5) });
    await expect(read).rejects.toThrow(/wrong shape: conv1\/kernel is \[3,3,3,8\], wanted \[3,3,3,16\]/i);
  });
});

test('without an architecture the file says nothing of its network', async () => {
  const bytes = await save(randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32 }), 1));
  await expect(readNetwork(bytes, { fileName: 'my.weights.h5' })).rejects.toThrow(
    'my.weights.h5: holds weights without a network',
  );
});
