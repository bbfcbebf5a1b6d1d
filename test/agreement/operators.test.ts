/** Operators of .tflite files that are composed of several layers, one in each file: beside LiteRT.js. */
import { describe, expect, test } from 'vitest';
import { tflite } from '../../src/formats/readers/tflite.js';
import * as schema from '../../src/formats/tflite/schema.js';
import { run } from '../../src/network/index.js';
import { noise } from '../../src/oracle/noise.js';
import { runLitert } from '../../src/oracle/peers/litert-runtime.js';
import { buildTflite, type OperatorSpec, type TensorSpec } from '../formats/tflite-builder.js';
import { expectAgreement } from './agree.js';

const integers = (...numbers: number[]): TensorSpec => ({
  shape: [numbers.length],
  type: 'INT32',
  data: Int32Array.from(numbers),
});
const reals = (shape: readonly number[], ...numbers: number[]): TensorSpec => ({
  shape,
  data: Float32Array.from(numbers),
});

interface Case {
  readonly code: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly constants?: Readonly<Record<string, TensorSpec>>;
  readonly options?: OperatorSpec['options'];
  readonly what?: string;
  /** x and the constants, unless stated. */
  readonly reads?: readonly string[];
}

const P = [1, 5, 7, 3] as const;

/** As Python's x[begin:end:strides]; bits of the masks are axes. */
const slice = (
  x: readonly number[],
  y: readonly number[],
  [begin, end, strides]: readonly (readonly number[])[],
  masks: Readonly<Record<string, number>> = {},
): Case => ({
  code: 'STRIDED_SLICE',
  what: `[${begin}] to [${end}] by [${strides}] of [${x}], ${JSON.stringify(masks)}`,
  x,
  y,
  constants: { begin: integers(...begin), end: integers(...end), strides: integers(...strides) },
  options: [schema.StridedSliceOptions, masks],
});

const sliced = (x: readonly number[], begin: readonly number[], size: readonly number[]): Case => ({
  code: 'SLICE',
  what: `[${size}] from [${begin}] of [${x}]`,
  x,
  y: size,
  constants: { begin: integers(...begin), size: integers(...size) },
});

const enlarged = (height: number, width: number, options: Readonly<Record<string, boolean>>): Case => ({
  code: 'RESIZE_NEAREST_NEIGHBOR',
  what: `to ${height} x ${width}, ${JSON.stringify(options)}`,
  x: P,
  y: [1, height, width, 3],
  constants: { size: integers(height, width) },
  options: [schema.ResizeNearestNeighborOptions, options],
});

const cases: readonly Case[] = [
  { code: 'ABS', x: P, y: P },
  { code: 'NEG', x: P, y: P },
  { code: 'HARD_SWISH', x: P, y: P },
  { code: 'MUL', what: 'by itself', x: P, y: P, reads: ['x', 'x'], options: [schema.MulOptions, {}] },
  { code: 'TANH', x: P, y: P },
  { code: 'LEAKY_RELU', x: P, y: P, options: [schema.LeakyReluOptions, { alpha: 0.3 }] },
  { code: 'PRELU', x: P, y: P, constants: { slopes: reals([1, 1, 3], 0.25, -0.5, 1.5) } },
  { code: 'DIV', x: P, y: P, constants: { by: reals([3], 2, -4, 0.5) }, options: [schema.DivOptions, {}] },
  {
    code: 'REDUCE_MAX',
    x: P,
    y: [1, 3],
    constants: { axes: integers(1, 2) },
    options: [schema.ReducerOptions, { keep_dims: false }],
  },
  {
    code: 'REDUCE_MAX',
    what: 'keeping the axes',
    x: P,
    y: [1, 1, 1, 3],
    constants: { axes: integers(1, 2) },
    options: [schema.ReducerOptions, { keep_dims: true }],
  },
  { code: 'EXPAND_DIMS', x: [1, 6], y: [1, 1, 6], constants: { axis: integers(1) } },
  { code: 'TRANSPOSE', x: [1, 1, 6, 4], y: [1, 6, 1, 4], constants: { order: integers(0, 2, 1, 3) } },
  enlarged(10, 14, {}),
  enlarged(10, 14, { half_pixel_centers: true }),
  enlarged(15, 7, { half_pixel_centers: true }),
  enlarged(5, 28, {}),
  sliced(P, [0, 1, 0, 0], [1, 3, 7, 3]),
  sliced(P, [0, 0, 2, 0], [1, 5, 4, 3]),
  sliced(P, [0, 2, 3, 1], [1, 2, 4, 2]),
  sliced([1, 6, 4], [0, 1, 0], [1, 4, 4]),
  sliced([1, 6, 4], [0, 0, 1], [1, 6, 2]),
  sliced([1, 9], [0, 3], [1, 5]),
  slice(
    P,
    [1, 3, 3, 3],
    [
      [0, 0, 1, 0],
      [1, 5, 7, 3],
      [1, 2, 2, 1],
    ],
  ),
  slice(
    P,
    [1, 4, 5, 1],
    [
      [0, 1, 0, 1],
      [0, 0, -2, 2],
      [1, 1, 1, 1],
    ],
    { begin_mask: 0b0101, end_mask: 0b0011 },
  ),
  slice(
    P,
    [1, 7, 3],
    [
      [0, 2, 0, 0],
      [1, 3, 7, 3],
      [1, 1, 1, 1],
    ],
    { shrink_axis_mask: 0b0010 },
  ),
  slice(
    [1, 6, 4],
    [1, 6],
    [
      [0, 0, -1],
      [1, 6, 0],
      [1, 1, 1],
    ],
    { shrink_axis_mask: 0b100 },
  ),
];

describe.each(cases)('$code $what', ({ code, x, y, constants = {}, options, reads }) => {
  test('is what LiteRT computes', async () => {
    const bytes = buildTflite({
      tensors: { x: { shape: x }, ...constants, y: { shape: y } },
      operators: [
        { code, inputs: reads ?? ['x', ...Object.keys(constants)], outputs: ['y'], ...(options && { options }) },
      ],
      inputs: ['x'],
      outputs: ['y'],
    });
    const input = noise('normal', x, 7);
    const ours = run(await tflite.read(bytes, { fileName: code }), input).get('y')!;
    const [theirs] = await runLitert(bytes, Float32Array.from(input.data));
    expect(ours.shape).toEqual(y);
    expectAgreement(code, ours, { shape: theirs.shape, data: theirs.data as Float32Array }, 1e-6);
  });
});
