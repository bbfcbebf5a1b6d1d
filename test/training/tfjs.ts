/** A network's loss in training mode and its gradients by TensorFlow.js: its own operations, its own differentiation, float32. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { build } from 'esbuild';
import type { Network, NetworkNode } from '../../src/network/index.js';
import type { Padding, Pair } from '../../src/padding.js';
import type { Tensor } from '../../src/tensor.js';

/** The cpu backend, with gradients: the package's main file has none, but what registers them stands beside it, in modules for bundlers. */
export async function startTf(): Promise<void> {
  tf.env().set('IS_NODE', false); // keeps the advice to install another package out of the test's output
  await tf.setBackend('cpu');
  const { outputFiles } = await build({
    stdin: {
      contents: `import '@tensorflow/tfjs-core/dist/register_all_gradients.js';`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'esm',
    write: false,
  });
  await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

export const toTf = ({ shape, data }: Tensor): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape]);

/** The numbers of what `compute` returns, all of TensorFlow.js's own tensors thrown away. */
export function fromTf(compute: () => tf.Tensor[]): Tensor[] {
  const results = tf.tidy(compute);
  const found = results.map((result) => ({ shape: result.shape, data: Float32Array.from(result.dataSync()) }));
  for (const result of results) result.dispose();
  return found;
}

/** (x − μ) / √(σ² + epsilon) · gamma + beta with the batch's own μ and σ², of operations that know their gradients. */
export function batchNormTraining(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  const { mean, variance } = tf.moments(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis),
  );
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon))), gamma), beta);
}

/**
 * The mean softmax cross-entropy of a network that ends in logits and has no dropout, and its gradients: of the named weights, in their order,
 * and last of the pictures.
 */
export function tfLossAndGradients(
  network: Network,
  names: readonly string[],
  pictures: Tensor,
  targets: Tensor,
): { loss: number; gradients: Tensor[] } {
  const loss = (...parameters: tf.Tensor[]): tf.Scalar => {
    const weights = new Map(names.map((name, i) => [name, parameters[i]]));
    const tensors = new Map([[network.inputs[0].name, parameters[names.length]]]);
    for (const node of network.nodes) {
      const inputs = node.inputs.map((name) => tensors.get(name)!);
      tensors.set(
        node.name,
        apply(node, inputs, (name) => weights.get(`${node.name}/${name}`)!),
      );
    }
    const logits = tensors.get(network.outputs[0])!;
    return tf.neg(tf.mean(tf.sum(tf.mul(toTf(targets), tf.logSoftmax(logits)), -1))) as tf.Scalar;
  };
  const given = [...names.map((name) => network.weights.get(name)!), pictures];
  const [value, ...gradients] = fromTf(() => {
    const { value, grads } = tf.valueAndGrads(loss)(given.map((x) => toTf(x)));
    return [value, ...grads];
  });
  return { loss: value.data[0], gradients };
}

function apply(node: NetworkNode, [x, ...others]: tf.Tensor[], weight: (name: string) => tf.Tensor): tf.Tensor {
  switch (node.kind) {
    case 'conv2d': {
      const { strides, padding } = node.attributes;
      return tf.conv2d(x as tf.Tensor4D, weight('kernel') as tf.Tensor4D, pairOf(strides), wordOf(padding));
    }
    case 'depthwiseConv2d': {
      const { strides, padding } = node.attributes;
      return tf.depthwiseConv2d(x as tf.Tensor4D, weight('kernel') as tf.Tensor4D, pairOf(strides), wordOf(padding));
    }
    case 'pointwiseConv2d': {
      const kernel = tf.expandDims<tf.Tensor4D>(tf.expandDims(weight('kernel')));
      return tf.conv2d(x as tf.Tensor4D, kernel, 1, 'valid');
    }
    case 'batchNorm':
      return batchNormTraining(x, weight('gamma'), weight('beta'), node.attributes.epsilon);
    case 'relu6':
      return tf.relu6(x);
    case 'add':
      return tf.add(x, others[0]);
    case 'globalAveragePool':
      return tf.mean(x, [1, 2], node.attributes.keepDims);
    case 'dense':
      return tf.add(tf.matMul(x as tf.Tensor2D, weight('kernel') as tf.Tensor2D), weight('bias'));
    default:
      throw new Error(`${node.name}: this peer has no ${node.kind}`);
  }
}

const pairOf = ([a, b]: Pair): [number, number] => [a, b];

function wordOf(padding: Padding): 'same' | 'valid' {
  if (typeof padding !== 'string') throw new Error('this peer pads by a word only');
  return padding;
}
