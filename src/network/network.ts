/**
 * A network, as data: named nodes in the order they are computed, named weights, and the conventions the weights were trained
 * with. The reference executor (`run.ts`), the WASM engine and the trainer all run this one description.
 */
import type { layers } from '../layers/index.js';
import type { Shape, Tensor } from '../tensor.js';
import type { Conventions } from './conventions.js';

export type LayerKind = keyof typeof layers;

/** The attributes that a kind of layer may be told, as its file in `src/layers` declares them. Some have defaults. */
export type AttributesGiven<Kind extends LayerKind> = NonNullable<Parameters<(typeof layers)[Kind]['outputShape']>[1]>;

/** All attributes of a kind of layer: a network states each of them. */
export type AttributesOf<Kind extends LayerKind> = Required<AttributesGiven<Kind>>;

interface LayerNode<Kind extends LayerKind> {
  /** Unique within the network; also the name of the tensor it produces. */
  readonly name: string;
  readonly kind: Kind;
  /** Names of earlier nodes or of network inputs. */
  readonly inputs: readonly string[];
  readonly attributes: AttributesOf<Kind>;
}

export type NetworkNode = { [Kind in LayerKind]: LayerNode<Kind> }[LayerKind];

/** A node of one kind, or of one of some: NodeOf<'conv2d' | 'dense'>. */
export type NodeOf<Kind extends LayerKind> = Extract<NetworkNode, { kind: Kind }>;

export interface NetworkInput {
  readonly name: string;
  /** [1, height, width, channels] for pictures. `run` accepts any batch size; the other sizes must agree. */
  readonly shape: Shape;
}

/** Weights by `node name/weight name`: 'conv1/kernel', 'conv1_bn/gamma'. */
export type Weights = ReadonlyMap<string, Tensor>;

export interface Network {
  /** e.g. 'mobilenet_v1_0.75_192'. */
  readonly name: string;
  readonly inputs: readonly NetworkInput[];
  /** In topological order: a node's inputs stand before it. */
  readonly nodes: readonly NetworkNode[];
  /** Names of the nodes (or inputs) that are results. */
  readonly outputs: readonly string[];
  /** Empty for a network that only describes an architecture; see `withWeights` and `randomWeights`. */
  readonly weights: Weights;
  readonly conventions: Conventions;
}

/** Name under which a node's weight is stored. */
export const weightName = (node: string, weight: string): string => `${node}/${weight}`;
