/** Training with worker threads beside this one. */
import { startThreads } from './threads.js';
import { type Train, trainWith } from './train.js';

export const train: Train = (network, data, recipe, hooks = {}) =>
  trainWith(startThreads, network, data, recipe, hooks);
