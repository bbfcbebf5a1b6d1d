/** The network as a .tflite file, for LiteRT.js and tfjs-tflite: operators as the TensorFlow Lite converter emits them. */
import type { Network } from '../../../../dist/network/index.js';
import * as schema from '../../../../src/formats/tflite/schema.js';
import { buildTflite, type OperatorSpec, type TensorSpec } from '../../../../test/formats/tflite-builder.js';
import { type Step, stepsOf } from './steps.js';
import { transpose } from './transpose.js';

const SAME = schema.PADDINGS.indexOf('same');
const VALID = schema.PADDINGS.indexOf('valid');
const RELU6 = schema.ACTIVATIONS.indexOf('RELU6');

export function tfliteOf(network: Network): Uint8Array {
  const [input] = network.inputs;
  const tensors: Record<string, TensorSpec> = { [input.name]: { shape: input.shape } };
  const operators: OperatorSpec[] = [];
  for (const step of stepsOf(network)) {
    for (const [name, constant] of Object.entries(constantsOf(step))) tensors[name] = constant;
    tensors[step.name] = { shape: step.shape };
    operators.push({ ...operatorOf(step), outputs: [step.name] });
  }
  return buildTflite({ tensors, operators, inputs: [input.name], outputs: network.outputs });
}

/** Kernels are OHWI, depthwise ones [1, KH, KW, C]. */
function constantsOf(step: Step): Record<string, TensorSpec> {
  if (step.kind === 'reshape') {
    return { [`${step.name}/shape`]: { shape: [step.shape.length], type: 'INT32', data: Int32Array.from(step.shape) } };
  }
  if (step.kind !== 'convolution' && step.kind !== 'depthwise') return {};
  return { [`${step.name}/kernel`]: transpose(step.kernel, [3, 0, 1, 2]), [`${step.name}/bias`]: step.bias };
}

function operatorOf(step: Step): Omit<OperatorSpec, 'outputs'> {
  const { name, input } = step;
  switch (step.kind) {
    case 'convolution':
    case 'depthwise': {
      const values = {
        padding: SAME,
        stride_h: step.stride,
        stride_w: step.stride,
        fused_activation_function: step.relu6 ? RELU6 : 0,
        dilation_h_factor: 1,
        dilation_w_factor: 1,
      };
      return {
        inputs: [input, `${name}/kernel`, `${name}/bias`],
        ...(step.kind === 'convolution'
          ? { code: 'CONV_2D', options: [schema.Conv2DOptions, values] }
          : {
              code: 'DEPTHWISE_CONV_2D',
              options: [schema.DepthwiseConv2DOptions, { ...values, depth_multiplier: 1 }],
            }),
      };
    }
    case 'add':
      return {
        code: 'ADD',
        inputs: [input, step.other],
        options: [schema.AddOptions, { fused_activation_function: 0 }],
      };
    case 'pool': {
      const [filter_height, filter_width] = step.window;
      const values = { padding: VALID, stride_w: 1, stride_h: 1, filter_width, filter_height };
      return { code: 'AVERAGE_POOL_2D', inputs: [input], options: [schema.Pool2DOptions, values] };
    }
    case 'reshape':
      return {
        code: 'RESHAPE',
        inputs: [input, `${name}/shape`],
        options: [schema.ReshapeOptions, { new_shape: step.shape }],
      };
    case 'softmax':
      return { code: 'SOFTMAX', inputs: [input], options: [schema.SoftmaxOptions, { beta: 1 }] };
  }
}
