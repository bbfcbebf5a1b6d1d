/** Other runtimes beside this library: what they are asked for, and what they answer. */
import type { Network } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import type { Tensor } from '../../tensor.js';
import type { Packages } from './packages.js';

export interface PeerOptions {
  /** [height, width] of the input, for a file that leaves them open. */
  readonly resolution?: Pair;
  readonly packages?: Packages;
}

/** A model file, opened by this library and by another runtime. */
export interface PeerModel {
  /** As this library reads the file. */
  readonly network: Network;
  /** Name and version of the other runtime: 'onnxruntime-node 1.30.0'. */
  readonly runtime: string;
  /** What the other runtime computes from the network's inputs. */
  run(inputs: ReadonlyMap<string, Tensor>): Promise<PeerAnswer>;
}

export interface PeerAnswer {
  /** Every tensor that the runtime shows and that the network has, by our names, in our layout. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The file's names by ours. */
  readonly theirNames: ReadonlyMap<string, string>;
}
