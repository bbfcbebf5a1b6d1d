/** `depthwise quantize` on a small network. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readQuantizedNetwork } from '../../src/formats/index.js';
import { isQuantizedType } from '../../src/network/quantized-network.js';
import { writeCifar10 } from '../training/cifar.js';
import { built, cat, depthwise, depthwiseJson, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

let model: string;
beforeAll(async () => {
  model = await writeModel(folder.path('small.safetensors'), smallNetwork());
});

test('a .tflite file, a C array and a report', async () => {
  const [out, array] = [folder.path('small.tflite'), folder.path('small.h')];
  const given = ['quantize', model, '--calibrate', cat, '--out', out, '--c-array', array];
  const { stdout, stderr } = await depthwise(...given);
  expect(stdout).toMatch(/^layer +SQNR, dB\n/);
  expect(stdout).toMatch(
    /\non the picture that calibrated: SQNR of the answers \d+\.\d dB; the same answer to [01] of 1 picture\n$/,
  );
  expect(stderr).toContain('1 picture may show too little of each range; 32 are enough for most networks\n');
  expect(stderr).toMatch(
    /^wrote \S+small\.tflite: mobilenet_v1_0\.25_32, \d+\.\d kB, for bytes of pictures; tensors take \d\.\d kB of a microcontroller's arena$/m,
  );
  expect(statSync(out).size).toBeLessThan(0.4 * statSync(model).size);
  const network = await readQuantizedNetwork(readFileSync(out));
  expect(network.nodes.filter(({ type }) => isQuantizedType(type)).length).toBeGreaterThan(27);

  const text = readFileSync(array, 'latin1');
  const numbers = text.match(/0x[0-9a-f]{2}/g)!.map(Number);
  expect(Buffer.from(numbers)).toEqual(readFileSync(out));
  expect(text).toContain('const unsigned char small_tflite[] = {');
  expect(text).toContain(`const unsigned int small_tflite_len = ${statSync(out).size};`);

  const { bytes, layers, agreed } = await depthwiseJson(...given);
  expect([bytes, [0, 1].includes(agreed)]).toEqual([statSync(out).size, true]);
  expect(layers[0]).toEqual({ name: expect.any(String), sqnr: expect.any(Number) });
});

test('what it writes, other commands compute with integers, and it does not quantise again', async () => {
  const out = folder.path('again.safetensors');
  await depthwise('quantize', model, '--calibrate', cat, '--out', out);
  const [{ predictions }] = await depthwiseJson('classify', cat, '--model', out);
  // Shares of 1 / 256.
  for (const { probability } of predictions) expect(Number.isInteger(probability * 256)).toBe(true);
  const { exitCode, stderr } = await depthwise(
    'quantize',
    out,
    '--calibrate',
    cat,
    '--out',
    folder.path('twice.tflite'),
  );
  expect([exitCode, stderr]).toEqual([
    2,
    'error: mobilenet_v1_0.25_32: computes with integers already; depthwise convert --integers writes them to other files\n',
  ]);
});

test('.onnx holds the integers between QuantizeLinear and DequantizeLinear; convert says where integers get lost', async () => {
  const [onnx, tflite, converted] = ['qdq.onnx', 'lost.tflite', 'lost.onnx'].map((name) => folder.path(name));
  for (const out of [onnx, tflite]) await depthwise('quantize', model, '--calibrate', cat, '--out', out);
  expect(readFileSync(onnx, 'latin1')).toContain('DequantizeLinear');
  const { stderr } = await depthwise('convert', tflite, converted);
  expect(stderr).toContain(
    'lost: its 8-bit integers are written as the real numbers that they stand for; --integers keeps them\n',
  );
  expect(statSync(onnx).size).toBeLessThan(0.5 * statSync(converted).size);
});

describe('convert --integers', () => {
  const quantized = folder.path('kept.tflite');

  test('the same answers from another file, with other labels', async () => {
    const [own, labels] = [folder.path('kept.safetensors'), folder.path('labels.txt')];
    await depthwise('quantize', model, '--calibrate', cat, '--out', quantized);
    writeFileSync(labels, Array.from({ length: 7 }, (_, index) => `thing ${index}`).join('\n'));
    const { stderr } = await depthwise('convert', quantized, own, '--integers', '--labels', labels);
    expect(stderr).toMatch(/^wrote \S+kept\.safetensors: kept, \d+ tensors, \d+\.\d kB$/m);
    expect(stderr).not.toContain('real numbers');
    const [before] = await depthwiseJson('classify', cat, '--model', quantized);
    const [after] = await depthwiseJson('classify', cat, '--model', own);
    const named = ({ index, probability }: { index: number; probability: number }) => ({
      label: `thing ${index}`,
      index,
      probability,
    });
    expect(after.predictions).toEqual(before.predictions.map(named));
  });

  test.each([
    ['small.safetensors', ['no.tflite'], '--integers: mobilenet_v1_0.25_32 has none; depthwise quantize makes them'],
    ['kept.tflite', ['no/model.json'], '--integers: TF.js models hold real numbers alone'],
    ['kept.tflite', ['no.tflite', '--fold'], "option '--integers' cannot be used with option '--fold'"],
  ])('%s %j', async (from, [to, ...flags], message) => {
    const files = [from, to].map((name) => folder.path(name));
    const { exitCode, stderr } = await depthwise('convert', ...files, '--integers', ...flags);
    expect([exitCode, stderr.split('\n').at(-2)]).toEqual([2, `error: ${message}`]);
  });
});

test('a mean for each channel: bytes go in all the same, or real numbers where they are asked for', async () => {
  const own = await writeModel(folder.path('torch.safetensors'), smallNetwork({ conventions: 'torchvision' }));
  const given = ['quantize', own, '--calibrate', cat, '--out', folder.path('torch.tflite')];
  expect((await depthwise(...given)).stderr).toContain(', for bytes of pictures; ');
  expect((await depthwise(...given, '--input', 'float32')).stderr).toContain(', for prepared real numbers; ');
});

test('a network of grey pictures, from training to integers; colours are refused', async () => {
  const flags = ['--network', 'mobilenet_v1', '--alpha', '0.05', '--conventions', 'slim', '--small-pictures', '--grey'];
  const train = ['train', ...flags, '--limit', '40', '--epochs', '1', '--batch', '20', '--out'];
  built(...train, folder.path('grey'), '--data', 'digits');
  const [trained, out] = [folder.path('grey/model.safetensors'), folder.path('grey.tflite')];
  const data = ['--data', 'digits', '--limit', '50'];
  const { right } = await depthwiseJson('quantize', trained, ...data, '--count', '9', '--out', out);
  const { inputs } = await readQuantizedNetwork(readFileSync(out));
  expect(inputs).toMatchObject([{ shape: [1, 32, 32, 1], type: { type: 'uint8' } }]);
  expect(right.integers).toBeCloseTo(50 * (await depthwiseJson('evaluate', out, ...data)).top1, 9);
  writeCifar10(folder.path('cifar'), 2);
  const { exitCode, stderr } = built(...train, folder.path('colours'), '--data', `cifar10:${folder.path('cifar')}`);
  expect([exitCode, stderr.split('\n').at(-2)]).toEqual([
    2,
    'error: mobilenet_v1_0.05_32_small wants grey pictures, CIFAR-10, training has pictures in colour',
  ]);
  const evaluated = built('evaluate', trained, '--data', `cifar10:${folder.path('cifar')}`);
  expect(evaluated.stderr).toBe(
    'error: mobilenet_v1_0.05_32_small wants grey pictures, CIFAR-10, test has pictures in colour\n',
  );
});

test('with labels: how often both networks are right, as evaluate says of each; training pictures calibrate', async () => {
  const digits = await writeModel(folder.path('digits.safetensors'), smallNetwork({ classes: 10 }));
  const out = folder.path('digits.tflite');
  const data = ['--data', 'digits', '--limit', '50'];
  const { right, pictures } = await depthwiseJson('quantize', digits, ...data, '--count', '9', '--out', out);
  const top1 = async (model: string): Promise<number> => (await depthwiseJson('evaluate', model, ...data)).top1;
  expect(pictures).toBe(9);
  expect(right).toEqual({ float: 50 * (await top1(digits)), integers: 50 * (await top1(out)), pictures: 50 });
  const { stdout } = await depthwise('quantize', digits, ...data, '--calibrate', cat, '--out', out);
  expect(stdout).toMatch(/\nright about \d+\.\d\d % of 50 test pictures as real numbers, \d+\.\d\d % as integers\n$/);
});

describe('pictures that cannot be read', () => {
  beforeAll(() => {
    for (const name of ['broken.png', 'cut.png'])
      writeFileSync(folder.path(name), Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10));
  });

  test('are said once and left out', async () => {
    const out = folder.path('left-out.tflite');
    const { exitCode, stderr } = await depthwise(
      'quantize',
      model,
      '--calibrate',
      folder.path('broken.png'),
      cat,
      '--out',
      out,
    );
    expect(exitCode).toBe(0);
    expect(stderr.match(/left out: \S+broken\.png: /g)).toHaveLength(1);
    await depthwise('quantize', model, '--calibrate', cat, '--out', folder.path('alone.tflite'));
    expect(readFileSync(out)).toEqual(readFileSync(folder.path('alone.tflite')));
  });

  test('are an error where there is no other, and an old file stays', async () => {
    const out = folder.path('old.tflite');
    writeFileSync(out, 'old');
    const broken = ['broken.png', 'cut.png'].map(folder.path);
    const { exitCode, stderr } = await depthwise('quantize', model, '--calibrate', ...broken, '--out', out);
    expect([exitCode, stderr.split('\n').at(-2)]).toEqual([1, 'error: none of 2 pictures can be read']);
    expect(readFileSync(out, 'latin1')).toBe('old');
  });
});

test.each([
  [['--out', 'model.tflite'], 'wanted --calibrate PICTURES, or --data with training pictures to take'],
  [
    ['--out', 'model.tflite', '--data', 'coco:pictures'],
    '--data coco:pictures: quantize counts the right answers of classifiers alone; wanted digits (drawn here, needs no files), cifar10:FOLDER, mnist:FOLDER, or a folder with a folder of pictures for each class',
  ],
  [['--out', 'model.tflite', '--data', 'digits'], 'mobilenet_v1_0.25_32 has 7 classes, drawn digits, test has 10'],
])('without pictures, %j', async (flags, message) => {
  const { exitCode, stderr } = await depthwise('quantize', model, ...flags);
  expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
});

test.each([
  [['--out', 'model.pb'], "--out: wanted a name ending in .tflite or .safetensors or .npz or .onnx, found 'model.pb'"],
  [['--out', 'model.npz', '--c-array', 'model.h'], '--c-array: is made of a .tflite file; wanted --out FILE.tflite'],
  [
    ['--out', 'model.tflite', '--c-array', 'model.txt'],
    "--c-array: wanted a name ending in .h or .c or .cc, found 'model.txt'",
  ],
])('%j', async (flags, message) => {
  const { exitCode, stderr } = await depthwise('quantize', model, '--calibrate', cat, ...flags);
  expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
});
