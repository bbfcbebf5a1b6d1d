/** The model that `mobilenet.load` returns: `classify` and `infer` of @tensorflow-models/mobilenet on this engine. */

import type { Plan } from '../engine/engine.js';
import { type CompileOptions, compile, type EngineReport } from '../engine/index.js';
import { UsageError } from '../errors.js';
import { embeddingLayer, logitsLayer } from '../network/heads.js';
import { type Conventions, type Network, type Preprocessing, preprocessingPreset } from '../network/index.js';
import { inputTensor } from '../tasks/execute.js';
import { predictions } from '../tasks/index.js';
import { tensor } from '../tensor.js';
import { InferredTensor } from './inferred-tensor.js';
import { type MobileNetInput, pictureIn } from './pixels.js';

/** What a number of a pixel becomes: byte 0 the first, byte 255 the second. */
export type InputRange = readonly [min: number, max: number];

export interface ClassProbability {
  readonly className: string;
  readonly probability: number;
}

export class MobileNet {
  readonly #network: Network;
  readonly #plan: Plan;
  readonly #preprocessing: Preprocessing;
  readonly #logits: string;
  readonly #embedding: string | undefined;
  /** Outputs before those of the classes: 1 where output 0 is the background. */
  readonly #background: 0 | 1;

  /** `range` goes before what the network states. */
  static async create(network: Network, range: InputRange | undefined, options: CompileOptions): Promise<MobileNet> {
    const logits = logitsLayer(network);
    const embedding = embeddingLayer(network);
    const outputs = [...new Set([logits, ...(embedding === undefined ? [] : [embedding])])];
    return new MobileNet(network, await compile({ ...network, outputs }, options), logits, embedding, range);
  }

  private constructor(
    network: Network,
    plan: Plan,
    logits: string,
    embedding: string | undefined,
    range: InputRange | undefined,
  ) {
    this.#network = { ...network, weights: new Map() };
    this.#plan = plan;
    this.#logits = logits;
    this.#embedding = embedding;
    this.#preprocessing = oldPreprocessing(network, range);
    this.#background = network.conventions.labelOffset ?? 0;
  }

  /**
   * The logits [1, classes], without the background's, or with `embedding` what the classifier reads, [1, features]. Throws a PictureError for
   * what shows no picture.
   */
  infer(img: MobileNetInput, embedding = false): InferredTensor {
    const layer = embedding ? this.#embedding : this.#logits;
    if (layer === undefined) {
      throw new UsageError(`mobilenet: ${this.#network.name} ends with no classifier, which could have an embedding`);
    }
    const x = inputTensor(this.#network, pictureIn(img), { preprocessing: this.#preprocessing });
    const { data } = this.#plan.run(x).get(layer)!;
    const numbers = Float32Array.from(embedding ? data : data.subarray(this.#background));
    return new InferredTensor([1, numbers.length], numbers);
  }

  /** The `topk` most likely classes, best first. */
  async classify(img: MobileNetInput, topk = 3): Promise<ClassProbability[]> {
    const logits = this.infer(img);
    const [best] = predictions(tensor(logits.shape, logits.dataSync()), this.#classes(), { top: topk });
    return best.map(({ label, probability }) => ({ className: label, probability }));
  }

  /** What computes, and why. */
  report(): EngineReport {
    return this.#plan.report();
  }

  /** Frees the engine's memory. */
  dispose(): void {
    this.#plan.dispose();
  }

  /** Conventions of the logits without the background. */
  #classes(): Conventions {
    const { source, labels } = this.#network.conventions;
    return { source, output: 'logits', labelOffset: 0, ...(labels && { labels: labels.slice(this.#background) }) };
  }
}

/** The whole picture, stretched, corners aligned; numbers in the range, or as the network states, or else from −1 to 1. */
function oldPreprocessing({ inputs, conventions }: Network, range: InputRange | undefined): Preprocessing {
  const [, height, width] = inputs[0].shape;
  const old = preprocessingPreset('tfjs', [height, width]);
  if (range !== undefined) {
    const [min, max] = range;
    return { ...old, scale: (max - min) / 255, mean: [-min, -min, -min] };
  }
  const { preprocessing: stated = old } = conventions;
  return { ...stated, crop: old.crop, resize: old.resize, size: old.size };
}
