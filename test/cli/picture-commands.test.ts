/** classify, embed and trace: pictures in, what the library computes out. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNetwork, readTensors, writeNetwork } from '../../src/formats/index.js';
import { readNpy } from '../../src/formats/tensors/npy.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { readSafetensors } from '../../src/formats/tensors/safetensors.js';
import { readPicture } from '../../src/image/index.js';
import { fromJson, run, summarize, trace } from '../../src/network/index.js';
import { noise } from '../../src/oracle/noise.js';
import { inputTensor } from '../../src/tasks/execute.js';
import { type Tensor, toFloat64 } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { smallQuantized } from '../load/models.js';
import { cat, depthwise, depthwiseJson, rocket, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const network = smallNetwork();
/** The layers themselves, to the bit. */
const reference = ['--target', 'reference'];
let model: string;
let input: Tensor;

beforeAll(async () => {
  model = await writeModel(folder.path('small.safetensors'), network);
  input = inputTensor(network, await readPicture(cat));
});

describe('classify', () => {
  test('prints the outputs of the network, best first', async () => {
    const [{ picture, predictions }] = await depthwiseJson(
      'classify',
      cat,
      '--model',
      model,
      '--top',
      '7',
      ...reference,
    );
    const { data } = [...run(network, input).values()][0];
    expect(picture).toBe(cat);
    expect(predictions).toEqual(
      Array.from(data, (probability, index) => ({ label: `class ${index}`, index, probability })).sort(
        (a, b) => b.probability - a.probability,
      ),
    );
  });

  test('takes several pictures, in their order', async () => {
    const answers = await depthwiseJson('classify', rocket, cat, '--model', model, '--top', '1');
    expect(answers.map(({ picture }: { picture: string }) => picture)).toEqual([rocket, cat]);
    expect(answers[1]).toEqual((await depthwiseJson('classify', cat, '--model', model, '--top', '1'))[0]);
  });

  test('--mirror: the mean of the answers to a picture and to its mirror image', async () => {
    const flopped = folder.path('flopped.png');
    await sharp(cat).flop().png().toFile(flopped);
    const probabilities = async (picture: string, ...flags: string[]) => {
      const [{ predictions }] = await depthwiseJson('classify', picture, '--model', model, '--top', '7', ...flags);
      return predictions
        .sort((a: { index: number }, b: { index: number }) => a.index - b.index)
        .map(({ probability }: { probability: number }) => probability);
    };
    const [plain, image] = [await probabilities(cat), await probabilities(flopped)];
    const both = await probabilities(cat, '--mirror');
    expect(image).not.toEqual(plain);
    for (const [k, p] of both.entries()) expect(p).toBeCloseTo((plain[k] + image[k]) / 2, 6);
  });

  test('as text: the picture, then per cent and label', async () => {
    writeFileSync(folder.path('labels.txt'), 'zero\none\ntwo\nthree\nfour\nfive\nsix\n');
    const args = ['classify', cat, rocket, '--model', model, '--labels', folder.path('labels.txt'), '--top', '2'];
    const { exitCode, stdout } = await depthwise(...args);
    expect(exitCode).toBe(0);
    const words = '(zero|one|two|three|four|five|six)';
    const lines = ` *\\d+\\.\\d %  ${words}\n *\\d+\\.\\d %  ${words}`;
    expect(stdout).toMatch(new RegExp(`^${cat}\n${lines}\n\n${rocket}\n${lines}\n$`));
  });

  test('counts classes apart from outputs where there is a background', async () => {
    const path = await writeModel(folder.path('background.safetensors'), smallNetwork({ labelOffset: 1 }));
    const [{ predictions }] = await depthwiseJson('classify', cat, '--model', path, '--top', '7');
    for (const { index, classIndex, label } of predictions) {
      expect([classIndex, label]).toEqual(index === 0 ? [undefined, 'background'] : [index - 1, `class ${index - 1}`]);
    }
  });

  test('--resolution runs the same weights on another size', async () => {
    const [{ predictions }] = await depthwiseJson(
      'classify',
      cat,
      '--model',
      model,
      '--resolution',
      '64x48',
      ...reference,
    );
    expect(predictions).toHaveLength(5);
  });

  test.skipIf(noData)('names the cat, with real weights (needs DEPTHWISE_DATA)', async () => {
    const labels = ['--labels', dataPath('labels', 'imagenet_labels_1001.txt')];
    const keras = ['--model', dataPath('models', 'mobilenet_v1_0.25_224.h5')];
    const [{ predictions }] = await depthwiseJson('classify', cat, ...keras, ...labels);
    expect(predictions[0]).toMatchObject({ label: 'Egyptian cat', index: 285 });
    const tflite = ['--model', dataPath('models', 'mobilenet_v1_0.25_128_quant.tflite')];
    const [{ predictions: quantised }] = await depthwiseJson('classify', cat, ...tflite, ...labels);
    expect(quantised[0].label).toMatch(/cat/);
    expect(quantised[0].classIndex).toBe(quantised[0].index - 1);
  });

  test.each([
    [
      ['--crop', 'all'],
      2,
      "option '--crop <rule>' argument 'all' is invalid. Wanted none, a fraction above 0 and at most 1, side: and a number of pixels, or pad: or pad-as-is: and a number from 0 to 255.",
    ],
    [['--top', '0'], 2, "option '--top <count>' argument '0' is invalid. Wanted a whole number of 1 or more."],
    [['--preset', 'none'], 2, "option '--preset <name>' argument 'none' is invalid. Allowed choices are slim, keras,"],
    [['--alpha', '0.5'], 2, '--alpha goes with --network, which was not given'],
    [['--labels', cat], 1, `${cat}: found binary data, wanted UTF-8 text`],
  ])('%j is refused', async (args, exitCode, message) => {
    const outcome = await depthwise('classify', cat, '--model', model, ...args);
    expect(outcome).toMatchObject({ exitCode, stdout: '' });
    expect(outcome.stderr.startsWith(`error: ${message}`), outcome.stderr).toBe(true);
  });

  test('a label list of another length is refused with both numbers', async () => {
    writeFileSync(folder.path('three.txt'), 'a\nb\nc\n');
    const { exitCode, stderr } = await depthwise(
      'classify',
      cat,
      '--model',
      model,
      '--labels',
      folder.path('three.txt'),
    );
    expect([exitCode, stderr]).toEqual([
      2,
      `error: --labels ${folder.path('three.txt')}: found 3 labels for 7 outputs, wanted 7\n`,
    ]);
  });

  test('a file that is no picture is named', async () => {
    const { exitCode, stderr } = await depthwise('classify', cat, folder.path('labels.txt'), '--model', model);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('labels.txt: ');
  });

  test('a model that does not state its preprocessing wants --preset', async () => {
    const { preprocessing: _, ...conventions } = network.conventions;
    const path = await writeModel(folder.path('unstated.npz'), { ...network, conventions });
    const { exitCode, stderr } = await depthwise('classify', cat, '--model', path);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      `${path} does not say how its pictures are prepared (crop, resize, range, channel order); wanted --preset, one of slim, keras,`,
    );
    const stated = await depthwiseJson('classify', cat, '--model', path, '--preset', 'keras');
    expect(stated).toEqual(await depthwiseJson('classify', cat, '--model', model));
  });

  test.skipIf(noData)('--crop in place of the crop that is assumed, which is said (needs DEPTHWISE_DATA)', async () => {
    const model = ['--model', dataPath('models', 'mobilenet_v1_0.25_128_quant.tflite')];
    const assumed = await depthwise('classify', cat, ...model);
    expect(assumed.stderr.replace(/\s+/g, ' ')).toContain(
      'assumed: crop: the central 87.5 % of each side; resize: tf1-legacy',
    );
    const same = await depthwise('classify', cat, ...model, '--crop', '0.875');
    expect(same.stdout).toBe(assumed.stdout);
    expect(same.stderr).not.toContain('crop: the central');
    const whole = await depthwise('classify', cat, ...model, '--crop', 'none');
    expect(whole.stdout).not.toBe(assumed.stdout);
    const keras = await depthwise('classify', cat, '--model', dataPath('models', 'mobilenet_v1_0.25_224.h5'));
    expect(keras.stderr).toContain(
      'assumed: label offset: 0, without a background (mobilenet_0.25_224 does not state it)',
    );
  });

  test("--preset in place of the model's own rules is said", async () => {
    const notes = async (preset: string) =>
      (await depthwise('classify', cat, '--model', model, '--preset', preset)).stderr;
    expect(await notes('caffe')).toContain(
      `--preset caffe: other rules than those that ${network.name} states, and in their place\n`,
    );
    expect(await notes('keras')).not.toContain('--preset');
  });
});

describe('embed', () => {
  const at = (layer: string): string[] => ['--model', model, '--layer', layer];

  test('writes the features of each picture, averaged over the map', async () => {
    const out = folder.path('features.npy');
    const { exitCode, stdout, stderr } = await depthwise(
      'embed',
      cat,
      rocket,
      ...at('conv_pw_7_relu'),
      '--out',
      out,
      ...reference,
    );
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: '', stderr: `wrote ${out}: [2, 128]\n` });
    const { shape, data } = readNpy(readFileSync(out));
    expect(shape).toEqual([2, 128]);
    const map = trace(network, input).get('conv_pw_7_relu')!; // [1, 2, 2, 128]
    for (let c = 0; c < 128; c++) {
      expect(data[c]).toBeCloseTo((map.data[c] + map.data[128 + c] + map.data[256 + c] + map.data[384 + c]) / 4, 5);
    }
  });

  test('--no-pool keeps the map', async () => {
    const out = folder.path('map.npy');
    expect(
      (await depthwise('embed', cat, ...at('conv_pw_7_relu'), '--no-pool', '--out', out, ...reference)).exitCode,
    ).toBe(0);
    expect(readNpy(readFileSync(out))).toEqual(trace(network, input).get('conv_pw_7_relu'));
  });

  test('--json alone prints the numbers', async () => {
    const found = await depthwiseJson('embed', cat, ...at('conv_preds'), '--no-pool', ...reference);
    expect(found).toMatchObject({ pictures: [cat], layer: 'conv_preds', shape: [1, 1, 1, 7] });
    expect(found.values).toEqual([...trace(network, input).get('conv_preds')!.data]);
  });

  test('without --layer: what the classifier reads', async () => {
    const args = ['embed', cat, '--model', model];
    const found = await depthwiseJson(...args);
    expect(found).toEqual(await depthwiseJson(...args, '--layer', 'global_average_pooling2d'));
    expect(found.shape).toEqual([1, 256]);
  });

  test('an unknown layer is named, with similar names', async () => {
    const { exitCode, stderr } = await depthwise('embed', cat, ...at('conv_pw_77'), '--out', folder.path('x.npy'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/there is no layer 'conv_pw_77'.*conv_pw_7/);
    expect(existsSync(folder.path('x.npy'))).toBe(false);
  });

  test('somewhere to write to is wanted', async () => {
    const { exitCode, stderr } = await depthwise('embed', cat, ...at('conv1'));
    expect([exitCode, stderr]).toEqual([2, 'error: nowhere to write to; wanted --out or --json\n']);
  });
});

describe('trace', () => {
  test.each(['all.npz', 'all.safetensors'])('%s has the input and every layer by name', async (name) => {
    const out = folder.path(name);
    const { tensors, ...rest } = await depthwiseJson('trace', cat, '--model', model, '--out', out, ...reference);
    expect(rest).toEqual({ picture: cat, network: network.name, out });
    const expected = trace(network, input);
    expect(tensors).toEqual([...expected].map(([name, { shape }]) => ({ name, shape })));
    expect(await readTensors(readFileSync(out))).toEqual(expected);
  });

  test('--float64 computes and writes in double precision', async () => {
    const out = folder.path('double.npz');
    const { exitCode, stderr } = await depthwise('trace', cat, '--model', model, '--out', out, '--float64');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^wrote \S+double\.npz: 91 tensors, \d+\.\d [kM]B\n$/);
    const tensors = await readTensors(readFileSync(out));
    expect(tensors).toEqual(trace(network, toFloat64(input)));
    expect(tensors.get('conv1')?.data).toBeInstanceOf(Float64Array);
  });

  test.each(['bundle.npz', 'bundle.safetensors'])('--bounds writes the bundle that golden writes: %s', async (name) => {
    const out = folder.path(name);
    const { tensors } = await depthwiseJson('trace', cat, '--model', model, '--bounds', '--weights', '--out', out);
    expect(tensors).toHaveLength(1 + network.nodes.length);
    const golden = folder.path(`golden-${name}`);
    await depthwise('golden', '--model', model, '--picture', cat, '--weights', '--out', golden);
    expect(readFileSync(out).equals(readFileSync(golden))).toBe(true);
  });

  test('noise and saved tensors; what the numbers come from stands beside them', async () => {
    const out = folder.path('noise.safetensors');
    const args = ['trace', '--model', model, '--noise', 'large', '--seed', '7', '--out', out];
    expect((await depthwise(...args, ...reference)).exitCode).toBe(0);
    const { tensors, metadata } = readSafetensors(readFileSync(out));
    const [{ name, shape }] = network.inputs;
    expect(tensors).toEqual(trace(network, noise('large', shape, 7)));
    const { network: description, ...manifest } = JSON.parse(metadata.get('depthwise.trace')!);
    expect(manifest).toEqual({
      format: 'depthwise-trace',
      version: 1,
      generator: `depthwise ${JSON.parse(readFileSync('package.json', 'utf8')).version}`,
      source: { kind: 'noise', detail: 'large', seed: 7 },
      engine: 'reference',
      layout: 'NHWC',
    });
    expect(fromJson(description).conventions).toEqual(network.conventions);

    const saved = folder.path('saved.npz');
    writeFileSync(saved, await writeNpz(new Map([[name, tensors.get(name)!]])));
    const again = folder.path('again.npz');
    await depthwise('trace', '--model', model, '--input', saved, '--out', again, ...reference);
    expect(await readTensors(readFileSync(again))).toEqual(tensors);
  });

  test.each([
    [['--bounds', '--float64'], '--float64 has no effect with --bounds: bounds are of float32 outputs'],
    [['--bounds', '--target', 'simd'], '--bounds is computed by the reference; --target simd was asked for'],
    [['--bounds', '--engine', 'wasm'], '--bounds is computed by the reference; --engine wasm was asked for'],
    [['--weights'], '--weights goes with --bounds, which was not given'],
    [['--noise', 'normal', '--input', 'x.npz'], 'wanted one of a picture, --input and --noise, found more'],
  ])('%s', async (args, message) => {
    const { exitCode, stderr } = await depthwise('trace', '--model', 'm', '--out', 'x.npz', ...args);
    expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
  });

  test('an unusable --out is refused before anything is read or computed', async () => {
    mkdirSync(folder.path('folder.npz'));
    const refused = async (out: string): Promise<string> => {
      const { exitCode, stderr } = await depthwise('trace', 'no.jpg', '--model', 'no.h5', '--out', out);
      expect(exitCode).toBe(2);
      return stderr;
    };
    expect(await refused('x.bin')).toBe("error: --out: wanted a name ending in .npz or .safetensors, found 'x.bin'\n");
    expect(await refused(folder.path('folder.npz'))).toContain(
      'is not a regular file, and only regular files are overwritten',
    );
    expect(await refused(folder.path('no/x.npz'))).toContain('there is no such file or folder');
  });
});

describe('--target, and --engine, the older word', () => {
  /** The largest difference, as a part of the largest number. */
  const difference = (found: ArrayLike<number>, expected: ArrayLike<number>) => {
    const largest = Math.max(...Array.from(expected, Math.abs));
    return Math.max(...Array.from(expected, (value, i) => Math.abs(value - found[i]))) / largest;
  };

  test('classify: the kernels, which are the default, agree with the layers', async () => {
    const args = ['classify', cat, '--model', model, '--top', '7'];
    const ofWasm = await depthwiseJson(...args, '--engine', 'wasm');
    expect(await depthwiseJson(...args)).toEqual(ofWasm);
    expect(await depthwiseJson(...args, '--engine', 'reference')).toEqual(await depthwiseJson(...args, ...reference));
    const probabilities = ([{ predictions }]: { predictions: { index: number; probability: number }[] }[]) =>
      predictions.sort((a, b) => a.index - b.index).map(({ probability }) => probability);
    const expected = probabilities(await depthwiseJson(...args, ...reference));
    expect(difference(probabilities(ofWasm), expected)).toBeLessThan(1e-5);
  });

  test('embed and trace: every tensor agrees, under the same names', async () => {
    const { values } = await depthwiseJson('embed', cat, '--model', model, '--layer', 'conv_pw_7_relu');
    const { values: expected } = await depthwiseJson(
      'embed',
      cat,
      '--model',
      model,
      '--layer',
      'conv_pw_7_relu',
      ...reference,
    );
    expect(difference(values, expected)).toBeLessThan(1e-5);

    const out = folder.path('wasm.npz');
    expect((await depthwise('trace', cat, '--model', model, '--out', out)).exitCode).toBe(0);
    const tensors = await readTensors(readFileSync(out));
    const traced = trace(network, input);
    expect([...tensors.keys()]).toEqual([...traced.keys()]);
    for (const [name, { data }] of traced) {
      expect(difference(tensors.get(name)?.data ?? [], data), name).toBeLessThan(1e-4);
    }
  });

  test('another word, or double precision by the kernels, is refused', async () => {
    const refused = async (...args: string[]) => {
      const { exitCode, stderr } = await depthwise(...args);
      return [exitCode, stderr];
    };
    expect(await refused('classify', cat, '--model', model, '--engine', 'gpu')).toEqual([
      2,
      "error: option '--engine <name>' argument 'gpu' is invalid. Allowed choices are wasm, reference.\n",
    ]);
    expect(await refused('classify', cat, '--engine', 'wasm', '--target', 'simd')).toEqual([
      2,
      'error: --engine has no effect with --target: it is the older word for the same\n',
    ]);
    const args = ['trace', cat, '--model', model, '--out', folder.path('x.npz'), '--float64', '--engine', 'wasm'];
    expect(await refused(...args)).toEqual([
      2,
      'error: --float64 is computed by the reference; --engine wasm was asked for\n',
    ]);
  });
});

describe('bench', () => {
  test('times the network and each group of layers, and counts their multiply-adds', async () => {
    const { layers, ...whole } = await depthwiseJson('bench', model, '--seconds', '0.05', '--target', 'simd');
    const { totals } = summarize(network);
    expect(whole).toMatchObject({
      network: network.name,
      weights: 'of the file',
      target: 'simd',
      multiplyAdds: totals.multiplyAdds,
    });
    expect(whole.runs).toBeGreaterThan(0);
    expect(whole.milliseconds.median).toBeGreaterThan(0);
    expect(layers.flatMap((layer: { layers: string[] }) => layer.layers)).toEqual(
      network.nodes.map(({ name }) => name),
    );
    const sum = (key: string) => layers.reduce((total: number, layer: Record<string, number>) => total + layer[key], 0);
    expect(sum('multiplyAdds')).toBe(totals.multiplyAdds);
    expect(sum('share')).toBeCloseTo(1, 6);
  });

  test('a quantised model as integers, or as real numbers', async () => {
    const quantized = await smallQuantized();
    const file = folder.path('q.tflite');
    writeFileSync(file, await writeNetwork(quantized, 'tflite'));
    const { layers, ...whole } = await depthwiseJson('bench', file, '--seconds', '0.05', '--rounding', 'double');
    const { totals } = summarize(await readNetwork(readFileSync(file)));
    expect(whole).toMatchObject({ rounding: 'double', multiplyAdds: totals.multiplyAdds });
    expect(layers.reduce((sum: number, { multiplyAdds }: { multiplyAdds: number }) => sum + multiplyAdds, 0)).toBe(
      totals.multiplyAdds,
    );
    const { stdout } = await depthwise('bench', file, '--seconds', '0.05');
    expect(stdout).toMatch(
      /^q, weights of the file, integers, single rounding, on '(relaxed|simd|scalar)', one thread/,
    );
    expect(await depthwiseJson('bench', file, '--seconds', '0.05', '--as-real-numbers')).not.toHaveProperty('rounding');
  });

  test('as text: a table and a line for the whole; a name has random weights', async () => {
    const { exitCode, stdout } = await depthwise('bench', 'mobilenet_v2_0.35_96', '--seconds', '0.05');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^mobilenet_v2_0\.35_96, weights random, on '(relaxed|simd|scalar)', one thread, batch 1\n\nlayers that run as one +ms/,
    );
    expect(stdout).toMatch(/\nwhole: \d+\.\d\d ms \(median of \d+ runs; .*\), \d+\.\d\d G multiply-adds\/s\n$/);
  });
});
