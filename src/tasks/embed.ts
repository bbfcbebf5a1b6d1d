/** From a picture to the features of a layer, for similarity search, clustering, or a classifier of one's own. */
import { PictureError } from '../errors.js';
import type { Picture } from '../image/picture.js';
import { globalAveragePool } from '../layers/index.js';
import type { Network } from '../network/index.js';
import { type Tensor, tensor } from '../tensor.js';
import { checkCall, execute, type TaskOptions } from './execute.js';
import { featuresLayer } from './heads.js';
import { cutAt } from './plans.js';

export interface EmbedOptions extends TaskOptions {
  /** Name of any layer; what the classifier reads unless stated. */
  readonly layer?: string;
  /** Average feature maps [N, H, W, C] to [N, C]; true unless stated. What is flat already stays as it is. */
  readonly pool?: boolean;
}

/**
 * The layer's output for a picture or, stacked along the batch, for several: [N, C] when pooled. Only the nodes up to that layer are
 * run. Throws a NetworkError that lists similar names where there is no such layer.
 */
export async function embed(
  network: Network,
  pictures: Picture | readonly Picture[],
  options: EmbedOptions = {},
): Promise<Tensor> {
  checkCall('embed', network, pictures, options.run);
  const part = cutAt(network, options.layer ?? featuresLayer('embed', network));
  const list: readonly Picture[] = 'data' in pictures ? [pictures] : pictures;
  if (list.length === 0) throw new PictureError('embed: no pictures given');
  const features: Tensor[] = [];
  for (const picture of list) features.push(pooled(await execute(part, picture, options), options.pool));
  return stack(features);
}

/** Feature maps [N, H, W, C] averaged to [N, C], unless that is not wanted; what is flat already as it is. */
export function pooled(features: Tensor, pool = true): Tensor {
  if (!pool || features.shape.length !== 4) return features;
  return globalAveragePool.forward([features], {}, { keepDims: false });
}

/** One tensor after the other along the batch. */
export function stack(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  const data = new Float32Array(tensors.length * first.data.length);
  tensors.forEach((one, n) => {
    data.set(one.data, n * first.data.length);
  });
  return tensor([tensors.length, ...first.shape.slice(1)], data);
}
