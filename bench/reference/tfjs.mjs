/**
 * TensorFlow.js as an executor of this library's networks: every node becomes the operation that TensorFlow.js has for it, so that
 * both do the same work, node by node.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

const paddingOf = (padding) =>
  typeof padding === 'string'
    ? padding
    : [
        [0, 0],
        [padding.top, padding.bottom],
        [padding.left, padding.right],
        [0, 0],
      ];

const withBias = (sums, { bias }) => (bias ? tf.add(sums, bias) : sums);

const operations = {
  conv2d: ([x], weights, { strides, padding, dilation }) =>
    withBias(tf.conv2d(x, weights.kernel, strides, paddingOf(padding), 'NHWC', dilation), weights),
  depthwiseConv2d: ([x], weights, { strides, padding, dilation }) =>
    withBias(tf.depthwiseConv2d(x, weights.kernel, strides, paddingOf(padding), 'NHWC', dilation), weights),
  pointwiseConv2d: ([x], weights) => withBias(tf.conv2d(x, weights.kernel, 1, 'valid'), weights),
  batchNorm: ([x], { movingMean, movingVariance, beta, gamma }, { epsilon }) =>
    tf.batchNorm(x, movingMean, movingVariance, beta, gamma, epsilon),
  relu6: ([x]) => tf.relu6(x),
  add: ([a, b]) => tf.add(a, b),
  pad: ([x], _, { padding, value }) => tf.pad(x, paddingOf(padding), value),
  globalAveragePool: ([x], _, { keepDims }) => tf.mean(x, [1, 2], keepDims),
  dropout: ([x]) => x,
  dense: ([x], weights) => withBias(tf.matMul(x, weights.kernel), weights),
  reshape: ([x], _, { shape }) => tf.reshape(x, [x.shape[0], ...shape]),
  softmax: ([x]) => tf.softmax(x),
};

/** A function from the input's tensor to the output's numbers. The weights are handed over once, before it is timed. */
export async function executorOf(network) {
  await tf.setBackend('cpu');
  const weightsOf = new Map(network.nodes.map(({ name }) => [name, {}]));
  for (const [fullName, { shape, data }] of network.weights) {
    const cut = fullName.lastIndexOf('/');
    const node = network.nodes.find(({ name }) => name === fullName.slice(0, cut));
    const pointwise = node.kind === 'pointwiseConv2d' && shape.length === 2;
    const tensor = tf.tensor(data, pointwise ? [1, 1, ...shape] : [...shape]);
    weightsOf.get(node.name)[fullName.slice(cut + 1)] = tensor;
  }
  return ({ shape, data }) => {
    const result = tf.tidy(() => {
      const tensors = new Map([[network.inputs[0].name, tf.tensor(data, [...shape])]]);
      for (const { name, kind, inputs, attributes } of network.nodes) {
        const sources = inputs.map((input) => tensors.get(input));
        tensors.set(name, operations[kind](sources, weightsOf.get(name), attributes));
      }
      return tensors.get(network.outputs[0]);
    });
    const numbers = result.dataSync();
    result.dispose();
    return numbers;
  };
}
