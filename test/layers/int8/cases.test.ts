/** The small cases that TensorFlow Lite's reference kernels computed, bit for bit. They round in the double way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Multiplier, multiplierOf, scalerOf } from '../../../src/layers/int8/fixed-point.js';
import { integerLayers } from '../../../src/layers/int8/index.js';
import { differencesOf, expOnNegative, reciprocalOf } from '../../../src/layers/int8/softmax.js';
import {
  type AnyTensor,
  type QuantizedTensor,
  type QuantizedType,
  type Shape,
  sizeOf,
  tensor,
} from '../../../src/tensor.js';

const folder = process.env.DEPTHWISE_DATA;
const ROUNDING = 'double';

interface Numbers {
  readonly type?: 'int8' | 'uint8';
  readonly shape?: Shape;
  readonly scale?: number | number[];
  readonly zero?: number;
  readonly data?: number[];
}

interface Case {
  readonly op: string;
  readonly type: 'int8' | 'uint8';
  readonly x: Numbers;
  readonly a: Numbers;
  readonly b: Numbers & number[];
  readonly w: Numbers;
  readonly y: Numbers;
  readonly stride: [number, number];
  readonly dilation: [number, number];
  readonly filter: [number, number];
  readonly same: boolean;
  readonly mult: number;
  readonly act?: number;
  readonly beta: number;
  readonly multiplier: [number, number, number];
  readonly align: boolean;
  readonly half: boolean;
  readonly cases: number[][];
}

/** The file prints nine digits, of which float32 is exact. */
const float32 = (value: number | number[]) => (Array.isArray(value) ? value.map(Math.fround) : Math.fround(value));

const cases: Case[] =
  folder === undefined
    ? []
    : readFileSync(join(folder, 'tables/int8/cases.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line, (key, value) => (key === 'scale' || key === 'beta' ? float32(value) : value)));

const arrays = { int8: Int8Array, uint8: Uint8Array } as const;

function typeOf({ type = 'int8', scale = 1, zero = 0 }: Numbers, fallback: 'int8' | 'uint8'): QuantizedType {
  return { type: fallback ?? type, scale: Array.isArray(scale) ? scale[0] : scale, zeroPoint: zero };
}

function integersOf(numbers: Numbers, type: 'int8' | 'uint8'): QuantizedTensor {
  const { data = [], shape = [data.length] } = numbers;
  return { shape, data: arrays[type].from(data), type: typeOf(numbers, type) };
}

/** [O, …, I] as the file has it to [..., I, O]. */
function transposed({ shape = [], data = [] }: Numbers): number[] {
  const [outputs] = shape;
  const inner = sizeOf(shape) / outputs;
  return Array.from({ length: data.length }, (_, i) => data[(i % outputs) * inner + Math.floor(i / outputs)]);
}

function weightsOf(
  { w, b, type, x }: Case,
  shape: Shape,
  axis: number,
  data: number[],
): Record<string, QuantizedTensor> {
  const scales = w.scale as number[];
  const perTensor = type === 'uint8';
  const inputScale = x.scale as number;
  return {
    kernel: {
      shape,
      data: arrays[type].from(data),
      type: perTensor ? { type, scale: scales[0], zeroPoint: w.zero ?? 0 } : { type: 'int8', scales, axis },
    },
    bias: {
      shape: [b.length],
      data: Int32Array.from(b),
      type: perTensor
        ? { type: 'int32', scale: inputScale * scales[0], zeroPoint: 0 }
        : { type: 'int32', scales: scales.map((scale) => inputScale * scale), axis: 0 },
    },
  };
}

/** The activation that the case fuses, as the layer of its own that this library has. */
function activated(y: QuantizedTensor, act: number | undefined): QuantizedTensor {
  const type = y.type as QuantizedType;
  if (act === 1) return integerLayers.relu([y], {}, {}, type, ROUNDING);
  return act === 3 ? integerLayers.relu6([y], {}, {}, type, ROUNDING) : y;
}

const operators: Record<string, (found: Case) => AnyTensor> = {
  CONV_2D(found) {
    const { x, w, y, type } = found;
    const [filters, KH, KW, M] = w.shape!;
    const attributes = {
      filters,
      kernelSize: [KH, KW] as const,
      strides: found.stride,
      dilation: found.dilation,
      padding: found.same ? ('same' as const) : ('valid' as const),
      bias: true,
    };
    const weights = weightsOf(found, [KH, KW, M, filters], 3, transposed(w));
    return integerLayers.conv2d([integersOf(x, type)], weights, attributes, typeOf(y, type), ROUNDING);
  },
  DEPTHWISE_CONV_2D(found) {
    const { x, w, y, type, mult } = found;
    const [, KH, KW, O] = w.shape!;
    const attributes = {
      kernelSize: [KH, KW] as const,
      strides: found.stride,
      dilation: found.dilation,
      padding: found.same ? ('same' as const) : ('valid' as const),
      depthMultiplier: mult,
      bias: true,
    };
    const weights = weightsOf(found, [KH, KW, O / mult, mult], 2, w.data!);
    return integerLayers.depthwiseConv2d([integersOf(x, type)], weights, attributes, typeOf(y, type), ROUNDING);
  },
  FULLY_CONNECTED(found) {
    const { x, w, y, type } = found;
    const [units, C] = w.shape!;
    const { kernel, bias } = weightsOf(found, [C, units], 1, transposed(w));
    const oneScale = { ...kernel, type: { type, scale: (w.scale as number[])[0], zeroPoint: w.zero ?? 0 } };
    const weights = { kernel: oneScale, bias };
    return integerLayers.dense([integersOf(x, type)], weights, { units, bias: true }, typeOf(y, type), ROUNDING);
  },
  ADD: ({ a, b, y, type }) =>
    integerLayers.add([integersOf(a, type), integersOf(b, type)], {}, {}, typeOf(y, type), ROUNDING),
  AVERAGE_POOL_2D({ x, y, type, filter, stride, same }) {
    const attributes = {
      poolSize: filter,
      strides: stride,
      padding: same ? ('same' as const) : ('valid' as const),
      includePadding: false,
    };
    return integerLayers.averagePool([integersOf(x, type)], {}, attributes, typeOf(y, type), ROUNDING);
  },
  MEAN: ({ x, y, type }) =>
    integerLayers.globalAveragePool([integersOf(x, type)], {}, { keepDims: true }, typeOf(y, type), ROUNDING),
  SOFTMAX({ x, type, beta, multiplier }) {
    const scale = beta * (x.scale as number);
    expect(multiplierOf(scale * 2 ** 26)).toEqual({ m: multiplier[0], shift: multiplier[1] });
    expect(differencesOf(scale).smallest).toBe(multiplier[2]);
    const result = { type, scale: 1 / 256, zeroPoint: type === 'int8' ? -128 : 0 };
    return integerLayers.softmax([integersOf({ ...x, scale }, type)], {}, {}, result, ROUNDING);
  },
  RESIZE_BILINEAR({ x, y, type, align, half }) {
    const rule = align ? 'tf1-align-corners' : half ? 'half-pixel' : 'tf1-legacy';
    const [, height, width] = y.shape!;
    const attributes = { size: [height, width] as const, rule } as const;
    return integerLayers.resizeBilinear([integersOf(x, type)], {}, attributes, typeOf(y, type), ROUNDING);
  },
  QUANTIZE({ x, y, type }) {
    const input = x.type === undefined ? tensor([x.data!.length], x.data!) : integersOf(x, x.type);
    return integerLayers.quantize([input], {}, {}, typeOf(y, type), ROUNDING);
  },
  LOGISTIC({ x, type }) {
    const zeroPoint = type === 'int8' ? -128 : 0;
    const data = Array.from({ length: 256 }, (_, i) => i + zeroPoint);
    return integerLayers.sigmoid(
      [integersOf({ ...x, data }, type)],
      {},
      {},
      { type, scale: 1 / 256, zeroPoint },
      ROUNDING,
    );
  },
};

const functions: Record<string, (line: number[]) => void> = {
  quantizeMultiplier([factor, m, shift]) {
    expect(multiplierOf(factor)).toEqual({ m, shift } satisfies Multiplier);
  },
  multiplyByQuantizedMultiplier([x, m, shift, wanted]) {
    expect(scalerOf({ m, shift }, ROUNDING)(x) + 0).toBe(wanted);
  },
  expOnNegative5([a, wanted]) {
    expect(expOnNegative(a)).toBe(wanted);
  },
  reciprocal12([sum, reciprocal, bits]) {
    expect(reciprocalOf(sum)).toEqual({ reciprocal, bits });
  },
};

describe.skipIf(folder === undefined)('cases of the reference kernels (needs DEPTHWISE_DATA)', () => {
  test('there are 364', () => expect(cases.length).toBe(364));

  test.each(Object.keys(operators))('%s', (op) => {
    const found = cases.filter((candidate) => candidate.op === op);
    expect(found.length).toBeGreaterThan(0);
    for (const [index, line] of found.entries()) {
      const y = activated(operators[op](line) as QuantizedTensor, line.act);
      expect(Array.from(y.data), `${op} ${index}`).toEqual(line.y.data);
      if (line.y.shape !== undefined) expect(y.shape).toEqual(line.y.shape);
    }
  });

  test.each(Object.keys(functions))('%s', (op) => {
    const [{ cases: lines }] = cases.filter((candidate) => candidate.op === op);
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) functions[op](line);
  });
});
