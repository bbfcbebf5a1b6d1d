/** Integers in bundles, comparison and suites: there is nothing to tolerate, and known mistakes are named. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { NetworkError, ShapeError, UsageError } from '../../src/errors.js';
import { readNetwork, readQuantizedNetwork } from '../../src/formats/index.js';
import { readNpz, writeNpz } from '../../src/formats/tensors/npz.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { run } from '../../src/network/index.js';
import type { QuantizedNetwork, QuantizedNode } from '../../src/network/quantized-network.js';
import {
  check,
  explain,
  layerSuite,
  makeGolden,
  mobilenetSuite,
  type QuantizedGolden,
  readGolden,
  writeGolden,
} from '../../src/oracle/index.js';
import { type QuantizedProblem, quantizedProblems } from '../../src/oracle/integers/quantized-problems.js';
import { type AnyTensor, type QuantizedTensor, type QuantizedType, tensor } from '../../src/tensor.js';

const source = { kind: 'noise', detail: 'normal', seed: 1 } as const;
const generator = 'depthwise 0.0.0';

const int8 = (scale: number, zeroPoint: number): QuantizedType => ({ type: 'int8', scale, zeroPoint });
const q = (shape: readonly number[], data: readonly number[], type: QuantizedType): QuantizedTensor => ({
  shape,
  data:
    type.type === 'int8' ? Int8Array.from(data) : type.type === 'uint8' ? Uint8Array.from(data) : Int32Array.from(data),
  type,
});

/** 1 × 1 over two pixels: y = 0.5 (x − 10) · k + bias in units of 0.25, result in units of 1 about 5, as relu6. */
const pixels: QuantizedNetwork = {
  name: 'pixels',
  inputs: [{ name: 'x', shape: [1, 1, 2, 1], type: int8(0.5, 10) }],
  nodes: [
    { name: 'conv', kind: 'pointwiseConv2d', inputs: ['x'], attributes: { filters: 1, bias: true }, type: int8(1, 5) },
    { name: 'relu6', kind: 'relu6', inputs: ['conv'], attributes: {}, type: int8(1, 5) },
  ] as QuantizedNode[],
  outputs: ['relu6'],
  weights: new Map<string, AnyTensor>([
    ['conv/kernel', q([1, 1], [3], int8(0.5, 0))],
    ['conv/bias', q([1], [8], { type: 'int32', scale: 0.25, zeroPoint: 0 })],
  ]),
  conventions: { source: 'other', output: 'features' },
};
const fed = new Map([['x', q([1, 1, 2, 1], [2, 22], int8(0.5, 10))]]);
const golden = makeGolden(pixels, fed, { source });

const shown = (conv: readonly number[], relu6: readonly number[]): Map<string, AnyTensor> =>
  new Map([
    ['conv', tensor([1, 1, 2, 1], conv)],
    ['relu6', tensor([1, 1, 2, 1], relu6)],
  ]);

test('by hand: (2 − 10) · 3 + 8 = −16 and (22 − 10) · 3 + 8 = 44 quarters are −4 and 11, about 5: 1 and 16; clamped to 0 and 6: 5 and 11', () => {
  expect([...golden.outputs.values()].map(({ data }) => [...data])).toEqual([
    [1, 16],
    [5, 11],
  ]);
  expect([...golden.bounds.values(), ...golden.isolated.values()].every(({ data }) => data.every((e) => e === 0))).toBe(
    true,
  );
});

describe('comparison', () => {
  test('the same integers are exact, as floats too, in every mode', () => {
    for (const mode of ['isolated', 'accumulated', 'fed'] as const) {
      for (const theirs of [golden.outputs, shown([1, 16], [5, 11])]) {
        const { verdict, layers } = check(golden, theirs, { mode });
        expect([verdict, layers.length]).toEqual(['exact', 2]);
      }
    }
  });

  test('one off by one is beyond: coordinate, both values, type', () => {
    const report = check(golden, shown([1, 17], [5, 11]));
    expect(report.verdict).toBe('beyond');
    expect(report.first).toMatchObject({ name: 'conv', kind: 'pointwiseConv2d', type: int8(1, 5) });
    expect(report.first!.difference!.worst).toMatchObject({
      coordinate: [0, 0, 1, 0],
      theirs: 17,
      reference: 16,
      bound: 0,
    });
    // relu6 of theirs, 17, is 11: it is right.
    expect(report.layers[1].verdict).toBe('exact');
    expect(check(golden, shown([1, 17], [5, 12])).layers[1].verdict).toBe('beyond');
  });

  test('allowances do not help', () => {
    expect(check(golden, shown([1, 17], [5, 11]), { allowance: 1e6 }).verdict).toBe('beyond');
  });

  test('what is no integer, or out of range, is not fed to the layers after it', () => {
    const { layers } = check(golden, shown([1.5, 300], [5, 11]));
    expect(layers.map(({ verdict }) => verdict)).toEqual(['beyond', 'exact']);
  });

  test('a layer that is not shown is judged with the next', () => {
    const report = check(golden, new Map([['relu6', tensor([1, 1, 2, 1], [5, 12])]]));
    expect([report.first?.name, report.notShown]).toEqual(['relu6', ['conv']]);
  });

  test('an input that is another', () => {
    const theirs = new Map<string, AnyTensor>([['x', tensor([1, 1, 2, 1], [2, 23])]]);
    expect(check(golden, theirs).first?.name).toBe('x');
  });

  test('inputs that are missing or of another type', () => {
    expect(() => check({ network: pixels, inputs: new Map() }, golden.outputs)).toThrow("pixels: input 'x' is missing");
    const real = new Map([['x', tensor([1, 1, 2, 1], [2, 22])]]);
    expect(() => check({ network: pixels, inputs: real }, golden.outputs)).toThrow(
      "pixels: input 'x' must hold integers of int8",
    );
  });

  test('without weights from the input on, and no otherwise', () => {
    const bare = { ...golden, network: { ...pixels, weights: new Map() } };
    expect(check(bare, golden.outputs).mode).toBe('accumulated');
    expect(() => check(bare, golden.outputs, { mode: 'isolated' })).toThrow(
      new UsageError(
        "pixels: judging each layer by itself, or in another rounding, takes the network's weights, which this bundle does not hold; make it with weights",
      ),
    );
    expect(() => check({ network: pixels, inputs: fed }, golden.outputs, { mode: 'fed' })).toThrow(
      "pixels: mode 'fed' goes with a golden bundle",
    );
    expect(() => check(golden, golden.outputs, { mode: 'fed', rounding: 'double' })).toThrow(
      new UsageError(
        "pixels: layers that were fed golden outputs are compared with the bundle's, whose rounding is 'single'",
      ),
    );
  });

  test('progress: each layer before it is computed', () => {
    const seen: unknown[] = [];
    check({ network: pixels, inputs: fed }, golden.outputs, {
      onNode: ({ name }, at, all) => seen.push([name, at, all]),
    });
    makeGolden(pixels, fed, { source, onNode: ({ name }, at, all) => seen.push([name, at, all]) });
    expect(seen).toEqual(
      [0, 1].flatMap(() => [
        ['conv', 0, 2],
        ['relu6', 1, 2],
      ]),
    );
  });

  test('a layer that has no integer form, and a weight that is missing', () => {
    const nodes = [{ name: 'norm', kind: 'hardSigmoid', inputs: ['x'], attributes: {}, type: int8(1, 5) }];
    const network = { ...pixels, nodes: nodes as QuantizedNode[], outputs: ['norm'], weights: new Map() };
    expect(() => makeGolden(network, fed, { source })).toThrow(
      new UsageError("norm: layers of kind 'hardSigmoid' have no integer form"),
    );
    const kernel = {
      ...(pixels.weights.get('conv/kernel') as QuantizedTensor),
      type: { type: 'uint8', scale: 1, zeroPoint: 0 },
    };
    const other = { ...pixels, weights: new Map([...pixels.weights, ['conv/kernel', kernel as AnyTensor]]) };
    expect(() => makeGolden(other, fed, { source })).toThrow(
      new ShapeError('conv: pointwiseConv2d: an input of int8 wants a kernel of int8, found uint8'),
    );
    const weights = new Map([...pixels.weights].filter(([name]) => name !== 'conv/bias'));
    expect(() => makeGolden({ ...pixels, weights }, fed, { source })).toThrow(
      new NetworkError("pixels: weight 'conv/bias' is missing"),
    );
  });
});

describe('mistakes are named', () => {
  // Worked out by hand: x = (2, 22), kernel 3, bias 8 quarters, zero points 10 and 5; a quarter of each sum, rounded.
  test.each([
    ['the bias left out', [-1, 14]],
    ["the input's zero point left out", [9, 24]],
    ["the result's zero point left out", [-4, 11]],
    ['stored as uint8, 128 higher', [129, 144]],
    ['the real numbers that the integers stand for', [-4, 11]],
  ])('%s', (what, conv) => {
    const theirs = shown(conv, [5, 11]);
    const report = check(golden, theirs);
    expect(report.first?.name).toBe('conv');
    expect(explain(golden, theirs, report)!.cause.mistakes).toContain(what);
  });

  test('stored as int8, 128 lower', () => {
    const its = named('conv2d-normal', 'uint8');
    const [[name, { shape, data }]] = makeGolden(its.network, its.inputs, { source }).outputs;
    const theirs = new Map([
      [
        name,
        tensor(
          shape,
          Array.from(data, (byte) => byte - 128),
        ),
      ],
    ]);
    expect(explain(its, theirs, check(its, theirs))!.cause).toEqual({ mistakes: ['stored as int8, 128 lower'] });
  });

  test('the scales of the two inputs swapped', () => {
    // 0.5 · 2 + 0.25 · 8 = 3 and 0.5 · 4 + 0.25 · 4 = 3; the other way round 0.25 · 2 + 0.5 · 8 = 4.5 and 0.25 · 4 + 0.5 · 4 = 3.
    const [a, b] = [int8(0.5, 0), int8(0.25, 0)];
    const network: QuantizedNetwork = {
      ...pixels,
      inputs: [
        { name: 'a', shape: [1, 2], type: a },
        { name: 'b', shape: [1, 2], type: b },
      ],
      nodes: [{ name: 'sum', kind: 'add', inputs: ['a', 'b'], attributes: {}, type: int8(0.25, 1) }] as QuantizedNode[],
      outputs: ['sum'],
      weights: new Map(),
    };
    const problem = {
      network,
      inputs: new Map([
        ['a', q([1, 2], [2, 4], a)],
        ['b', q([1, 2], [8, 4], b)],
      ]),
    };
    expect(check(problem, new Map([['sum', tensor([1, 2], [13, 13])]])).verdict).toBe('exact');
    const theirs = new Map([['sum', tensor([1, 2], [19, 13])]]);
    expect(explain(problem, theirs, check(problem, theirs))!.cause.mistakes).toEqual([
      'the scales of the two inputs swapped',
    ]);
  });

  test('the activation left out, where the layer before it is not shown', () => {
    const theirs = new Map([['relu6', tensor([1, 1, 2, 1], [1, 16])]]);
    const { cause } = explain(golden, theirs, check(golden, theirs))!;
    expect(cause.mistakes).toEqual(['the activation left out']);
  });

  test.each([
    [[5, 5], 'every number is 5, as in a buffer that was never written'], // the zero point
    [[0, 0], 'every number is 0, as in a buffer that was never written'],
    [[-128, -128], 'every number is -128'],
  ])('%j: %s', (numbers, what) => {
    const theirs = shown([1, 16], numbers);
    expect(explain(golden, theirs, check(golden, theirs))!.cause.mistakes).toEqual([what]);
  });

  test('no mistake: where, and that it is a rounding', () => {
    const theirs = shown([1, 17], [5, 11]);
    const { cause } = explain(golden, theirs, check(golden, theirs))!;
    expect(cause).toEqual({
      mistakes: [],
      place: '1 of 2 numbers is wrong, all in column 1 of 0 to 1; no number is off by more than 1: a rounding',
    });
  });

  // x − 10 from −12 to 11 times 3, in quarters, about 5.
  test.each([
    ['rounded down in place of to the nearest', Math.floor],
    ['rounded towards zero in place of to the nearest', Math.trunc],
  ])('%s', (what, rounded) => {
    const shape = [1, 1, 24, 1];
    const steps = Array.from({ length: 24 }, (_, i) => i - 12);
    const input = { name: 'x', shape, type: int8(0.5, 10) };
    const network: QuantizedNetwork = {
      ...pixels,
      inputs: [input],
      nodes: [{ ...pixels.nodes[0], attributes: { filters: 1, bias: false } } as QuantizedNode],
      outputs: ['conv'],
    };
    const problem = {
      network,
      inputs: new Map([
        [
          'x',
          q(
            shape,
            steps.map((step) => step + 10),
            input.type,
          ),
        ],
      ]),
    };
    const theirs = new Map([
      [
        'conv',
        tensor(
          shape,
          steps.map((step) => rounded((3 * step) / 4) + 5),
        ),
      ],
    ]);
    expect(explain(problem, theirs, check(problem, theirs))!.cause.mistakes).toEqual([what]);
  });

  const suite = (kinds: Parameters<typeof layerSuite>[1], type: 'int8' | 'uint8'): QuantizedProblem[] => [
    ...quantizedProblems(layerSuite(1, kinds), type),
  ];
  const named = (name: string, type: 'int8' | 'uint8'): QuantizedProblem =>
    suite({ kinds: ['conv2d', 'depthwiseConv2d', 'add'] }, type).find((its) => its.name === `${name}-${type}`)!;

  /** The same layer over another input, kernel or type: a backend with the mistake. */
  function wrongly(
    its: QuantizedProblem,
    change: (network: QuantizedNetwork) => QuantizedNetwork,
    inputs = its.inputs,
  ) {
    const theirs = makeGolden(change(its.network), inputs, { source }).outputs;
    const report = check(its, theirs);
    return explain(its, theirs, report)?.cause.mistakes;
  }

  test('the scale of one channel for all', () => {
    const its = named('conv2d-stride-2-even-normal', 'int8');
    const mistakes = wrongly(its, (network) => ({
      ...network,
      weights: new Map(
        [...network.weights].map(([name, x]) => {
          const type = (x as QuantizedTensor).type;
          if (!('scales' in type) || type.type !== 'int8') return [name, x];
          return [name, { ...x, type: { ...type, scales: type.scales.map(() => type.scales[0]) } } as AnyTensor];
        }),
      ),
    }));
    expect(mistakes).toEqual(["the first channel's scale for all channels"]);
  });

  test('padding with the integer 0', () => {
    const its = named('conv2d-normal', 'int8');
    const [node] = its.network.nodes;
    const { kernelSize } = node.attributes as { kernelSize: readonly [number, number] };
    const [name, x] = [...its.inputs][0] as [string, QuantizedTensor];
    const [N, H, W, C] = x.shape;
    const [top, left] = kernelSize.map((size) => Math.floor((size - 1) / 2));
    const [height, width] = [H + kernelSize[0] - 1, W + kernelSize[1] - 1];
    const data = new Int8Array(N * height * width * C);
    for (let i = 0; i < x.data.length; i++) {
      const [c, column, row, n] = [i % C, Math.floor(i / C) % W, Math.floor(i / C / W) % H, Math.floor(i / C / W / H)];
      data[((n * height + row + top) * width + column + left) * C + c] = x.data[i];
    }
    const padded = { ...x, shape: [N, height, width, C], data };
    const valid = { ...node, attributes: { ...node.attributes, padding: 'valid' } } as QuantizedNode;
    const input = { ...its.network.inputs[0], shape: padded.shape };
    const theirs = makeGolden({ ...its.network, inputs: [input], nodes: [valid] }, new Map([[name, padded]]), {
      source,
    });
    const report = check(its, theirs.outputs);
    expect(explain(its, theirs.outputs, report)?.cause.mistakes).toEqual([
      'padded with the integer 0 in place of the zero point',
    ]);
  });

  test("a kernel's zero point left out", () => {
    const its = named('depthwiseConv2d-normal', 'uint8');
    const mistakes = wrongly(its, (network) => ({
      ...network,
      weights: new Map(
        [...network.weights].map(([name, x]) =>
          name.endsWith('kernel')
            ? [name, { ...x, type: { ...(x as QuantizedTensor).type, zeroPoint: 0 } } as AnyTensor]
            : [name, x],
        ),
      ),
    }));
    expect(mistakes).toEqual(["the kernel's zero point left out"]);
  });

  test('the other rounding, in every layer of a network', () => {
    const [its] = [...quantizedProblems(mobilenetSuite(1), 'int8')].filter(({ name }) =>
      name.startsWith('mobilenet_v2'),
    );
    const theirs = makeGolden(its.network, its.inputs, { source, rounding: 'double' }).outputs;
    const report = check(its, theirs);
    expect(report.verdict).toBe('beyond');
    expect(explain(its, theirs, report)?.cause.mistakes).toEqual(["rounded as 'double', not 'single'"]);
    expect(check(its, theirs, { rounding: 'double' }).verdict).toBe('exact');
  });
});

describe('real numbers beside integers', () => {
  const network: QuantizedNetwork = {
    ...pixels,
    name: 'both ways',
    inputs: [{ name: 'real', shape: [1, 1, 2, 1], type: 'float32' }],
    nodes: [
      { name: 'x', kind: 'quantize', inputs: ['real'], attributes: {}, type: int8(0.5, 10) },
      ...pixels.nodes,
      { name: 'out', kind: 'dequantize', inputs: ['relu6'], attributes: {}, type: 'float32' },
      { name: 'sigmoid', kind: 'sigmoid', inputs: ['out'], attributes: {}, type: 'float32' },
    ] as QuantizedNode[],
    outputs: ['sigmoid'],
  };
  const inputs = new Map([['real', tensor([1, 1, 2, 1], [-4, 6])]]);
  const both = makeGolden(network, inputs, { source });

  test('−4 and 6 are 2 and 22; 5 and 11 are 0 and 6; and their sigmoids have a bound', () => {
    expect([...both.outputs.get('x')!.data]).toEqual([2, 22]);
    expect([...both.outputs.get('out')!.data]).toEqual([0, 6]);
    expect(both.outputs.get('sigmoid')!.data[0]).toBe(0.5);
    expect(both.bounds.get('sigmoid')!.data[1]).toBeGreaterThan(0);
    expect(both.bounds.get('sigmoid')!.data[1]).toBeLessThan(1e-6);
    const near = new Map([...both.outputs, ['sigmoid', tensor([1, 1, 2, 1], [0.5, 1 / (1 + Math.exp(-6))])]]) as Map<
      string,
      AnyTensor
    >;
    expect(check(both, near).first).toBeUndefined();
    expect(check(both, new Map([...near, ['out', tensor([1, 1, 2, 1], [0, 6.001])]])).first?.name).toBe('out');
  });

  test('a real number that is not exactly known may become either integer, and then nothing is said from the input on', () => {
    // 0.25 / 0.5 lies between two integers.
    const halfway = new Map([['real', tensor([1, 1, 2, 1], [0.25, 6])]]);
    const theirs = new Map<string, AnyTensor>([
      ['real', halfway.get('real')!],
      ['x', tensor([1, 1, 2, 1], [10, 22])],
    ]);
    expect(check({ network, inputs: halfway }, theirs).layers.map(({ verdict }) => verdict)).toEqual([
      'exact',
      'within rounding',
    ]);
    const wrong = new Map<string, AnyTensor>([...theirs, ['x', tensor([1, 1, 2, 1], [10, 23])]]);
    expect(check({ network, inputs: halfway }, wrong).first?.name).toBe('x');
  });
});

describe('bundles', () => {
  test.each(['safetensors', 'npz'] as const)(
    '.%s: written with the types of the integers, read back the same',
    async (format) => {
      const bytes = await writeGolden(golden, { format, weights: true, generator });
      const text = new TextDecoder('latin1').decode(bytes);
      for (const dtype of format === 'npz' ? ["'|i1'", "'<i4'"] : ['"I8"', '"I32"']) expect(text).toContain(dtype);
      const back = (await readGolden(bytes)) as QuantizedGolden;
      expect(back).toEqual(golden);
      expect(back.outputs.get('conv')!.data).toBeInstanceOf(Int8Array);
    },
  );

  test('uint8', async () => {
    const [its] = quantizedProblems(layerSuite(1, { kinds: ['maxPool'] }), 'uint8');
    const made = makeGolden(its.network, its.inputs, { source, rounding: 'double' });
    for (const format of ['safetensors', 'npz'] as const) {
      const back = (await readGolden(await writeGolden(made, { format, generator }))) as QuantizedGolden;
      expect(back.rounding).toBe('double');
      expect([...back.outputs.values()][0].data).toBeInstanceOf(Uint8Array);
      expect(back.outputs).toEqual(made.outputs);
    }
  });

  interface Manifest {
    rounding: unknown;
    network: { version: number; inputs: { type: unknown }[]; nodes: { type: unknown }[] };
  }

  async function changed(change: (manifest: Manifest) => void, tensors: (name: string) => boolean = () => true) {
    const bytes = await writeGolden(golden, { format: 'safetensors', weights: true, generator });
    const { tensors: all, metadata } = readSafetensors(bytes);
    const manifest = JSON.parse(metadata.get('depthwise.golden')!);
    change(manifest);
    const kept = new Map([...all].filter(([name]) => tensors(name)));
    return writeSafetensors(kept, new Map([['depthwise.golden', JSON.stringify(manifest)]]));
  }

  test.each<readonly [string, (manifest: Manifest) => unknown, string]>([
    ['rounding', (m) => (m.rounding = 'up'), "bad: the manifest's rounding must be one of single, double, found 'up'"],
    ['a node without a type', (m) => (m.network.nodes[0].type = undefined), 'nodes[0].type'],
    ['a negative scale', (m) => (m.network.nodes[0].type = int8(-1, 0)), 'scale'],
    ['types that do not fit', (m) => (m.network.inputs[0].type = { ...int8(0.5, 10), type: 'uint8' }), "'conv'"],
    ['a network of real numbers', (m) => (m.network.version = 1), 'version'],
  ])('%s', async (_, change, message) => {
    await expect(readGolden(await changed(change), 'bad')).rejects.toThrow(message);
  });

  test.each(['safetensors', 'npz'] as const)(
    '.%s with weights is a model: its integers, and the real numbers that they stand for',
    async (format) => {
      const bytes = await writeGolden(golden, { format, weights: true, generator });
      const typed = await readQuantizedNetwork(bytes);
      expect(typed).toEqual(pixels);
      const network = await readNetwork(bytes);
      const real = run(network, tensor([1, 1, 2, 1], [-4, 6]));
      expect([...real.values()].map(({ data }) => [...data])).toEqual([[0, 6]]);
      await expect(readNetwork(await writeGolden(golden, { format, generator }), { fileName: 'bare' })).rejects.toThrow(
        'bare: a golden bundle without weights is no model; make it with depthwise golden --weights',
      );
    },
  );

  test('integers beyond their type, and a tensor that is missing', async () => {
    const { tensors, metadata } = readSafetensors(await writeGolden(golden, { format: 'safetensors', generator }));
    const large = new Map([...tensors, ['outputs/conv', tensor([1, 1, 2, 1], [1, 200])] as const]);
    await expect(readGolden(writeSafetensors(large, metadata), 'bad')).rejects.toThrow(
      "bad: 'outputs/conv' must hold integers of int8",
    );
    const missing = await changed(
      () => {},
      (name) => name !== 'outputs/relu6',
    );
    await expect(readGolden(missing, 'bad')).rejects.toThrow("bad: 'outputs/relu6' of shape [1,1,2,1] is missing");
  });

  test('integers are not written as what they are not', async () => {
    expect(() => writeSafetensors(new Map([['x', tensor([1], [256])]]), new Map(), () => 'uint8')).toThrow(
      'x: number 0 is 256, not a whole number from 0 to 255',
    );
    expect(() => writeNpz(new Map([['x', tensor([1], [0.5])]]), () => 'int32')).toThrow(
      'x: number 0 is 0.5, not a whole number from −2³¹ to 2³¹ − 1',
    );
    const bytes = await writeNpz(new Map([['x', tensor([2], [-2147483648, 7])]]), () => 'int32');
    expect([...(await readNpz(bytes)).tensors.get('x')!.data]).toEqual([-2147483648, 7]);
  });
});

describe('suites', () => {
  test.each(['int8', 'uint8'] as const)('%s: every kind that has an integer form; right backends are exact', (type) => {
    const kinds = new Set<string>();
    let index = 0;
    for (const its of quantizedProblems(layerSuite(2), type)) {
      kinds.add(its.network.nodes[0].kind);
      if (index++ % 9 > 0) continue;
      const { outputs } = makeGolden(its.network, its.inputs, { source });
      expect(check(its, outputs).verdict).toBe('exact');
      // No result is all the same: a wrong backend would show.
      const { data } = [...outputs.values()].at(-1)!;
      if (data.length > 4) expect(new Set(data).size).toBeGreaterThan(1);
    }
    for (const kind of [
      'conv2d',
      'depthwiseConv2d',
      'pointwiseConv2d',
      'dense',
      'add',
      'averagePool',
      'softmax',
      'argMax',
    ]) {
      expect(kinds).toContain(kind);
    }
    expect(kinds).not.toContain('batchNorm');
  });

  // https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec
  test.each(['int8', 'uint8'] as const)('%s: types are those of the specification of TensorFlow Lite', (type) => {
    const [least, greatest] = type === 'int8' ? [-128, 127] : [0, 255];
    for (const { network } of quantizedProblems(layerSuite(3), type)) {
      const [node] = network.nodes;
      const typeOf = new Map(
        [...network.inputs, ...network.nodes].map((each) => [each.name, each.type as QuantizedType]),
      );
      for (const [name, { scale, zeroPoint, type: its }] of typeOf) {
        expect(scale).toBe(Math.fround(scale));
        if (name === node.name && node.kind === 'argMax') continue;
        expect(its).toBe(type);
        expect(zeroPoint).toBeGreaterThanOrEqual(least);
        expect(zeroPoint).toBeLessThanOrEqual(greatest);
      }
      if (['softmax', 'sigmoid'].includes(node.kind)) {
        expect(typeOf.get(node.name)).toEqual({ type, scale: 1 / 256, zeroPoint: least });
      }
      if (['maxPool', 'concat', 'flatten', 'resizeBilinear'].includes(node.kind)) {
        for (const input of node.inputs) expect(typeOf.get(input)).toEqual(typeOf.get(node.name));
      }
      const kernel = network.weights.get(`${node.name}/kernel`) as QuantizedTensor | undefined;
      if (kernel === undefined) continue;
      const bias = network.weights.get(`${node.name}/bias`) as QuantizedTensor | undefined;
      const scalesOf = (its: QuantizedTensor['type']) => ('scales' in its ? its.scales : [its.scale]);
      const x = typeOf.get(node.inputs[0])!.scale;
      if (bias) {
        expect([...scalesOf(bias.type)]).toEqual([...scalesOf(kernel.type)].map((scale) => Math.fround(x * scale)));
        expect('zeroPoint' in bias.type ? bias.type.zeroPoint : 0).toBe(0);
      }
      const largest = Array.from(kernel.data).reduce((most, q) => Math.max(most, Math.abs(q)), 0);
      if (type === 'int8') expect([largest, 'scales' in kernel.type]).toEqual([127, node.kind !== 'dense']);
      else expect([...new Set(kernel.data)].filter((q) => q === 0 || q === 255).length).toBeGreaterThan(0);
    }
    const [{ inputs }] = quantizedProblems(layerSuite(3, { kinds: ['conv2d'] }), type);
    // From the least to the greatest number, in all 256 steps.
    const data = [...([...inputs.values()][0] as QuantizedTensor).data];
    expect([Math.min(...data), Math.max(...data)]).toEqual([least, greatest]);
  });

  test.each([
    ['conv2d', 'int8'],
    ['conv2d', 'uint8'],
    ['depthwiseConv2d', 'int8'],
    ['pointwiseConv2d', 'uint8'],
    ['dense', 'int8'],
    ['dense', 'uint8'],
    ['add', 'uint8'],
    ['concat', 'int8'],
    ['maxPool', 'uint8'],
  ] as const)('%s of %s: the integers stand for what the real numbers are, to within some steps', (kind, type) => {
    const problems = [...layerSuite(1, { kinds: [kind] })];
    const [its] = quantizedProblems(problems, type);
    const real = problems.find(({ name }) => its.name === `${name}-${type}`)!;
    const wanted = [...makeGolden(real.network, real.inputs, { source }).outputs.values()][0];
    const got = [...makeGolden(its.network, its.inputs, { source }).outputs.values()][0] as QuantizedTensor;
    const { scale, zeroPoint } = got.type as QuantizedType;
    const farthest = Math.max(
      ...Array.from(got.data, (each, i) => Math.abs(scale * (each - zeroPoint) - wanted.data[i])),
    );
    expect(farthest).toBeLessThan(4 * scale);
  });
});

const noNumpy = spawnSync('python3', ['-c', 'import numpy']).status !== 0;

test.skipIf(noNumpy)(`the Python package reads them${noNumpy ? ' (needs python3 and numpy)' : ''}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'depthwise-integers-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const program = `
import sys, numpy as np, depthwise_golden as golden
for path in sys.argv[1:]:
    conv = golden.read(path).layer("conv")
    fed, kernel = conv.types["inputs"][0], {"scale": conv.weights["kernel/scale"].item()}
    real = (conv.inputs[0].astype(int) - fed["zeroPoint"]) * int(conv.weights["kernel"][0, 0]) + int(conv.weights["bias"][0])
    y = np.rint(real * fed["scale"] * kernel["scale"] / conv.types["output"]["scale"]) + conv.types["output"]["zeroPoint"]
    print(conv.inputs[0].dtype, conv.weights["bias"].dtype, conv.check(y.astype(np.int8)).verdict, conv.difference(y + [[[[0], [1]]]]).verdict)
`;
  const paths: string[] = [];
  for (const format of ['safetensors', 'npz'] as const) {
    paths.push(join(folder, `pixels.${format}`));
    writeFileSync(paths.at(-1)!, await writeGolden(golden, { format, weights: true, generator }));
  }
  const env = { ...process.env, PYTHONPATH: fileURLToPath(new URL('../../python/src', import.meta.url)) };
  const printed = execFileSync('python3', ['-c', program, ...paths], { env, encoding: 'utf8' });
  expect(printed).toBe('int8 int32 exact beyond\n'.repeat(2));
});
