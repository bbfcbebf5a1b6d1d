/** What the benchmark asks of a runtime. */
import type { Network } from '../../../../dist/network/index.js';

/**
 * The engine has kernels for each level. LiteRT.js has them for plain and relaxed SIMD, TF.js with any SIMD and without; the others have one build.
 * javascript is the engine without WebAssembly, beside what else computes in JavaScript.
 */
export type SimdLevel = 'javascript' | 'none' | 'plain' | 'relaxed';

export interface Contestant {
  readonly name: string;
  /** Peers of kind 'wasm' are what the engine competes with; the others frame the picture. */
  readonly kind: 'engine' | 'wasm' | 'javascript' | 'native';
  load(network: Network): Promise<Loaded>;
}

/** A network, ready to run on one thread. */
export interface Loaded {
  /** Float32Array [1, height, width, 3] in, Float32Array [1, classes] out: copying in and out is timed. */
  run(picture: Float32Array): Float32Array | Promise<Float32Array>;
  /** Untimed, before each turn. */
  prepare?(): Promise<void>;
  dispose(): void | Promise<void>;
}

/** Where the benchmark runs: Node or a page. */
export interface Surroundings {
  /** The folder of each runtime's WASM files, with a slash at its end. */
  readonly folders: Readonly<Record<'litert' | 'tfjsTflite' | 'tfjsWasm' | 'onnxruntime', string>>;
  readonly simd: SimdLevel;
  /** Loads a runtime that was made for pages alone. */
  asPage<T>(load: () => Promise<T>): Promise<T>;
}
