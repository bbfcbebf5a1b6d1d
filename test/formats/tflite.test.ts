/** What is read out of small .tflite files that the tests write themselves. That other runtimes read the same: test/agreement. */

import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { Builder } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { readNetwork } from '../../src/formats/index.js';
import { tflite } from '../../src/formats/readers/tflite.js';
import { readNpy } from '../../src/formats/tensors/npy.js';
import { FlatWriter } from '../../src/formats/tflite/flat-writer.js';
import * as schema from '../../src/formats/tflite/schema.js';
import { type Network, run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { buildTflite, type ModelSpec, type OperatorSpec, type TensorSpec } from './tflite-builder.js';

const CONV = { padding: 1, stride_h: 1, stride_w: 1 };

/** A graph of one operator that reads 'x' and yields 'y'. */
function oneOperator(
  code: string,
  x: TensorSpec,
  y: TensorSpec,
  options?: OperatorSpec['options'],
  constants: Record<string, TensorSpec> = {},
): ModelSpec {
  return {
    tensors: { x, ...constants, y },
    operators: [{ code, inputs: ['x', ...Object.keys(constants)], outputs: ['y'], ...(options && { options }) }],
    inputs: ['x'],
    outputs: ['y'],
  };
}

const read = (model: ModelSpec) => tflite.read(buildTflite(model), { fileName: 'small.tflite' });
const kinds = ({ nodes }: Network) => nodes.map(({ name, kind }) => `${name}: ${kind}`);

function outputOf(network: Network, shape: readonly number[], x: readonly number[]): number[] {
  return Array.from(run(network, tensor(shape, x)).get(network.outputs[0])!.data);
}

describe('convolutions', () => {
  test('CONV_2D: kernels [O,H,W,I] become [H,W,I,O]', async () => {
    const network = await read(
      oneOperator('CONV_2D', { shape: [1, 1, 2, 2] }, { shape: [1, 1, 1, 2] }, [schema.Conv2DOptions, CONV], {
        kernel: {
          shape: [2, 1, 2, 2],
          data: Float32Array.of(
            1,
            2,
            3,
            4, // output 0: the two channels of the left pixel, then of the right one
            5,
            6,
            7,
            8, // output 1
          ),
        },
        bias: { shape: [2], data: Float32Array.of(100, 200) },
      }),
    );
    expect(kinds(network)).toEqual(['y: conv2d']);
    expect(network.weights.get('y/kernel')).toEqual({
      shape: [1, 2, 2, 2],
      data: Float32Array.of(1, 5, 2, 6, 3, 7, 4, 8),
    });
    // 1·1 + 2·10 + 3·100 + 4·1000 + 100, and 5·1 + 6·10 + 7·100 + 8·1000 + 200
    expect(outputOf(network, [1, 1, 2, 2], [1, 10, 100, 1000])).toEqual([4421, 8965]);
  });

  test('CONV_2D of 1×1 and stride 1 is a pointwise convolution, of stride 2 it is not', async () => {
    const model = (stride: number) =>
      oneOperator(
        'CONV_2D',
        { shape: [1, 2, 2, 1] },
        { shape: [1, 2 / stride, 2 / stride, 1] },
        [schema.Conv2DOptions, { padding: 0, stride_h: stride, stride_w: stride }],
        { kernel: { shape: [1, 1, 1, 1], data: Float32Array.of(3) } },
      );
    const network = await read(model(1));
    expect(network.nodes[0]).toMatchObject({ kind: 'pointwiseConv2d', attributes: { filters: 1, bias: false } });
    expect(network.weights.get('y/kernel')!.shape).toEqual([1, 1]);
    expect(outputOf(network, [1, 2, 2, 1], [1, 2, 3, 4])).toEqual([3, 6, 9, 12]);
    expect((await read(model(2))).nodes[0]).toMatchObject({ kind: 'conv2d', attributes: { strides: [2, 2] } });
  });

  test('options: strides and dilation are height first, whatever their order in the file', async () => {
    const network = await read(
      oneOperator(
        'CONV_2D',
        { shape: [1, 9, 9, 1] },
        { shape: [1, 5, 3, 1] },
        [schema.Conv2DOptions, { padding: 0, stride_h: 2, stride_w: 3 }],
        { kernel: { shape: [1, 3, 1, 1], data: Float32Array.of(1, 2, 3) } },
      ),
    );
    expect(network.nodes[0].attributes).toMatchObject({ strides: [2, 3], kernelSize: [3, 1], padding: 'same' });
    const dilated = await read(
      oneOperator(
        'CONV_2D',
        { shape: [1, 9, 9, 1] },
        { shape: [1, 5, 3, 1] },
        [schema.Conv2DOptions, { ...CONV, dilation_h_factor: 2, dilation_w_factor: 3 }],
        { kernel: { shape: [1, 3, 3, 1], data: new Float32Array(9) } },
      ),
    );
    expect(dilated.nodes[0].attributes).toMatchObject({ dilation: [2, 3], padding: 'valid' });
  });

  test('DEPTHWISE_CONV_2D: output channel c·M + m reads input channel c', async () => {
    const network = await read(
      oneOperator(
        'DEPTHWISE_CONV_2D',
        { shape: [1, 1, 1, 2] },
        { shape: [1, 1, 1, 4] },
        [schema.DepthwiseConv2DOptions, { ...CONV, depth_multiplier: 2 }],
        { kernel: { shape: [1, 1, 1, 4], data: Float32Array.of(1, 2, 3, 4) } },
      ),
    );
    expect(network.nodes[0].attributes).toMatchObject({ depthMultiplier: 2 });
    expect(outputOf(network, [1, 1, 1, 2], [10, 100])).toEqual([10, 20, 300, 400]);
  });

  test('FULLY_CONNECTED flattens its input, and multiplies rows of [units, inputs]', async () => {
    const network = await read(
      oneOperator('FULLY_CONNECTED', { shape: [1, 1, 2, 1] }, { shape: [1, 3] }, [schema.FullyConnectedOptions, {}], {
        kernel: { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 2, 3) },
      }),
    );
    expect(kinds(network)).toEqual(['y/flatten: flatten', 'y: dense']);
    expect(outputOf(network, [1, 1, 2, 1], [5, 7])).toEqual([5, 7, 31]);
  });
});

describe('quantised files as real numbers', () => {
  /** x = 0.5·(q − 2), kernel = 0.25·(q − 10), bias in steps of 0.5·0.25, y = 0.1·(q − 20): from −2 to 23.5. */
  const convolution = (fused: number): ModelSpec =>
    oneOperator(
      'CONV_2D',
      { shape: [1, 1, 1, 1], type: 'UINT8', scale: [0.5], zeroPoint: [2] },
      { shape: [1, 1, 1, 2], type: 'UINT8', scale: [0.125], zeroPoint: [16] },
      [schema.Conv2DOptions, { ...CONV, fused_activation_function: fused }],
      {
        kernel: { shape: [2, 1, 1, 1], type: 'UINT8', data: Uint8Array.of(0, 14), scale: [0.25], zeroPoint: [10] },
        bias: { shape: [2], type: 'INT32', data: Int32Array.of(-8, 16), scale: [0.125] },
      },
    );

  test('weights are scale · (integer − zero point), biases integer · input scale · weight scale', async () => {
    const network = await read(convolution(0));
    expect(network.weights.get('y/linear/kernel')!.data).toEqual(Float32Array.of(-2.5, 1));
    expect(network.weights.get('y/linear/bias')!.data).toEqual(Float32Array.of(-1, 2));
  });

  test("a clamp keeps each result in the range of its integers, and bears the tensor's name", async () => {
    const network = await read(convolution(0));
    expect(kinds(network)).toEqual(['y/linear: pointwiseConv2d', 'y: clamp']);
    expect(network.nodes[1].attributes).toEqual({ min: 0.125 * (0 - 16), max: 0.125 * (255 - 16) });
    // −2.5 · 3 − 1 = −8.5, below −2; 1 · 3 + 2 = 5
    expect(outputOf(network, [1, 1, 1, 1], [3])).toEqual([-2, 5]);
  });

  test('fused activation and range are one clamp', async () => {
    const clampOf = async (fused: number) => (await read(convolution(fused))).nodes[1];
    expect(await clampOf(1)).toMatchObject({ kind: 'clamp', attributes: { min: 0, max: 29.875 } });
    expect(await clampOf(2)).toMatchObject({ kind: 'clamp', attributes: { min: -1, max: 1 } });
    expect(await clampOf(3)).toMatchObject({ kind: 'clamp', attributes: { min: 0, max: 6 } });
  });

  test('int8 weights with a scale for each output channel; biases follow it', async () => {
    const network = await read(
      oneOperator(
        'DEPTHWISE_CONV_2D',
        { shape: [1, 1, 1, 2], type: 'INT8', scale: [2], zeroPoint: [-1] },
        { shape: [1, 1, 1, 2], type: 'INT8', scale: [1], zeroPoint: [-128] },
        [schema.DepthwiseConv2DOptions, { ...CONV, depth_multiplier: 1 }],
        {
          kernel: { shape: [1, 1, 1, 2], type: 'INT8', data: Int8Array.of(-4, 4), scale: [0.5, 0.25], axis: 3 },
          bias: { shape: [2], type: 'INT32', data: Int32Array.of(3, 3), scale: [1, 0.5] },
        },
      ),
    );
    expect(network.weights.get('y/linear/kernel')!.data).toEqual(Float32Array.of(-2, 1));
    expect(network.weights.get('y/linear/bias')!.data).toEqual(Float32Array.of(3, 1.5));
    expect(network.nodes[1].attributes).toEqual({ min: 0, max: 255 });
  });

  test('scales along the first of two axes', async () => {
    const network = await read(
      oneOperator('FULLY_CONNECTED', { shape: [1, 2] }, { shape: [1, 2] }, [schema.FullyConnectedOptions, {}], {
        kernel: { shape: [2, 2], type: 'INT8', data: Int8Array.of(1, 2, 3, 4), scale: [1, 10], axis: 0 },
      }),
    );
    expect(network.weights.get('y/kernel')!.data).toEqual(Float32Array.of(1, 30, 2, 40));
  });

  test('float16 constants pass a DEQUANTIZE operator and leave no node', async () => {
    const network = await read({
      tensors: {
        x: { shape: [1, 1, 1, 1] },
        half: { shape: [1, 1, 1, 1], type: 'FLOAT16', data: Uint16Array.of(0x3e00) }, // 1.5
        kernel: { shape: [1, 1, 1, 1] },
        y: { shape: [1, 1, 1, 1] },
      },
      operators: [
        { code: 'DEQUANTIZE', inputs: ['half'], outputs: ['kernel'] },
        { code: 'CONV_2D', inputs: ['x', 'kernel', ''], outputs: ['y'], options: [schema.Conv2DOptions, CONV] },
      ],
      inputs: ['x'],
      outputs: ['y'],
    });
    expect(kinds(network)).toEqual(['y: pointwiseConv2d']);
    expect(network.weights.get('y/kernel')!.data).toEqual(Float32Array.of(1.5));
  });

  test('QUANTIZE is a clamp where the range gets smaller, and nothing where it does not', async () => {
    const x = { shape: [1, 2], type: 'UINT8', scale: [0.1], zeroPoint: [0] } as const;
    const same = { shape: [1, 2], type: 'INT8', scale: [0.1], zeroPoint: [-128] } as const;
    const small = { shape: [1, 2], type: 'INT8', scale: [0.01], zeroPoint: [-128] } as const;
    const network = await read(oneOperator('QUANTIZE', x, small));
    expect(kinds(network)).toEqual(['y: clamp']);
    expect(await read(oneOperator('QUANTIZE', x, same))).toMatchObject({ nodes: [], outputs: ['x'] });
    expect(await read(oneOperator('DEQUANTIZE', x, { shape: [1, 2] }))).toMatchObject({ nodes: [], outputs: ['x'] });
  });

  test('operators that cannot leave the range of their inputs get no clamp unless the result expresses less', async () => {
    const x = { shape: [1, 4, 4, 1], type: 'UINT8', scale: [1], zeroPoint: [0] };
    const pool = [
      schema.Pool2DOptions,
      { padding: 1, stride_h: 4, stride_w: 4, filter_height: 4, filter_width: 4 },
    ] as const;
    const y = { ...x, shape: [1, 1, 1, 1] };
    expect(kinds(await read(oneOperator('MAX_POOL_2D', x, y, pool)))).toEqual(['y: maxPool']);
    expect(kinds(await read(oneOperator('AVERAGE_POOL_2D', x, { ...y, scale: [0.5] }, pool)))).toEqual([
      'y/averagePool: averagePool',
      'y: clamp',
    ]);
  });
});

describe('other operators', () => {
  const picture = { shape: [1, 2, 2, 1] };
  const integers = (...numbers: number[]) => ({
    shape: [numbers.length],
    type: 'INT32',
    data: Int32Array.from(numbers),
  });

  test('float activations are layers of their own', async () => {
    for (const [code, kind] of Object.entries({ RELU: 'relu', RELU6: 'relu6', RELU_N1_TO_1: 'clamp' })) {
      expect(kinds(await read(oneOperator(code, picture, picture)))).toEqual([`y: ${kind}`]);
    }
    const add: ModelSpec = {
      tensors: { x: picture, z: picture, y: picture },
      operators: [
        {
          code: 'ADD',
          inputs: ['x', 'z'],
          outputs: ['y'],
          options: [schema.AddOptions, { fused_activation_function: 1 }],
        },
      ],
      inputs: ['x', 'z'],
      outputs: ['y'],
    };
    expect(kinds(await read(add))).toEqual(['y/linear: add', 'y: relu']);
  });

  test('ADD, SUB and MUL with a constant on either side are batch norms, channel by channel', async () => {
    const x = { shape: [1, 1, 2, 2] };
    const with_ = async (code: string, inputs: readonly string[], ...c: number[]) => {
      const network = await read({
        tensors: { x, c: { shape: c.length === 1 ? [] : [c.length], data: Float32Array.from(c) }, y: x },
        operators: [{ code, inputs, outputs: ['y'] }],
        inputs: ['x'],
        outputs: ['y'],
      });
      expect(kinds(network)).toEqual(['y: batchNorm']);
      return outputOf(network, x.shape, [1, 2, 3, 4]);
    };
    expect(await with_('ADD', ['x', 'c'], 10, 20)).toEqual([11, 22, 13, 24]);
    expect(await with_('ADD', ['c', 'x'], 10)).toEqual([11, 12, 13, 14]);
    expect(await with_('SUB', ['x', 'c'], 10, 20)).toEqual([-9, -18, -7, -16]);
    expect(await with_('SUB', ['c', 'x'], 10, 20)).toEqual([9, 18, 7, 16]);
    expect(await with_('MUL', ['c', 'x'], 10, 20)).toEqual([10, 40, 30, 80]);
  });

  test('MAXIMUM and MINIMUM with a number are clamps; CAST is nothing', async () => {
    const x = { shape: [1, 4] };
    const network = await read({
      tensors: {
        x,
        low: { shape: [], data: Float32Array.of(-1) },
        high: { shape: [1], data: Float32Array.of(2) },
        raised: x,
        both: x,
        y: x,
      },
      operators: [
        { code: 'MAXIMUM', inputs: ['low', 'x'], outputs: ['raised'] },
        { code: 'MINIMUM', inputs: ['raised', 'high'], outputs: ['both'] },
        { code: 'CAST', inputs: ['both'], outputs: ['y'] },
      ],
      inputs: ['x'],
      outputs: ['y'],
    });
    expect(kinds(network)).toEqual(['raised: clamp', 'both: clamp']);
    expect(outputOf(network, [1, 4], [-3, -0.5, 1.5, 7])).toEqual([-1, -0.5, 1.5, 2]);
  });

  test('PAD and PADV2: height and width, with zero or a stated value', async () => {
    const sizes = { ...integers(0, 0, 1, 0, 0, 2, 0, 0), shape: [4, 2] };
    const y = { shape: [1, 3, 4, 1] };
    const zero = await read(oneOperator('PAD', picture, y, undefined, { sizes }));
    expect(zero.nodes[0].attributes).toEqual({ padding: { top: 1, bottom: 0, left: 0, right: 2 }, value: 0 });
    const value = { shape: [1], data: Float32Array.of(-5) };
    const stated = await read(oneOperator('PADV2', picture, y, undefined, { sizes, value }));
    expect(outputOf(stated, [1, 2, 2, 1], [1, 2, 3, 4])).toEqual([-5, -5, -5, -5, 1, 2, -5, -5, 3, 4, -5, -5]);
  });

  test('PAD of channels, and SLICE of some, are copies', async () => {
    const x = { shape: [1, 1, 2, 2] };
    const sizes = { ...integers(0, 0, 0, 0, 1, 0, 1, 2), shape: [4, 2] };
    const padded = await read(oneOperator('PAD', x, { shape: [1, 1, 3, 5] }, undefined, { sizes }));
    expect(outputOf(padded, x.shape, [1, 2, 3, 4])).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 4, 0, 0]);
    const begin = integers(0, 0, 0, 1);
    const sliced = await read(
      oneOperator('SLICE', x, { shape: [1, 1, 2, 1] }, undefined, { begin, size: integers(1, -1, 2, 1) }),
    );
    expect(outputOf(sliced, x.shape, [1, 2, 3, 4])).toEqual([2, 4]);
  });

  /** x [1, 1, 2, 4] in parts, which are joined in reverse. */
  const splitInto = (
    code: string,
    sizes: readonly number[],
    inputs: readonly string[],
    constants: object,
  ): ModelSpec => {
    const parts = sizes.map((_, part) => `part${part}`);
    return {
      tensors: {
        x: { shape: [1, 1, 2, 4] },
        ...constants,
        ...Object.fromEntries(sizes.map((size, part) => [`part${part}`, { shape: [1, 1, 2, size] }])),
        y: { shape: [1, 1, 2, 4] },
      },
      operators: [
        { code, inputs: [...inputs], outputs: parts },
        {
          code: 'CONCATENATION',
          inputs: [...parts].reverse(),
          outputs: ['y'],
          options: [schema.ConcatenationOptions, { axis: 3 }],
        },
      ],
      inputs: ['x'],
      outputs: ['y'],
    };
  };

  test.each([
    ['SPLIT', [2, 2], ['axis', 'x'], { axis: integers(3) }, [3, 4, 1, 2, 7, 8, 5, 6]],
    ['SPLIT', [1, 1, 1, 1], ['axis', 'x'], { axis: integers(-1) }, [4, 3, 2, 1, 8, 7, 6, 5]],
    ['SPLIT_V', [1, 3], ['x', 'sizes', 'axis'], { sizes: integers(1, 3), axis: integers(3) }, [2, 3, 4, 1, 6, 7, 8, 5]],
    [
      'SPLIT_V',
      [3, 1],
      ['x', 'sizes', 'axis'],
      { sizes: integers(-1, 1), axis: integers(3) },
      [4, 1, 2, 3, 8, 5, 6, 7],
    ],
  ] as const)('%s into %j are slices of the channels', async (code, sizes, inputs, constants, wanted) => {
    const network = await read(splitInto(code, sizes, inputs, constants));
    expect(outputOf(network, [1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8])).toEqual(wanted);
  });

  test.each([
    [
      'SPLIT',
      [1, 3, 1],
      ['axis', 'x'],
      { axis: integers(3) },
      'splits [1,1,2,4] along axis 3 into 3 parts, which are not equal',
    ],
    ['SPLIT', [2, 2], ['axis', 'x'], { axis: integers(4) }, 'splits [1,1,2,4] along axis [4]; wanted one of its axes'],
    [
      'SPLIT_V',
      [2, 2],
      ['x', 'sizes', 'axis'],
      { sizes: integers(2, 3), axis: integers(3) },
      'splits [1,1,2,4] along axis 3 into parts of [2,3] for 2 results',
    ],
    [
      'SPLIT_V',
      [2, 2],
      ['x', 'sizes', 'axis'],
      { sizes: integers(4), axis: integers(3) },
      'splits [1,1,2,4] along axis 3 into parts of [4] for 2 results',
    ],
  ] as const)('%s into %j is refused', async (code, sizes, inputs, constants, message) => {
    await expect(read(splitInto(code, sizes, inputs, constants))).rejects.toThrow(
      `small.tflite: operator 0 (${code}, for tensor 'part0'): ${message}`,
    );
  });

  test('SLICE of all and TILE of one are nothing', async () => {
    const begin = integers(0, 0, 0, 0);
    for (const model of [
      oneOperator('SLICE', picture, picture, undefined, { begin, size: integers(-1, 2, 2, -1) }),
      oneOperator('TILE', picture, picture, undefined, { times: integers(1, 1, 1, 1) }),
    ]) {
      expect((await read(model)).nodes).toEqual([]);
    }
  });

  test("the shape that TensorFlow's converter computes for an open batch; a dilated convolution in three", async () => {
    const cases = new URL('./cases/', import.meta.url);
    const bytes = (name: string) => new Uint8Array(readFileSync(new URL(name, cases)));
    const x = readNpy(bytes('xm1.npy'));
    for (const [name, wanted] of [
      ['reshape_open_batch.tflite', [0.49816, 0.27041, 0.23143]], // LiteRT 2.5
      ['dilated_s2b.tflite', [0.44516, 0.30385, 0.25099]],
    ] as const) {
      const network = await tflite.read(bytes(name), { fileName: name });
      const found = outputOf(network, x.shape, [...x.data]);
      for (const [i, number] of found.entries()) expect(Math.abs(number - wanted[i])).toBeLessThan(1e-5);
    }
  });

  test('MEAN over height and width, with and without their axes', async () => {
    for (const [axes, keep_dims] of [
      [[1, 2], true],
      [[-2, -3], false],
    ] as const) {
      const y = { shape: keep_dims ? [1, 1, 1, 1] : [1, 1] };
      const options = [schema.ReducerOptions, { keep_dims }] as const;
      const network = await read(oneOperator('MEAN', picture, y, options, { axes: integers(...axes) }));
      expect(network.nodes[0]).toMatchObject({ kind: 'globalAveragePool', attributes: { keepDims: keep_dims } });
      expect(outputOf(network, [1, 2, 2, 1], [1, 2, 3, 6])).toEqual([3]);
    }
  });

  test('RESHAPE by a constant, with a free size, or by its options; SQUEEZE', async () => {
    const y = { shape: [1, 4] };
    const by = (shape: TensorSpec) => oneOperator('RESHAPE', picture, y, undefined, { shape });
    expect((await read(by(integers(1, 4)))).nodes[0].attributes).toEqual({ shape: [4] });
    expect((await read(by(integers(-1, 4)))).nodes[0].attributes).toEqual({ shape: [4] });
    expect((await read(by(integers(1, -1)))).nodes[0].attributes).toEqual({ shape: [-1] });
    const options = [schema.ReshapeOptions, { new_shape: [1, 4] }] as const;
    expect((await read(oneOperator('RESHAPE', picture, y, options))).nodes[0].attributes).toEqual({ shape: [4] });
    const squeeze = oneOperator('SQUEEZE', { shape: [1, 1, 1, 3] }, { shape: [1, 3] }, [schema.SqueezeOptions, {}]);
    expect((await read(squeeze)).nodes[0].attributes).toEqual({ shape: [3] });
  });

  test('RESIZE_BILINEAR has three rules', async () => {
    const rule = async (values: Record<string, boolean>) => {
      const options = [schema.ResizeBilinearOptions, values] as const;
      const model = oneOperator('RESIZE_BILINEAR', picture, { shape: [1, 5, 3, 1] }, options, { size: integers(5, 3) });
      return (await read(model)).nodes[0].attributes;
    };
    expect(await rule({})).toEqual({ size: [5, 3], rule: 'tf1-legacy' });
    expect(await rule({ align_corners: true })).toEqual({ size: [5, 3], rule: 'tf1-align-corners' });
    expect(await rule({ half_pixel_centers: true })).toEqual({ size: [5, 3], rule: 'half-pixel' });
  });

  test('ARG_MAX drops the axis it searches', async () => {
    const y = { shape: [1, 1, 2], type: 'INT32' };
    const network = await read(
      oneOperator('ARG_MAX', { shape: [1, 1, 2, 3] }, y, [schema.ArgMaxOptions, { output_type: 2 }], {
        axis: integers(3),
      }),
    );
    expect(kinds(network)).toEqual(['y/argMax: argMax', 'y: reshape']);
    expect(outputOf(network, [1, 1, 2, 3], [1, 5, 2, 9, 7, 8])).toEqual([1, 0]);
  });
});

describe('names', () => {
  const step = (input: string, output: string): OperatorSpec => ({ code: 'RELU', inputs: [input], outputs: [output] });

  test("a node has its tensor's own name, with slashes and semicolons", async () => {
    const shape = [1, 2];
    const name = 'net/conv/Relu6;net/conv/BiasAdd;net/conv/bias';
    const network = await read({
      tensors: { 'in:0': { shape }, [name]: { shape } },
      operators: [step('in:0', name)],
      inputs: ['in:0'],
      outputs: [name],
    });
    expect(network).toMatchObject({ name: 'small', inputs: [{ name: 'in:0', shape }], outputs: [name] });
    expect(outputOf(network, shape, [-1, 1])).toEqual([0, 1]);
  });

  test("derived names give way to the file's own", async () => {
    const shape = [1, 2];
    const network = await read({
      tensors: { x: { shape }, y: { shape }, 'y/linear': { shape } },
      operators: [
        {
          code: 'ADD',
          inputs: ['x', 'x'],
          outputs: ['y'],
          options: [schema.AddOptions, { fused_activation_function: 3 }],
        },
        step('y', 'y/linear'),
      ],
      inputs: ['x'],
      outputs: ['y/linear', 'y'],
    });
    expect(kinds(network)).toEqual(['y/linear_2: add', 'y: relu6', 'y/linear: relu']);
    expect(network.outputs).toEqual(['y/linear', 'y']);
  });
});

describe('conventions', () => {
  const quantized = (type: string, zeroPoint: number, shape: readonly number[]) => ({
    shape,
    type,
    scale: [0.5],
    zeroPoint: [zeroPoint],
  });
  const classifier = (classes: number, metadata: Record<string, Uint8Array> = {}): ModelSpec => ({
    ...oneOperator('SOFTMAX', { shape: [1, classes] }, { shape: [1, classes] }, [schema.SoftmaxOptions, { beta: 1 }]),
    metadata,
  });

  test('1001 outputs begin with the background, 1000 do not, of others nothing is known', async () => {
    const offset = async (classes: number) => (await read(classifier(classes))).conventions;
    expect(await offset(1001)).toEqual({
      source: 'tflite',
      output: 'probabilities',
      labelOffset: 1,
      assumed: ['labelOffset'],
    });
    expect(await offset(1000)).toEqual({
      source: 'tflite',
      output: 'probabilities',
      labelOffset: 0,
      assumed: ['labelOffset'],
    });
    expect(await offset(2)).toEqual({ source: 'tflite', output: 'probabilities' });
  });

  test('the range of a quantised input says how picture bytes become real numbers; int8 counts from −128', async () => {
    const preprocessing = async (type: string, zeroPoint: number, channels: number) => {
      const x = quantized(type, zeroPoint, [1, 4, 6, channels]);
      return (await read(oneOperator('RELU', x, x))).conventions;
    };
    const values = { size: [4, 6], scale: 0.5, mean: [50, 50, 50], deviation: [1, 1, 1], channels: 'rgb' };
    expect(await preprocessing('UINT8', 100, 3)).toMatchObject({ output: 'features', preprocessing: values });
    expect(await preprocessing('INT8', -28, 3)).toMatchObject({ preprocessing: values });
    expect(await preprocessing('UINT8', 100, 1)).toMatchObject({ preprocessing: { channels: 'grey', mean: [50] } });
    expect(await preprocessing('UINT8', 100, 7)).not.toHaveProperty('preprocessing');
  });

  test('a float input says nothing, unless metadata do', async () => {
    const x = { shape: [1, 4, 6, 3] };
    const silent = oneOperator('RELU', x, x);
    expect((await read(silent)).conventions).toEqual({ source: 'tflite', output: 'features' });
    const { preprocessing } = (await read({ ...silent, metadata: metadata([127.5], [128]) })).conventions;
    expect(preprocessing).toMatchObject({ scale: 1, mean: [127.5, 127.5, 127.5], deviation: [128, 128, 128] });
    const each = (await read({ ...silent, metadata: metadata([1, 2, 3], [4, 5, 6]) })).conventions.preprocessing;
    expect(each).toMatchObject({ mean: [1, 2, 3], deviation: [4, 5, 6] });
  });

  test('labels stand in a zip archive behind the model', async () => {
    const model = buildTflite(classifier(2, metadata([0], [1], 'labels.txt')));
    const withLabels = (text: string) => concatenated(model, zipBehind(model.length, 'labels.txt', text));
    const { conventions } = await tflite.read(withLabels('no person\r\nperson\n'), {});
    expect(conventions.labels).toEqual(['no person', 'person']);
    await expect(tflite.read(withLabels('only one\n'), { fileName: 'm.tflite' })).rejects.toThrow(
      'm.tflite: labels.txt: has 1 labels for 2 outputs',
    );
    const other = concatenated(model, zipBehind(model.length, 'others.txt', 'a\nb'));
    await expect(tflite.read(other, { fileName: 'm.tflite' })).rejects.toThrow(
      "m.tflite: metadata: names the label list 'labels.txt', which is not behind the model",
    );
  });

  /** An archive whose offsets count from the start of the file that it is appended to. */
  function zipBehind(offset: number, name: string, text: string): Uint8Array {
    const archive = zipSync({ [name]: new TextEncoder().encode(text) });
    const view = new DataView(archive.buffer, archive.byteOffset, archive.length);
    const end = archive.length - 22;
    const directory = view.getUint32(end + 16, true);
    view.setUint32(end + 16, directory + offset, true);
    view.setUint32(directory + 42, offset, true);
    return archive;
  }

  const concatenated = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));

  function metadata(mean: number[], std: number[], labels?: string): Record<string, Uint8Array> {
    const writer = new FlatWriter(new Builder());
    const options = writer.table(schema.NormalizationOptions, {
      mean: writer.float32s(mean),
      std: writer.float32s(std),
    });
    const unit = writer.table(schema.ProcessUnit, { options_type: schema.NORMALIZATION_OPTIONS, options });
    const input = writer.table(schema.TensorMetadata, { process_units: writer.tables([unit]) });
    const files = labels
      ? [writer.table(schema.AssociatedFile, { name: writer.string(labels), type: schema.TENSOR_AXIS_LABELS })]
      : [];
    const output = writer.table(schema.TensorMetadata, { associated_files: writer.tables(files) });
    const graph = writer.table(schema.SubGraphMetadata, {
      input_tensor_metadata: writer.tables([input]),
      output_tensor_metadata: writer.tables([output]),
    });
    const root = writer.table(schema.ModelMetadata, { subgraph_metadata: writer.tables([graph]) });
    return { [schema.METADATA_NAME]: writer.finish(root, schema.METADATA_IDENTIFIER) };
  }
});

test('readNetwork knows a .tflite file by its content', async () => {
  const bytes = buildTflite(oneOperator('RELU', { shape: [1, 2] }, { shape: [1, 2] }));
  const network = await readNetwork(bytes, { fileName: 'models/anything.bin' });
  expect(network).toMatchObject({ name: 'anything.bin', conventions: { source: 'tflite' } });
});
