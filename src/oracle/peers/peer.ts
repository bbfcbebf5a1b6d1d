/** Other runtimes beside this library: what they are asked for, and what they answer. */
import type { Network, QuantizedNetwork } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import type { AnyTensor, Tensor } from '../../tensor.js';
import type { Habit, TheirNumbers } from '../integers/peer-numbers.js';
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

/** A quantised file, opened by this library and by another runtime. */
export interface IntegerPeer extends Pick<PeerModel, 'runtime'> {
  readonly network: QuantizedNetwork;
  /** What the runtime is known to compute otherwise. */
  readonly habits: readonly Habit[];
  /** The runtime's integers for every tensor of the file, by our names. Of real inputs the nearest integers are taken. */
  run(inputs: ReadonlyMap<string, AnyTensor>): Promise<ReadonlyMap<string, TheirNumbers>>;
}
