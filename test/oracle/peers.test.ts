/**
 * Other runtimes beside this library: LiteRT.js and TensorFlow.js, which are installed, and a package in place of onnxruntime, which is not: it notes
 * what it is given and answers what a test says.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PbfReader } from 'pbf';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { writeTfjs } from '../../src/formats/index.js';
import { readModel } from '../../src/formats/onnx/model.js';
import { ProtoFile } from '../../src/formats/onnx/protobuf.js';
import * as schema from '../../src/formats/tflite/schema.js';
import { writeTflite } from '../../src/formats/tflite.js';
import { type Network, NetworkBuilder, trace } from '../../src/network/index.js';
import { check } from '../../src/oracle/index.js';
import { ONNXRUNTIME, XNNPACK } from '../../src/oracle/integers/peer-numbers.js';
import { openInPeer, openIntegerPeer, openPeer, Packages, peerNames } from '../../src/oracle/peers/index.js';
import { litert, loadLitert } from '../../src/oracle/peers/litert-runtime.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { float, type NodeSpec, onnxFile, uint8 } from '../formats/onnx/builder.js';
import {
  bytesOf,
  exported,
  fusedData,
  fusedGraph,
  fusedWeights,
  model,
  teachable,
  teachableWeights,
} from '../formats/tfjs/models.js';
import { buildTflite, type OperatorSpec } from '../formats/tflite-builder.js';
import { traceQuantized } from '../network/trace-quantized.js';

const folder = mkdtempSync(join(tmpdir(), 'depthwise-peers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** The files of a TensorFlow.js model; the path of its description. */
function writtenModel(name: string, files: ReadonlyMap<string, Uint8Array>): string {
  mkdirSync(join(folder, name));
  for (const [file, bytes] of files) written(`${name}/${file}`, bytes);
  return join(folder, name, 'model.json');
}

/** Exact in float32, whatever the order of the sums. */
const network: Network = (() => {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 2, 2, 2]);
  const conv = net.add('conv', 'pointwiseConv2d', x, { filters: 2, bias: true });
  const relu = net.add('relu', 'relu', conv, {});
  const pool = net.add('pool', 'globalAveragePool', relu, { keepDims: false });
  const weights = new Map([
    ['conv/kernel', tensor([2, 2], [1, 2, -1, 0.5])],
    ['conv/bias', tensor([2], [1, -2])],
  ]);
  return { ...net.build('small', [pool], { source: 'other', output: 'features' }), weights };
})();
const x = new Map([['x', tensor([1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, -8])]]);

/** Checks that what the runtime gives is what is computed here. */
function expectSame(
  found: ReadonlyMap<string, Tensor>,
  of: Network,
  inputs: ReadonlyMap<string, Tensor>,
  names: string[],
) {
  const ours = trace(of, inputs);
  expect([...found.keys()].sort()).toEqual([...names].sort());
  for (const name of names) {
    expect(found.get(name)!.shape, name).toEqual(ours.get(name)!.shape);
    expect([...found.get(name)!.data], name).toEqual([...ours.get(name)!.data]);
  }
}

test('LiteRT gives back the memory of a run, and of a model', async () => {
  const net = new NetworkBuilder();
  const relu = net.add('relu', 'relu', net.input('x', [1, 512, 512, 4]), {});
  const bytes = await writeTflite(net.build('large', [relu], { source: 'other', output: 'features' }));
  const zeros = new Float32Array(512 * 512 * 4);
  const taken = async (): Promise<number> => {
    const its = await loadLitert(bytes);
    for (let run = 0; run < 8; run++) await its.run([zeros]);
    its.delete();
    return (await litert()).runtime.liteRtWasm.HEAPU8.length;
  };
  // 4 MiB in and 4 MiB out in each of the eight runs; the heap, which never shrinks, grows to hold one.
  const first = await taken();
  expect([await taken(), await taken()]).toEqual([first, first]);
});

test('names of the runtimes', () => {
  expect(peerNames).toEqual(['litert', 'tfjs', 'tfjs-wasm', 'onnxruntime', 'onnxruntime-web']);
});

describe.each(['litert', 'tfjs'] as const)('%s', (name) => {
  const title = { litert: /^@litertjs\/core \d+\.\d+\.\d+$/, tfjs: /^@tensorflow\/tfjs-core \d+\.\d+\.\d+$/ }[name];

  test('a network, as a file of its format', async () => {
    const peer = await openInPeer(name, network);
    expect(peer.runtime).toMatch(title);
    expect(peer.network).toBe(network);
    const { tensors, theirNames } = await peer.run(x);
    expectSame(tensors, network, x, name === 'litert' ? ['relu', 'pool'] : ['conv', 'relu', 'pool']);
    expect(check({ network, inputs: x }, tensors).verdict).toBe('exact');
    expect([...theirNames.keys()]).toContain('relu');
  });

  test('two inputs, of which the file may have another order', async () => {
    const net = new NetworkBuilder();
    const [a, b] = ['a', 'b'].map((input) => net.input(input, [1, 2]));
    const negative = net.add('n', 'batchNorm', b, { epsilon: 0, scale: true, center: false });
    const sum = net.add('y', 'add', [negative, a], {});
    const weights = new Map([
      ['n/gamma', tensor([2], [-1, -1])],
      ['n/movingMean', tensor([2], [0, 0])],
      ['n/movingVariance', tensor([2], [1, 1])],
    ]);
    const difference = {
      ...net.build('difference', [sum], { source: 'other', output: 'features' }),
      weights,
    } as Network;
    const inputs = new Map([
      ['a', tensor([1, 2], [5, 7])],
      ['b', tensor([1, 2], [1, 2])],
    ]);
    const { tensors } = await (await openInPeer(name, difference)).run(inputs);
    expect([...tensors.get('y')!.data]).toEqual([4, 5]);
  });
});

test.each([
  ['tfjs', 'm.tflite', 'tfjs runs .json files'],
  ['tfjs-wasm', 'm.tflite', 'tfjs-wasm runs .json files'],
  ['litert', 'm.onnx', 'litert runs .tflite files'],
  ['onnxruntime', 'm.tflite', 'onnxruntime runs .onnx files'],
  ['onnxruntime-web', 'm.json', 'onnxruntime-web runs .onnx files'],
] as const)('%s is asked for %s', async (name, path, message) => {
  await expect(openPeer(name, path)).rejects.toThrow(
    new UsageError(`${message}, and '${path}' is none: convert it first, or ask another runtime`),
  );
  expect(await openIntegerPeer(name, path)).toBeUndefined();
});

const uint8Type = { type: 'UINT8', shape: [1, 2], scale: [0.5], zeroPoint: [128] };
const quantizedTflite = () =>
  buildTflite({
    tensors: { x: uint8Type, r: uint8Type, y: { ...uint8Type, scale: [1] } },
    operators: [
      { code: 'RELU', inputs: ['x'], outputs: ['r'] },
      { code: 'QUANTIZE', inputs: ['r'], outputs: ['y'] },
    ],
    inputs: ['x'],
    outputs: ['y'],
  });

describe('LiteRT.js', () => {
  test('a file, whatever the case of its ending', async () => {
    const path = written('small.TFLITE', await writeTflite(network));
    const { network: read, run } = await openPeer('litert', path);
    const inputs = new Map([[read.inputs[0].name, x.get('x')!]]);
    expectSame(
      (await run(inputs)).tensors,
      read,
      inputs,
      read.nodes.map(({ name }) => name).filter((name) => name !== 'relu/linear'),
    );
    expect(await openIntegerPeer('litert', path)).toBeUndefined();
  });

  test('integers of a quantised file, which is no file of real numbers', async () => {
    const path = written('integers.tflite', quantizedTflite());
    const peer = (await openIntegerPeer('litert', path))!;
    expect(peer.habits).toBe(XNNPACK);
    expect(peer.runtime).toMatch(/^@litertjs\/core \d/);
    const input = new Map([['x', { shape: [1, 2], data: Uint8Array.of(100, 134), type: peer.network.inputs[0].type }]]);
    const found = await peer.run(input as never);
    const ours = traceQuantized(peer.network, input as never);
    for (const { name } of peer.network.nodes)
      expect(Array.from(found.get(name)!, Number), name).toEqual([...ours.get(name)!.data]);
    // −14 · 0.5 is below 0, and 6 · 0.5 are 3 of the larger scale
    expect(found.get('y')).toEqual(Uint8Array.of(128, 131));
    await expect(openPeer('litert', path)).rejects.toThrow(
      new UsageError(
        `${path}: computes with integers: tensor 'x' is of type UINT8. They round to their grid, which real numbers do not; convert the file to one of real numbers and verify that`,
      ),
    );
  });

  test.each<[code: string, options: NonNullable<OperatorSpec['options']>]>([
    ['CONV_2D', [schema.Conv2DOptions, { stride_h: 1, stride_w: 1 }]],
    ['DEPTHWISE_CONV_2D', [schema.DepthwiseConv2DOptions, { stride_h: 1, stride_w: 1, depth_multiplier: 1 }]],
    ['FULLY_CONNECTED', [schema.FullyConnectedOptions, {}]],
  ])('weights of 8 bits between real numbers: %s', async (code, options) => {
    const shape = code === 'FULLY_CONNECTED' ? [1, 1] : [1, 1, 1, 1];
    const kernel = { shape, type: 'INT8', scale: [0.5], zeroPoint: [0], data: Int8Array.of(2) };
    const file = buildTflite({
      tensors: { x: { shape }, k: kernel, y: { shape } },
      operators: [{ code, inputs: ['x', 'k'], outputs: ['y'], options }],
      inputs: ['x'],
      outputs: ['y'],
    });
    const path = written(`${code}.tflite`, file);
    await expect(openPeer('litert', path)).rejects.toThrow(
      new UsageError(
        `${path}: has weights of 8 bits between real numbers (dynamic range): LiteRT rounds what each layer reads to 8 bits too, and neither it nor the file is wrong where that shows; convert the file to one of real numbers and verify that`,
      ),
    );
  });

  test('inputs of another number, type and size', async () => {
    const loaded = await loadLitert(await writeTflite(network));
    expect(loaded.inputShapes).toEqual([[1, 2, 2, 2]]);
    await expect(loaded.run([])).rejects.toThrow(new Error('LiteRT: the model has 1 inputs, given 0'));
    await expect(loaded.run([new Int8Array(32)])).rejects.toThrow(
      new Error('LiteRT: wanted a Float32Array for [1,2,2,2], given 32 of Int8Array'),
    );
    await expect(loaded.run([new Float32Array(7)])).rejects.toThrow(
      new Error('LiteRT: wanted a Float32Array for [1,2,2,2], given 7 of Float32Array'),
    );
    loaded.delete();
  });
});

describe('TensorFlow.js', () => {
  test('the layers of models inside a layers model', async () => {
    const data = bytesOf(Float32Array.of(1, -1, 1, 0, 2, -1));
    const path = writtenModel('layers', model({ model_config: teachable }, teachableWeights, data));
    const { network: read, run } = await openPeer('tfjs', path);
    const inputs = new Map([['in', tensor([1, 2, 2, 1], [1, 2, 3, 6])]]);
    const { tensors, theirNames } = await run(inputs);
    expectSame(tensors, read, inputs, ['c', 'pool', 'd', 'top']);
    expect(Object.fromEntries(theirNames)).toEqual({ c: 'c', pool: 'pool', d: 'd', top: 'top' });
  });

  test('a graph in shards, by its nodes', async () => {
    const files = new Map([...(await writeTfjs(network))]);
    const { network: read, run } = await openPeer('tfjs', writtenModel('graph', files));
    const { tensors } = await run(x);
    expectSame(tensors, read, x, ['conv', 'relu', 'pool']);
  });

  test('a model without layers', async () => {
    const config = {
      name: 'm',
      layers: [
        {
          class_name: 'InputLayer',
          name: 'in',
          config: { name: 'in', batch_input_shape: [null, 2] },
          inbound_nodes: [],
        },
      ],
    };
    const topology = {
      class_name: 'Functional',
      config: { ...config, input_layers: [['in', 0, 0]], output_layers: [['in', 0, 0]] },
    };
    const path = writtenModel('empty', model({ model_config: topology }, [], new Uint8Array()));
    const { run } = await openPeer('tfjs', path);
    expect(await run(new Map([['in', tensor([1, 2], [1, 2])]]))).toEqual({ tensors: new Map(), theirNames: new Map() });
  });

  test('what it refuses is an error of the file, which says whose', async () => {
    const path = writtenModel('refused', model(fusedGraph, fusedWeights, fusedData));
    const { run, runtime } = await openPeer('tfjs', path);
    const error = await run(new Map([['x', tensor([1, 2, 2, 1], [1, 2, 3, 6])]])).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toBe(`${path}: ${runtime} does not run it: ${error.cause.message}`);
    expect(error.cause.message).toMatch(/^Cannot read /);
  });

  test('has no integers', async () => {
    expect(await openIntegerPeer('tfjs', writtenModel('exported', exported(1)))).toBeUndefined();
  });
});

interface FakeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}
interface Fake {
  types: Record<string, string> | undefined;
  answers: Record<string, FakeTensor>;
  feeds: Record<string, FakeTensor>;
  file: Uint8Array;
  released: number;
}

describe('packages', () => {
  const project = join(folder, 'project');
  const install = (name: string, main: string, json: object) => {
    const place = join(project, 'node_modules', name);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'index.js'), main);
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name, main: 'index.js', ...json }));
  };
  install('fine', 'exports.answer = 42;', { version: '1.2.3' });
  install('nameless', 'exports.answer = 42;', { name: 'another', version: '9.9.9' });
  install('broken', "throw new Error('no such machine');", { version: '1.0.0' });
  install(
    'onnxruntime-node',
    `class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
     const fake = () => globalThis.fakeOnnxruntime;
     exports.Tensor = Tensor;
     exports.InferenceSession = {
       create: async (file) => {
         fake().file = file;
         const { types } = fake();
         return {
           inputMetadata: types && Object.entries(types).map(([name, type]) => ({ name, type })),
           run: async (feeds) => { fake().feeds = feeds; return fake().answers; },
           release: async () => { fake().released++; },
         };
       },
     };`,
    { version: '1.30.0' },
  );
  const packages = new Packages(project);

  test('are found from a folder', async () => {
    expect([packages.has('fine'), packages.has('vitest'), packages.has('not-there')]).toEqual([true, true, false]);
    const { module, title, path } = await packages.load<{ answer: number }>('fine');
    expect([module.answer, title, path]).toEqual([42, 'fine 1.2.3', join(project, 'node_modules/fine/index.js')]);
    expect((await packages.load('nameless')).title).toBe('nameless of unknown version');
  });

  test('are not installed, or do not load', async () => {
    await expect(packages.load('not-there')).rejects.toThrow(
      new UsageError('the package not-there is not installed here: npm install not-there'),
    );
    await expect(packages.load('broken')).rejects.toThrow(
      new UsageError('the package broken does not load: no such machine'),
    );
    const nowhere = { packages: new Packages(folder) };
    const path = written('none.onnx', onnxFile({ inputs: { x: [1, 2] }, outputs: ['x'], nodes: [] }));
    await expect(openPeer('onnxruntime-web', path, nowhere)).rejects.toThrow(
      new UsageError('the package onnxruntime-web is not installed here: npm install onnxruntime-web'),
    );
  });

  describe('onnxruntime', () => {
    const fake: Fake = { types: undefined, answers: {}, feeds: {}, file: new Uint8Array(), released: 0 };
    Object.assign(globalThis, { fakeOnnxruntime: fake });
    beforeEach(() => {
      Object.assign(fake, { types: undefined, answers: {}, released: 0 });
    });
    /** Names of what the file that it was given yields besides: the graph behind the file's own. */
    const outputs = () => readModel(new ProtoFile(fake.file, 'given', PbfReader)).outputs;

    const pool: NodeSpec = { op: 'MaxPool', inputs: ['x'], outputs: ['p'], attributes: { kernel_shape: [1, 1] } };
    const relu: NodeSpec = { op: 'Relu', inputs: ['p'], outputs: ['r'] };
    const labels: NodeSpec = { op: 'ArgMax', inputs: ['r'], outputs: ['y'], attributes: { axis: 1 } };
    /** [1, 2, 1, 2] in the file: a channel of 1, −2 and one of 10, 20. */
    const picture = () =>
      written('picture.onnx', onnxFile({ inputs: { x: [1, 2, 1, 2] }, outputs: ['y'], nodes: [pool, relu, labels] }));
    const ours = new Map([['x', tensor([1, 1, 2, 2], [1, 10, -2, 20])]]);
    const dims = [1, 2, 1, 2];

    test('is fed in the order of the file, asked for what it hides too, and answers in our order', async () => {
      const { run, runtime, network: read } = await openPeer('onnxruntime', picture(), { packages });
      expect(runtime).toBe('onnxruntime-node 1.30.0');
      fake.answers = {
        p: { type: 'float32', dims, data: Float32Array.of(1, -2, 10, 20) },
        r: { type: 'float32', dims, data: Float32Array.of(1, 0, 10, 20) },
        y: { type: 'int64', dims: [1, 1, 1, 2], data: [1, 1] },
      };
      const { tensors, theirNames } = await run(ours);
      expect(fake.feeds.x).toEqual({ type: 'float32', dims, data: Float32Array.of(1, -2, 10, 20) });
      expect(outputs()).toEqual(['p', 'r']);
      expectSame(tensors, read, ours, ['p', 'r']);
      expect(theirNames.get('r')).toBe('r');
      expect(fake.released).toBe(1);
    });

    test('numbers of 16 bits, as patterns', async () => {
      const { run } = await openPeer('onnxruntime', picture(), { packages });
      fake.types = { x: 'float16' };
      fake.answers = { r: { type: 'float16', dims, data: Uint16Array.of(0x3c00, 0, 0x4900, 0x4d00) } };
      const { tensors } = await run(ours);
      expect(fake.feeds.x).toEqual({ type: 'float16', dims, data: Uint16Array.of(0x3c00, 0xc000, 0x4900, 0x4d00) });
      expect([...tensors.get('r')!.data]).toEqual([1, 10, 0, 20]);
    });

    test('numbers of 8 bits', async () => {
      const { run } = await openPeer('onnxruntime', picture(), { packages });
      const answer = (type: string, data: ArrayLike<number>) => {
        fake.types = { x: type };
        fake.answers = { r: { type, dims, data } };
      };
      answer('uint8', Uint8Array.of(1, 0, 10, 20));
      expect([...(await run(ours)).tensors.get('r')!.data]).toEqual([1, 10, 0, 20]);
      expect(fake.feeds.x.data).toEqual(Uint8Array.of(1, 254, 10, 20));
      answer('int8', Int8Array.of(1, 0, 10, 20));
      expect([...(await run(ours)).tensors.get('r')!.data]).toEqual([1, 10, 0, 20]);
      expect(fake.feeds.x.data).toEqual(Int8Array.of(1, -2, 10, 20));
    });

    test('a type that no layer has', async () => {
      const { run } = await openPeer('onnxruntime', picture(), { packages });
      fake.answers = { r: { type: 'string', dims, data: [] } };
      await expect(run(ours)).rejects.toThrow(
        new UsageError("onnxruntime: the tensor 'r' is of type string; wanted float32, float16, uint8 or int8"),
      );
      expect(fake.released).toBe(1);
    });

    test('a network, whose axes of size 1 the file may have in other places', async () => {
      const peer = await openInPeer('onnxruntime', network, { packages });
      const relu = trace(network, x).get('relu')!;
      // rows and columns of each channel in turn
      const inFile = [0, 1].flatMap((c) => [0, 1, 2, 3].map((pixel) => relu.data[2 * pixel + c]));
      fake.answers = { relu: { type: 'float32', dims: [1, 2, 2, 2], data: Float32Array.from(inFile) } };
      const { tensors } = await peer.run(x);
      expectSame(tensors, network, x, ['relu']);
    });

    const quantized = () =>
      written(
        'quantized.onnx',
        onnxFile({
          inputs: { x: [1, 2, 1, 2] },
          outputs: ['y'],
          constants: { s: float(0.5), z: uint8([], 100) },
          nodes: [
            { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
            { op: 'MaxPool', inputs: ['q'], outputs: ['p'], attributes: { kernel_shape: [1, 2] } },
            { op: 'DequantizeLinear', inputs: ['p', 's', 'z'], outputs: ['y'] },
          ],
        }),
      );

    test('integers', async () => {
      const peer = (await openIntegerPeer('onnxruntime', quantized(), { packages }))!;
      expect([peer.habits, peer.runtime]).toEqual([ONNXRUNTIME, 'onnxruntime-node 1.30.0']);
      fake.answers = {
        q: { type: 'uint8', dims, data: Uint8Array.of(102, 96, 120, 140) },
        p: { type: 'uint8', dims: [1, 2, 1, 1], data: Uint8Array.of(102, 140) },
      };
      const found = await peer.run(ours);
      expect(fake.feeds.x).toEqual({ type: 'float32', dims, data: Float32Array.of(1, -2, 10, 20) });
      // 1 / 0.5 + 100 = 102, 10 / 0.5 + 100 = 120, −2: 96, 20: 140
      const numbers = [...found.values()].map((data) => Array.from(data, Number));
      expect(numbers).toContainEqual([102, 120, 96, 140]);
      expect(numbers).toContainEqual([102, 140]);
      for (const [name, data] of traceQuantized(peer.network, ours)) {
        if (found.has(name)) expect(Array.from(found.get(name)!, Number), name).toEqual([...data.data]);
      }
    });

    test('a file of real numbers has none', async () => {
      expect(await openIntegerPeer('onnxruntime', picture(), { packages })).toBeUndefined();
    });

    test('numbers that it rounds, and no layer', async () => {
      const path = written(
        'rounds.onnx',
        onnxFile({
          opset: 17,
          inputs: { x: [1, 2] },
          outputs: ['y'],
          nodes: [
            { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] },
            { op: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['y'] },
          ],
        }),
      );
      await expect(openPeer('onnxruntime', path, { packages })).rejects.toThrow(
        new UsageError(
          `${path}: node 0 (DynamicQuantizeLinear, for 'q') rounds computed numbers to integers in onnxruntime, and neither it nor the file is wrong where that shows: they are real numbers here. Verify the file of real numbers that it was made of`,
        ),
      );
    });
  });
});
