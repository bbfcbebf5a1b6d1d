/**
 * Calibration: what the tensors of a network hold when it sees ordinary pictures. Their ranges become scales and zero points, the means of their
 * channels correct the biases.
 */
import { compile } from '../engine/index.js';
import { UsageError } from '../errors.js';
import { expectNetwork, found, tagOf } from '../found.js';
import type { Network } from '../network/network.js';
import { foldBatchNormFloat32 } from '../network/rewriting/fold-batch-norm.js';
import { expectAllWeights } from '../network/run.js';
import type { Shape, Tensor } from '../tensor.js';
import { type Range, RangeCollector, type RangeRule } from './ranges.js';

export interface Calibration {
  /** With batch norms folded: the network whose tensors these are. */
  readonly network: Network;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Mean of each channel (the last axis), by tensor. */
  readonly means: ReadonlyMap<string, Float64Array>;
  /** How many inputs were seen. */
  readonly pictures: number;
}

export interface CalibrateOptions {
  /** 'min-max' if not said. Which of them is taken matters little where relu6 bounds the numbers. */
  readonly ranges?: RangeRule;
  /** Called after each picture. */
  readonly onPicture?: (pictures: number) => void;
}

/**
 * Runs the network over prepared inputs, a picture each, and keeps what `quantizeNetwork` needs; 32 pictures are enough for most networks. Memory
 * does not grow with their number. Throws a UsageError for a network of several inputs, without pictures, and for numbers that are not finite.
 */
export async function calibrate(
  network: Network,
  inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
  { ranges: rule = 'min-max', onPicture }: CalibrateOptions = {},
): Promise<Calibration> {
  expectNetwork('calibrate', network);
  if (tagOf(inputs) === 'Object')
    throw new UsageError(`calibrate: wanted a list of prepared pictures, found ${found(inputs)}`);
  expectAllWeights(network);
  const folded = foldBatchNormFloat32(network);
  const plan = await compile(folded, { everyTensor: true, reproducible: true });
  const collectors = new Map<string, TensorCollector>();
  let pictures = 0;
  try {
    for await (const input of inputs) {
      for (const [name, tensor] of plan.run(input)) {
        const collector = collectors.get(name) ?? new TensorCollector(rule);
        collectors.set(name, collector);
        collector.add(`${network.name}: '${name}', picture ${pictures + 1}`, tensor);
      }
      pictures++;
      onPicture?.(pictures);
    }
  } finally {
    plan.dispose();
  }
  if (pictures === 0) throw new UsageError(`${network.name}: calibration wants at least one picture`);
  const collected = [...collectors];
  return {
    network: folded,
    ranges: new Map(collected.map(([name, { range }]) => [name, range])),
    means: new Map(collected.map(([name, { means }]) => [name, means])),
    pictures,
  };
}

/** The mean of each channel, which is the last axis, over tensors of the same channels. */
export class ChannelMeans {
  #sums = new Float64Array(0);
  #pixels = 0;

  add(shape: Shape, data: ArrayLike<number>): void {
    const channels = shape.at(-1) ?? 1;
    if (this.#sums.length === 0) this.#sums = new Float64Array(channels);
    for (let pixel = 0; pixel < data.length; pixel += channels) {
      for (let c = 0; c < channels; c++) this.#sums[c] += data[pixel + c];
    }
    this.#pixels += data.length / channels;
  }

  get means(): Float64Array {
    return this.#sums.map((sum) => sum / this.#pixels);
  }
}

/** The range of one tensor's numbers, and the means of its channels. */
class TensorCollector {
  readonly #ranges: RangeCollector;
  readonly #means = new ChannelMeans();

  constructor(rule: RangeRule) {
    this.#ranges = new RangeCollector(rule);
  }

  add(where: string, { shape, data }: Tensor): void {
    this.#ranges.add(data);
    this.#means.add(shape, data);
    if (!this.means.every(Number.isFinite)) {
      const wrong = data.findIndex((value) => !Number.isFinite(value));
      throw new UsageError(`${where}: number ${wrong} is ${data[wrong]}, for which there is no integer`);
    }
  }

  get range(): Range {
    return this.#ranges.range();
  }

  get means(): Float64Array {
    return this.#means.means;
  }
}
