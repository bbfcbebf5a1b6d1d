/** TensorFlow.js models by hand: nested models, quantised weights, fused operators, and what is refused. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { readNetworkFile } from '../../../src/formats/files.js';
import type { TfjsFiles } from '../../../src/formats/index.js';
import { tfjs } from '../../../src/formats/readers/tfjs.js';
import { readTfjs } from '../../../src/formats/tfjs.js';
import { run } from '../../../src/network/index.js';
import { tensor } from '../../../src/tensor.js';
import {
  bytesOf,
  fusedData,
  fusedGraph,
  fusedWeights,
  model,
  placeholder,
  sliding,
  teachable,
  teachableWeights,
  text,
} from './models.js';

const picture = tensor([1, 2, 2, 1], [1, 2, 3, 6]); // mean 3

describe('layers models', () => {
  test('models inside a model, in shards', async () => {
    const data = bytesOf(Float32Array.of(1, -1, 1, 0, 2, -1));
    const network = await readTfjs(model({ model_config: teachable }, teachableWeights, data, 3));
    expect(network.nodes.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
      'c: pointwiseConv2d',
      'pool: globalAveragePool',
      'd: dense',
      'top: relu',
    ]);
    // [3, −3] · [[1, 0], [2, −1]] = [−3, 3]
    expect([...run(network, picture).get('top')!.data]).toEqual([0, 3]);
  });

  test.each([
    [
      'uint8',
      Uint8Array.of(200, 0, 150, 100, 255, 2),
      { dtype: 'uint8', scale: 0.5, min: -50 },
      [50, -50, 25, 0, 77.5, -49],
    ],
    ['uint16', Uint16Array.of(2, 0, 65535, 1, 3, 4), { dtype: 'uint16', scale: 2, min: 1 }, [5, 1, 131071, 3, 7, 9]],
    [
      'float16',
      Uint16Array.of(0x3c00, 0xbc00, 0x4000, 0, 0x3800, 0x7bff),
      { dtype: 'float16' },
      [1, -1, 2, 0, 0.5, 65504],
    ],
  ])('weights of %s', async (_, stored, quantization, real) => {
    const weights = teachableWeights.map((weight) => ({ ...weight, quantization }));
    const network = await readTfjs(model(teachable, weights, bytesOf(stored)));
    expect([...network.weights.get('c/kernel')!.data, ...network.weights.get('d/kernel')!.data]).toEqual(real);
  });
});

describe('in a folder', () => {
  test('the shards lie beside model.json', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'depthwise-'));
    for (const [name, bytes] of model(fusedGraph, fusedWeights, fusedData, 2))
      await writeFile(join(folder, name), bytes);
    const network = await readNetworkFile(join(folder, 'model.json'));
    expect(network.outputs).toEqual(['y']);
    await rm(join(folder, 'shard1.bin'));
    await expect(readNetworkFile(join(folder, 'model.json'))).rejects.toThrow('shard1.bin: there is no such file');
    await rm(folder, { recursive: true });
  });

  test('and nowhere else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'depthwise-'));
    const json = { modelTopology: {}, weightsManifest: [{ paths: ['../secret'], weights: [] }] };
    await writeFile(join(folder, 'model.json'), JSON.stringify(json));
    const path = join(folder, 'model.json');
    await expect(readNetworkFile(path)).rejects.toThrow(
      new FormatError(`${path}: the weights file '../secret' lies outside of the model's folder`),
    );
    await rm(folder, { recursive: true });
  });
});

describe('graph models', () => {
  test('fused operators, in whatever order the nodes stand', async () => {
    const network = await readTfjs(model(fusedGraph, fusedWeights, fusedData));
    expect(network.nodes.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
      'conv/pointwiseConv2d: pointwiseConv2d',
      'conv: relu6',
      'y: batchNorm',
    ]);
    expect([...run(network, picture).get('y')!.data]).toEqual([12, 13, 13, 12, 14, 11, 16, 10]);
  });

  test.each([
    [1, [1, 2, 3, 4]],
    [2, [2, 4, 6, 8]],
    [3, [3, 6, 9, 12]],
  ])('AddN of %i tensors, as TensorFlow 2.19 writes a shortcut', async (count, wanted) => {
    const nodes = [placeholder, { name: 'y', op: 'AddN', input: [...Array(count).fill('x'), '^x'] }];
    const network = await readTfjs(model({ node: nodes }, [], new Uint8Array()));
    const x = tensor([1, 2, 2, 1], [1, 2, 3, 4]);
    expect([...run(network, x).get(network.outputs[0])!.data]).toEqual(wanted);
  });

  test('filter_format, which TensorFlow 2.19 writes, is HWIO', async () => {
    const stated = (format: string) => {
      const conv = fusedGraph.node.find(({ name }) => name === 'conv') as { attr: object };
      const others = fusedGraph.node.filter(({ name }) => name !== 'conv');
      const node = { ...conv, attr: { ...conv.attr, filter_format: text(format) } };
      return readTfjs(model({ node: [...others, node] }, fusedWeights, fusedData));
    };
    expect([...run(await stated('HWIO'), picture).get('y')!.data]).toEqual([12, 13, 13, 12, 14, 11, 16, 10]);
    await expect(stated('OIHW')).rejects.toThrow(
      "node 'conv' (_FusedConv2D): attribute 'filter_format' is OIHW; wanted HWIO",
    );
  });

  test('Softmax, over the channels', async () => {
    const shape = { shape: { dim: [1, 1, 2, 2].map((size) => ({ size: `${size}` })) } };
    const nodes = [
      { name: 'x', op: 'Placeholder', attr: { shape } },
      { name: 'y', op: 'Softmax', input: ['x'] },
    ];
    const network = await readTfjs(model({ node: nodes }, [], new Uint8Array()));
    const x = tensor([1, 1, 2, 2], [0, Math.log(3), 5, 5]);
    const y = [...run(network, x).get(network.outputs[0])!.data];
    for (const [i, share] of [1 / 4, 3 / 4, 1 / 2, 1 / 2].entries()) expect(y[i]).toBeCloseTo(share, 6);
  });

  test('ends where the caller says', async () => {
    const network = await readTfjs(model(fusedGraph, fusedWeights, fusedData), { outputs: ['conv'] });
    expect(network.outputs).toEqual(['conv']);
  });
});

describe('what is refused', () => {
  const graph = (...nodes: object[]) => model({ node: [placeholder, ...nodes] }, [], new Uint8Array());
  const described = (json: object) => new Map([['model.json', new TextEncoder().encode(JSON.stringify(json))]]);
  const weight = (more: object) => model(fusedGraph, [{ name: 'k', shape: [1], dtype: 'float32', ...more }], fusedData);
  const input = (...sizes: string[]) =>
    model(
      {
        node: [{ name: 'x', op: 'Placeholder', attr: { shape: { shape: { dim: sizes.map((size) => ({ size })) } } } }],
      },
      [],
      new Uint8Array(),
    );
  const refusals: readonly [what: string, files: TfjsFiles, message: string][] = [
    ['no description', new Map(), 'TensorFlow.js model: wanted one .json file that describes the model, found none'],
    [
      'two descriptions',
      new Map(['a.json', 'b.json'].map((name) => [name, Uint8Array.of()])),
      'a.json: wanted one .json file that describes the model, found a.json, b.json',
    ],
    [
      'no JSON',
      new Map([['model.json', Uint8Array.of(0x7b)]]),
      "model.json: the description is not JSON: Expected property name or '}' in JSON at position 1",
    ],
    [
      'another JSON',
      described({ a: 1 }),
      'model.json: not a TensorFlow.js model: wanted modelTopology and weightsManifest',
    ],
    [
      'no weights',
      described({ modelTopology: {} }),
      'model.json: not a TensorFlow.js model: wanted modelTopology and weightsManifest',
    ],
    [
      'no topology',
      described({ weightsManifest: [] }),
      'model.json: not a TensorFlow.js model: wanted modelTopology and weightsManifest',
    ],
    ['a list', described([]), 'model.json: the description: wanted an object'],
    [
      'a topology of numbers',
      described({ modelTopology: 1, weightsManifest: [] }),
      'model.json: modelTopology: wanted an object',
    ],
    [
      'a missing shard',
      new Map([...model(fusedGraph, fusedWeights, fusedData)].slice(0, 1)),
      "model.json: the weights file 'shard0.bin' is missing",
    ],
    [
      'a shard twice',
      described({ modelTopology: {}, weightsManifest: [{ paths: ['a/b', 'a//./b'], weights: [] }] }),
      "model.json: weightsManifest: lists the weights file 'a/b' more than once",
    ],
    [
      'shards too short',
      model(fusedGraph, fusedWeights, fusedData.slice(4)),
      "model.json: weight 'six': ends at byte 20 of shard0.bin, which hold 16 bytes",
    ],
    [
      'shards too long',
      model(fusedGraph, fusedWeights, new Uint8Array(24)),
      'model.json: shard0.bin hold 24 bytes, the manifest describes 20',
    ],
    [
      'weights of text',
      weight({ dtype: 'string' }),
      "model.json: weightsManifest[0].weights[0].dtype: wanted one of 'float32', 'int32', 'bool', 'uint8', 'float16', found 'string'",
    ],
    [
      'weights of another grid',
      weight({ quantization: { dtype: 'int8' } }),
      "model.json: weightsManifest[0].weights[0].quantization.dtype: wanted one of 'uint8', 'uint16', 'float16', found 'int8'",
    ],
    [
      'weights without a scale',
      weight({ quantization: { dtype: 'uint8', min: 0 } }),
      'model.json: weightsManifest[0].weights[0].quantization.scale: wanted a finite number, found undefined',
    ],
    [
      'weights without a zero',
      weight({ quantization: { dtype: 'uint8', scale: 1 } }),
      'model.json: weightsManifest[0].weights[0].quantization.min: wanted a finite number, found undefined',
    ],
    [
      'two weights of a name',
      model(fusedGraph, [fusedWeights[2], fusedWeights[2]], new Uint8Array(8)),
      "model.json: weight 'six': there are two of this name",
    ],
    [
      'a node without its weight',
      model(fusedGraph, fusedWeights.slice(0, 2), fusedData.slice(0, 16)),
      "model.json: node 'six': the manifest has no weight of this name",
    ],
    [
      'two nodes of a name',
      graph({ name: 'a', op: 'Relu', input: ['x'] }, { name: 'a', op: 'Relu', input: ['x'] }),
      'model.json: two nodes have the same name',
    ],
    [
      'an attribute',
      graph({ name: 'r', op: 'Relu', input: ['x'], attr: { alpha: { f: 1 } } }),
      "model.json: node 'r' (Relu): attribute 'alpha' is not supported",
    ],
    [
      'channels first',
      graph({ name: 'p', op: 'MaxPool', input: ['x'], attr: { ...sliding, data_format: text('NCHW') } }),
      "model.json: node 'p' (MaxPool): attribute 'data_format' is NCHW; wanted NHWC",
    ],
    [
      'a cycle',
      graph({ name: 'a', op: 'Relu', input: ['b'] }, { name: 'b', op: 'Relu', input: ['a'] }),
      'model.json: the graph has a cycle',
    ],
    [
      'constants alone',
      model({ node: [{ name: 'k', op: 'Const' }] }, [{ name: 'k', shape: [1], dtype: 'float32' }], new Uint8Array(4)),
      'model.json: the graph has no outputs',
    ],
    [
      'an open number of channels',
      input('1', '2', '2', '-1'),
      "model.json: input 'x' of [1,2,2,-1] leaves sizes open; say the resolution",
    ],
    ['an open list', input('1', '-1', '3'), "model.json: input 'x' of [1,-1,3] leaves sizes open; say the resolution"],
  ];
  test.each(refusals)('%s', async (_, files, message) => {
    await expect(readTfjs(files)).rejects.toThrow(new FormatError(message));
  });

  test('an operator', async () => {
    await expect(readTfjs(graph({ name: 'e', op: 'Exp', input: ['x'] }))).rejects.toThrow(
      /^model\.json: node 'e' \(Exp\): the operator is not supported; these are: _FusedConv2D, (\w+, )+Transpose; to read the network without it, name earlier outputs, such as 'x'$/,
    );
    await expect(readTfjs(graph({ name: 'e', op: 'RandomUniform', input: [] }))).rejects.toThrow(/, Transpose$/);
  });

  test.each([
    ['z', "model.json: there is no node 'z' for an output"],
    ['k', "model.json: output 'k' is no computed tensor"],
  ])('%s as an output', async (output, message) => {
    const files = model(fusedGraph, fusedWeights, fusedData);
    await expect(readTfjs(files, { outputs: [output] })).rejects.toThrow(new FormatError(message));
    const signature = { outputs: { out: { name: `${output}:0` } } };
    const signed = model(fusedGraph, fusedWeights, fusedData, 1, { signature });
    await expect(readTfjs(signed)).rejects.toThrow(new FormatError(message));
  });

  test('an attribute that is a list of lists without end', async () => {
    const endless = '['.repeat(20_000) + ']'.repeat(20_000);
    const json = JSON.stringify({ modelTopology: { node: ['here'] }, weightsManifest: [] }).replace('"here"', endless);
    await expect(readTfjs(new Map([['model.json', new TextEncoder().encode(json)]]))).rejects.toThrow(
      /^model\.json: the description nests deeper than 100, at character \d+$/,
    );
  });

  test('models nested without end', async () => {
    let config: object = { class_name: 'Dense', config: { name: 'd', units: 1, batch_input_shape: [null, 1] } };
    for (let depth = 0; depth < 12; depth++)
      config = { class_name: 'Sequential', config: { name: `s${depth}`, layers: [config] } };
    await expect(readTfjs(model(config, [], new Uint8Array()))).rejects.toThrow(
      new FormatError(
        "model.json: layer 's10 > s9 > s8 > s7 > s6 > s5 > s4 > s3 > s2' (Sequential).config: models nested deeper than 8",
      ),
    );
  });
});

test("the reader's companions: shards are needed, and beside a layers model Teachable Machine's metadata may lie", async () => {
  const layersModel = model({ model_config: teachable }, teachableWeights, new Uint8Array(24), 2).get('model.json')!;
  expect(await tfjs.companions!(layersModel)).toEqual({
    needed: ['shard0.bin', 'shard1.bin'],
    optional: ['metadata.json'],
  });
  const graph = model(fusedGraph, fusedWeights, fusedData).get('model.json')!;
  expect(await tfjs.companions!(graph, 'g.json')).toEqual({ needed: ['shard0.bin'], optional: [] });
  await expect(tfjs.companions!(new TextEncoder().encode('{}'))).rejects.toThrow(
    new FormatError('model.json: not a TensorFlow.js model: wanted modelTopology and weightsManifest'),
  );
});
