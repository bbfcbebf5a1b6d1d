/** The network as a function of TensorFlow.js tensors, with the fused operators that a graph model runs. */
import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../../../dist/network/index.js';
import { type Step, stepsOf } from './steps.js';

export interface TfjsGraph {
  run(picture: tf.Tensor4D): tf.Tensor;
  dispose(): void;
}

/** The weights become tensors of the current backend, and stay there. */
export function tfjsGraphOf(network: Network): TfjsGraph {
  const weights: tf.Tensor[] = [];
  const nodes = stepsOf(network).map((step) => ({ step, apply: operationOf(step, weights) }));
  const [input] = network.inputs;
  return {
    run(picture) {
      const tensors = new Map<string, tf.Tensor>([[input.name, picture]]);
      for (const { step, apply } of nodes) tensors.set(step.name, apply(tensors));
      return tensors.get(network.outputs[0])!;
    },
    dispose: () => tf.dispose(weights),
  };
}

function operationOf(step: Step, weights: tf.Tensor[]): (tensors: ReadonlyMap<string, tf.Tensor>) => tf.Tensor {
  const { input } = step;
  switch (step.kind) {
    case 'convolution':
    case 'depthwise': {
      const filter = tf.tensor4d(step.kernel.data, step.kernel.shape as [number, number, number, number]);
      const bias = tf.tensor1d(step.bias.data);
      weights.push(filter, bias);
      const activation = step.relu6 ? ('relu6' as const) : ('linear' as const);
      const attributes = { filter, bias, strides: step.stride, pad: 'same' as const, activation };
      const fused = step.kind === 'convolution' ? tf.fused.conv2d : tf.fused.depthwiseConv2d;
      return (tensors) => fused({ x: tensors.get(input) as tf.Tensor4D, ...attributes });
    }
    case 'add':
      return (tensors) => tf.add(tensors.get(input)!, tensors.get(step.other)!);
    case 'pool':
      return (tensors) => tf.avgPool(tensors.get(input) as tf.Tensor4D, step.window as [number, number], 1, 'valid');
    case 'reshape':
      return (tensors) => tf.reshape(tensors.get(input)!, [...step.shape]);
    case 'softmax':
      return (tensors) => tf.softmax(tensors.get(input)!);
  }
}
