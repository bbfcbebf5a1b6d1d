/**
 * `mobilenet` as @tensorflow-models/mobilenet has it, for programs that are to change one line only. What differs:
 *
 *                        @tensorflow-models/mobilenet 2.1        here
 *   weights              TF Hub's; their addresses answer 403    `modelUrl`, or Keras' of the same architecture, by `load`'s rules
 *   modelUrl             a TensorFlow.js graph model             whatever `load` takes: .safetensors, .tflite, .onnx, .h5, model.json, bytes …
 *   size                 224 × 224                               the network's own
 *   outputs              1001, of which the first is removed     1001, or those of the classes alone
 *   inputRange           [−1, 1] unless given, with a modelUrl   what the file states, and [−1, 1] where it states nothing
 *   className            ImageNet's                              the file's, or the option `labels`; 'class 7' where nobody knows
 *   infer                a tf.Tensor                             shape, data, dataSync, array, arraySync, print, dispose
 *   tensors as pictures  any numbers                             whole numbers from 0 to 255, as tf.browser.fromPixels makes them
 *   @tensorflow/tfjs     needed                                  not needed; `model.dispose()` frees the memory
 *
 * The same are: defaults (version 1, alpha 1, topk 3), shapes, the whole picture stretched with corners aligned, the softmax over the classes.
 */
import { DownloadError, UsageError } from '../errors.js';
import { readTfjs } from '../formats/tfjs.js';
import { found } from '../found.js';
import { loadWith } from '../load/load.js';
import type { LoadOptions, ModelSource } from '../load/model.js';
import type { Platform } from '../load/platform.js';
import type { Network } from '../network/index.js';
import { type InputRange, MobileNet } from './mobilenet-model.js';

export interface ModelConfig extends Omit<LoadOptions, 'preprocessing'> {
  /** 1 unless stated. */
  readonly version?: 1 | 2;
  /** Width multiplier: 0.25, 0.5, 0.75 or 1; 1 unless stated. */
  readonly alpha?: number;
  /** The model. Unless stated, Keras' network of that version and alpha is fetched, where its host allows it. */
  readonly modelUrl?: ModelSource | IOHandler;
  /** What bytes 0 and 255 of a picture become. */
  readonly inputRange?: InputRange;
}

/** Of tf.io.IOHandler, what loads a model. */
export interface IOHandler {
  load(): Promise<{
    readonly modelTopology?: object | ArrayBuffer;
    readonly weightSpecs?: readonly object[];
    readonly weightData?: ArrayBuffer | readonly ArrayBuffer[];
  }>;
}

export type LoadMobileNet = (config?: ModelConfig) => Promise<MobileNet>;

/** `mobilenet.load` for a platform. */
export function mobilenetFor(platform: () => Platform): { load: LoadMobileNet } {
  return {
    async load(config = {}) {
      checkConfig(config);
      const { version = 1, alpha = 1, modelUrl, inputRange, ...options } = config;
      const read = loadWith(platform(), (loaded, _pictures, compile) =>
        MobileNet.create(loaded.network, inputRange, compile),
      );
      if (modelUrl !== undefined) return read(isHandler(modelUrl) ? await networkOf(modelUrl) : modelUrl, options);
      const name = await nameOf(version, alpha);
      return read(name, options).catch((error) => {
        throw error instanceof DownloadError ? withoutModelUrl(error) : error;
      });
    },
  };
}

function checkConfig(config: ModelConfig): void {
  if (typeof config !== 'object' || config === null) {
    throw new UsageError(
      `mobilenet.load: wanted an object such as { version: 1, alpha: 0.25, modelUrl }, found ${found(config)}`,
    );
  }
  const { inputRange } = config;
  if (inputRange === undefined) return;
  const [min, max] = inputRange;
  if (!(inputRange.length === 2 && Number.isFinite(min) && Number.isFinite(max) && min < max)) {
    throw new UsageError(`mobilenet.load: inputRange must be two numbers, the smaller first, found [${inputRange}]`);
  }
}

/** The published network's name. Throws a UsageError where there is none of that version and alpha. */
async function nameOf(version: number, alpha: number): Promise<string> {
  const { findRelease, releases } = await import('../pretrained/releases.js');
  const release = findRelease(`mobilenet_v${version}_${alpha}_224`);
  if (release !== undefined) return release.name;
  const known = releases.flatMap(
    ({ name }) => /^mobilenet_v(\d)_([\d.]+)_224$/.exec(name)?.slice(1).join(', alpha ') ?? [],
  );
  throw new UsageError(
    `mobilenet.load: there is no version ${version}, alpha ${alpha}; wanted version ${known.join('; version ')}; or a modelUrl`,
  );
}

const withoutModelUrl = (error: DownloadError): DownloadError =>
  new DownloadError(
    `mobilenet.load: without a modelUrl, published weights are fetched, which failed:\n${error.message}\nHere: mobilenet.load({ modelUrl: 'the address of your copy' })`,
    { cause: error },
  );

const isHandler = (source: ModelSource | IOHandler): source is IOHandler =>
  typeof source === 'object' && source !== null && 'load' in source && typeof source.load === 'function';

/** A handler's model: its description, and its weights in one piece. */
async function networkOf(handler: IOHandler): Promise<Network> {
  const { modelTopology, weightSpecs = [], weightData = [] } = await handler.load();
  const weightsManifest = [{ paths: ['weights'], weights: weightSpecs }];
  const description = new TextEncoder().encode(JSON.stringify({ modelTopology, weightsManifest }));
  const weights = await new Blob(Array.isArray(weightData) ? weightData : [weightData]).arrayBuffer();
  return readTfjs(
    new Map([
      ['model.json', description],
      ['weights', new Uint8Array(weights)],
    ]),
  );
}
