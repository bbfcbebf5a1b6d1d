/**
 * What lowering a training step works with: the list of kernel calls being written, the maps and their gradients by tensor name, and the memory of it
 * all. The backward half is written after the forward one, in reverse order, so that a tensor's gradient is complete when its own layer is reached.
 */
import { align, type Buffer, placeBuffers } from '../../engine/memory.js';
import { NetworkError } from '../../errors.js';
import { nodesByName, soleReaders } from '../../network/graph.js';
import { inferShapes, type Network, type NetworkNode, weightName } from '../../network/index.js';
import type { Shape } from '../../tensor.js';
import { type ParameterLayout, parameterLayout, type Slot } from '../step/parameters.js';
import type { TrainingKernels } from './kernels.js';
import { type FeatureMap, featureMap, groupsOf, type MapShape, type Margins } from './maps.js';

/** What a step of the list works with when it runs. */
export interface Machine {
  readonly kernels: TrainingKernels;
  readonly memory: Float32Array;
  /** Byte address of a buffer. */
  readonly at: (buffer: Buffer) => number;
  /** Address and distance of groups, as kernels take a map without margins. */
  readonly flat: (map: FeatureMap) => [address: number, group: number];
  /** Address of the first pixel and distances of groups, images and rows, as kernels take a map that may have margins. */
  readonly strided: (map: FeatureMap) => [address: number, group: number, image: number, row: number];
  /** The same from the first number on, be it a margin. */
  readonly whole: (map: FeatureMap) => [address: number, group: number, image: number, row: number];
  /** Of this call, for dropout. */
  readonly seed: number;
}

export type Step = (machine: Machine) => void;

/** One layer, or several that run as one, whose forward steps are written; `backward` writes the others. */
export interface Unit {
  backward(): void;
}

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
  /** Steps that bring the optimiser's numbers into the kernels' layouts, the step itself, and the way back. */
  readonly load: Step[] = [];
  readonly steps: Step[] = [];
  readonly unload: Step[] = [];
  /** Batch statistics to hand out, each times a factor. */
  readonly statistics: { readonly slot: Slot; readonly from: Buffer; readonly factor: number }[] = [];
  /** Flat arrays, as `parameters.ts` lays them out. */
  readonly values: Buffer;
  readonly gradients: Buffer;
  readonly #shapes: Map<string, Shape>;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #producers: ReadonlyMap<string, NetworkNode>;
  readonly #readers: ReadonlyMap<string, NetworkNode | undefined>;
  readonly #gradients = new Map<string, FeatureMap>();
  readonly #buffers = new Set<Buffer>();
  #constantBytes = 0;

  constructor(network: Network, batch: number) {
    this.network = network;
    this.batch = batch;
    this.layout = parameterLayout(network);
    this.#slots = new Map([...this.layout.trainable, ...this.layout.statistics].map((slot) => [slot.name, slot]));
    this.#shapes = inferShapes(
      network,
      new Map(network.inputs.map(({ name, shape }) => [name, [batch, ...shape.slice(1)]])),
    );
    this.#producers = nodesByName(network);
    this.#readers = soleReaders(network.nodes, network.outputs);
    this.values = this.constant(this.layout.trainableSize * 4);
    this.gradients = this.constant(this.layout.trainableSize * 4);
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

  /** Memory that nothing else ever uses; zero until written. */
  constant(bytes: number): Buffer {
    const buffer = { bytes, first: 0, last: Infinity, offset: this.#constantBytes };
    this.#constantBytes += align(bytes);
    return buffer;
  }

  /** Gives a map with margins memory of its own, whose zeros last. */
  permanent(map: FeatureMap): FeatureMap {
    return { ...map, buffer: this.constant(map.buffer.bytes) };
  }

  /** Adds a step; the buffers that it touches live from the first such step to the last. */
  step(touches: readonly FeatureMap[], run: Step): void {
    const now = this.steps.push(run);
    for (const { buffer } of touches) {
      if (buffer.last === Infinity) continue;
      this.#buffers.add(buffer);
      buffer.first = Math.min(buffer.first, now);
      buffer.last = Math.max(buffer.last, now);
    }
  }

  /** The map of a tensor that has been computed. */
  mapOf(name: string): FeatureMap {
    return this.maps.get(name) as FeatureMap;
  }

  /** A new map for a tensor. */
  define(name: string, margins?: Margins): FeatureMap {
    const map = featureMap(this.mapShapeOf(name), margins);
    const placed = margins ? this.permanent(map) : map;
    this.maps.set(name, placed);
    return placed;
  }

  /** Gradients of pictures are not needed. */
  needsGradient(name: string): boolean {
    return this.network.inputs.every((input) => input.name !== name);
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
    const map = featureMap(this.mapShapeOf(name), margins);
    const target = margins ? this.permanent(map) : map;
    this.#gradients.set(name, target);
    return { map: target, accumulate: false };
  }

  /** The same for kernels that cannot add: `write` writes the steps that fill the map it is given. */
  addGradient(name: string, write: (dx: FeatureMap) => void, margins?: Margins): void {
    const { map, accumulate } = this.gradientTarget(name, margins);
    if (!accumulate) {
      write(map);
      return;
    }
    const share = featureMap(map);
    write(share);
    this.step([share, map], ({ kernels, at }) => {
      kernels.addMaps(at(share.buffer), at(map.buffer), map.buffer.bytes, at(map.buffer));
    });
  }

  /** Lets a tensor's gradient be the memory of this map, which holds it already and which nobody else reads from here on. */
  shareGradient(name: string, map: FeatureMap): void {
    this.#gradients.set(name, { ...map, ...this.mapShapeOf(name) });
  }

  /** A vector of the optimiser's with zeros up to a multiple of eight, and the place of its gradient. */
  vector({ offset, size }: Slot): { vector: Buffer; gradient: Buffer } {
    const vector = this.constant(groupsOf(size) * 32);
    const gradient = this.constant(groupsOf(size) * 32);
    this.load.push(({ memory, at }) => {
      const from = at(this.values) / 4 + offset;
      memory.copyWithin(at(vector) / 4, from, from + size);
    });
    this.unload.push(({ memory, at }) => {
      memory.copyWithin(at(this.gradients) / 4 + offset, at(gradient) / 4, at(gradient) / 4 + size);
    });
    return { vector, gradient };
  }

  /** Places all buffers; returns the bytes of constants and of everything. */
  layOut(): { constants: number; total: number } {
    return { constants: this.#constantBytes, total: this.#constantBytes + placeBuffers([...this.#buffers]) };
  }
}
