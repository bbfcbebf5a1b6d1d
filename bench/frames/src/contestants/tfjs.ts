/** TensorFlow.js on its WASM backend (XNNPACK), one thread: the package of the TensorFlow.js team, and the same by hand for other sizes. */

import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import * as mobilenet from '@tensorflow-models/mobilenet';
import type { Row } from '../models.js';
import { type Contestant, fileOf } from './contestant.js';

async function start(): Promise<void> {
  setWasmPaths('/tfjs-wasm/');
  setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) throw new Error("the backend 'wasm' did not start");
}

/** It resizes to 224 whatever the network wants. */
export const tfjsMobilenet: Contestant = {
  name: '@tensorflow-models/mobilenet',
  async load(row: Row) {
    if (row.resolution !== 224) throw new Error('takes networks of 224 × 224 alone');
    await start();
    const model = await mobilenet.load({
      version: row.version,
      alpha: row.alpha as mobilenet.MobileNetAlpha,
      modelUrl: fileOf(row, 'tfjs/model.json'),
      inputRange: [-1, 1],
    });
    return {
      async answer(video) {
        const logits = model.infer(video) as tf.Tensor2D; // classify() names ImageNet's classes, ours have none
        const probabilities = tf.softmax(logits);
        const values = await probabilities.data();
        logits.dispose();
        probabilities.dispose();
        return best(values);
      },
      dispose() {},
    };
  },
};

/** What @tensorflow-models/mobilenet does, at the network's own size. */
export const tfjsByHand: Contestant = {
  name: 'TF.js wasm by hand',
  async load(row: Row) {
    await start();
    const model = await loadGraphModel(fileOf(row, 'tfjs/model.json'));
    const size: [number, number] = [row.resolution, row.resolution];
    return {
      async answer(video) {
        const probabilities = tf.tidy(() => {
          const picture = tf.add(tf.mul(tf.cast(tf.browser.fromPixels(video), 'float32'), 2 / 255), -1) as tf.Tensor3D;
          const input = tf.expandDims(tf.image.resizeBilinear(picture, size, true));
          const logits = model.predict(input) as tf.Tensor2D;
          return tf.softmax(tf.slice(logits, [0, 1], [-1, 1000]));
        });
        const values = await probabilities.data();
        probabilities.dispose();
        return best(values);
      },
      dispose: () => model.dispose(),
    };
  },
};

function best(values: ArrayLike<number>): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[at]) at = i;
  return at;
}
