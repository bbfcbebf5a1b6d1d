/**
 * Files as users have them, in the folder `cases` beside DEPTHWISE_DATA: each by every command that takes a model. Its README says where each form was
 * seen, and what the right answers are: computed with numpy in float64, or by the runtime that the file was made for.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readTensorFile } from '../../src/formats/files.js';
import { dataFolder } from '../data.js';
import { noOnnxruntime } from '../peers/onnxruntime.js';
import { depthwise, depthwiseJson } from './command.js';

const cases = join(dataFolder ?? '', '..', 'cases');
const noCases = dataFolder === undefined || !existsSync(cases);
const path = (name: string): string => join(cases, name);
const picture = path('pictures/palette.png');

const folder = mkdtempSync(join(tmpdir(), 'depthwise-cases-'));
afterAll(() => rmSync(folder, { recursive: true }));

const A = [0.49816, 0.27041, 0.23143];
const LOGITS = [-0.00396, -0.0131, -0.00858, 0.06402, -0.03567];

interface Case {
  readonly file: string;
  /** Fed to the network; xm1.npy unless stated. */
  readonly input?: string;
  readonly answer: readonly number[];
  readonly within?: number;
  /** Options of every command. */
  readonly options?: readonly string[];
  /** The runtime that the file was made for, as far as it is installed here and takes the file. */
  readonly runtime?: 'tfjs' | 'litert' | 'onnxruntime';
}

const WEIGHTS = '--network mobilenet_v2 --alpha 0.05 --classes 5 --resolution 32 --conventions torchvision'.split(' ');
const state = (file: string): Case => ({
  file: `state/${file}`,
  input: 'state/x.npy',
  answer: LOGITS,
  options: WEIGHTS,
});

const models: readonly Case[] = [
  { file: 'keras/control_flat.h5', answer: A },
  { file: 'keras/nested_sequential.h5', answer: A },
  { file: 'keras/rescaling.h5', input: 'keras/x255.npy', answer: A },
  { file: 'keras/spatial_dropout.h5', answer: A },
  { file: 'keras/globalmaxpool.h5', answer: [0.00616, 0.60798, 0.38586] },
  { file: 'keras/leaky.h5', answer: [0.38259, 0.33669, 0.28071] },
  { file: 'keras/act_tanh.h5', answer: [0.49384, 0.27341, 0.23275] },
  { file: 'keras/open_size.h5', answer: A, options: ['--resolution', '16'] },
  { file: 'keras/keras3_flat.keras', answer: A },
  { file: 'keras/grey.h5', input: 'keras/grey_x.npy', answer: [0.53684, 0.2518, 0.21136] },
  { file: 'tfjs/nested_functional/model.json', answer: A, runtime: 'tfjs' },
  { file: 'tfjs/rescaling/model.json', input: 'keras/x255.npy', answer: A, runtime: 'tfjs' },
  { file: 'tfjs/graph_tf219/model.json', answer: [0.56827, 0.21522, 0.21651], runtime: 'tfjs' },
  { file: 'onnx/control_flat.onnx', answer: A, runtime: 'onnxruntime' },
  { file: 'onnx/external.onnx', answer: A, runtime: 'onnxruntime' },
  { file: 'onnx/qdq_static.onnx', answer: [0.49526, 0.27271, 0.23203], within: 0.01 },
  { file: 'tflite/control.tflite', answer: A, runtime: 'litert' },
  { file: 'tflite/reshape_open_batch.tflite', answer: A, runtime: 'litert' },
  { file: 'tflite/dilated_s2b.tflite', answer: [0.44516, 0.30385, 0.25099], runtime: 'litert' },
  { file: 'tflite/hybrid.tflite', answer: [0.49808, 0.27012, 0.2318] },
  state('control_torchvision.safetensors'),
  state('hf_mobilenet_v2.safetensors'),
  state('checkpoint.pth'),
];

describe.skipIf(noCases).each(models)('$file (needs cases)', ({ file, answer, runtime, ...rest }) => {
  const { input = 'keras/xm1.npy', within = 1e-5, options = [] } = rest;
  const model = ['--model', path(file), ...options];

  test('trace gives the right answer', async () => {
    const out = join(folder, 'traced.npz');
    await depthwiseJson('trace', ...model, '--input', path(input), '--out', out);
    const last = [...(await readTensorFile(out)).values()].at(-1)!;
    expect(last.data).toHaveLength(answer.length);
    for (const [index, number] of answer.entries()) {
      expect(Math.abs(last.data[index] - number), `number ${index}`).toBeLessThanOrEqual(within);
    }
  });

  test('summary, classify and embed take it', async () => {
    expect((await depthwiseJson('summary', ...model)).layers.length).toBeGreaterThan(5);
    const [{ predictions }] = await depthwiseJson('classify', picture, ...model, '--preset', 'slim');
    expect(predictions).toHaveLength(Math.min(answer.length, 5));
    const { values } = await depthwiseJson('embed', picture, ...model, '--preset', 'slim');
    expect(values.length).toBeGreaterThan(1);
  });

  test.each(['safetensors', 'npz', 'tflite', 'onnx', 'json'])('convert to .%s changes no answer', async (ending) => {
    const converted = join(folder, ending === 'json' ? 'web/model.json' : `converted.${ending}`);
    const done = await depthwise('convert', path(file), converted, ...options);
    expect(done.stderr).not.toContain('error');
    expect(done.exitCode).toBe(0);
    const out = join(folder, 'converted-traced.npz');
    await depthwiseJson('trace', '--model', converted, '--input', path(input), '--out', out);
    const last = [...(await readTensorFile(out)).values()].at(-1)!;
    for (const [index, number] of answer.entries())
      expect(Math.abs(last.data[index] - number)).toBeLessThanOrEqual(within);
  });

  test.skipIf(runtime === undefined || (runtime === 'onnxruntime' && noOnnxruntime))('verify', async () => {
    const { exitCode, stdout, stderr } = await depthwise(
      'verify',
      path(file),
      '--with',
      runtime!,
      '--input',
      path(input),
    );
    expect(stdout + stderr).not.toContain('the first layer beyond');
    expect(exitCode).toBe(0);
  });
});

test.skipIf(noCases)('verify says why a dynamic-range file is not judged (needs cases)', async () => {
  const file = path('tflite/hybrid.tflite');
  const { exitCode, stderr } = await depthwise('verify', file, '--with', 'litert');
  expect(exitCode).toBe(2);
  expect(stderr).toBe(
    `error: ${file}: has weights of 8 bits between real numbers (dynamic range): LiteRT rounds what each layer reads to 8 bits too, and neither it nor the file is wrong where that shows; convert the file to one of real numbers and verify that\n`,
  );
});

test.skipIf(noCases || noOnnxruntime)(
  'verify says why a quantised .onnx file is not judged (needs cases)',
  async () => {
    const file = path('onnx/qdq_static.onnx');
    const { exitCode, stderr } = await depthwise('verify', file, '--with', 'onnxruntime');
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      `error: ${file}: node 3 (QuantizeLinear, for 'x_q') rounds computed numbers to integers in onnxruntime, and neither it nor the file is wrong where that shows: they are real numbers here. Verify the file of real numbers that it was made of\n`,
    );
  },
);

describe.skipIf(noCases)('pictures and labels (needs cases)', () => {
  const control = ['--model', path('keras/control_flat.h5'), '--preset', 'slim'];
  const percent = (probability: number): string => (100 * probability).toFixed(1);

  test.each([
    ['metadata.json', 'apple', 'banana', 'cherry'],
    ['class_indices.json', 'apple', 'banana', 'cherry'],
    ['rupees.txt', '10 rupees', '100 rupees', '20 rupees'],
  ])('labels/%s', async (file, ...labels) => {
    const [{ predictions }] = await depthwiseJson('classify', picture, ...control, '--labels', path(`labels/${file}`));
    const found = predictions.map(({ label, probability }: { label: string; probability: number }) => [
      label,
      percent(probability),
    ]);
    expect(found).toEqual([
      [labels[0], '56.4'],
      [labels[1], '25.3'],
      [labels[2], '18.3'],
    ]);
  });

  test('a bad picture among others', async () => {
    const pictures = ['palette.png', 'truncated.jpg', 'rotated.jpg'].map((name) => path(`pictures/${name}`));
    const { exitCode, stdout, stderr } = await depthwise('classify', ...pictures, ...control);
    expect(exitCode).toBe(1);
    expect(stdout.match(/\d+\.\d %/g)).toEqual(['56.4 %', '25.3 %', '18.3 %', '56.4 %', '25.4 %', '18.3 %']);
    expect(stderr).toContain('truncated.jpg: this JPEG of 4408 bytes is cut off or damaged');
    const json = JSON.parse((await depthwise('classify', ...pictures, ...control, '--json')).stdout);
    expect(json.map((one: object) => Object.keys(one))).toEqual([
      ['picture', 'predictions'],
      ['picture', 'error'],
      ['picture', 'predictions'],
    ]);
  });

  test('a network that scales its pictures needs no preset', async () => {
    const [{ predictions }] = await depthwiseJson('classify', picture, '--model', path('keras/rescaling.h5'));
    const [{ probability }] = (await depthwiseJson('classify', picture, ...control, '--crop', 'none'))[0].predictions;
    expect(Math.abs(predictions[0].probability - probability)).toBeLessThan(2e-3); // slim resizes by another rule
  });
});
