/**
 * What quantisation-aware training begins with, and what it ends with: a trained network with its batch norms folded, the integers of its tensors,
 * and the quantised network that the learnt weights make with the same integers.
 */
import { soleReaders } from '../../network/graph.js';
import type { Network } from '../../network/index.js';
import { isQuantizedType, type QuantizedNetwork } from '../../network/quantized-network.js';
import { calibrate, quantizeNetwork, type RangeRule } from '../../quantization/index.js';
import { isActivation } from '../../quantization/tensor-types.js';
import type { Tensor } from '../../tensor.js';
import { centralView } from '../data/augment.js';
import { Renderer } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { expectFit } from '../loop/evaluate.js';
import { type Grid, type Grids, gridOf } from '../step/fake-quantization.js';
import { otherTasks } from './other-tasks.js';

/** Pictures of the data that show the ranges. */
const PICTURES = 256;

export interface QuantizationAware {
  /** What is trained. */
  readonly network: Network;
  /** For `train`. */
  readonly grids: Grids;
  /** Of the trained network. */
  integersOf(trained: Network): QuantizedNetwork;
}

/** The network must know how its pictures are prepared, and the data must have their size. The same data gives the same integers. */
export async function quantizationAware(
  model: Network,
  data: Dataset,
  { ranges = 'percentile' }: { ranges?: RangeRule } = {},
): Promise<QuantizationAware> {
  const calibration = await calibrate(model, somePictures(model, data), { ranges });
  const { network } = calibration;
  const sole = soleReaders(network.nodes, network.outputs);
  const grids = new Map<string, Grid>();
  for (const { name, type, kind } of quantizeNetwork(calibration).nodes) {
    // What only an activation reads is not rounded, and the loss takes the softmax's place.
    const isRounded = kind !== 'quantize' && kind !== 'softmax' && !isActivation(sole.get(name));
    if (isRounded && isQuantizedType(type) && type.type === 'int8') grids.set(name, gridOf(type));
  }
  return {
    network,
    grids,
    integersOf: ({ weights }) =>
      quantizeNetwork({ ...calibration, network: { ...network, weights } }, { biasCorrection: false }),
  };
}

async function* somePictures(model: Network, data: Dataset): AsyncGenerator<Tensor> {
  const size = expectFit(model, data);
  const renderer = new Renderer(data, model.conventions.preprocessing!);
  const all = data.labels.length;
  const count = Math.min(PICTURES, all);
  for (let i = 0; i < count; i++) {
    await otherTasks();
    yield renderer.batch([Math.floor((i * all) / count)], centralView(size, size), size);
  }
}
