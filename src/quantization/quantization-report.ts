/**
 * How much a network loses by its integers: the ratio of signal to quantisation noise of every tensor, in decibels, and how often both name the
 * same class.
 *
 *   SQNR = 10 · log10(Σ x² / Σ (x − x̂)²),  x̂ = scale · (q − zero point)
 */
import { compile } from '../engine/index.js';
import { compileQuantized } from '../engine/int8/engine.js';
import type { Rounding } from '../layers/int8/index.js';
import { soleReaders } from '../network/graph.js';
import type { Network } from '../network/network.js';
import { isQuantizedTensor, isQuantizedType, type QuantizedNetwork } from '../network/quantized-network.js';
import type { AnyTensor, FloatArray, Tensor } from '../tensor.js';
import { isActivation } from './tensor-types.js';

export interface QuantizedTensorReport {
  readonly name: string;
  /** Decibels; Infinity for equal numbers. */
  readonly sqnr: number;
}

export interface QuantizationReport {
  /** Of every node of the network that the quantised one has too, in its order, but for those before an activation. */
  readonly tensors: readonly QuantizedTensorReport[];
  /** Of the first output; of what its softmax or argMax reads, if it has one: shares of 1/256 and indices say little. */
  readonly sqnr: number;
  /** Inputs to which both give the same largest number there; of a map of labels the share of its positions. Not of a detector's boxes. */
  readonly agreed?: number;
  readonly pictures: number;
}

/** Runs both networks over prepared inputs, a picture each. Tensors are compared in real numbers. */
export async function quantizationReport(
  network: Network,
  quantized: QuantizedNetwork,
  inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
  { rounding = 'single', onPicture }: { rounding?: Rounding; onPicture?: (pictures: number) => void } = {},
): Promise<QuantizationReport> {
  const real = await compile(network, { everyTensor: true, reproducible: true });
  const integers = await compileQuantized(quantized, { everyTensor: true, rounding });
  const noises = new Map<string, Noise>(comparable(network).map((name) => [name, new Noise()]));
  const answer = answerOf(network);
  let [agreed, pictures] = [0, 0];
  try {
    for await (const input of inputs) {
      const wanted = real.run(input);
      const found = integers.run(inputOf(network, quantized, input));
      for (const [name, noise] of noises) {
        const tensor = found.get(name);
        if (tensor) noise.add(wanted.get(name)!.data, realNumbers(tensor));
      }
      agreed += agreement(wanted.get(answer)!, realNumbers(found.get(answer)!));
      pictures++;
      onPicture?.(pictures);
    }
  } finally {
    real.dispose();
    integers.dispose();
  }
  const tensors = [...noises].filter(([, { isEmpty }]) => !isEmpty).map(([name, { sqnr }]) => ({ name, sqnr }));
  const isDetector = network.conventions.detection !== undefined;
  return { tensors, sqnr: noises.get(answer)!.sqnr, ...(!isDetector && { agreed }), pictures };
}

/** Without tensors that only an activation reads: their integers are clamped already. */
function comparable({ nodes, outputs }: Network): string[] {
  const sole = soleReaders(nodes, outputs);
  return nodes.map(({ name }) => name).filter((name) => !isActivation(sole.get(name)));
}

/** A prepared picture, or its bytes: those that the network of real numbers would have been prepared from. */
export function inputOf(
  network: Network,
  { inputs: [{ type }] }: QuantizedNetwork,
  { shape, data }: Tensor,
): AnyTensor {
  if (!isQuantizedType(type)) return { shape, data };
  const { scale, mean, deviation } = network.conventions.preprocessing!;
  return { shape, type, data: Uint8Array.from(data, (x) => Math.round((x * deviation[0] + mean[0]) / scale)) };
}

/** The first output, or what its softmax or argMax reads. */
function answerOf({ nodes, outputs: [output] }: Network): string {
  const node = nodes.find(({ name }) => name === output);
  return node?.kind === 'softmax' || node?.kind === 'argMax' ? node.inputs[0] : output;
}

class Noise {
  #signal = 0;
  #noise = 0;

  add(wanted: FloatArray, found: ArrayLike<number>): void {
    for (let i = 0; i < wanted.length; i++) {
      this.#signal += wanted[i] ** 2;
      this.#noise += (wanted[i] - found[i]) ** 2;
    }
  }

  get isEmpty(): boolean {
    return this.#signal === 0 && this.#noise === 0;
  }

  get sqnr(): number {
    return 10 * Math.log10(this.#signal / this.#noise);
  }
}

/** What a tensor's integers stand for. */
export function realNumbers(tensor: AnyTensor): ArrayLike<number> {
  if (!isQuantizedTensor(tensor)) return tensor.data;
  const { data, type } = tensor;
  if (!('scale' in type)) throw new TypeError('a tensor between layers has one scale');
  return Float64Array.from(data, (q) => type.scale * (q - type.zeroPoint));
}

/** The share of the positions, of which a classifier's answer has one, where both have their largest number in the same channel. */
function agreement({ shape, data }: Tensor, found: ArrayLike<number>): number {
  const channels = shape.at(-1)!;
  const positions = data.length / channels;
  let same = 0;
  for (let i = 0; i < positions; i++) {
    if (largest(data, i * channels, channels) === largest(found, i * channels, channels)) same++;
  }
  return same / positions;
}

function largest(numbers: ArrayLike<number>, begin: number, count: number): number {
  let best = begin;
  for (let i = begin + 1; i < begin + count; i++) if (numbers[i] > numbers[best]) best = i;
  return best;
}
