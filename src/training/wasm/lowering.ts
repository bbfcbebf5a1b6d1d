/**
 * What lowering a training step works with: the program being written, and the maps and their gradients by tensor name. Weights are brought into the
 * kernels' layouts when their layer is reached, gradients into the optimiser's as soon as they are complete. The backward half is written after the forward one, in reverse order, so that a tensor's gradient is complete when its own layer is reached.
 */
import { NetworkError } from '../../errors.js';
import { nodesByName, soleReaders } from '../../network/graph.js';
import { inferShapes, type Network, type NetworkNode } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import type { Shape } from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import { at, Program } from '../../wasm/program.js';
import type { Grids } from '../step/fake-quantization.js';
import { type ParameterLayout, parameterLayout, type Slot } from '../step/parameters.js';
import type { TrainingKernelTable } from './kernels.js';
import { type FeatureMap, groupsOf, type MapLayout, type MapShape, type Margins, mapLayout } from './maps.js';

export type Pass = 'forward' | 'loss' | 'backward';

/** What some steps do together. */
export interface TrainingOperation {
  readonly pass: Pass;
  /** The network's nodes that are computed; none for the loss. */
  readonly nodes: readonly string[];
}

/** A vector of weights. */
export interface Vector {
  readonly vector: Place;
  readonly gradient: Place;
  /** Writes the step that hands the gradient out. */
  store(): void;
}

/** What a layer's lowering, whose forward steps are written, leaves for later: the backward steps. */
export type Backward = () => void;

/** Where a gradient is to be written, and whether something is there that it must be added to. */
export interface GradientTarget {
  readonly map: FeatureMap;
  readonly accumulate: boolean;
}

export class Lowering {
  readonly network: Network;
  readonly batch: number;
  readonly layout: ParameterLayout;
  /** How many dropouts have been lowered. */
  dropouts = 0;
  readonly maps = new Map<string, FeatureMap>();
  /** Every step and its memory. */
  readonly program = new Program<TrainingKernelTable>();
  /** By the index that steps serve. */
  readonly operations: TrainingOperation[] = [];
  /** Batch statistics to hand out, each times a factor. */
  readonly statistics: { readonly slot: Slot; readonly from: Place; readonly factor: number }[] = [];
  /** Flat arrays, as `parameters.ts` lays them out. */
  readonly values: Place;
  readonly gradients: Place;
  readonly #shapes: Map<string, Shape>;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #producers: ReadonlyMap<string, NetworkNode>;
  readonly #readers: ReadonlyMap<string, NetworkNode | undefined>;
  readonly #gradients = new Map<string, FeatureMap>();

  /** What the integers of some tensors can say, where training is quantisation-aware. */
  readonly #grids: Grids;

  constructor(network: Network, batch: number, grids: Grids = new Map()) {
    this.network = network;
    this.batch = batch;
    this.#grids = grids;
    this.layout = parameterLayout(network);
    this.#slots = new Map([...this.layout.trainable, ...this.layout.statistics].map((slot) => [slot.name, slot]));
    this.#shapes = inferShapes(
      network,
      new Map(network.inputs.map(({ name, shape }) => [name, [batch, ...shape.slice(1)]])),
    );
    this.#producers = nodesByName(network);
    this.#readers = soleReaders(network.nodes, network.outputs);
    this.values = this.program.constant(this.layout.trainableSize * 4);
    this.gradients = this.program.constant(this.layout.trainableSize * 4);
  }

  shapeOf(name: string): Shape {
    return this.#shapes.get(name) as Shape;
  }

  /** [batch, rows, columns, channels], or [batch, channels] as a map of one pixel. */
  mapShapeOf(name: string): MapShape {
    const shape = this.shapeOf(name);
    if (shape.length === 2) return { images: shape[0], rows: 1, columns: 1, channels: shape[1] };
    if (shape.length === 4) return { images: shape[0], rows: shape[1], columns: shape[2], channels: shape[3] };
    throw new NetworkError(
      `${this.network.name}: training takes maps and vectors, and '${name}' is [${shape.join(', ')}]`,
    );
  }

  /** The only node that reads this tensor, if there is just one and the tensor is no result. */
  soleConsumerOf(name: string): NetworkNode | undefined {
    return this.#readers.get(name);
  }

  producerOf(name: string): NetworkNode | undefined {
    return this.#producers.get(name);
  }

  slot(node: NetworkNode, weight: string): Slot {
    return this.#slots.get(weightName(node.name, weight)) as Slot;
  }

  /** Memory for a map. Maps with margins have their own, whose zeros last. */
  place(layout: MapLayout): FeatureMap {
    const { bytes, margins } = layout;
    return { ...layout, place: margins ? this.program.constant(bytes) : this.program.buffer(bytes) };
  }

  /** Steps added from here on serve this operation. */
  begin(pass: Pass, nodes: readonly string[] = []): void {
    this.program.operation = this.operations.push({ pass, nodes }) - 1;
  }

  /** The map of a tensor that has been computed. */
  mapOf(name: string): FeatureMap {
    return this.maps.get(name) as FeatureMap;
  }

  /** A new map for a tensor. */
  define(name: string, margins?: Margins): FeatureMap {
    const map = this.place(mapLayout(this.mapShapeOf(name), margins));
    this.maps.set(name, map);
    return map;
  }

  /** Gradients of pictures are not needed. */
  needsGradient(name: string): boolean {
    return this.network.inputs.every((input) => input.name !== name);
  }

  /** Rounds a tensor that has been computed, where its integers are known. Its gradient passes as if nothing had happened. */
  quantize(name: string): void {
    const grid = this.#grids.get(name);
    if (grid === undefined) return;
    const { place, bytes } = this.mapOf(name);
    this.program.step('fakeQuantize', place, bytes, grid.scale, grid.lo, grid.hi);
  }

  hasGradient(name: string): boolean {
    return this.#gradients.has(name);
  }

  /** The complete gradient of a tensor. Throws a NetworkError where the loss does not depend on it. */
  gradientOf(name: string): FeatureMap {
    const gradient = this.#gradients.get(name);
    if (!gradient) throw new NetworkError(`${this.network.name}: the loss does not depend on '${name}'`);
    return gradient;
  }

  /** Where a consumer of the tensor writes, or adds, its share of the gradient. */
  gradientTarget(name: string, margins?: Margins): GradientTarget {
    const known = this.#gradients.get(name);
    if (known) return { map: known, accumulate: true };
    const map = this.place(mapLayout(this.mapShapeOf(name), margins));
    this.#gradients.set(name, map);
    return { map, accumulate: false };
  }

  /** The same for kernels that cannot add: `write` writes the steps that fill the map it is given. */
  addGradient(name: string, write: (dx: FeatureMap) => void, margins?: Margins): void {
    const { map, accumulate } = this.gradientTarget(name, margins);
    if (!accumulate) {
      write(map);
      return;
    }
    const share = this.place(mapLayout(map));
    write(share);
    this.program.step('addMaps', share.place, map.place, map.bytes, map.place);
  }

  /** Lets a tensor's gradient be the memory of this map, which holds it already and which nobody else reads from here on. */
  shareGradient(name: string, map: FeatureMap): void {
    this.#gradients.set(name, { ...map, ...this.mapShapeOf(name) });
  }

  /** A vector of the optimiser's with zeros up to a multiple of eight. */
  vector({ offset, size }: Slot): Vector {
    const vector = this.program.constant(groupsOf(size) * 32);
    const gradient = this.program.constant(groupsOf(size) * 32);
    this.program.step('copyBytes', at(this.values, offset * 4), size * 4, vector);
    const store = () => this.program.step('copyBytes', gradient, size * 4, at(this.gradients, offset * 4));
    return { vector, gradient, store };
  }
}
