/** From a picture to the names of what it shows. */
import type { Picture } from '../image/picture.js';
import { logitsLayer } from '../network/heads.js';
import type { Network } from '../network/index.js';
import type { Tensor } from '../tensor.js';
import { checkCall, execute, type TaskOptions } from './execute.js';
import { cutAt } from './plans.js';
import { asRows, type Prediction, type PredictionOptions, predictions, toProbabilities } from './predictions.js';

export type ClassifyOptions = PredictionOptions & TaskOptions;

/** The best predictions for a picture; for several pictures a list for each. Pictures run one by one. */
export async function classify(network: Network, picture: Picture, options?: ClassifyOptions): Promise<Prediction[]>;
export async function classify(
  network: Network,
  pictures: readonly Picture[],
  options?: ClassifyOptions,
): Promise<Prediction[][]>;
export async function classify(
  network: Network,
  pictures: Picture | readonly Picture[],
  options: ClassifyOptions = {},
): Promise<Prediction[] | Prediction[][]> {
  checkCall('classify', network, pictures, options.run);
  const ask = async (picture: Picture) =>
    predictions(await execute(network, picture, options), network.conventions, options)[0];
  if ('data' in pictures) return ask(pictures);
  const lists: Prediction[][] = [];
  for (const picture of pictures) lists.push(await ask(picture));
  return lists;
}

/** The picture's logits [1, outputs]. Of a network that ends in softmax, what goes into it. */
export async function logits(network: Network, picture: Picture, options: TaskOptions = {}): Promise<Tensor> {
  checkCall('logits', network, picture, options.run);
  if (network.conventions.output === 'logits') return asRows(await execute(network, picture, options));
  return asRows(await execute(cutAt(network, logitsLayer(network)), picture, options));
}

/** The picture's probabilities [1, outputs], which sum to 1 (of a quantised network: nearly). */
export async function probabilities(network: Network, picture: Picture, options: TaskOptions = {}): Promise<Tensor> {
  checkCall('probabilities', network, picture, options.run);
  return toProbabilities(asRows(await execute(network, picture, options)), network.conventions);
}
