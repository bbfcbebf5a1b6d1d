/** What `load` takes and gives: one interface in a page, in a worker and in Node. */
import type { BoxOptions, Detection } from '../detection/detections.js';
import type { Plan } from '../engine/engine.js';
import type { CompileOptions, EngineReport, KernelModules, Target } from '../engine/index.js';
import type { Reader, ReadOptions } from '../formats/index.js';
import type { GrabOptions } from '../image/browser.js';
import type { Picture } from '../image/picture.js';
import type { PictureSource } from '../image/sources.js';
import type { Rounding } from '../layers/int8/fixed-point.js';
import type { Network, NetworkInput, NetworkInputs, Preprocessing, PresetName } from '../network/index.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';
import type { PixelOptions, Segmentation } from '../segmentation/segmentation.js';
import type { Prediction, PredictionOptions } from '../tasks/index.js';
import type { IntegerInput } from '../tasks/integer-input.js';
import type { AnyTensor, Shape, Tensor } from '../tensor.js';
import type { WebAbortSignal, WebBlob, WebFetch, WebRequest, WebResponse, WebUrl } from '../web-types.js';
import type { ChoiceOptions } from './choose.js';
import type { LaterTasks } from './later-tasks.js';

declare global {
  /** For projects whose lib has no Symbol.dispose yet. */
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}

/**
 * What a model is loaded from. A text is, in Node, the path of a file that exists; otherwise the name of a published network
 * ('mobilenet_v1_0.25_224'); otherwise an address. The address (or path) of a TensorFlow.js model.json stands for its shards too.
 * Beside a Keras model's, metadata.json is asked for, where Teachable Machine keeps the labels: where there is none, a page's console shows a
 * 404, which does no harm.
 */
export type ModelSource = string | WebUrl | WebRequest | WebResponse | WebBlob | ArrayBuffer | Uint8Array | Network;

export interface LoadProgress {
  /** The phases follow each other; what is not downloaded begins with 'read'. */
  readonly phase: 'download' | 'read' | 'compile';
  /** Bytes of the download; of the other phases 0 or 1. Never falls within a phase. */
  readonly loaded: number;
  /** As `loaded`, of the whole phase; absent where the server does not say how long its files are. */
  readonly total?: number;
}

/** A compiled network, of real numbers or of integers that stand for them. */
export interface ModelPlan extends Pick<Plan, 'network' | 'dispose'> {
  run(inputs: NetworkInputs | AnyTensor): Map<string, Tensor>;
  /** A tensor of the only input's integers, which pictures are prepared into; absent where it takes real numbers. */
  integersOf?(shape: Shape): IntegerInput;
  report(): EngineReport & Pick<ModelReport, 'rounding'>;
}

/** Compiles the part of a network that yields its outputs. */
export type CompilePart = (network: Network, options: CompileOptions) => Promise<ModelPlan>;

/** What compiles the integers of a quantised network, parts of which are asked for by the names of its real numbers. */
export type IntegerEngine = (network: QuantizedNetwork, rounding?: Rounding) => CompilePart;

/** An option that would have no effect with what is loaded is an error. */
export interface LoadOptions extends ReadOptions {
  /** In place of the file's own; one for each output, with or without the background. An empty list: none. */
  readonly labels?: readonly string[];
  /** How pictures become inputs, in place of what the file says. Where neither says it, asking for a picture is an error. */
  readonly preprocessing?: Preprocessing | PresetName;
  /** What computes: 'auto' is the fastest that works here; see `report().chain`. 'reference' asks for the readable layers. */
  readonly target?: 'auto' | Target | readonly Target[];
  /**
   * Kernels that are already compiled: a `WebAssembly.Module` of `depthwise/engine/simd.wasm`, `relaxed.wasm` or `scalar.wasm`, or several by
   * their targets. For hosts that compile no bytes.
   */
  readonly module?: KernelModules;
  /**
   * Of a quantised file: 'single' (unless stated) rounds as the optimised kernels of TensorFlow Lite do, LiteRT.js' among them, 'double' as its
   * reference kernels and tflite-micro.
   */
  readonly rounding?: Rounding;
  /**
   * Computes a quantised file with the real numbers that its integers stand for.
   */
  readonly asRealNumbers?: boolean;
  /**
   * What computes quantised files, in place of `import()`: `integerEngine` of `depthwise/engine/integers`. Workers of `createWorker` have their own.
   */
  readonly integers?: IntegerEngine;
  /** Leaves relaxed SIMD out, whose results may differ between machines in the last bit. */
  readonly reproducible?: boolean;
  /** In place of `import()`, where that is not possible: service workers, single scripts. The first bytes still decide which one reads. */
  readonly readers?: readonly Reader[];
  /**
   * What `detect` and `segment` do with a network's answer, in place of `import()`: `{ detections }` of `depthwise/detection`, `{ segmentation }` of
   * `depthwise/segmentation`. Workers of `createWorker` bring both along.
   */
  readonly tasks?: Partial<LaterTasks>;
  /**
   * Where downloads are kept. In a page: true, or the name of a store, for the Cache API; addresses are not kept unless it is stated. In Node: a
   * folder; true is the user's cache folder, where published networks are kept in any case.
   */
  readonly cache?: boolean | string;
  /** The file's SHA-256, 'sha256-BASE64' or 64 hexadecimal digits; checked each time, for a kept file too. Not for networks, published or not. */
  readonly integrity?: string;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Called when no kernels work here and the readable layers compute, which is slow; unless given, it is a warning on the console. */
  readonly onFallback?: (report: EngineReport) => void;
  /** Ends loading; the promise is rejected with the signal's reason. */
  readonly signal?: WebAbortSignal;
  /** In place of the platform's, for everything that is fetched, the addresses of pictures included. */
  readonly fetch?: WebFetch['fetch'];
}

/**
 * What a model is asked about. Everywhere: a `Picture`, or its pixels without their number of channels, `ImageData`, `Blob` or `File`, the bytes of a
 * picture file, an address, or a `Tensor` [1, H, W, C] that is prepared already. In a page also what it shows: an <img>, SVG <image>, <video>, <canvas>, OffscreenCanvas, ImageBitmap, VideoFrame. In Node also
 * the path of a picture file. Nothing that is given is changed or closed.
 */
export type ModelInput =
  | PictureSource
  | Picture
  | Omit<Picture, 'channels'>
  | Tensor
  | WebBlob
  | WebUrl
  | ArrayBuffer
  | Uint8Array
  | string;

export interface ModelRunOptions extends GrabOptions {
  /** Ends the call between two pictures. */
  readonly signal?: WebAbortSignal;
}

export interface ModelClassifyOptions extends ModelRunOptions, PredictionOptions, ChoiceOptions {}

export interface ModelEmbedOptions extends ModelRunOptions {
  /** Name of any layer; unless stated, what the classifier reads. */
  readonly layer?: string;
  /** Average feature maps [N, H, W, C] to [N, C]; true unless stated. What is flat already stays as it is. */
  readonly pool?: boolean;
}

export interface ModelDetectOptions extends ModelRunOptions, BoxOptions {}

export interface ModelSegmentOptions extends ModelRunOptions, PixelOptions {}

export interface ModelReport extends EngineReport {
  readonly name: string;
  /** Name of the layer that `embed` reads unless told otherwise; absent where the network has no classifier. */
  readonly embeddingLayer?: string;
  /** Whether the network's weights are kept beside the packed ones, or are read again when another layer is asked for. */
  readonly weights: 'kept' | 'read again';
  /** How the integers of a quantised file are rounded; absent where real numbers are computed. */
  readonly rounding?: Rounding;
}

/** A network, compiled and ready to be asked. Calls may overlap; a batch runs picture by picture. */
export interface Model {
  readonly name: string;
  /** One for each output; undefined where they are not known. */
  readonly labels: readonly string[] | undefined;
  readonly inputs: readonly NetworkInput[];
  /** [height, width] of the pictures as the network sees them. */
  readonly inputSize: readonly [height: number, width: number];
  /** The best predictions for one input; for a list of them, a list each. */
  classify(input: readonly ModelInput[], options?: ModelClassifyOptions): Promise<Prediction[][]>;
  classify(input: ModelInput, options?: ModelClassifyOptions): Promise<Prediction[]>;
  /**
   * The objects in one input, the surest first; for a list of inputs, a list each. Boxes are in pixels of the picture as it was given; of a
   * prepared tensor, in pixels of the network's input. Rejected with a UsageError where the network detects nothing.
   */
  detect(input: readonly ModelInput[], options?: ModelDetectOptions): Promise<Detection[][]>;
  detect(input: ModelInput, options?: ModelDetectOptions): Promise<Detection[]>;
  /** The class of each pixel of the picture as it was given; of a prepared tensor, of each pixel of the network's input. */
  segment(input: readonly ModelInput[], options?: ModelSegmentOptions): Promise<Segmentation[]>;
  segment(input: ModelInput, options?: ModelSegmentOptions): Promise<Segmentation>;
  /** Features [N, C] of N inputs. */
  embed(input: ModelInput | readonly ModelInput[], options?: ModelEmbedOptions): Promise<Tensor>;
  /** [N, outputs]. Of a network that ends in softmax, what goes into it. */
  logits(input: ModelInput | readonly ModelInput[], options?: ModelRunOptions): Promise<Tensor>;
  /** [N, outputs]; each row sums to 1 (of a quantised network: nearly). */
  probabilities(input: ModelInput | readonly ModelInput[], options?: ModelRunOptions): Promise<Tensor>;
  /**
   * Tensors by the names of the layers that made them: those that are named, or all, inputs included. A plan for named ones is kept; one for all is
   * made anew for each call, since it takes much memory.
   */
  trace(input: ModelInput, names?: readonly string[], options?: ModelRunOptions): Promise<Map<string, Tensor>>;
  report(): ModelReport;
  /** Frees the memory. May be called again; whatever is asked later is rejected. */
  dispose(): void;
  [Symbol.dispose](): void;
}
