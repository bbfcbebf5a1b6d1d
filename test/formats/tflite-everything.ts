/** A .tflite file for the tests of damaged ones. */
import * as schema from '../../src/formats/tflite/schema.js';
import type { ModelSpec, TensorSpec } from './tflite-builder.js';

const integers = (shape: readonly number[], ...numbers: number[]): TensorSpec => ({
  shape,
  type: 'INT32',
  data: Int32Array.from(numbers),
});

/** A graph with most of what a file can hold. */
export const everything: ModelSpec = {
  tensors: {
    x: { shape: [1, 8, 8, 3], type: 'UINT8', scale: [0.1], zeroPoint: [128], shapeSignature: [-1, 8, 8, 3] },
    k1: {
      shape: [4, 3, 3, 3],
      type: 'INT8',
      data: Int8Array.from({ length: 108 }, (_, i) => i),
      scale: [1, 2, 3, 4],
      axis: 0,
    },
    b1: { ...integers([4], 1, 2, 3, 4), scale: [0.1, 0.2, 0.3, 0.4] },
    y1: { shape: [1, 4, 4, 4], type: 'UINT8', scale: [0.1], zeroPoint: [0] },
    k2: { shape: [1, 3, 3, 4], type: 'UINT8', data: new Uint8Array(36).fill(3), scale: [0.5], zeroPoint: [1] },
    y2: { shape: [1, 4, 4, 4], type: 'UINT8', scale: [0.2], zeroPoint: [10] },
    y3: { shape: [1, 4, 4, 4], type: 'UINT8', scale: [0.2], zeroPoint: [0] },
    axes: integers([2], 1, 2),
    y4: { shape: [1, 1, 1, 4], type: 'UINT8', scale: [0.2], zeroPoint: [0] },
    real: { shape: [1, 1, 1, 4] },
    half: { shape: [2, 4], type: 'FLOAT16', data: new Uint16Array(8).fill(0x3c00) },
    k5: { shape: [2, 4] },
    y5: { shape: [1, 2] },
    y6: { shape: [1, 2] },
  },
  operators: [
    {
      code: 'CONV_2D',
      inputs: ['x', 'k1', 'b1'],
      outputs: ['y1'],
      options: [schema.Conv2DOptions, { padding: 0, stride_h: 2, stride_w: 2, fused_activation_function: 3 }],
    },
    {
      code: 'DEPTHWISE_CONV_2D',
      inputs: ['y1', 'k2', ''],
      outputs: ['y2'],
      options: [schema.DepthwiseConv2DOptions, { padding: 0, stride_h: 1, stride_w: 1 }],
    },
    {
      code: 'ADD',
      inputs: ['y1', 'y2'],
      outputs: ['y3'],
      options: [schema.AddOptions, { fused_activation_function: 1 }],
    },
    { code: 'MEAN', inputs: ['y3', 'axes'], outputs: ['y4'], options: [schema.ReducerOptions, { keep_dims: true }] },
    { code: 'DEQUANTIZE', inputs: ['y4'], outputs: ['real'] },
    { code: 'DEQUANTIZE', inputs: ['half'], outputs: ['k5'] },
    { code: 'FULLY_CONNECTED', inputs: ['real', 'k5'], outputs: ['y5'], options: [schema.FullyConnectedOptions, {}] },
    { code: 'SOFTMAX', inputs: ['y5'], outputs: ['y6'], options: [schema.SoftmaxOptions, { beta: 1 }] },
  ],
  inputs: ['x'],
  outputs: ['y6'],
};
