/** What a loaded model answers, and how. */
import { readFile } from 'node:fs/promises';
import { zipSync } from 'fflate';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { PictureError, UsageError } from '../../src/errors.js';
import { writeNetwork } from '../../src/formats/index.js';
import { decodePicture } from '../../src/image/decode.js';
import type { Model, ModelInput, ModelSource } from '../../src/load/model.js';
import { load } from '../../src/load/node.js';
import { type Network, NetworkBuilder, run, trace } from '../../src/network/index.js';
import { inputTensor } from '../../src/tasks/execute.js';
import { classify, embed, logits, probabilities } from '../../src/tasks/index.js';
import { tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { colourNetwork, filled } from '../tasks/networks.js';
import { noise, smallNetwork, tfjsFiles, watched } from './models.js';

const network = smallNetwork();

/** An object as the platform has it, by its tag. */
const tagged = (tag: string) => ({ [Symbol.toStringTag]: tag });
const picture = noise(1);
let model: Model;
beforeAll(async () => {
  model = await load(network);
});

describe('the answers are those of the pure functions, bit for bit', () => {
  test('classify, logits, probabilities, embed', async () => {
    expect(await model.classify(picture)).toEqual(await classify(network, picture));
    expect(await model.logits(picture)).toEqual(await logits(network, picture));
    expect(await model.probabilities(picture)).toEqual(await probabilities(network, picture));
    const layer = model.report().embeddingLayer!;
    expect(await model.embed(picture)).toEqual(await embed(network, picture, { layer }));
    expect(await model.embed(picture, { layer: 'conv_pw_3_relu' })).toEqual(
      await embed(network, picture, { layer: 'conv_pw_3_relu' }),
    );
  });

  test('several inputs: a list for each, a row for each', async () => {
    const pictures = [noise(1), noise(2), noise(3)];
    const lists = await model.classify(pictures, { top: 2 });
    expect(lists).toEqual(await classify(network, pictures, { top: 2 }));
    const rows = await model.embed(pictures);
    expect(rows.shape[0]).toBe(3);
    for (const ask of ['logits', 'probabilities', 'embed'] as const) {
      const together = await model[ask](pictures);
      const alone = await Promise.all(pictures.map((one) => model[ask](one)));
      expect(together.data).toEqual(Float32Array.from(alone.flatMap(({ data }) => [...data])));
    }
    expect(await model.classify([])).toEqual([]);
    expect(await model.classify([picture])).toEqual([await model.classify(picture)]);
  });

  test('calls may overlap', async () => {
    const pictures = [noise(1), noise(2), noise(3), noise(4)];
    const together = await Promise.all(pictures.map((one) => model.classify(one)));
    for (const [i, one] of pictures.entries()) expect(together[i]).toEqual(await model.classify(one));
  });

  test('every tensor by name, or some', async () => {
    const readable = trace(network, inputTensor(network, picture));
    const all = await model.trace(picture);
    expect([...all.keys()].sort()).toEqual([...readable.keys()].sort());
    for (const [name, { shape, data }] of readable) {
      expect(all.get(name)!.shape).toEqual(shape);
      const largest = Math.max(...data.map(Math.abs));
      all.get(name)!.data.forEach((value, i) => {
        expect(Math.abs(value - data[i])).toBeLessThanOrEqual(1e-4 * largest);
      });
    }
    const some = await model.trace(picture, ['conv1', 'conv_pw_2_relu']);
    expect([...some.keys()]).toEqual(['conv1', 'conv_pw_2_relu']);
    await expect(model.trace(picture, ['conv_1'])).rejects.toThrow(
      /there is no layer 'conv_1'; similar names: conv1, /,
    );
    await expect(model.trace([picture] as never)).rejects.toThrow(
      new UsageError('trace: wanted one input, found a list'),
    );
  });

  test("target 'reference': the readable layers", async () => {
    const readable = await load(network, { target: 'reference' });
    expect(readable.report().target).toBe('reference');
    expect(await readable.classify(picture)).toEqual(await classify(network, picture, { run }));
  });

  test('one plan answers all tasks', async () => {
    const { network: fresh, reads } = watched(network);
    const loaded = await load(fresh);
    const once = reads();
    for (const ask of ['classify', 'logits', 'probabilities', 'embed'] as const) await loaded[ask](picture);
    expect(reads()).toBe(once);
    await loaded.embed(picture, { layer: 'conv1' });
    const twice = reads();
    expect(twice).toBeGreaterThan(once);
    await loaded.embed(picture, { layer: 'conv1' });
    expect(reads()).toBe(twice);
  });
});

describe('the default embedding is what the classifier reads', () => {
  const conventions = { source: 'other', output: 'logits' } as const;

  test('pooled features before a dense layer, also with dropout between', async () => {
    const net = new NetworkBuilder();
    let x = net.input('in', [1, 2, 2, 3]);
    x = net.add('pool', 'globalAveragePool', x, { keepDims: false });
    x = net.add('drop', 'dropout', x, { rate: 0.5 });
    x = net.add('classifier', 'dense', x, { units: 2, bias: false });
    const weights = new Map([['classifier/kernel', tensor([3, 2], [1, 0, 0, 1, 0, 0])]]);
    const built = { ...net.build('dropped', [x], conventions), weights };
    const loaded = await load(built);
    expect(loaded.report().embeddingLayer).toBe('pool');
    const input = tensor([1, 2, 2, 3], [1, 10, 100, 3, 10, 100, 1, 10, 100, 3, 10, 100]);
    expect(await loaded.embed(input)).toEqual(tensor([1, 3], [2, 10, 100]));
    expect(await loaded.logits(input)).toEqual(tensor([1, 2], [2, 10]));
  });

  test('of a network without classifier its output; of one that ends in neither, a layer has to be named', async () => {
    const features = await load({ ...colourNetwork('logits'), conventions: { ...conventions, output: 'features' } });
    expect(features.report().embeddingLayer).toBe('mean');
    const neither = await load(colourNetwork('logits'));
    expect(neither.report().embeddingLayer).toBeUndefined();
    await expect(neither.embed(filled(1, 2, 3))).rejects.toThrow(
      new UsageError('embed: colours has no classifier whose input would be the features; name a layer'),
    );
    expect(await neither.embed(filled(1, 2, 3), { layer: 'mean' })).toEqual(tensor([1, 3], [1, 2, 3]));
  });

  test.skipIf(noData).each([
    ['mobilenet_v1_0.25_224.h5', 256],
    ['mobilenet_v2_1.0_224_quant.tflite', 1280],
  ])('%s: %i features (needs DEPTHWISE_DATA)', async (file, count) => {
    const loaded = await load(dataPath('models', file));
    expect((await loaded.embed(noise(1, 64, 64))).shape).toEqual([1, count]);
    loaded.dispose();
  });
});

describe('which predictions', () => {
  const colours = () => load(colourNetwork('logits'));
  const asked = async (options: Parameters<Model['classify']>[1]) =>
    (await (await colours()).classify(filled(2, 1, 0), options)).map(({ label }) => label);

  test('by probability and by label', async () => {
    expect(await asked({})).toEqual(['red', 'green', 'blue']); // 0.665, 0.245, 0.090
    expect(await asked({ top: 1 })).toEqual(['red']);
    expect(await asked({ threshold: 0.2 })).toEqual(['red', 'green']);
    expect(await asked({ threshold: 1 })).toEqual([]);
    expect(await asked({ allow: ['blue', 'green'] })).toEqual(['green', 'blue']);
    expect(await asked({ deny: ['red'] })).toEqual(['green', 'blue']);
    expect(await asked({ allow: ['red', 'blue'], deny: ['red'], top: 1 })).toEqual(['blue']);
    expect(await asked({ allow: [] })).toEqual([]);
    expect(await asked({ labels: ['rot', 'grün', 'blau'], allow: ['grün'] })).toEqual(['grün']);
  });

  test.each<[object, string]>([
    [{ top: 0 }, 'classify: top must be a whole number of 1 or more, found 0'],
    [{ top: 1.5, allow: ['red'] }, 'classify: top must be a whole number of 1 or more, found 1.5'],
    [{ threshold: 2 }, 'classify: threshold must be a number from 0 to 1, found 2'],
    [{ threshold: Number.NaN }, 'classify: threshold must be a number from 0 to 1, found NaN'],
    [{ allow: ['GREEN'] }, "classify: allow: there is no label 'GREEN'; similar labels: 'green', 'red', 'blue'"],
    [
      { labels: ['tench', 'Egyptian cat', 'tiger cat'], allow: ['cat'] },
      "classify: allow: there is no label 'cat'; similar labels: 'Egyptian cat', 'tiger cat', 'tench'",
    ],
    [
      { labels: ['wildcats', 'car', 'a cat'], allow: ['cat'] },
      "classify: allow: there is no label 'cat'; similar labels: 'a cat', 'wildcats', 'car'",
    ],
    [{ allow: ['gren'] }, "classify: allow: there is no label 'gren'; similar labels: 'green', 'red', 'blue'"],
    [{ deny: ['Red', 'reed'] }, "classify: deny: there is no label 'Red'; similar labels: 'red', 'green', 'blue'"],
    [{ deny: 'red' }, "classify: deny must be a list of labels, found the text 'red'"],
    [{ labels: ['a'] }, 'labels: found 1 labels for 3 outputs, wanted 3'],
    [{ background: 'after-softmax' }, "classify: background 'after-softmax' wants a label offset of 1, found 0"],
  ])('%j is an error', async (options, message) => {
    await expect(asked(options)).rejects.toThrow(new UsageError(message));
  });
});

describe('options of load', () => {
  test("labels and preprocessing in place of the file's", async () => {
    const { labels: _, preprocessing: __, ...bare } = network.conventions;
    const unstated: Network = { ...network, conventions: bare };
    const loaded = await load(unstated, { labels: ['x', 'y', 'z'], preprocessing: 'keras' });
    expect(loaded.labels).toEqual(['x', 'y', 'z']);
    expect((await load(network, { labels: [] })).labels).toBeUndefined();
    expect(await loaded.probabilities(picture)).toEqual(await model.probabilities(picture));
    const other = await load(network, { preprocessing: 'caffe' });
    expect(await other.probabilities(picture)).not.toEqual(await model.probabilities(picture));
    await expect((await load(unstated)).classify(picture)).rejects.toThrow(
      /nothing states how its pictures are prepared/,
    );
  });

  test.each<[object, string]>([
    [
      { target: 'wasm' },
      "load: target must be one of auto, relaxed, simd, scalar, javascript, reference, found the text 'wasm'",
    ],
    [
      { target: ['simd', 7] },
      'load: target must be one of auto, relaxed, simd, scalar, javascript, reference, found 7 in it',
    ],
    [{ labels: ['a'] }, 'labels: found 1 labels for 3 outputs, wanted 3'],
    [{ readers: 'tflite' }, "load: readers must be a list, found the text 'tflite'"],
  ])('%j is an error', async (options, message) => {
    await expect(load(network, options)).rejects.toThrow(new UsageError(message));
  });

  test('an unknown preset', async () => {
    await expect(load(network, { preprocessing: 'imagenet' as never })).rejects.toThrow(
      /^load: there is no preprocessing 'imagenet'; wanted one of slim, keras, .*, or the rules themselves$/,
    );
  });

  describe('falling back', () => {
    afterEach(() => vi.restoreAllMocks());

    test('to kernels in JavaScript is never silent', async () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
      vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new Error('code generation disallowed'));
      vi.resetModules();
      const { load: fresh } = await import('../../src/load/node.js');
      const heard: string[] = [];
      const loaded = await fresh(network, { onFallback: ({ target }) => heard.push(target) });
      expect(heard).toEqual(['javascript']);
      expect((await loaded.classify(picture)).length).toBe(3);
      expect(warn).not.toHaveBeenCalled();
      await fresh(network, { target: 'reference' });
      expect(warn).not.toHaveBeenCalled();
      await fresh(network);
      expect(warn).toHaveBeenCalledOnce();
    });
  });
});

describe('inputs in Node', () => {
  const path = new URL('../../assets/pictures/chelsea.jpg', import.meta.url);
  let wanted: Awaited<ReturnType<Model['probabilities']>>;
  let bytes: Buffer<ArrayBuffer>;
  beforeAll(async () => {
    bytes = (await readFile(path)) as Buffer<ArrayBuffer>;
    wanted = await model.probabilities(await decodePicture(bytes));
  });

  test.each<[string, () => unknown]>([
    ['a path', () => path.pathname],
    ['a file URL', () => path],
    ['the text of a file URL', () => path.href],
    ['a Buffer', () => bytes],
    ['a Uint8Array', () => new Uint8Array(bytes)],
    ['an ArrayBuffer', () => new Uint8Array(bytes).buffer],
    ['a Blob', () => new Blob([bytes])],
    ['a File', () => new File([bytes], 'cat.jpg')],
    ['a data: address', () => `data:image/jpeg;base64,${bytes.toString('base64')}`],
    ['a Picture', () => decodePicture(bytes)],
    ['a tensor', async () => inputTensor(network, await decodePicture(bytes))],
    [
      'what a canvas package calls ImageData',
      async () => {
        const { width, height, data } = await decodePicture(bytes);
        const rgba = new Uint8ClampedArray(width * height * 4);
        for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
        return { [Symbol.toStringTag]: 'ImageData', width, height, data: rgba };
      },
    ],
  ])('%s', async (_, input) => {
    expect(await model.probabilities((await input()) as ModelInput)).toEqual(wanted);
  });

  test('a region, a rotation, a mirror image', async () => {
    const cat = await decodePicture(bytes);
    const plain = await model.probabilities(cat);
    for (const options of [
      { region: { left: 10, top: 20, width: 100, height: 90 } },
      { rotation: 90 },
      { mirror: true },
    ] as const) {
      expect(await model.probabilities(cat, options)).not.toEqual(plain);
      expect(await model.probabilities(path, options)).toEqual(await model.probabilities(cat, options));
    }
  });

  test.each([1, 3, 4])('pixels alone: their number says that they have %d channels', async (channels) => {
    const data = Uint8Array.from({ length: 4 * channels }, (_, i) => (i * 37) % 256);
    const whole = await model.logits({ width: 2, height: 2, channels, data } as never);
    for (const bytes of [data, new Uint8ClampedArray(data), Buffer.from(data)]) {
      expect(await model.logits({ width: 2, height: 2, data: bytes })).toEqual(whole);
    }
  });

  test('no input', async () => {
    for (const ask of ['classify', 'embed', 'logits', 'probabilities', 'trace'] as const) {
      await expect((model[ask] as () => Promise<unknown>)()).rejects.toThrow(
        new PictureError(`${ask}: wanted a picture, found undefined`),
      );
    }
    await expect(model.embed([])).rejects.toThrow(new PictureError('embed: no inputs given'));
    await expect(model.logits([])).rejects.toThrow(new PictureError('logits: no inputs given'));
  });

  test.each<[unknown, string | RegExp]>([
    [null, 'classify: wanted a picture, found null'],
    [7, 'classify: wanted a picture, found 7'],
    [{}, 'classify: wanted a picture, found an Object'],
    [new Map(), 'classify: wanted a picture, found a Map'],
    ['nothing.jpg', "classify: 'nothing.jpg': there is no such file"],
    ['/', 'classify: /: is a folder, not a file'],
    [new URL('file:///nothing.jpg'), 'classify: /nothing.jpg: there is no such file or folder'],
    [
      { width: 2, height: 2, data: new Uint8Array(7) },
      'picture: wanted 1 (grey), 3 (RGB) or 4 (RGBA) channels, found 1.75',
    ],
    ['', "classify: the text is empty; wanted a picture's address"],
    [Promise.resolve(picture), 'classify: wanted a picture, found a Promise; await it'],
    [new Response(), 'classify: wanted a picture, found a Response; give await response.blob()'],
    [new Set([picture]), 'classify: wanted a picture, found a Set; give [...set]'],
    [tagged('NodeList'), 'classify: wanted a picture, found a NodeList; give [...list]'],
    [[picture, null], 'classify: input 1 of the list: wanted a picture, found null'],
    ...['#photo', '.photo', 'img'].map((text): [string, string] => [
      text,
      `'${text}' is no picture's address; if it selects an element, give the element: document.querySelector('${text}')`,
    ]),
    [Uint8Array.of(1, 2, 3), /picture: found 3 bytes that begin with 01 02 03/],
    [[picture, 'nothing.jpg'], "classify: input 1 of the list: 'nothing.jpg': there is no such file"],
    [
      tensor([2, 32, 32, 3], new Float32Array(2 * 32 * 32 * 3)),
      'classify: wanted a tensor of one picture [1, H, W, C], found [2, 32, 32, 3]',
    ],
    [tensor([1, 8, 8, 3], new Float32Array(192)), /must be \[batch, 32, 32, 3\], found \[1, 8, 8, 3\]/],
  ])('%o is none', async (input, message) => {
    await expect(model.classify(input as never)).rejects.toThrow(message);
  });
});

describe('the end', () => {
  test('dispose may be called again; what is asked later is rejected by name', async () => {
    const loaded = await load(network);
    loaded.dispose();
    loaded.dispose();
    loaded[Symbol.dispose]();
    const calls = loaded as unknown as Record<string, (input: ModelInput) => Promise<unknown>>;
    for (const ask of ['classify', 'embed', 'logits', 'probabilities', 'trace']) {
      await expect(calls[ask](picture)).rejects.toThrow(
        new UsageError(`${ask}: the model ${network.name} was disposed; load it again`),
      );
    }
    expect(() => loaded.report()).toThrow('report: the model');
    expect(loaded.labels).toEqual(['ant', 'bee', 'cat']);
  });

  test('while a picture is prepared', async () => {
    const loaded = await load(network);
    const asking = loaded.classify(
      new Blob([await readFile(new URL('../../assets/pictures/chelsea.jpg', import.meta.url))]),
    );
    loaded.dispose();
    await expect(asking).rejects.toThrow('classify: the model');
  });

  test('while another layer is compiled', async () => {
    const loaded = await load(network);
    const asking = loaded.embed(picture, { layer: 'conv1' });
    await Promise.resolve();
    loaded.dispose();
    await asking.catch(({ message }) => expect(message).toMatch(/disposed/));
  });
});

describe('outputs and resolution are for whatever holds a network', () => {
  const relu = 'conv_pw_3_relu';
  const sources: readonly (readonly [string, () => Promise<ModelSource>])[] = [
    ['a network', async () => network],
    ...(['safetensors', 'npz', 'tflite', 'onnx'] as const).map(
      (format) => [format, () => writeNetwork(network, format)] as const,
    ),
    [
      'model.json in an archive',
      async () => zipSync(Object.fromEntries([...(await tfjsFiles())].map(([name, bytes]) => [name, bytes]))),
    ],
  ];

  test.each(sources)('%s', async (_, source) => {
    const cut = await load(await source(), { outputs: [relu], target: 'reference' });
    const x = inputTensor(network, picture);
    const wanted = trace(network, x).get(relu)!;
    const found = (await cut.trace(x, [relu])).get(relu)!;
    expect(found.shape).toEqual(wanted.shape);
    for (const [i, number] of found.data.entries()) expect(number).toBeCloseTo(wanted.data[i], 4);
    cut.dispose();
    await expect(load(await source(), { outputs: ['conv9'] })).rejects.toThrow(/conv9/);
    const larger = await load(await source(), { resolution: [48, 64] });
    expect(larger.inputSize).toEqual([48, 64]);
    expect(await larger.classify(picture)).toHaveLength(3);
    larger.dispose();
  });
});
