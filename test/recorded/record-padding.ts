/**
 * Records what two other runtimes do at the edges of a picture: test/recorded/padding.csv. To record again:
 *
 *   node test/recorded/record-padding.mjs
 *
 * A convolution with weights 1, 2, … k along one axis is run on every impulse of n samples. An output o that shows weight i + 1 for
 * the impulse at p has read sample p with tap i, so that o · stride + i · dilation − before = p. `out` is the size of the result,
 * `before` follows from those equations, which must all agree, and `after` is how far the last window reaches beyond the samples.
 * Nothing is asked of the runtimes' own shape or padding functions.
 *
 * LiteRT answers every case. TensorFlow.js refuses strides together with dilation; in all other cases both must agree.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as schema from '../../src/formats/tflite/schema.js';
import { runLitert } from '../../src/oracle/peers/litert-runtime.js';
import { buildTflite } from '../formats/tflite-builder.js';

interface Case {
  readonly axis: 'height' | 'width';
  readonly padding: 'same' | 'valid';
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Cases in which not even one valid window fits are left out: there the runtimes fail, each in its own way. */
const cases: Case[] = (['height', 'width'] as const)
  .flatMap((axis) =>
    (['same', 'valid'] as const).flatMap((padding) =>
      range(1, 9).flatMap((size) =>
        range(1, 5).flatMap((kernel) =>
          range(1, 3).flatMap((stride) =>
            range(1, 2).map((dilation) => ({ axis, padding, size, kernel, stride, dilation })),
          ),
        ),
      ),
    ),
  )
  .filter((one) => one.padding === 'same' || spanOf(one) <= one.size);

function spanOf({ kernel, dilation }: Case): number {
  return (kernel - 1) * dilation + 1;
}

/** [along the axis, across it] in the order height, width. */
const along = ({ axis }: Case, value: number, other = 1): [number, number] =>
  axis === 'height' ? [value, other] : [other, value];

/** The n impulses of n samples, as a batch. */
const impulses = (size: number): Float32Array =>
  Float32Array.from({ length: size * size }, (_, i) => Number(i % size === Math.floor(i / size)));

/** What a runtime did: the outputs along the axis for every impulse. */
type Answer = readonly (readonly number[])[];

function answerOf(data: Float32Array, size: number): Answer {
  const out = data.length / size;
  return range(0, size - 1).map((p) => [...data.subarray(p * out, (p + 1) * out)]);
}

/** LiteRT wants to know its output's size beforehand, so it is first asked how many outputs of 1 (no weights, a bias of 1) there are. */
async function askLitert(one: Case): Promise<Answer> {
  const ones = { kernel: new Float32Array(one.kernel), bias: Float32Array.of(1) };
  const [count] = await runLitert(tfliteOf(one, ones, 'sum'), impulses(one.size));
  const weights = { kernel: Float32Array.from(range(1, one.kernel)), bias: Float32Array.of(0) };
  const [y] = await runLitert(tfliteOf(one, weights, Number(count.data[0])), impulses(one.size));
  return answerOf(y.data as Float32Array, one.size);
}

function tfliteOf(one: Case, weights: { kernel: Float32Array; bias: Float32Array }, out: number | 'sum'): Uint8Array {
  const [stride_h, stride_w] = along(one, one.stride);
  const [dilation_h_factor, dilation_w_factor] = along(one, one.dilation);
  const padding = schema.PADDINGS.indexOf(one.padding);
  const options = { padding, stride_h, stride_w, dilation_h_factor, dilation_w_factor };
  const convolution = {
    code: 'CONV_2D',
    inputs: ['x', 'kernel', 'bias'],
    outputs: ['y'],
    options: [schema.Conv2DOptions, options] as const,
  };
  const sum = {
    code: 'SUM',
    inputs: ['y', 'axes'],
    outputs: ['count'],
    options: [schema.ReducerOptions, { keep_dims: false }] as const,
  };
  return buildTflite({
    tensors: {
      x: { shape: [one.size, ...along(one, one.size), 1] },
      kernel: { shape: [1, ...along(one, one.kernel), 1], data: weights.kernel },
      bias: { shape: [1], data: weights.bias },
      y: { shape: [one.size, ...along(one, out === 'sum' ? 1 : out), 1] },
      ...(out === 'sum' && {
        axes: { shape: [2], type: 'INT32', data: Int32Array.of(1, 2) },
        count: { shape: [one.size, 1] },
      }),
    },
    operators: out === 'sum' ? [convolution, sum] : [convolution],
    inputs: ['x'],
    outputs: [out === 'sum' ? 'count' : 'y'],
  });
}

function askTfjs(one: Case): Answer {
  const y = tf.tidy(() => {
    const x = tf.tensor4d(impulses(one.size), [one.size, ...along(one, one.size), 1]);
    const kernel = tf.tensor4d(range(1, one.kernel), [...along(one, one.kernel), 1, 1]);
    return tf.conv2d(x, kernel, along(one, one.stride), one.padding, 'NHWC', along(one, one.dilation));
  });
  const answer = answerOf(y.dataSync() as Float32Array, one.size);
  y.dispose();
  return answer;
}

/** out, before and after, from an answer. before is '?' where no output shows any sample: the windows then lie between the samples. */
function readOff(one: Case, answer: Answer): string[] {
  const out = answer[0].length;
  const befores = new Set<number>();
  answer.forEach((outputs, p) => {
    outputs.forEach((shown, o) => {
      if (shown !== 0) befores.add(o * one.stride + (shown - 1) * one.dilation - p);
    });
  });
  if (befores.size > 1) throw new Error(`${JSON.stringify(one)}: no single padding explains ${JSON.stringify(answer)}`);
  const [before] = befores;
  if (before === undefined) return [`${out}`, '?', '?'];
  const after = Math.max(0, (out - 1) * one.stride + spanOf(one) - before - one.size);
  return [out, before, after].map(String);
}

export async function record(path: string): Promise<void> {
  await tf.setBackend('cpu');
  const lines: string[] = [];
  for (const one of cases) {
    const answer = await askLitert(one);
    const alone = one.stride > 1 && one.dilation > 1;
    if (!alone && JSON.stringify(askTfjs(one)) !== JSON.stringify(answer)) {
      throw new Error(`${JSON.stringify(one)}: the two runtimes differ`);
    }
    const runtimes = alone ? 'litert' : 'litert+tfjs';
    lines.push([...Object.values(one), ...readOff(one, answer), runtimes].join(','));
  }
  const require = createRequire(import.meta.url);
  const versionOf = (name: string): string => require(`${name}/package.json`).version;
  const head = [
    `# LiteRT.js ${versionOf('@litertjs/core')}, TensorFlow.js cpu ${versionOf('@tensorflow/tfjs-backend-cpu')}, Node ${process.version}`,
    '# written by test/recorded/record-padding.ts, which says how; ? where no output shows a sample',
    'axis,padding,size,kernel,stride,dilation,out,before,after,runtimes',
  ];
  writeFileSync(path, `${[...head, ...lines].join('\n')}\n`);
}
