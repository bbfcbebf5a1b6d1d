/** TensorFlow.js as a trainer of this library's networks: its own operations, its own differentiation, its own optimiser. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import './build/gradients.mjs';

const wasmFile = createRequire(import.meta.url).resolve(
  '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm',
);
setWasmPaths(join(dirname(wasmFile), '/'));
setThreadsCount(1);

const paddingOf = (padding) =>
  typeof padding === 'string'
    ? padding
    : [
        [0, 0],
        [padding.top, padding.bottom],
        [padding.left, padding.right],
        [0, 0],
      ];

/** Batch norm in training mode, of operations that know their gradients. */
function batchNorm(x, { gamma, beta }, { epsilon }) {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon))), gamma), beta);
}

const operations = {
  conv2d: ([x], { kernel }, { strides, padding }) => tf.conv2d(x, kernel, strides, paddingOf(padding)),
  depthwiseConv2d: ([x], { kernel }, { strides, padding }) =>
    tf.depthwiseConv2d(x, kernel, strides, paddingOf(padding)),
  pointwiseConv2d: ([x], { kernel }) => tf.conv2d(x, tf.expandDims(tf.expandDims(kernel)), 1, 'valid'),
  batchNorm: ([x], weights, attributes) => batchNorm(x, weights, attributes),
  relu6: ([x]) => tf.relu6(x),
  add: ([a, b]) => tf.add(a, b),
  pad: ([x], _, { padding }) => tf.pad(x, paddingOf(padding)),
  globalAveragePool: ([x], _, { keepDims }) => tf.mean(x, [1, 2], keepDims),
  dense: ([x], { kernel, bias }) => tf.add(tf.matMul(x, kernel), bias),
};

/** Steps of a network that ends in logits and drops nothing. Changes to its weights stay here. */
export async function tfjsContestant(backend, { network, slots, pictures, targets, learningRate, momentum }) {
  if (!(await tf.setBackend(backend))) throw new Error(`the backend '${backend}' does not start`);
  const variables = new Map(network.nodes.map(({ name }) => [name, {}]));
  for (const { name } of slots) {
    const cut = name.lastIndexOf('/');
    const { shape, data } = network.weights.get(name);
    variables.get(name.slice(0, cut))[name.slice(cut + 1)] = tf.variable(tf.tensor(data, [...shape]));
  }
  const x = tf.tensor(pictures.data, pictures.shape);
  const t = tf.tensor(targets.data, targets.shape);
  const optimizer = tf.train.momentum(learningRate, momentum);
  const loss = () => {
    const tensors = new Map([[network.inputs[0].name, x]]);
    for (const { name, kind, inputs, attributes } of network.nodes) {
      const sources = inputs.map((input) => tensors.get(input));
      tensors.set(name, operations[kind](sources, variables.get(name), attributes));
    }
    return tf.neg(tf.mean(tf.sum(tf.mul(t, tf.logSoftmax(tensors.get(network.outputs[0]))), -1)));
  };
  return {
    name: `TF.js ${backend}`,
    async step() {
      await tf.setBackend(backend);
      const value = optimizer.minimize(loss, true);
      const [found] = value.dataSync();
      value.dispose();
      return found;
    },
    close: async () => {},
  };
}
