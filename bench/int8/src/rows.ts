/** The networks of the table: published files of uint8, and a V1 1.0 @224 whose weights are drawn, since no file of it is at hand. */
import * as schema from '../../../src/formats/tflite/schema.js';
import { uniformRandom } from '../../../src/random.js';
import { buildTflite, type OperatorSpec, type TensorSpec } from '../../../test/formats/tflite-builder.js';

export interface Row {
  readonly name: string;
  readonly file: Uint8Array<ArrayBuffer>;
}

/** Rows that are files of a folder with models. */
export const publishedRows = {
  'v1-0.25-128': 'mobilenet_v1_0.25_128_quant.tflite',
  'v1-0.5-160': 'mobilenet_v1_0.5_160_quant.tflite',
  'v2-1.0-224': 'mobilenet_v2_1.0_224_quant.tflite',
} as const;

export const DRAWN_ROW = 'v1-1.0-224';

/** [stride, output channels] of V1's thirteen separable convolutions (arXiv:1704.04861, Table 1). */
const SEPARABLE = [
  [1, 64],
  [2, 128],
  [1, 128],
  [2, 256],
  [1, 256],
  [2, 512],
  ...Array.from({ length: 5 }, () => [1, 512]),
  [2, 1024],
  [1, 1024],
] as const;

/** V1 1.0 @224 of uint8, per tensor, without its classifier: 1024 averages out. */
export function drawnV1(): Uint8Array<ArrayBuffer> {
  const random = uniformRandom(1704);
  const tensors: Record<string, TensorSpec> = {
    picture: { shape: [1, 224, 224, 3], type: 'UINT8', scale: [1 / 127.5], zeroPoint: [128] },
  };
  const operators: OperatorSpec[] = [];
  let [size, channels, input, inputScale] = [224, 3, 'picture', 1 / 127.5];
  const convolve = (name: string, kernel: number, stride: number, outputs: number, depthwise: boolean) => {
    const terms = kernel * kernel * (depthwise ? 1 : channels);
    const shape = depthwise ? [1, kernel, kernel, channels] : [outputs, kernel, kernel, channels];
    const data = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, () => drawnWeight(random));
    // Weights have a mean square of about 13² steps, inputs one of about 2 in real numbers: results of about 2 again.
    const scale = 1 / (13 * Math.sqrt(terms));
    const bias = Int32Array.from({ length: outputs }, () => (random() * 1.5) / (inputScale * scale));
    size = Math.ceil(size / stride);
    tensors[`${name}/kernel`] = { shape, type: 'UINT8', data, scale: [scale], zeroPoint: [128] };
    tensors[`${name}/bias`] = { shape: [outputs], type: 'INT32', data: bias, scale: [inputScale * scale] };
    tensors[name] = { shape: [1, size, size, outputs], type: 'UINT8', scale: [6 / 255], zeroPoint: [0] };
    const values = {
      padding: schema.PADDINGS.indexOf('same'),
      stride_h: stride,
      stride_w: stride,
      fused_activation_function: schema.ACTIVATIONS.indexOf('RELU6'),
      dilation_h_factor: 1,
      dilation_w_factor: 1,
    };
    operators.push({
      ...(depthwise
        ? { code: 'DEPTHWISE_CONV_2D', options: [schema.DepthwiseConv2DOptions, { ...values, depth_multiplier: 1 }] }
        : { code: 'CONV_2D', options: [schema.Conv2DOptions, values] }),
      inputs: [input, `${name}/kernel`, `${name}/bias`],
      outputs: [name],
    });
    [channels, input, inputScale] = [outputs, name, 6 / 255];
  };
  convolve('first', 3, 2, 32, false);
  for (const [i, [stride, outputs]] of SEPARABLE.entries()) {
    convolve(`depthwise${i}`, 3, stride, channels, true);
    convolve(`pointwise${i}`, 1, 1, outputs, false);
  }
  tensors.averages = { shape: [1, 1, 1, channels], type: 'UINT8', scale: [6 / 255], zeroPoint: [0] };
  const pool = {
    padding: schema.PADDINGS.indexOf('valid'),
    stride_w: 1,
    stride_h: 1,
    filter_width: 7,
    filter_height: 7,
  };
  operators.push({
    code: 'AVERAGE_POOL_2D',
    inputs: [input],
    outputs: ['averages'],
    options: [schema.Pool2DOptions, pool],
  });
  return Uint8Array.from(buildTflite({ tensors, operators, inputs: ['picture'], outputs: ['averages'] }));
}

/** As trained weights of uint8 are distributed: a mean distance of 10 from the zero point, few that reach the ends. */
function drawnWeight(random: () => number): number {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(Math.max(Math.round(128 + 15 * normal() * normal()), 0), 255);
}
